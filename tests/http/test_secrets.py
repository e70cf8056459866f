"""Keys at the door, and ephemeral ones from the desk, by the official SDK."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from msgspec import structs
from openai import AsyncOpenAI, AuthenticationError, BadRequestError
from tests.serving import SCRIPTED, Serving

from louro.client import ConnectionFailed, RealtimeClient
from louro.protocol.session import RealtimeSession
from louro.server import load_engines
from louro.store.keys import open_store

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]
NOW = 1_700_000_000.0


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Serving, str]]:
    """A server whose store holds one key, and that key."""
    place = str(tmp_path_factory.mktemp("store") / "louro.db")
    store = open_store(place)
    _, key = store.create("app", project="p", scopes=("realtime",), expires_at=None, now=NOW)
    _, narrow = store.create("narrow", project="p", scopes=("usage",), expires_at=None, now=NOW)
    store.close()
    settings = structs.replace(SCRIPTED, store=place)
    with Serving(settings, load_engines(settings, lambda _: None)) as serving:
        serving.narrow = narrow  # type: ignore[attr-defined]
        yield serving, key


def sdk(serving: Serving, key: str) -> AsyncOpenAI:
    return AsyncOpenAI(api_key=key, base_url=f"{serving.address}/v1", max_retries=0)


async def opened(serving: Serving, key: str, **more: Any) -> RealtimeSession:
    async with RealtimeClient(serving.address, api_key=key, env_file=None, **more) as client:
        assert isinstance(client.session, RealtimeSession)
        return client.session


async def test_a_stored_key_opens_a_session(locked: tuple[Serving, str]) -> None:
    serving, key = locked
    assert (await opened(serving, key)).id.startswith("sess_")
    for wrong in ("", "sk-wrong", key[:-1], serving.narrow):  # type: ignore[attr-defined]
        with pytest.raises(ConnectionFailed) as refused:
            await opened(serving, wrong)
        assert refused.value.code in ("invalid_api_key", "insufficient_scope")


async def test_an_ephemeral_key_opens_the_session_that_it_is_bound_to(locked: tuple[Serving, str]) -> None:
    serving, key = locked
    async with sdk(serving, key) as client:
        made = await client.realtime.client_secrets.create(
            expires_after={"anchor": "created_at", "seconds": 30},
            session={
                "type": "realtime",
                "model": "parrot-1",
                "instructions": "Be a parrot.",
                "audio": {"output": {"voice": "cedar"}},
            },
        )
    assert made.value.startswith("ek_")
    assert made.session.instructions == "Be a parrot."  # type: ignore[union-attr]
    session = await opened(serving, made.value, model="parrot-1")
    assert (session.instructions, session.audio.output.voice) == ("Be a parrot.", "cedar")
    async with RealtimeClient(serving.address, api_key=made.value, env_file=None) as client_again:
        with anyio.fail_after(5):
            await client_again.send_user_message("Hi.")
            while (item := await client_again.wait_for_next_completed_item()).role != "assistant":
                pass
        assert item.words == "You said: Hi."
    with pytest.raises(AuthenticationError):
        async with sdk(serving, made.value) as client:
            await client.realtime.client_secrets.create()


async def test_the_betas_desk_is_flat(locked: tuple[Serving, str]) -> None:
    serving, key = locked
    async with sdk(serving, key) as client:
        made = await client.beta.realtime.sessions.create(
            model="gpt-4o-realtime-preview", voice="verse", instructions="Be a parrot."
        )
        heard = await client.beta.realtime.transcription_sessions.create(
            input_audio_transcription={"model": "whisper-1"}
        )
    session = await opened(serving, made.client_secret.value, dialect="beta")
    assert (session.instructions, session.audio.output.voice) == ("Be a parrot.", "verse")
    assert heard.client_secret.value.startswith("ek_")
    async with RealtimeClient(
        serving.address, api_key=heard.client_secret.value, env_file=None
    ) as client_of_it:
        assert not isinstance(client_of_it.session, RealtimeSession)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"expires_after": {"anchor": "created_at", "seconds": 5}}, "expires_after.seconds"),
        ({"expires_after": {"seconds": 7201}}, "expires_after.seconds"),
        ({"expires_after": "soon"}, "expires_after.seconds"),
        ({"session": 3}, "session"),
        ({"session": {"type": "realtime", "audio": {"output": {"speed": 9}}}}, "session.audio.output.speed"),
        ({"session": {"type": "realtime", "novel": 1}}, "session.novel"),
    ],
)
async def test_what_is_wrong_is_told_by_its_path(
    locked: tuple[Serving, str], body: dict[str, Any], param: str
) -> None:
    serving, key = locked
    async with sdk(serving, key) as client:
        with pytest.raises(BadRequestError) as refused:
            await client.post("/realtime/client_secrets", body=body, cast_to=object)
    assert refused.value.param == param


async def test_what_is_no_object_is_refused(locked: tuple[Serving, str]) -> None:
    serving, key = locked
    url = f"{serving.address}/v1/realtime/client_secrets"
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(timeout=10) as client:
        for content, status in ((b"{", 400), (b"[]", 400), (b"[" * 100_000, 400), (b"x" * 1_000_001, 413)):
            told = await client.post(url, content=content, headers=headers)
            assert told.status_code == status
            assert told.json()["error"]["type"] == "invalid_request_error"
        assert (await client.post(url, content=b"{}")).status_code == 401


async def test_an_open_server_gives_ephemeral_keys_to_everybody(tmp_path: Path) -> None:
    settings = structs.replace(SCRIPTED, store=str(tmp_path / "none.db"))
    with Serving(settings, load_engines(settings, lambda _: None)) as serving:
        async with sdk(serving, "none") as client:
            made = await client.realtime.client_secrets.create(session={"type": "realtime"})
        assert (await opened(serving, made.value)).id.startswith("sess_")
        with pytest.raises(ConnectionFailed):
            await opened(serving, "ek_wrong")
    assert not (tmp_path / "none.db").exists()
