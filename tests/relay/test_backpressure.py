"""A slow side slows its own other side, through the relay, and nobody else; the relay holds what its queues hold."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import pytest
from tests.attacks.conftest import running
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]
MB = 1_000_000
ALL_FRAMES = 1_500
"""Of 43 kB: 64 MB, far more than all buffers of the system between two processes hold."""
SOUND = base64.b64encode(bytes(32_000)).decode()
DELTA = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0, "delta": SOUND}
SESSION = {"type": "realtime", "object": "realtime.session", "id": "sess_1", "model": "m", "audio": {}}


class Fountain:
    """An upstream that speaks as fast as it is heard, and hears as slowly as it is told to."""

    def __init__(self) -> None:
        self.spoken: dict[str, int] = {}
        """Frames, by the model that was asked for."""
        self.heard = 0
        self.listens = anyio.Event()

    async def flow(self, link: ServerConnection) -> None:
        assert link.request is not None
        who = urlsplit(link.request.path).query.removeprefix("model=")
        await link.send(json.dumps({"type": "session.created", "event_id": "e", "session": SESSION}))
        try:
            if who == "deaf":
                await self.listens.wait()
                async for _ in link:
                    self.heard += 1
                return
            await link.recv()
            for number in range(ALL_FRAMES):
                await link.send(
                    json.dumps({"type": "response.output_audio.delta", "event_id": f"e{number}", **DELTA})
                )
                self.spoken[who] = number + 1
        except ConnectionClosed:
            return
        await link.wait_closed()


@asynccontextmanager
async def an_app(address: str, model: str) -> AsyncIterator[ClientConnection]:
    """Its own buffers are small: what it does not take has to wait elsewhere."""
    parts = urlsplit(address)
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
    await anyio.to_thread.run_sync(narrow.connect, (parts.hostname, parts.port))
    narrow.setblocking(False)
    url = f"ws://{parts.netloc}/v1/realtime?model={model}"
    async with connect(url, sock=narrow, max_queue=1, max_size=None, close_timeout=0.1) as link:
        assert json.loads(await link.recv())["type"] == "session.created"
        yield link


async def all_of(app: ClientConnection) -> list[str]:
    """The ids of what is spoken, to the end."""
    ids: list[str] = []
    with anyio.fail_after(40):
        while len(ids) < ALL_FRAMES:
            ids.append(json.loads(await app.recv())["event_id"])
    return ids


async def test_a_slow_page_slows_its_own_upstream_and_nobody_else(tmp_path: Path) -> None:
    fountain = Fountain()
    async with serve(fountain.flow, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        upstream = ("--upstream", f"http://127.0.0.1:{port}")
        with running(tmp_path, "relay", *upstream, "--port", "0", keys={"OPENAI_API_KEY": "k"}) as relay:
            before = relay.memory_bytes
            async with an_app(relay.address, "slow") as slow, an_app(relay.address, "quick") as quick:
                await slow.send('{"type":"response.create"}')
                await quick.send('{"type":"response.create"}')
                assert len(await all_of(quick)) == ALL_FRAMES, "nobody else waits"
                assert fountain.spoken["slow"] < ALL_FRAMES / 2, "its own upstream does"
                assert relay.memory_bytes - before < 16 * MB
                assert await all_of(slow) == [f"e{number}" for number in range(ALL_FRAMES)], "nothing is lost"


async def test_a_slow_upstream_slows_its_own_page(tmp_path: Path) -> None:
    fountain = Fountain()
    append = json.dumps({"type": "input_audio_buffer.append", "audio": SOUND})
    async with serve(fountain.flow, "127.0.0.1", 0, max_queue=1) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        upstream = ("--upstream", f"http://127.0.0.1:{port}")
        with running(tmp_path, "relay", *upstream, "--port", "0", keys={"OPENAI_API_KEY": "k"}) as relay:
            before = relay.memory_bytes
            async with an_app(relay.address, "deaf") as app, an_app(relay.address, "quick") as quick:
                said = 0

                async def say() -> None:
                    nonlocal said
                    while said < ALL_FRAMES:
                        await app.send(append)
                        said += 1

                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(say)
                    await quick.send('{"type":"response.create"}')
                    assert len(await all_of(quick)) == ALL_FRAMES
                    assert said < ALL_FRAMES / 2
                    assert relay.memory_bytes - before < 16 * MB
                    fountain.listens.set()
                with anyio.fail_after(40):
                    while fountain.heard < ALL_FRAMES:  # noqa: ASYNC110 - another task counts
                        await anyio.sleep(0.01)
