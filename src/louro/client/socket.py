"""A WebSocket without what guards against several writers at once."""

from __future__ import annotations

from websockets.asyncio.client import ClientConnection
from websockets.protocol import State


class DirectSocket(ClientConnection):
    """Handshake, pings and close are those of `websockets`."""

    async def tell(self, frame: bytes) -> None:
        """Send a text. Raises ConnectionClosed."""
        if self.protocol.state is not State.OPEN:
            await self.send(frame, text=True)  # it knows what to say then
            return
        self.protocol.send_text(frame)
        self.send_data()
        if self.paused:
            await self.drain()
