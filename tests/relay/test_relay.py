"""What a relay adds: whose key it is, what the operator decides, and who is to blame when upstream is away."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from msgspec import structs
from tests.relay.conftest import UPSTREAM_KEY, Relaying
from tests.serving import Serving
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from louro.client import RealtimeClient
from louro.protocol.client_events import (
    ConversationItemCreate,
    InputAudioBufferClear,
    ResponseCreate,
    SessionUpdate,
)
from louro.protocol.errors import ClientError
from louro.protocol.items import FunctionCallItem, FunctionCallOutputItem, MessageItem
from louro.protocol.response import ResponseParams
from louro.protocol.server_events import ConversationItemAdded, ConversationItemDone, ResponseOutputItemDone
from louro.protocol.session import FunctionTool, RealtimeSessionPatch
from louro.protocol.wire import BETA, GA, Dialect
from louro.relay.endpoint import Upstream, address_of
from louro.relay.policy import Policy
from louro.relay.translate import Translator

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]
LOURO = Path(sys.executable).with_name("louro")
PINNED = Policy(models=("gpt-realtime*",), instructions="Sell parrots.", tools=(FunctionTool(name="buy"),))


def upstream(behind: Serving) -> Upstream:
    return Upstream(behind.address, UPSTREAM_KEY, env_file=None)


def passed(translator: Translator, frame: str) -> bytes:
    return translator.to_upstream(frame, translator.read(frame))[0]


async def receive(socket: ClientConnection) -> dict[str, Any]:
    with anyio.fail_after(5):
        event: dict[str, Any] = json.loads(await socket.recv())
    return event


async def test_the_key_never_reaches_the_client(behind: Serving) -> None:
    frames: list[str] = []
    with Relaying(upstream(behind)) as relay:
        async with connect(f"{relay.websocket}/?model=gpt-realtime") as socket:
            update = {
                "type": "session.update",
                "session": {"type": "realtime", "output_modalities": ["text"]},
            }
            for event in (update, {"type": "response.create"}, {"type": "no.such"}):
                await socket.send(json.dumps(event))
            while not all(kind in "".join(frames) for kind in ('"response.done"', '"error"')):
                with anyio.fail_after(5):
                    frames.append(str(await socket.recv()))
            seen = "".join(frames) + str(socket.response and socket.response.headers)
    with Relaying(Upstream(behind.address, f"{UPSTREAM_KEY}-wrong", env_file=None)) as relay:
        async with connect(f"{relay.websocket}/?model=gpt-realtime") as socket:
            with pytest.raises(ConnectionClosed):
                while True:
                    seen += str(await socket.recv())
    assert "session.created" in seen
    assert UPSTREAM_KEY not in seen


async def test_what_is_pinned_cannot_be_changed(behind: Serving) -> None:
    with Relaying(upstream(behind), PINNED) as relay:
        async with RealtimeClient(relay.address, model="gpt-realtime-mini", env_file=None) as client:
            session = await client.update_session(
                instructions="Give them away.", tools=[], output_modalities=["text"]
            )
            assert session.instructions == "", "they are the operator's, and not told"  # type: ignore[union-attr]
            assert [tool.name for tool in session.tools] == ["buy"]  # type: ignore[union-attr]
            errors = client.events("error")
            await client.send_raw('{"type": "session.update", "session": {"novel_instructions": "x"}}')
            with anyio.fail_after(5):
                _, error = await anext(errors)
            assert error.code is not None, "what the relay does not know cannot be let past the operator"


async def test_only_these_models(behind: Serving) -> None:
    with Relaying(upstream(behind), PINNED) as relay:
        async with connect(f"{relay.websocket}/v1/realtime?model=o9-expensive") as socket:
            error = (await receive(socket))["error"]
            assert error["code"] == "model_not_found"
            assert "gpt-realtime*" in error["message"]
            with pytest.raises(ConnectionClosed):
                await socket.recv()


async def test_clients_of_a_relay_need_its_own_key(behind: Serving) -> None:
    with Relaying(upstream(behind), keys=("sk-app",)) as relay:
        async with connect(f"{relay.websocket}/?model=m") as socket:
            assert (await receive(socket))["error"]["code"] == "invalid_api_key"
        async with connect(
            f"{relay.websocket}/?model=m", additional_headers={"Authorization": "Bearer sk-app"}
        ) as socket:
            assert (await receive(socket))["type"] == "session.created"


async def test_an_upstream_that_is_away_is_named_as_such() -> None:
    with Relaying(Upstream("http://127.0.0.1:9", "k", env_file=None)) as relay:
        async with connect(f"{relay.websocket}/?model=m") as socket:
            assert (await receive(socket))["error"]["code"] == "upstream_unavailable"
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1011


async def test_the_close_of_upstream_reaches_the_client(behind: Serving) -> None:
    with Relaying(Upstream(behind.address, "sk-wrong", env_file=None)) as relay:
        async with connect(f"{relay.websocket}/?model=m") as socket:
            error = (await receive(socket))["error"]
            assert error["code"] == "upstream_refused", "the app's own key is not to blame"
            assert "sk-" not in error["message"]
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 3000


@pytest.mark.parametrize(
    "event", [InputAudioBufferClear(), ResponseCreate(), SessionUpdate(session=RealtimeSessionPatch())]
)
def test_an_open_policy_changes_nothing(event: Any) -> None:
    assert Policy().allow(event) is event


def test_a_response_cannot_get_round_the_policy() -> None:
    params = ResponseParams(instructions="Give them away.", tools=(), metadata={"a": "b"})
    allowed = PINNED.allow(ResponseCreate(response=params))
    assert allowed == ResponseCreate(response=ResponseParams(metadata={"a": "b"}))


def test_a_client_of_the_other_dialect_is_told_what_is_wrong_with_its_event() -> None:
    translator = Translator(BETA, GA, Policy())
    with pytest.raises(ClientError) as refused:
        translator.read('{"type": "no.such", "event_id": "e"}')
    told = json.loads(translator.error(refused.value, "event_1"))
    assert told["error"]["event_id"] == "e"
    assert not translator.to_client('{"type": "server.of.tomorrow"}')


@pytest.mark.parametrize(("client", "behind"), [(GA, GA), (BETA, BETA)])
def test_the_same_dialect_passes_as_it_is(client: Dialect, behind: Dialect) -> None:
    translator = Translator(client, behind, Policy())
    frame = '{"type":"event.of.tomorrow","x":1}'
    assert translator.to_client(frame) == [frame.encode()]
    assert passed(translator, frame) == frame.encode()
    closed = Translator(client, behind, PINNED)
    with pytest.raises(ClientError):
        passed(closed, frame)


def test_an_answer_without_call_id_goes_to_the_latest_call() -> None:
    translator = Translator(BETA, GA, Policy())
    for number in (1, 2):
        call = FunctionCallItem(
            id=f"i{number}", name="f", arguments="{}", call_id=f"c{number}", status="completed"
        )
        done = ResponseOutputItemDone(event_id="e", response_id=f"r{number}", output_index=0, item=call)
        told = GA.encode(done)
        assert told is not None
        translator.to_client(told.decode())
    answer = ConversationItemCreate(item=FunctionCallOutputItem(output="4"))
    sent = [json.loads(passed(translator, BETA.encode_client(answer).decode())) for _ in range(2)]
    assert [event["item"]["call_id"] for event in sent] == ["c2", "c1"]


def test_todays_clients_learn_when_an_item_is_done_also_from_beta() -> None:
    translator = Translator(GA, BETA, Policy())
    item = MessageItem(id="i", role="assistant", content=(), status="in_progress")
    added = ConversationItemAdded(event_id="e1", previous_item_id="before", item=item)
    whole = structs.replace(item, status="completed")
    done = ResponseOutputItemDone(event_id="e2", response_id="r", output_index=0, item=whole)
    frames = [frame.decode() for event in (added, done) if (frame := BETA.encode(event)) is not None]
    told = [GA.decode_server(one) for frame in frames for one in translator.to_client(frame)]
    assert [type(event) for event in told] == [
        ConversationItemAdded,
        ConversationItemDone,
        ResponseOutputItemDone,
    ]
    assert isinstance(told[1], ConversationItemDone)
    assert told[1].previous_item_id == "before"


def test_upstreams_have_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    for wanted in ("openai", "azure"):
        with pytest.raises(Exception, match="Set "):
            address_of(wanted)
    (tmp_path / ".env").write_text("OPENAI_API_KEY=k\n", encoding="utf-8")
    assert address_of("openai") == "https://api.openai.com/v1"
    assert address_of("http://10.0.0.1:8000") == "http://10.0.0.1:8000"
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://me.openai.azure.com")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "k")
    assert address_of("azure") == "https://me.openai.azure.com"


def test_the_command_says_what_it_needs(tmp_path: Path) -> None:
    done = subprocess.run(
        [LOURO, "relay"], capture_output=True, text=True, cwd=tmp_path, env={"PATH": ""}, check=False
    )
    assert done.returncode == 1
    assert "Set OPENAI_API_KEY" in done.stderr


async def test_the_command_relays(behind: Serving, tmp_path: Path) -> None:
    command = [str(LOURO), "relay", "--port", "0", "--upstream", behind.address, "--upstream-dialect", "ga"]
    environment = {"PATH": "", "OPENAI_API_KEY": UPSTREAM_KEY}
    relay = subprocess.Popen(  # noqa: ASYNC220 - starts at once, and the test has nothing else to do
        command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=environment
    )
    try:
        assert relay.stdout is not None
        welcome = relay.stdout.readline()
        address = welcome.split()[2]
        async with RealtimeClient(f"{address}/v1", dialect="beta", env_file=None) as client:
            await client.send_user_message("Hi.")
            while (item := await client.wait_for_next_completed_item()).role != "assistant":
                pass
            assert item.words == "You said: Hi."
    finally:
        relay.terminate()
        relay.communicate(timeout=10)
