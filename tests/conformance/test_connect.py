"""The handshake: who comes in, in which dialect, and how those who do not are told."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import trustme
from msgspec import structs
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from louro.server import load_engines
from louro.session.session import Session
from tests.conformance.marks import requirement
from tests.serving import SCRIPTED, Serving

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]


def open_socket(
    serving: Serving, query: str = "?model=m", offers: tuple[str, ...] = (), **options: Any
) -> connect:
    subprotocols = [Subprotocol(name) for name in offers] or None
    return connect(f"{serving.websocket}/v1/realtime{query}", subprotocols=subprotocols, **options)


async def receive(socket: ClientConnection) -> dict[str, Any]:
    with anyio.fail_after(5):
        event: dict[str, Any] = json.loads(await socket.recv())
    return event


async def fetch(url: str) -> str:
    async with httpx.AsyncClient() as client:
        return (await client.get(url)).text


async def closing(socket: ClientConnection) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as closed, anyio.fail_after(5):
        await socket.recv()
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


@requirement("connect.dialect.header")
async def test_a_header_selects_beta(scripted: Serving) -> None:
    async with open_socket(
        scripted, "?model=gpt-realtime", additional_headers={"OpenAI-Beta": "realtime=v1"}
    ) as socket:
        created = await receive(socket)
        assert "modalities" in created["session"]


@requirement("connect.dialect.subprotocol")
async def test_a_subprotocol_selects_beta(scripted: Serving) -> None:
    offers = ("realtime", "openai-insecure-api-key.sk-x", "openai-beta.realtime-v1")
    async with open_socket(scripted, offers=offers) as socket:
        assert socket.subprotocol == "realtime"
        assert "modalities" in (await receive(socket))["session"]


@requirement("connect.dialect.azure")
async def test_azures_preview_is_beta() -> None:
    settings = structs.replace(SCRIPTED, api_keys=("secret",))
    with Serving(settings, load_engines(settings, lambda _: None)) as serving:
        url = f"{serving.websocket}/openai/realtime?api-version=2024-10-01-preview&deployment=gpt-4o-realtime-preview"
        async with connect(url, additional_headers={"api-key": "secret"}) as socket:
            created = await receive(socket)
            assert created["session"]["model"] == "gpt-4o-realtime-preview"
            assert "modalities" in created["session"]


@requirement("connect.subprotocol")
async def test_realtime_is_echoed_when_offered_and_only_then(scripted: Serving) -> None:
    async with open_socket(scripted, offers=("realtime",)) as socket:
        assert socket.subprotocol == "realtime"
        assert "output_modalities" in (await receive(socket))["session"]
    async with open_socket(scripted) as socket:
        assert socket.subprotocol is None


@requirement("connect.azure.today")
async def test_azures_newer_path_is_todays_dialect() -> None:
    settings = structs.replace(SCRIPTED, api_keys=("secret",))
    with Serving(settings, load_engines(settings, lambda _: None)) as serving:
        url = f"{serving.websocket}/openai/v1/realtime?model=my-deployment"
        async with connect(url, additional_headers={"api-key": "secret"}) as socket:
            assert (await receive(socket))["session"]["type"] == "realtime"


@pytest.mark.parametrize("path", ["", "/", "/realtime", "/v1/realtime/"])
@requirement("connect.path.bare")
async def test_an_address_without_a_path_will_do(scripted: Serving, path: str) -> None:
    async with connect(f"{scripted.websocket}{path}?model=m") as socket:
        assert (await receive(socket))["type"] == "session.created"


@requirement("connect.call.unknown")
async def test_a_call_that_does_not_exist_is_not_found(scripted: Serving) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await open_socket(scripted, "?call_id=rtc_nothing")
    assert refused.value.response.status_code == 404
    assert json.loads(refused.value.response.body or b"")["error"]["code"] == "call_id_not_found"


@requirement("connect.key")
@requirement("connect.key.header")
@requirement("connect.key.subprotocol")
async def test_keys() -> None:
    settings = structs.replace(SCRIPTED, api_keys=("sk-right",))
    with Serving(settings, load_engines(settings, lambda _: None)) as serving:
        for headers in (
            {},
            {"Authorization": "Bearer sk-wrong"},
            {"api-key": "sk-wr\u00f6ng".encode().decode("latin-1")},
        ):
            async with open_socket(serving, additional_headers=headers) as socket:
                error = (await receive(socket))["error"]
                assert error["code"] == "invalid_api_key"
                assert error["message"].startswith("Incorrect API key provided")
                assert "wrong" not in error["message"]
                assert await closing(socket) == (3000, "invalid_request_error.invalid_api_key")
        async with open_socket(serving, additional_headers={"Authorization": "Bearer sk-right"}) as socket:
            assert (await receive(socket))["type"] == "session.created"
        async with open_socket(serving, additional_headers={"api-key": "sk-right"}) as socket:
            assert (await receive(socket))["type"] == "session.created"
        async with open_socket(serving, offers=("realtime", "openai-insecure-api-key.sk-right")) as socket:
            assert (await receive(socket))["type"] == "session.created"


@requirement("connect.model.missing")
async def test_a_session_needs_a_model(scripted: Serving) -> None:
    async with open_socket(scripted, "") as socket:
        assert (await receive(socket))["error"]["code"] == "missing_model"
        assert await closing(socket) == (4000, "invalid_request_error.missing_model")


@requirement("connect.transcription.model")
async def test_a_transcription_session_takes_no_model(scripted: Serving) -> None:
    async with open_socket(scripted, "?intent=transcription&model=m") as socket:
        error = (await receive(socket))["error"]
        assert error["message"] == "You must not provide a model parameter for transcription sessions."
        assert (await closing(socket))[0] == 4000


@requirement("connect.rate.bounds")
async def test_a_rate_that_no_recorder_has_is_refused(scripted: Serving) -> None:
    async with open_socket(scripted, "?model=m&input_sample_rate=7") as socket:
        assert (await receive(socket))["error"]["code"] == "invalid_value"


@requirement("connect.path.unknown")
async def test_a_wrong_path_is_not_found(scripted: Serving) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{scripted.websocket}/v2/realtime?model=m")
    assert refused.value.response.status_code == 404
    assert b"/v1/realtime?model=NAME" in (refused.value.response.body or b"")


@requirement("connect.full")
async def test_a_full_server_says_so() -> None:
    settings = structs.replace(SCRIPTED, sessions=1, queue=1, queue_s=0.1)
    with Serving(settings, load_engines(settings, lambda _: None)) as serving:
        async with open_socket(serving) as first:
            await receive(first)
            async with open_socket(serving) as second:
                assert (await receive(second))["error"]["code"] == "session_limit_reached"
                assert (await closing(second))[0] == 1013
            health = json.loads(await fetch(f"{serving.address}/health"))
            assert (health["status"], health["sessions"]) == ("ok", 1)
        serving.server.config.app.gate.is_draining = True  # type: ignore[union-attr]
        async with open_socket(serving) as late:
            assert (await receive(late))["error"]["code"] == "server_draining"


@requirement("connect.bug")
async def test_a_bug_of_ours_ends_one_session_and_tells_nothing(
    scripted: Serving, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: Session) -> None:
        raise ZeroDivisionError("a secret")

    async with open_socket(scripted) as socket, open_socket(scripted) as other:
        await receive(socket)
        await receive(other)
        with monkeypatch.context() as patched:
            patched.setattr(Session, "_clear", broken)
            await socket.send(json.dumps({"type": "input_audio_buffer.clear"}))
            assert await closing(socket) == (1011, "")
        assert "a session broke" in caplog.text
        await other.send(json.dumps({"type": "input_audio_buffer.clear"}))
        assert (await receive(other))["type"] == "input_audio_buffer.cleared"


@requirement("connect.tls")
async def test_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    identity = authority.issue_cert("127.0.0.1")
    identity.private_key_pem.write_to_path(tmp_path / "key.pem")
    identity.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    settings = structs.replace(
        SCRIPTED, tls_cert=str(tmp_path / "cert.pem"), tls_key=str(tmp_path / "key.pem")
    )
    with Serving(settings, load_engines(settings, lambda _: None)) as serving:
        assert serving.address.startswith("https://")
        trust = ssl.create_default_context()
        authority.configure_trust(trust)
        async with open_socket(serving, ssl=trust) as socket:
            assert (await receive(socket))["type"] == "session.created"


@requirement("error.json")
async def test_frames_that_are_no_events(scripted: Serving) -> None:
    async with open_socket(scripted) as socket:
        await receive(socket)
        for frame, code in (
            ("{", "invalid_json"),
            ("{}", "invalid_event"),
            (b"\x00\x01", "invalid_event"),
            ("[]", "invalid_event"),
        ):
            await socket.send(frame)
            assert (await receive(socket))["error"]["code"] == code
        await socket.send(json.dumps({"type": "session.update", "session": {"type": "realtime"}}))
        assert (await receive(socket))["type"] == "session.updated"


@pytest.mark.parametrize("headers", [{}, {"OpenAI-Beta": "realtime=v1"}], ids=["ga", "beta"])
@requirement("event.tolerance")
async def test_keys_nobody_knows_and_nulls_that_say_nothing_are_taken(
    scripted: Serving, headers: dict[str, str]
) -> None:
    text = {"type": "input_text", "text": "hi", "annotations": None}
    item = {"id": None, "type": "message", "role": "user", "status": None, "content": [text], "phase": "x"}
    async with open_socket(scripted, additional_headers=headers) as socket:
        await receive(socket)
        for event in (
            {"type": "conversation.item.create", "previous_item_id": None, "item": item, "sent_by": "us"},
            {
                "type": "response.create",
                "event_id": None,
                "response": {"instructions": None, "metadata": None},
            },
        ):
            await socket.send(json.dumps(event))
        kinds = set()
        while "response.done" not in kinds:
            kinds.add((await receive(socket))["type"])
        assert "error" not in kinds


@requirement("event.id.length")
async def test_an_id_has_at_most_512_characters(scripted: Serving) -> None:
    async with open_socket(scripted) as socket:
        await receive(socket)
        await socket.send(json.dumps({"type": "input_audio_buffer.clear", "event_id": "x" * 512}))
        assert (await receive(socket))["type"] == "input_audio_buffer.cleared"
        await socket.send(json.dumps({"type": "input_audio_buffer.clear", "event_id": "x" * 513}))
        error = (await receive(socket))["error"]
        assert (error["code"], error["param"], error["event_id"]) == ("invalid_value", "event_id", None)


@requirement("connect.http")
async def test_what_is_http_is_described(scripted: Serving) -> None:
    schema = json.loads(await fetch(f"{scripted.address}/openapi.json"))
    assert {"/health", "/v1/models", "/metrics"} <= set(schema["paths"])
    assert json.loads(await fetch(f"{scripted.address}/v1/models"))["data"][0]["id"] == "louro"
    metrics = await fetch(f"{scripted.address}/metrics")
    assert "louro_sessions " in metrics
    assert "louro_stage_seconds" in metrics
