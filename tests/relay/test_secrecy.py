"""Every byte that leaves the relay is looked at: for the page, for the log, for upstream. The key stands where it must."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from anyio.abc import ByteStream, SocketAttribute
from tests.attacks.conftest import Attacked, running
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from louro.protocol.server_events import SessionCreated
from louro.protocol.wire import GA
from louro.relay.policy import Policy
from louro.relay.translate import Translator
from louro.session.setup import Setup, initial_settings

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]
KEY = "sk-of-the-relay-alone-9c41e7"
APPS_KEY = "sk-of-the-app-0d2b55"
BEGUN = GA.encode(SessionCreated(event_id="e1", session=initial_settings(Setup(model=KEY), "sess_1", 0)))


class Gossip:
    """An upstream that tells the key that it was shown wherever it can."""

    def refuse(self, link: ServerConnection, request: Request) -> Response | None:
        if "refused" not in request.path:
            return None
        response = link.respond(HTTPStatus.UNAUTHORIZED, f"Incorrect API key: {KEY}")
        response.headers["X-Key"] = KEY
        return response

    async def talk(self, link: ServerConnection) -> None:
        assert link.request is not None
        assert link.request.headers["Authorization"] == f"Bearer {KEY}"
        assert BEGUN is not None
        await link.send(BEGUN, text=True)
        for event in (
            {
                "type": "error",
                "event_id": "e2",
                "error": {"type": "x", "code": "invalid_api_key", "message": KEY},
            },
            {
                "type": "error",
                "event_id": "e3",
                "error": {"type": "x", "code": "other", "message": f"not {KEY}!"},
            },
            {"type": "event.of.tomorrow", "event_id": "e4", KEY: KEY},
        ):
            await link.send(json.dumps(event))
        await link.recv()
        await link.close(4000, f"Incorrect API key: {KEY}")


class Tap:
    """Between the app and the relay: keeps every byte that comes from the relay."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.heard = bytearray()

    async def pass_on(self, app: ByteStream) -> None:
        async with (
            app,
            await anyio.connect_tcp("127.0.0.1", self._port) as relay,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(self._copy, app, relay)
            await self._copy(relay, app, self.heard)
            tasks.cancel_scope.cancel()

    async def _copy(self, source: ByteStream, sink: ByteStream, kept: bytearray | None = None) -> None:
        try:
            async for piece in source:
                if kept is not None:
                    kept += piece
                await sink.send(piece)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            return


@asynccontextmanager
async def tapped(relay: Attacked) -> AsyncIterator[tuple[Tap, str]]:
    tap = Tap(relay.port)
    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(listener.serve, tap.pass_on)
        yield tap, f"ws://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"
        tasks.cancel_scope.cancel()


async def all_of_it(url: str, dialect: str) -> None:
    """A conversation, until it is over for whatever reason."""
    offered = ["realtime", f"openai-insecure-api-key.{APPS_KEY}"]
    if dialect == "beta":
        offered.append("openai-beta.realtime-v1")
    with anyio.fail_after(10):
        try:
            async with connect(url, subprotocols=offered) as socket:  # type: ignore[arg-type]
                for kind in ("no.such", "response.create"):
                    await socket.send(json.dumps({"type": kind}))
                async for _ in socket:
                    pass
        except ConnectionClosed:
            return


@pytest.mark.parametrize("pinned", [False, True], ids=["as it is", "pinned"])
async def test_the_key_stands_in_no_byte_that_leaves(tmp_path: Path, pinned: bool) -> None:
    gossip = Gossip()
    keys = {"OPENAI_API_KEY": KEY, "LOURO_API_KEY": APPS_KEY}
    (tmp_path / "pin.txt").write_text("Sell parrots.", encoding="utf-8")
    policy = ("--instructions", "pin.txt") if pinned else ()
    async with serve(gossip.talk, "127.0.0.1", 0, process_request=gossip.refuse) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        upstream = ("--upstream", f"http://127.0.0.1:{port}", "--port", "0")
        with running(tmp_path, "relay", *upstream, *policy, keys=keys) as relay:
            async with tapped(relay) as (tap, address):
                for dialect in ("ga", "beta"):
                    await all_of_it(f"{address}/?model=m", dialect)
                    await all_of_it(f"{address}/v1/realtime?model=refused", dialect)
                    await all_of_it(f"{address}/v1/realtime?model=m&key={KEY}", dialect)
                heard = bytes(tap.heard)
            log = relay.log
    assert heard.count(b"session.created") >= 4
    assert b"upstream_refused" in heard
    assert KEY.encode() not in heard
    assert KEY not in log
    assert APPS_KEY not in log
    assert APPS_KEY.encode() not in heard


def test_a_key_that_is_none_is_no_secret() -> None:
    """Servers of one's own are given `none`, or a letter: it must not be cut out of what they say."""
    translator = Translator(GA, GA, Policy(), hushed=("none", KEY))
    assert translator.to_client(f'{{"type":"x","y":"none of {KEY}"}}') == [b'{"type":"x","y":"none of ***"}']
