"""What uvicorn leaves unbounded around a request: before anybody has shown a key, and after a socket has ended."""

from __future__ import annotations

import asyncio
from typing import ClassVar
from weakref import WeakKeyDictionary

from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.exceptions import InvalidState
from websockets.frames import CloseCode, Frame

from louro.transports.inbox import Inbox

FRAMES = "louro.frames"
"""The extension of ASGI under which an application finds the socket itself."""

MAX_HEAD_BYTES = 64 * 1024
"""Of a request: its address and its headers. A key and a few cookies are a tenth of it."""
REQUEST_S = 20.0
"""For a whole request, body and all."""
MAX_WAITING = 512
"""Connections without a whole request. Past it the oldest is closed: a client needs a moment, an attacker has many."""
CLOSE_S = 10.0
"""For a client that does not read to take what was sent before the end."""


class BoundedHttp(HttpToolsProtocol):
    _waiting: ClassVar[WeakKeyDictionary[ServerState, dict[BoundedHttp, None]]] = WeakKeyDictionary()
    """Of each server, oldest first."""
    _head_bytes = 0
    _is_in_head = True
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.transport.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begin()

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._end()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._end()
        super().handle_websocket_upgrade()

    def _begin(self) -> None:
        self._is_in_head, self._head_bytes = True, 0
        if self._deadline is not None:
            return
        self._deadline = self.loop.call_later(REQUEST_S, self.transport.abort)
        waiting = self._waiting.setdefault(self.server_state, {})
        waiting[self] = None
        if len(waiting) > MAX_WAITING:
            oldest = next(iter(waiting))
            oldest.transport.abort()
            oldest._end()

    def _end(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
            self._waiting[self.server_state].pop(self, None)


class BoundedSocket(WebSocketsSansIOProtocol):
    """Handshake, pings and close are uvicorn's, and reach the application over ASGI. Frames do not: two queues, and a
    dictionary for each frame, cost more than all that is done with most of them."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.inbox = Inbox(self.transport)
        self.queue = _Events(self.inbox)

    async def run_asgi(self) -> None:
        self.scope["extensions"][FRAMES] = self  # type: ignore[assignment]
        await super().run_asgi()

    async def send_frame(self, frame: bytes) -> None:
        """Raises OSError: the client has gone, or was told to."""
        if not self.writable.is_set():
            await self.writable.wait()
        if self.disconnected or self.close_sent:
            raise ClientDisconnected
        try:
            self.conn.send_text(frame)
        except InvalidState:
            raise ClientDisconnected from None
        self.transport.write(b"".join(self.conn.data_to_send()))

    def handle_cont(self, event: Frame) -> None:
        if self.close_sent:
            return
        try:
            self.inbox.receive(event)
        except UnicodeDecodeError:
            self.conn.send_close(CloseCode.INVALID_DATA)
            self.handle_parser_exception()

    handle_text = handle_bytes = handle_cont

    def handle_ping(self) -> None:
        """Whoever does not take what is sent gets no pongs: they would be kept for it without a bound."""
        output = self.conn.data_to_send()
        if self.writable.is_set():
            self.transport.write(b"".join(output))

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        if message["type"] == "websocket.close":
            self.inbox.discard()
            self.loop.call_later(CLOSE_S, self.transport.abort)


class _Events(asyncio.Queue[ASGIReceiveEvent]):
    """Of ASGI, besides the frames."""

    def __init__(self, inbox: Inbox) -> None:
        super().__init__()
        self._inbox = inbox

    def put_nowait(self, item: ASGIReceiveEvent) -> None:
        super().put_nowait(item)
        if item["type"] == "websocket.disconnect":
            self._inbox.end()
