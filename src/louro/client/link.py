"""One WebSocket to a server, in one dialect: events out, events in."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from louro.client.address import Address
from louro.client.errors import ConnectionFailed
from louro.client.socket import DirectSocket
from louro.protocol.client_events import AnyClientEvent
from louro.protocol.errors import ClientError
from louro.protocol.server_events import AnyServerEvent
from louro.protocol.wire import Dialect

OPEN_TIMEOUT_S = 10.0
MAX_FRAME_BYTES = 64 * 1024 * 1024
"""An item that is retrieved with minutes of sound is one frame."""


@dataclass(eq=False)
class LinkClosed(Exception):
    """The connection is over, by whoever's wish."""

    code: int
    reason: str


@dataclass(frozen=True)
class UnknownEvent:
    """The server said what this client does not know: a newer event, perhaps. Its frame is kept as it came."""

    frame: str


class Link:
    def __init__(self, socket: DirectSocket, dialect: Dialect) -> None:
        self._socket = socket
        self._dialect = dialect

    async def send(self, event: AnyClientEvent) -> None:
        """Raises LinkClosed."""
        try:
            await self._socket.tell(self._dialect.encode_client(event))
        except ConnectionClosed as closed:
            raise _closed(closed) from None

    async def send_raw(self, frame: str) -> None:
        """Raises LinkClosed."""
        try:
            await self._socket.send(frame)
        except ConnectionClosed as closed:
            raise _closed(closed) from None

    async def receive(self) -> AnyServerEvent | UnknownEvent:
        """Raises LinkClosed."""
        try:
            frame = await self._socket.recv(decode=True)
        except ConnectionClosed as closed:
            raise _closed(closed) from None
        try:
            return self._dialect.decode_server(frame)
        except ClientError:
            return UnknownEvent(frame)

    async def close(self) -> None:
        await self._socket.close()


async def open_link(address: Address, dialect: Dialect, tls: ssl.SSLContext | None) -> Link:
    """Raises ConnectionFailed: nobody is there, or they do not let us in."""
    try:
        socket = await connect(
            address.url,
            additional_headers=dict(address.headers),
            compression=None,
            create_connection=DirectSocket,
            max_size=MAX_FRAME_BYTES,
            open_timeout=OPEN_TIMEOUT_S,
            ssl=tls,
        )
    except InvalidStatus as error:
        told = (error.response.body or b"")[:300].decode("utf-8", "replace").strip()
        status = error.response.status_code
        message = (
            f"{address.shown} answers {status}{': ' + told if told else ''}. Check the address and the key."
        )
        raise ConnectionFailed(message, code=str(status)) from None
    except (OSError, TimeoutError, InvalidHandshake, InvalidURI) as error:
        raise ConnectionFailed(
            f"Nobody answers at {address.shown} ({type(error).__name__}). Start a server with `louro serve`, or give "
            "another address."
        ) from None
    assert isinstance(socket, DirectSocket)
    return Link(socket, dialect)


def _closed(closed: ConnectionClosed) -> LinkClosed:
    frame = closed.rcvd or closed.sent
    return LinkClosed(frame.code, frame.reason) if frame else LinkClosed(1006, "the connection broke")
