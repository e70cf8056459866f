"""The only way out: many tasks post, one task writes, so that order is the session's order."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

import anyio

HIGH_BYTES = 512 * 1024
"""Above it whoever makes more must wait for the client: ten seconds of speech."""
SEND_TIMEOUT_S = 30.0
"""A client that takes nothing for so long, twice at most, is gone."""


class Connection(Protocol):
    """What a transport gives: frames in, frames out. That the client goes away is a normal end."""

    async def send(self, frame: bytes) -> None:
        """Raises anyio.BrokenResourceError: the client has gone."""
        ...

    async def receive(self) -> str | bytes:
        """One text frame, or the bytes of a binary one. Raises anyio.EndOfStream: the client has gone."""
        ...

    async def close(self, code: int, reason: str) -> None: ...


Errand: TypeAlias = Callable[[], Awaitable[None]]


class Outbox:
    def __init__(self) -> None:
        self._frames: deque[bytes | Errand] = deque()
        self._size_bytes = 0
        self._begun = self._written = 0
        """Frames handed to the connection, and taken by it."""
        self._closing: tuple[int, str] | None = None
        self._filled = anyio.Event()
        self._drained = anyio.Event()

    def post(self, frames: list[bytes]) -> None:
        self._frames.extend(frames)
        self._size_bytes += sum(map(len, frames))
        self._filled.set()

    def post_errand(self, errand: Errand) -> None:
        """Something that must be done after all that was posted before has left, and before anything else does."""
        self._frames.append(errand)
        self._filled.set()

    def close(self, code: int, reason: str) -> None:
        """End the connection when everything posted before is out."""
        self._closing = (code, reason)
        self._filled.set()

    @property
    def is_full(self) -> bool:
        return self._size_bytes > HIGH_BYTES

    async def settle(self) -> None:
        """Return once the backlog is below HIGH_BYTES."""
        while self.is_full:
            self._drained = anyio.Event()
            await self._drained.wait()

    async def write_to(self, connection: Connection) -> None:
        """Write until closed.

        Raises:
            anyio.EndOfStream: closed, as asked.
            anyio.BrokenResourceError: the client has gone.
        """
        while True:
            while self._frames:
                frame = self._frames.popleft()
                if not isinstance(frame, bytes):
                    await frame()
                    continue
                self._begun += 1
                await connection.send(frame)
                self._written += 1
                self._size_bytes -= len(frame)
                self._drained.set()
            if self._closing is not None:
                await connection.close(*self._closing)
                raise anyio.EndOfStream
            self._filled = anyio.Event()
            await self._filled.wait()

    async def watch(self) -> None:
        """Look now and then whether the client still takes what it is sent: a timer for every frame costs too much.

        Raises:
            anyio.BrokenResourceError: one frame has been on its way for SEND_TIMEOUT_S.
        """
        begun = 0
        while True:
            await anyio.sleep(SEND_TIMEOUT_S)
            if self._begun > self._written and self._begun == begun:
                raise anyio.BrokenResourceError
            begun = self._begun
