"""The dialect of October 2024 to May 2026: older names, a flat session, one event fewer for an item."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from louro.protocol.client_events import AnyClientEvent, InputAudioBufferAppend
from louro.protocol.errors import ClientError
from louro.protocol.server_events import AnyServerEvent
from louro.protocol.wire import beta_client, beta_server
from louro.protocol.wire.beta_client import BetaClientEvent
from louro.protocol.wire.beta_server import BetaServerEvent
from louro.protocol.wire.ga import bare_append, checked_append
from louro.protocol.wire.reading import Reader, ServerReader, tidied


class BetaDialect:
    name: Final[Literal["beta"]] = "beta"
    limits_first: Final = True

    def __init__(self) -> None:
        self._client_events: Reader[BetaClientEvent] = Reader(BetaClientEvent, beta_client.CLIENT_TYPES)
        self._server_events: Reader[BetaServerEvent] = ServerReader(BetaServerEvent, beta_server.SERVER_TYPES)
        self._encoder = msgspec.json.Encoder()

    def decode(self, frame: str | bytes) -> AnyClientEvent:
        event = self._client_events.read(frame)
        if isinstance(event, InputAudioBufferAppend):
            return checked_append(event)
        try:
            return beta_client.todays(event)
        except ClientError as error:
            error.event_id = event.event_id
            raise

    def encode(self, event: AnyServerEvent) -> bytes | None:
        shaped = beta_server.betas(event)
        return None if shaped is None else self._encoder.encode(shaped)

    def decode_server(self, frame: str | bytes) -> AnyServerEvent:
        return beta_server.todays(self._server_events.read(frame))

    def encode_client(self, event: AnyClientEvent) -> bytes:
        if isinstance(event, InputAudioBufferAppend):
            return self._encoder.encode(bare_append(event))
        return self._encoder.encode(tidied(msgspec.to_builtins(beta_client.betas(event))))
