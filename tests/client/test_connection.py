"""The connection over links that break when the test says so."""

from __future__ import annotations

from typing import cast

import anyio
import pytest

from louro.client import ConnectionFailed
from louro.client import connection as connection_module
from louro.client.connection import Connection
from louro.client.dialogue import Dialogue
from louro.client.emitter import Emitter
from louro.client.link import Link, LinkClosed
from louro.protocol import client_events as ce
from louro.protocol import server_events as ev
from louro.protocol.session import Session

pytestmark = pytest.mark.anyio
CLEAR = ce.InputAudioBufferClear()


class BrittleLink:
    """The stub: it breaks for the writer and for the reader apart."""

    def __init__(self) -> None:
        self.sent: list[object] = []
        self.breaks_for_writers = False
        self._is_greeted = False
        self._broken = anyio.Event()

    async def send(self, event: ce.AnyClientEvent) -> None:
        await self.send_raw(event)

    async def send_raw(self, sent: object) -> None:
        await anyio.lowlevel.checkpoint()
        if self.breaks_for_writers:
            raise LinkClosed(1006, "broken")
        self.sent.append(sent)

    async def receive(self) -> ev.AnyServerEvent:
        if not self._is_greeted:
            self._is_greeted = True
            return ev.SessionCreated(event_id="e", session=cast(Session, None))
        await self._broken.wait()
        raise LinkClosed(1006, "broken")

    def break_for_the_reader(self) -> None:
        self._broken.set()

    async def close(self) -> None:
        self._broken.set()


class Links:
    def __init__(self) -> None:
        self.opened: list[BrittleLink] = []

    async def open(self) -> Link:
        self.opened.append(BrittleLink())
        return cast(Link, self.opened[-1])


@pytest.fixture
def links(monkeypatch: pytest.MonkeyPatch) -> Links:
    monkeypatch.setattr(connection_module, "FIRST_BACKOFF_S", 0.001)
    return Links()


def connection_over(links: Links, *, reconnect: bool = True) -> Connection:
    return Connection(links.open, Dialogue(), Emitter(lambda _: None), lambda _: None, reconnect=reconnect)


@pytest.mark.parametrize("what", ["send", "tell", "send_raw"])
async def test_a_writer_that_notices_first_is_not_left_behind(links: Links, what: str) -> None:
    connection = connection_over(links)
    await connection.open()
    first = links.opened[0]
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(connection.run)
            first.breaks_for_writers = True
            async with anyio.create_task_group() as writing:
                writing.start_soon(getattr(connection, what), CLEAR)
                await anyio.wait_all_tasks_blocked()
                first.break_for_the_reader()
            assert links.opened[1].sent == ([] if what == "tell" else [CLEAR])
            await connection.send(CLEAR)
            await connection.hang_up()


async def test_a_writer_that_notices_late_does_not_lose_the_next_link(links: Links) -> None:
    connection = connection_over(links)
    await connection.open()
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(connection.run)
            links.opened[0].break_for_the_reader()
            await anyio.wait_all_tasks_blocked()
            connection._lose(cast(Link, links.opened[0]))
            await connection.send(CLEAR)
            assert links.opened[1].sent == [CLEAR]
            await connection.hang_up()


async def test_a_writer_that_notices_the_end_is_told_so(links: Links) -> None:
    connection = connection_over(links, reconnect=False)
    await connection.open()
    links.opened[0].break_for_the_reader()
    with anyio.fail_after(5):
        assert (await connection.run()).reason == "broken"
        connection._lose(cast(Link, links.opened[0]))
        with pytest.raises(ConnectionFailed, match=r"over: broken\."):
            await connection.send(CLEAR)
