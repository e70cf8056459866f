"""The socket to a server behind the relay."""

from __future__ import annotations

import asyncio

import anyio
from websockets.frames import DATA_OPCODES, CloseCode, Frame
from websockets.protocol import Event

from louro.client.socket import DirectSocket
from louro.transports.inbox import Inbox


class UpstreamSocket(DirectSocket):
    """Handshake, pings and close are those of `websockets`. Frames go in and out with nothing around them: what guards
    against several readers and writers at once cost a third of all that the relay did."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._inbox = Inbox(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._inbox.end()

    def process_event(self, event: Event) -> None:
        if not isinstance(event, Frame) or event.opcode not in DATA_OPCODES:
            super().process_event(event)
            return
        try:
            self._inbox.receive(event)
        except UnicodeDecodeError:
            self.protocol.fail(CloseCode.INVALID_DATA)
            self.send_data()

    async def hear(self) -> str:
        """One reader at a time. Raises ConnectionClosed."""
        try:
            message = await self._inbox.take()
        except anyio.EndOfStream:
            raise self.protocol.close_exc from None
        return message if isinstance(message, str) else message.decode("utf-8", "replace")
