"""What can fail does not show: an upstream that goes away is reopened, or another one goes on."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from msgspec import structs
from tests.relay.conftest import UPSTREAM_KEY, Relaying
from tests.serving import SCRIPTED, Serving
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection, serve

from louro.relay import session as relay_session
from louro.relay.endpoint import Upstream
from louro.server import load_engines

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]


class Mischief:
    """A proxy in front of an upstream, that drops its connections when it is told to, or refuses new ones."""

    def __init__(self, behind: str) -> None:
        self._behind = behind.replace("http", "ws", 1)
        self._live: list[ServerConnection] = []
        self._server: Server | None = None
        self.opened = 0
        self.is_away = False
        self.eats: Callable[[dict[str, Any]], bool] = lambda _: False
        """Of upstream's events: the connection breaks instead of passing it on."""

    @property
    def address(self) -> str:
        assert self._server is not None
        port: int = next(iter(self._server.sockets)).getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def drop(self) -> None:
        for socket in self._live:
            socket.transport.abort()
        self._live.clear()

    async def _pass(self, socket: ServerConnection) -> None:
        if self.is_away:
            await socket.close(1013)
            return
        self.opened += 1
        self._live.append(socket)
        path = socket.request.path if socket.request is not None else "/"
        headers = {"Authorization": f"Bearer {UPSTREAM_KEY}"}
        async with (
            connect(f"{self._behind}{path}", additional_headers=headers, close_timeout=0.1) as upstream,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(self._forth, socket, upstream)
            await self._back(socket, upstream)
            tasks.cancel_scope.cancel()

    async def _forth(self, socket: ServerConnection, upstream: ClientConnection) -> None:
        async for frame in socket:
            await upstream.send(frame)
        await upstream.close()

    async def _back(self, socket: ServerConnection, upstream: ClientConnection) -> None:
        async for frame in upstream:
            if self.eats(json.loads(frame)):
                socket.transport.abort()
                return
            await socket.send(frame)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Mischief]:
        async with serve(self._pass, "127.0.0.1", 0) as self._server:
            yield self


