"""A WebSocket as a connection, over ASGI."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

import anyio
import anyio.lowlevel
from starlette.types import Receive, Send

from louro.transports.caller import Caller


async def accept(caller: Caller, send: Send, headers: Mapping[str, str] | None = None) -> None:
    """Answer the handshake, with *headers* of our own."""
    # Browsers and the ws package hang up when they offered subprotocols and are answered with none.
    subprotocol = "realtime" if "realtime" in caller.subprotocols else None
    own = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    await send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": own})


class WebSocketConnection:
    """An accepted socket."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send

    async def send(self, frame: bytes) -> None:
        try:
            await self._send({"type": "websocket.send", "text": frame.decode()})
        except (OSError, RuntimeError):  # the server says it either way, by how far the close has come
            raise anyio.BrokenResourceError from None

    async def receive(self) -> str | bytes:
        # What came in one piece is there at once: thousands of small events, and nobody else would have a turn.
        await anyio.lowlevel.checkpoint()
        message: MutableMapping[str, Any] = await self._receive()
        if message["type"] != "websocket.receive":
            raise anyio.EndOfStream
        text: str | None = message.get("text")
        return text if text is not None else bytes(message.get("bytes") or b"")

    async def close(self, code: int, reason: str) -> None:
        try:
            # A close frame has room for 123 bytes of reason.
            await self._send({"type": "websocket.close", "code": code, "reason": reason[:120]})
        except (OSError, RuntimeError):
            return  # it has gone by itself
