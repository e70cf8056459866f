"""Today's dialect: the house's own structs, byte for byte."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, structs

from louro.protocol.client_events import AnyClientEvent, ConversationItemCreate, ResponseCreate
from louro.protocol.errors import ClientError
from louro.protocol.items import (
    AudioPart,
    ContentPart,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputItem,
    MessageItem,
    OutputAudio,
    OutputText,
    TextPart,
)
from louro.protocol.server_events import AnyServerEvent, SessionCreated, SessionUpdated
from louro.protocol.session import ServerVad, TranscriptionSession
from louro.protocol.wire.errors import refusal

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
MAX_APPEND_BYTES = 15 * 1024 * 1024
"""Of decoded audio in one append; the protocol's."""


class GaDialect:
    name = "ga"
    limits_first = False

    def __init__(self) -> None:
        self._decoder: msgspec.json.Decoder[AnyClientEvent] = msgspec.json.Decoder(AnyClientEvent)
        self._encoder = msgspec.json.Encoder()

    def decode(self, frame: str | bytes) -> AnyClientEvent:
        try:
            event = self._decoder.decode(frame)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise refusal(frame, error, CLIENT_TYPES) from None
        if isinstance(event, ConversationItemCreate):
            item = event.item
            if isinstance(item, FunctionCallOutputItem) and item.call_id is None:
                raise ClientError(
                    "missing_required_parameter",
                    "Missing required parameter: 'item.call_id'.",
                    param="item.call_id",
                    event_id=event.event_id,
                )
        return normalised(event)

    def encode(self, event: AnyServerEvent) -> bytes:
        if isinstance(event, SessionCreated | SessionUpdated):
            event = _shown(event)
        return self._encoder.encode(event)


def normalised(event: AnyClientEvent) -> AnyClientEvent:
    """Assistant's content under today's names, whichever the client used: histories are replayed with either."""
    if isinstance(event, ConversationItemCreate) and isinstance(event.item, MessageItem):
        return structs.replace(event, item=_renamed(event.item))
    if isinstance(event, ResponseCreate) and event.response is not None and event.response.input:
        items = tuple(map(_renamed, event.response.input))
        return structs.replace(event, response=structs.replace(event.response, input=items))
    return event


def _renamed(item: InputItem) -> InputItem:
    if not isinstance(item, MessageItem) or item.role != "assistant":
        return item
    return structs.replace(item, content=tuple(map(_renamed_part, item.content)))


def _renamed_part(part: ContentPart) -> ContentPart:
    match part:
        case TextPart(text=text):
            return OutputText(text)
        case AudioPart(transcript=transcript, audio=audio):
            return OutputAudio(transcript, audio)
        case _:
            return part


def _shown(event: SessionCreated | SessionUpdated) -> SessionCreated | SessionUpdated:
    """A transcription session shows only what it uses of its turn detection."""
    session = event.session
    if not isinstance(session, TranscriptionSession):
        return event
    detection = session.audio.input.turn_detection
    if not isinstance(detection, ServerVad):
        return event
    detection = structs.replace(
        detection, create_response=UNSET, interrupt_response=UNSET, idle_timeout_ms=UNSET
    )
    heard = structs.replace(session.audio.input, turn_detection=detection)
    audio = structs.replace(session.audio, input=heard)
    return structs.replace(event, session=structs.replace(session, audio=audio))


__all__ = ["CLIENT_TYPES", "MAX_APPEND_BYTES", "FunctionCallItem", "GaDialect", "normalised"]
