"""What a dialect is."""

from __future__ import annotations

from typing import Literal, Protocol

from louro.protocol.client_events import AnyClientEvent
from louro.protocol.server_events import AnyServerEvent


class Dialect(Protocol):
    @property
    def name(self) -> Literal["ga", "beta"]: ...

    @property
    def limits_first(self) -> bool:
        """Whether `rate_limits.updated` follows `response.created` instead of `response.done`."""
        ...

    def decode(self, frame: str | bytes) -> AnyClientEvent:
        """Read one frame of a client.

        Raises:
            ClientError: it is no event of this dialect; code, param and the client's event_id are set.
        """
        ...

    def encode(self, event: AnyServerEvent) -> bytes | None:
        """Write one event for a client; None where the dialect has no such event."""
        ...

    def decode_server(self, frame: str | bytes) -> AnyServerEvent:
        """Read one frame of a server.

        Raises:
            ClientError: it is no event that this house knows; its param is `type` where only the type is unknown.
        """
        ...

    def encode_client(self, event: AnyClientEvent) -> bytes:
        """Write one event for a server; what the dialect cannot say is left out."""
        ...
