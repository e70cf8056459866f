"""What came in through a socket and was not read yet."""

from __future__ import annotations

import asyncio
from collections import deque

import anyio
from websockets.frames import Frame, Opcode

HIGH_BYTES = 64 * 1024
"""Above it nothing more is read from the network, until all is taken: a second of speech. One frame may be longer."""


class Inbox:
    """Of *network*. One task takes."""

    def __init__(self, network: asyncio.ReadTransport) -> None:
        self._network = network
        self._frames: deque[str | bytes] = deque()
        self._size_bytes = 0
        self._assembly = Assembly()
        self._is_paused = self._has_ended = False
        self._taker: asyncio.Future[None] | None = None

    def receive(self, frame: Frame) -> None:
        """A message, or a piece of one. Raises UnicodeDecodeError: it is no text."""
        message = self._assembly.add(frame)
        if message is not None:
            self.put(message)

    def put(self, frame: str | bytes) -> None:
        self._frames.append(frame)
        self._size_bytes += len(frame)
        if self._size_bytes > HIGH_BYTES and not self._is_paused:
            self._is_paused = True
            self._network.pause_reading()
        self._wake()

    def end(self) -> None:
        """Nothing more comes. What has come can still be taken."""
        self._has_ended = True
        self._wake()

    async def take(self) -> str | bytes:
        """Raises anyio.EndOfStream."""
        if self._frames:
            # What came in one piece is there at once: thousands of small events, and nobody else would have a turn.
            await asyncio.sleep(0)
        elif not self._has_ended:
            self._taker = asyncio.get_running_loop().create_future()
            await self._taker
        if not self._frames:
            raise anyio.EndOfStream
        frame = self._frames.popleft()
        self._size_bytes -= len(frame)
        self._read_on()
        return frame

    def discard(self) -> None:
        """Nobody takes any more; but the other side's goodbye is to be read."""
        self._frames.clear()
        self._size_bytes = 0
        self._read_on()

    def _read_on(self) -> None:
        if self._is_paused and not self._frames:
            self._is_paused = False
            if not self._network.is_closing():
                self._network.resume_reading()

    def _wake(self) -> None:
        if self._taker is not None and not self._taker.done():
            self._taker.set_result(None)


class Assembly:
    """Messages of frames. What is not complete is one piece of memory: a client could make millions of small ones."""

    def __init__(self) -> None:
        self._is_text = True
        self._begun = bytearray()

    def add(self, frame: Frame) -> str | bytes | None:
        """Return the message that *frame* completes. Raises UnicodeDecodeError: it is no text."""
        if frame.opcode is not Opcode.CONT:
            self._is_text = frame.opcode is Opcode.TEXT
        if not frame.fin or self._begun:
            self._begun += frame.data
        if not frame.fin:
            return None
        message = self._begun or frame.data
        self._begun = bytearray()
        return str(message, "utf-8") if self._is_text else bytes(message)