class Talk:
    """An app's side, in today's dialect and without a client library that would hide what comes."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.events: list[dict[str, Any]] = []

    async def send(self, kind: str, **fields: Any) -> None:
        await self._socket.send(json.dumps({"type": kind, **fields}))

    async def until(self, kind: str) -> dict[str, Any]:
        with anyio.fail_after(20):
            while True:
                event: dict[str, Any] = json.loads(await self._socket.recv())
                self.events.append(event)
                if event["type"] == kind:
                    return event

    async def write(self, text: str, id_: str | None = None) -> None:
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        await self.send("conversation.item.create", item=item if id_ is None else {**item, "id": id_})

    async def ask(self, text: str, id_: str | None = None) -> dict[str, Any]:
        await self.write(text, id_)
        await self.send("response.create")
        done: dict[str, Any] = (await self.until("response.done"))["response"]
        return done

    async def item(self, id_: str) -> dict[str, Any]:
        await self.send("conversation.item.retrieve", item_id=id_)
        found: dict[str, Any] = (await self.until("conversation.item.retrieved"))["item"]
        return found

    @property
    def names(self) -> list[str]:
        return [event["type"] for event in self.events]


@asynccontextmanager
async def talk(relay: Relaying) -> AsyncIterator[Talk]:
    async with connect(f"{relay.websocket}/v1/realtime?model=m", max_size=None) as socket:
        told = Talk(socket)
        await told.until("session.created")
        yield told


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_session, "DELAYS_S", (0.0, 0.01, 0.02, 0.05))


def behind_of(mischief: Mischief) -> Upstream:
    return Upstream(mischief.address, "k", env_file=None)


async def test_an_upstream_that_drops_is_reopened_and_the_conversation_put_back(behind: Serving) -> None:
    async with Mischief(behind.address).serving() as mischief:
        with Relaying(behind_of(mischief)) as relay:
            async with talk(relay) as told:
                settings = {"type": "realtime", "output_modalities": ["text"], "instructions": "Be brief."}
                await told.send("session.update", session=settings)
                await told.until("session.updated")
                first = await told.ask("One", "user_one")
                mischief.drop()
                seen = len(told.events)
                second = await told.ask("Two", "user_two")
                assert second["status"] == "completed"
                answer = second["output"][0]
                assert answer["content"][0]["text"] == "You said: Two"
                assert mischief.opened == 2
                assert not {"session.created", "session.updated", "error"} & set(told.names[seen:])
                added = [one for one in told.events[seen:] if one["type"] == "conversation.item.added"]
                assert [one["item"]["id"] for one in added] == ["user_two", answer["id"]]
                assert added[0]["previous_item_id"] == first["output"][0]["id"], "the place is still the same"
                assert (await told.item("user_one"))["content"][0]["text"] == "One"
                kept = await told.item(first["output"][0]["id"])
                assert kept["content"][0]["text"] == "You said: One"
                await told.send("session.update", session={"type": "realtime"})
                session = (await told.until("session.updated"))["session"]
                assert (session["instructions"], session["output_modalities"]) == ("Be brief.", ["text"])


async def test_an_answer_that_had_not_begun_is_asked_for_again_under_its_own_id(behind: Serving) -> None:
    async with Mischief(behind.address).serving() as mischief:
        eaten: list[str] = []

        def eats(event: dict[str, Any]) -> bool:
            if event["type"] != "response.output_item.added" or eaten:
                return False
            eaten.append(event["type"])
            return True

        mischief.eats = eats
        with Relaying(behind_of(mischief)) as relay:
            async with talk(relay) as told:
                done = await told.ask("Hello")
                assert done["status"] == "completed"
                created = [one for one in told.events if one["type"] == "response.created"]
                assert [one["response"]["id"] for one in created] == [done["id"]]
                of = {one["response_id"] for one in told.events if "response_id" in one}
                assert of == {done["id"]}
                assert mischief.opened == 2


async def test_what_upstream_never_heard_is_told_again(behind: Serving) -> None:
    async with Mischief(behind.address).serving() as mischief:
        eaten: list[str] = []

        def eats(event: dict[str, Any]) -> bool:
            is_first = event["type"] == "conversation.item.added" and not eaten
            eaten.extend([event["type"]] if is_first else [])
            return is_first

        mischief.eats = eats
        with Relaying(behind_of(mischief)) as relay:
            async with talk(relay) as told:
                done = await told.ask("Hello", "user_one")
                assert done["status"] == "completed"
                assert [name for name in told.names if name == "response.created"] == ["response.created"]
                assert (await told.item("user_one"))["content"][0]["text"] == "Hello"


async def test_an_answer_that_was_cut_by_it_is_told_to_have_failed(behind: Serving) -> None:
    async with Mischief(behind.address).serving() as mischief:
        eaten: list[str] = []

        def eats(event: dict[str, Any]) -> bool:
            is_first = event["type"] == "response.output_audio.delta" and not eaten
            eaten.extend([event["type"]] if is_first else [])
            return is_first

        mischief.eats = eats
        with Relaying(behind_of(mischief)) as relay:
            async with talk(relay) as told:
                done = await told.ask("Hello")
                assert done["status"] == "failed"
                assert done["status_details"]["error"]["code"] == "upstream_lost"
                assert [item["status"] for item in done["output"]] == ["incomplete"]
                again = await told.ask("Again")
                assert again["status"] == "completed"


async def test_speech_that_was_under_way_is_heard_all_the_same(behind: Serving, question: bytes) -> None:
    async with Mischief(behind.address).serving() as mischief:
        with Relaying(behind_of(mischief)) as relay:
            async with talk(relay) as told:
                import base64  # noqa: PLC0415

                async def say(pcm: bytes) -> None:
                    for start in range(0, len(pcm), 4800):
                        piece = base64.b64encode(pcm[start : start + 4800]).decode()
                        await told.send("input_audio_buffer.append", audio=piece)

                half = len(question) // 4 * 2
                await say(question[:half])
                await told.until("input_audio_buffer.speech_started")
                mischief.drop()
                await say(question[half:] + bytes(48 * 1200))
                await told.until("input_audio_buffer.committed")
                assert (await told.until("response.done"))["response"]["status"] == "completed"


async def test_an_upstream_that_stays_away_ends_the_session(behind: Serving) -> None:
    async with Mischief(behind.address).serving() as mischief:
        with Relaying(behind_of(mischief)) as relay:
            async with talk(relay) as told:
                mischief.is_away = True
                mischief.drop()
                with pytest.raises(Exception, match="1012"):
                    await told.until("never")


@pytest.mark.parametrize("is_away_at_first", [False, True])
async def test_the_fallback_goes_on_and_says_so(behind: Serving, is_away_at_first: bool) -> None:
    own = structs.replace(SCRIPTED, models={"m": "louro-embedded"})
    with Serving(own, load_engines(own, lambda _: None)) as serving:
        async with Mischief(behind.address).serving() as mischief:
            mischief.is_away = is_away_at_first
            fallback = Upstream(serving.address, env_file=None)
            with Relaying(behind_of(mischief), fallback=fallback) as relay:
                async with talk(relay) as told:
                    if is_away_at_first:
                        assert told.events[0]["session"]["model"] == "louro-embedded"
                    else:
                        await told.ask("One", "user_one")
                        mischief.is_away = True
                        mischief.drop()
                        session = (await told.until("session.updated"))["session"]
                        assert session["model"] == "louro-embedded"
                        assert (await told.item("user_one"))["content"][0]["text"] == "One"
                    assert (await told.ask("Two"))["status"] == "completed"
