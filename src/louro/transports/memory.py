"""A client in the same process: for tests, and for programs that embed the server."""

from __future__ import annotations

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream


class MemoryConnection:
    """The server's end."""

    def __init__(
        self, inbox: MemoryObjectReceiveStream[str | bytes], outbox: MemoryObjectSendStream[bytes]
    ) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self.closed: tuple[int, str] | None = None

    async def send(self, frame: bytes) -> None:
        try:
            await self._outbox.send(frame)
        except anyio.ClosedResourceError:
            raise anyio.BrokenResourceError from None

    async def receive(self) -> str | bytes:
        try:
            return await self._inbox.receive()
        except anyio.ClosedResourceError:
            raise anyio.EndOfStream from None

    async def close(self, code: int, reason: str) -> None:
        self.closed = self.closed or (code, reason)
        self._inbox.close()
        self._outbox.close()


class MemoryClient:
    """The client's end."""

    def __init__(
        self, to_server: MemoryObjectSendStream[str | bytes], from_server: MemoryObjectReceiveStream[bytes]
    ) -> None:
        self._to_server = to_server
        self._from_server = from_server

    async def send(self, frame: str | bytes) -> None:
        await self._to_server.send(frame)

    async def receive(self) -> bytes:
        """Raises anyio.EndOfStream when the server has closed."""
        return await self._from_server.receive()

    async def close(self) -> None:
        self._to_server.close()
        self._from_server.close()


def memory_pair(size: int = 64) -> tuple[MemoryConnection, MemoryClient]:
    """Two ends of one connection, at most *size* frames in flight each way."""
    to_server, inbox = anyio.create_memory_object_stream[str | bytes](size)
    outbox, from_server = anyio.create_memory_object_stream[bytes](size)
    return MemoryConnection(inbox, outbox), MemoryClient(to_server, from_server)
