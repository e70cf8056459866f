"""Today's dialect: the house's own structs, with the edges trimmed as they are on the wire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, Struct, structs

from louro.protocol import server_events as ev
from louro.protocol.client_events import (
    AnyClientEvent,
    ConversationItemCreate,
    InputAudioBufferAppend,
    ResponseCreate,
    SessionUpdate,
)
from louro.protocol.errors import ClientError
from louro.protocol.items import FunctionCallOutputItem
from louro.protocol.response import Response
from louro.protocol.server_events import AnyServerEvent
from louro.protocol.session import (
    RealtimeSessionPatch,
    ServerVad,
    Session,
    TranscriptionSession,
    TurnDetection,
)
from louro.protocol.wire.errors import invalid_modalities, missing_parameter
from louro.protocol.wire.items import received, shown
from louro.protocol.wire.reading import Reader, ServerReader, tidied

CLIENT_TYPES = (
    "session.update",
    "input_audio_buffer.append",
    "input_audio_buffer.commit",
    "input_audio_buffer.clear",
    "conversation.item.create",
    "conversation.item.truncate",
    "conversation.item.delete",
    "conversation.item.retrieve",
    "response.create",
    "response.cancel",
)
SERVER_TYPES = tuple(str(kind.__struct_config__.tag) for kind in AnyServerEvent.__args__)
MAX_APPEND_BYTES = 15 * 1024 * 1024
"""Of decoded audio in one append; the protocol's."""


class GaDialect:
    name: Final[Literal["ga"]] = "ga"
    limits_first: Final = False

    def __init__(self) -> None:
        self._client_events: Reader[AnyClientEvent] = Reader(AnyClientEvent, CLIENT_TYPES)
        self._server_events: Reader[AnyServerEvent] = ServerReader(AnyServerEvent, SERVER_TYPES)
        self._encoder = msgspec.json.Encoder()

    def decode(self, frame: str | bytes) -> AnyClientEvent:
        event = self._client_events.read(frame)
        if isinstance(event, InputAudioBufferAppend):
            return checked_append(event)
        try:
            _check(event)
        except ClientError as error:
            error.event_id = event.event_id
            raise
        return with_received_items(event)

    def encode(self, event: AnyServerEvent) -> bytes:
        shape = _SHAPES.get(type(event))
        return self._encoder.encode(shape(event) if shape else event)

    def decode_server(self, frame: str | bytes) -> AnyServerEvent:
        return self._server_events.read(frame)

    def encode_client(self, event: AnyClientEvent) -> bytes:
        if isinstance(event, InputAudioBufferAppend):
            return self._encoder.encode(bare_append(event))
        body = tidied(msgspec.to_builtins(event))
        for options in (body.get("session"), body.get("response")):
            if isinstance(options, dict):
                options.pop("temperature", None)
        return self._encoder.encode(body)


def checked_append(event: InputAudioBufferAppend) -> InputAudioBufferAppend:
    if len(event.audio) <= MAX_APPEND_BYTES:
        return event
    message = (
        f"Invalid 'audio': expected at most {MAX_APPEND_BYTES} bytes of audio, but got {len(event.audio)}."
    )
    raise ClientError("invalid_value", message, param="audio", event_id=event.event_id)


def bare_append(event: InputAudioBufferAppend) -> InputAudioBufferAppend:
    """Without a null for an id: nearly all that a client sends, so not by the general way."""
    absent: Any = UNSET
    return InputAudioBufferAppend(event_id=event.event_id or absent, audio=event.audio)


def with_received_items(event: AnyClientEvent) -> AnyClientEvent:
    """The event with its items under today's names."""
    if isinstance(event, ConversationItemCreate):
        return structs.replace(event, item=received(event.item))
    if isinstance(event, ResponseCreate) and event.response is not None and event.response.input:
        items = tuple(map(received, event.response.input))
        return structs.replace(event, response=structs.replace(event.response, input=items))
    return event


def shown_turn_detection(session: TranscriptionSession) -> TurnDetection | None:
    """A transcription session shows only what it uses of its turn detection."""
    detection = session.audio.input.turn_detection
    if not isinstance(detection, ServerVad):
        return detection
    return structs.replace(detection, create_response=UNSET, interrupt_response=UNSET, idle_timeout_ms=UNSET)


def _check(event: AnyClientEvent) -> None:
    match event:
        case SessionUpdate(session=RealtimeSessionPatch(output_modalities=tuple(modalities))):
            _check_modalities(modalities, "session.output_modalities")
        case ResponseCreate(response=response) if (
            response is not None and response.output_modalities is not None
        ):
            _check_modalities(response.output_modalities, "response.output_modalities")
        case ConversationItemCreate(item=FunctionCallOutputItem(call_id=None)):
            raise missing_parameter("item.call_id")


def _check_modalities(modalities: tuple[str, ...], param: str) -> None:
    if modalities not in (("audio",), ("text",)):
        raise invalid_modalities(param, modalities, "['text'] and ['audio']")


def _with_session(event: ev.SessionCreated | ev.SessionUpdated) -> Struct:
    return structs.replace(event, session=_shown_session(event.session))


def _shown_session(session: Session) -> Session:
    if not isinstance(session, TranscriptionSession):
        return structs.replace(session, temperature=UNSET)
    heard = structs.replace(session.audio.input, turn_detection=shown_turn_detection(session))
    return structs.replace(session, audio=structs.replace(session.audio, input=heard))


def _with_item(
    event: ev.ConversationItemAdded
    | ev.ConversationItemDone
    | ev.ResponseOutputItemAdded
    | ev.ResponseOutputItemDone,
) -> Struct:
    return structs.replace(event, item=shown(event.item))


def _retrieved(event: ev.ConversationItemRetrieved) -> Struct:
    return structs.replace(event, item=shown(event.item, with_object=True))


def _with_response(event: ev.ResponseCreated | ev.ResponseDone) -> Struct:
    response: Response = event.response
    output = tuple(map(shown, response.output))
    return structs.replace(event, response=structs.replace(response, output=output, temperature=UNSET))


_SHAPES: dict[type[Struct], Callable[[Any], Struct]] = {
    ev.SessionCreated: _with_session,
    ev.SessionUpdated: _with_session,
    ev.ConversationItemAdded: _with_item,
    ev.ConversationItemDone: _with_item,
    ev.ConversationItemRetrieved: _retrieved,
    ev.ResponseOutputItemAdded: _with_item,
    ev.ResponseOutputItemDone: _with_item,
    ev.ResponseCreated: _with_response,
    ev.ResponseDone: _with_response,
}
"""What leaves in another shape than the house's own; everything else leaves as it is."""
