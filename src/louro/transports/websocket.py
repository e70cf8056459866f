"""A WebSocket as a connection."""

from __future__ import annotations

from collections.abc import Mapping

import anyio
from starlette.types import Scope, Send

from louro.transports.bounded import FRAMES, BoundedSocket
from louro.transports.caller import Caller


async def accept(caller: Caller, send: Send, headers: Mapping[str, str] | None = None) -> None:
    """Answer the handshake, with *headers* of our own."""
    # Browsers and the ws package hang up when they offered subprotocols and are answered with none.
    subprotocol = "realtime" if "realtime" in caller.subprotocols else None
    own = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    await send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": own})


class WebSocketConnection:
    """A socket, accepted or about to be. Its frames take the short way."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._socket: BoundedSocket = scope["extensions"][FRAMES]
        self._send = send

    async def send(self, frame: bytes) -> None:
        try:
            await self._socket.send_frame(frame)
        except (
            OSError,
            RuntimeError,
        ):  # uvloop says it with the latter, in the moment before the loss is told
            raise anyio.BrokenResourceError from None

    async def receive(self) -> str | bytes:
        return await self._socket.inbox.take()

    async def close(self, code: int, reason: str) -> None:
        try:
            # A close frame has room for 123 bytes of reason.
            await self._send({"type": "websocket.close", "code": code, "reason": reason[:120]})
        except (OSError, RuntimeError):  # uvicorn says it either way, by how far the close has come
            return  # it has gone by itself
