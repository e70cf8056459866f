"""The dialect of October 2024 to May 2026: older names, a flat session, one event fewer for an item."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, structs

from louro.protocol import client_events as ce
from louro.protocol import server_events as ev
from louro.protocol.client_events import AnyClientEvent, ClientEvent
from louro.protocol.items import (
    AudioPart,
    ContentPart,
    InputItem,
    Item,
    MessageItem,
    OutputAudio,
    OutputText,
    TextPart,
)
from louro.protocol.response import (
    BetaResponseParams,
    Metadata,
    Response,
    ResponseAudioOutputParams,
    ResponseAudioParams,
)
from louro.protocol.server_events import AnyServerEvent
from louro.protocol.session import (
    AudioFormat,
    AudioInput,
    AudioInputPatch,
    AudioOutputPatch,
    BetaRealtimeSessionPatch,
    FunctionChoice,
    FunctionTool,
    Include,
    MaxTokens,
    Modalities,
    NoiseReduction,
    PcmaFormat,
    PcmFormat,
    PcmuFormat,
    RealtimeAudioPatch,
    RealtimeSession,
    SemanticVad,
    ServerVad,
    Session,
    Speed,
    Tool,
    ToolChoice,
    Tracing,
    Transcription,
    TranscriptionAudioPatch,
    TranscriptionSession,
    TranscriptionSessionPatch,
    TurnDetection,
    VoiceId,
    VoiceName,
)
from louro.protocol.wire.errors import refusal
from louro.protocol.wire.ga import CLIENT_TYPES as GA_CLIENT_TYPES
from louro.protocol.wire.ga import normalised

CLIENT_TYPES = ("session.update", "transcription_session.update", *GA_CLIENT_TYPES[1:])

Echoed: TypeAlias = object
"""A client sends back what it was told; it changes nothing."""

BetaFormat: TypeAlias = Literal["pcm16", "g711_ulaw", "g711_alaw", "g711-ulaw", "g711-alaw"]
Temperature: TypeAlias = Annotated[float, Meta(ge=0.6, le=1.2)]

_FORMATS: dict[str, AudioFormat] = {
    "pcm16": PcmFormat(),
    "g711_ulaw": PcmuFormat(),
    "g711_alaw": PcmaFormat(),
    "g711-ulaw": PcmuFormat(),
    "g711-alaw": PcmaFormat(),
}


# What a beta client says otherwise


class NoTurnDetection(Struct, frozen=True, tag="none"):
    """How one client spells null."""


class BetaFunctionName(Struct, frozen=True):
    name: str


class BetaFunctionChoice(Struct, frozen=True, kw_only=True, tag="function"):
    """Both spellings of naming a function."""

    name: str | None = None
    function: BetaFunctionName | None = None


BetaTurnDetection: TypeAlias = ServerVad | SemanticVad | NoTurnDetection
BetaToolChoice: TypeAlias = Literal["none", "auto", "required"] | BetaFunctionChoice


class BetaSession(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `session.update` may carry; what a client merely echoes is read and ignored."""

    modalities: Modalities | UnsetType | None = UNSET
    instructions: str | UnsetType | None = UNSET
    voice: VoiceName | UnsetType | None = UNSET
    input_audio_format: BetaFormat | UnsetType | None = UNSET
    output_audio_format: BetaFormat | UnsetType | None = UNSET
    input_audio_transcription: Transcription | UnsetType | None = UNSET
    input_audio_noise_reduction: NoiseReduction | UnsetType | None = UNSET
    turn_detection: BetaTurnDetection | UnsetType | None = UNSET
    tools: tuple[Tool, ...] | UnsetType | None = UNSET
    tool_choice: BetaToolChoice | UnsetType | None = UNSET
    temperature: Temperature | UnsetType | None = UNSET
    max_response_output_tokens: MaxTokens | UnsetType | None = UNSET
    speed: Speed | UnsetType | None = UNSET
    tracing: Literal["auto"] | Tracing | UnsetType | None = UNSET
    include: Include | UnsetType | None = UNSET
    id: Echoed = UNSET
    object: Echoed = UNSET
    model: Echoed = UNSET
    expires_at: Echoed = UNSET
    client_secret: Echoed = UNSET


class BetaTranscriptionSession(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    input_audio_format: BetaFormat | UnsetType | None = UNSET
    input_audio_transcription: Transcription | UnsetType | None = UNSET
    input_audio_noise_reduction: NoiseReduction | UnsetType | None = UNSET
    turn_detection: BetaTurnDetection | UnsetType | None = UNSET
    include: Include | UnsetType | None = UNSET
    id: Echoed = UNSET
    object: Echoed = UNSET
    modalities: Echoed = UNSET
    expires_at: Echoed = UNSET
    client_secret: Echoed = UNSET


class BetaResponse(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `response.create` may carry."""

    modalities: Modalities | None = None
    instructions: str | None = None
    voice: VoiceName | None = None
    output_audio_format: BetaFormat | None = None
    tools: tuple[Tool, ...] | None = None
    tool_choice: BetaToolChoice | None = None
    temperature: Temperature | None = None
    max_response_output_tokens: MaxTokens | None = None
    max_output_tokens: MaxTokens | None = None
    conversation: str | None = None
    metadata: Annotated[Metadata, Meta(max_length=16)] | None = None
    input: tuple[InputItem, ...] | None = None
    commit: Echoed = UNSET
    cancel_previous: Echoed = UNSET


class SessionUpdate(ClientEvent, frozen=True, kw_only=True, tag="session.update"):
    session: BetaSession


class TranscriptionSessionUpdate(ClientEvent, frozen=True, kw_only=True, tag="transcription_session.update"):
    session: BetaTranscriptionSession


class ResponseCreate(ClientEvent, frozen=True, kw_only=True, tag="response.create"):
    response: BetaResponse | None = None


BetaClientEvent: TypeAlias = (
    SessionUpdate
    | TranscriptionSessionUpdate
    | ResponseCreate
    | ce.InputAudioBufferAppend
    | ce.InputAudioBufferCommit
    | ce.InputAudioBufferClear
    | ce.ConversationItemCreate
    | ce.ConversationItemRetrieve
    | ce.ConversationItemTruncate
    | ce.ConversationItemDelete
    | ce.ResponseCancel
)


def _modern(event: BetaClientEvent) -> AnyClientEvent:
    match event:
        case SessionUpdate(session=session):
            return ce.SessionUpdate(event_id=event.event_id, session=_patch(session))
        case TranscriptionSessionUpdate(session=session):
            audio = TranscriptionAudioPatch(input=_input_patch(session))
            patch = TranscriptionSessionPatch(audio=audio, include=session.include)
            return ce.SessionUpdate(event_id=event.event_id, session=patch)
        case ResponseCreate(response=response):
            params = None if response is None else _params(response)
            return normalised(ce.ResponseCreate(event_id=event.event_id, response=params))
        case _:
            return normalised(event)


def _patch(session: BetaSession) -> BetaRealtimeSessionPatch:
    output = AudioOutputPatch(
        format=_format(session.output_audio_format), voice=session.voice, speed=session.speed
    )
    return BetaRealtimeSessionPatch(
        output_modalities=_modalities(session.modalities),
        instructions=session.instructions,
        tools=session.tools,
        tool_choice=_tool_choice(session.tool_choice),
        max_output_tokens=session.max_response_output_tokens,
        tracing=session.tracing,
        include=session.include,
        temperature=session.temperature,
        audio=RealtimeAudioPatch(input=_input_patch(session), output=output),
    )


def _input_patch(session: BetaSession | BetaTranscriptionSession) -> AudioInputPatch:
    detection = session.turn_detection
    return AudioInputPatch(
        format=_format(session.input_audio_format),
        transcription=session.input_audio_transcription,
        noise_reduction=session.input_audio_noise_reduction,
        turn_detection=None if isinstance(detection, NoTurnDetection) else detection,
    )


def _params(response: BetaResponse) -> BetaResponseParams:
    audio_format = _FORMATS[response.output_audio_format] if response.output_audio_format else None
    output = ResponseAudioOutputParams(format=audio_format, voice=response.voice)
    modalities = _modalities(response.modalities)
    choice = _tool_choice(response.tool_choice)
    return BetaResponseParams(
        output_modalities=modalities or None,
        instructions=response.instructions,
        audio=ResponseAudioParams(output=output),
        tools=response.tools,
        tool_choice=choice or None,
        max_output_tokens=response.max_response_output_tokens or response.max_output_tokens,
        conversation=response.conversation,
        metadata=response.metadata,
        input=response.input,
        temperature=response.temperature,
    )


def _format(name: str | UnsetType | None) -> AudioFormat | UnsetType | None:
    return _FORMATS[name] if isinstance(name, str) else name


def _modalities(modalities: Modalities | UnsetType | None) -> Modalities | UnsetType | None:
    """Audio always brings its transcript along, so that ["text", "audio"] is today's ["audio"]."""
    if not isinstance(modalities, tuple):
        return modalities
    return ("audio",) if set(modalities) == {"text", "audio"} else modalities


def _tool_choice(choice: BetaToolChoice | UnsetType | None) -> ToolChoice | UnsetType | None:
    if not isinstance(choice, BetaFunctionChoice):
        return choice
    name = choice.name or (choice.function.name if choice.function else "")
    return FunctionChoice(name)


# What a beta client hears otherwise

_RENAMED = {
    "conversation.item.added": "conversation.item.created",
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
}
_PARAMS = {
    "session.audio.output.voice": "session.voice",
    "session.audio.output.format": "session.output_audio_format",
    "session.audio.output.speed": "session.speed",
    "session.audio.input.format": "session.input_audio_format",
    "session.audio.input.transcription": "session.input_audio_transcription",
    "session.audio.input.noise_reduction": "session.input_audio_noise_reduction",
    "session.audio.input.turn_detection": "session.turn_detection",
    "session.max_output_tokens": "session.max_response_output_tokens",
    "session.output_modalities": "session.modalities",
    "response.output_modalities": "response.modalities",
}
_FORMAT_NAMES: dict[type[AudioFormat], str] = {
    PcmFormat: "pcm16",
    PcmuFormat: "g711_ulaw",
    PcmaFormat: "g711_alaw",
}


class AudioDelta(Struct, frozen=True, kw_only=True, tag="response.audio.delta"):
    """The one event worth a struct of its own: it is nearly all that is sent."""

    event_id: str
    response_id: str
    item_id: str
    output_index: int
    content_index: int
    delta: bytes


class BetaDialect:
    name = "beta"
    limits_first = True

    def __init__(self) -> None:
        self._decoder: msgspec.json.Decoder[BetaClientEvent] = msgspec.json.Decoder(BetaClientEvent)
        self._encoder = msgspec.json.Encoder()

    def decode(self, frame: str | bytes) -> AnyClientEvent:
        try:
            event = self._decoder.decode(frame)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise refusal(frame, error, CLIENT_TYPES) from None
        return _modern(event)

    def encode(self, event: AnyServerEvent) -> bytes | None:
        match event:
            case ev.ConversationItemDone():
                return None
            case ev.ResponseOutputAudioDelta():
                return self._encoder.encode(_audio_delta(event))
            case ev.SessionCreated(session=session) | ev.SessionUpdated(session=session):
                return self._encoder.encode(_session_event(event, session))
            case ev.ResponseCreated(response=response) | ev.ResponseDone(response=response):
                return self._encoder.encode({**_plain(event), "response": _response(response)})
            case ev.Error(error=error) if error.param in _PARAMS:
                event = structs.replace(event, error=structs.replace(error, param=_PARAMS[error.param]))
        body = _plain(event)
        item = getattr(event, "item", None)
        if item is not None:
            body["item"] = _item(item)
        return self._encoder.encode(body)


def _audio_delta(event: ev.ResponseOutputAudioDelta) -> AudioDelta:
    return AudioDelta(
        event_id=event.event_id,
        response_id=event.response_id,
        item_id=event.item_id,
        output_index=event.output_index,
        content_index=event.content_index,
        delta=event.delta,
    )


def _plain(event: Struct) -> dict[str, object]:
    body: dict[str, object] = msgspec.to_builtins(event)
    body["type"] = _RENAMED.get(str(body["type"]), body["type"])
    return body


def _item(item: Item) -> dict[str, object]:
    if isinstance(item, MessageItem):
        item = structs.replace(item, content=tuple(map(_part, item.content)))
    return {**msgspec.to_builtins(item), "object": "realtime.item"}


def _part(part: ContentPart) -> ContentPart:
    match part:
        case OutputText(text=text):
            return TextPart(text)
        case OutputAudio(transcript=transcript, audio=audio):
            return AudioPart(transcript, audio)
        case _:
            return part


def _response(response: Response) -> dict[str, object]:
    body: dict[str, object] = msgspec.to_builtins(response)
    del body["audio"]
    body["output"] = [_item(item) for item in response.output]
    body["modalities"] = _beta_modalities(body.pop("output_modalities"))
    body["voice"] = _voice(response.audio.output.voice)
    body["output_audio_format"] = _FORMAT_NAMES[type(response.audio.output.format)]
    body.setdefault("temperature", 0.8)
    return body


def _beta_modalities(modalities: object) -> list[str]:
    return ["text"] if modalities in (("text",), ["text"]) else ["audio", "text"]


def _voice(voice: VoiceName) -> str:
    return voice.id if isinstance(voice, VoiceId) else voice


def _session_event(event: ev.SessionCreated | ev.SessionUpdated, session: Session) -> dict[str, object]:
    kind = str(_plain(event)["type"])
    if isinstance(session, TranscriptionSession):
        shown = _transcription_session(session)
        return {"type": f"transcription_{kind}", "event_id": event.event_id, "session": shown}
    return {"type": kind, "event_id": event.event_id, "session": _realtime_session(session)}


def _realtime_session(session: RealtimeSession) -> dict[str, object]:
    output = session.audio.output
    return {
        "id": session.id,
        "object": "realtime.session",
        "model": session.model,
        "expires_at": session.expires_at,
        "modalities": _beta_modalities(session.output_modalities),
        "instructions": session.instructions,
        "voice": _voice(output.voice),
        "output_audio_format": _FORMAT_NAMES[type(output.format)],
        **_input(session.audio.input),
        "tools": session.tools,
        "tool_choice": session.tool_choice,
        "temperature": 0.8 if session.temperature is UNSET else session.temperature,
        "max_response_output_tokens": session.max_output_tokens,
        "speed": output.speed,
        "tracing": session.tracing,
        "client_secret": None,
        "include": session.include,
    }


def _transcription_session(session: TranscriptionSession) -> dict[str, object]:
    return {
        "id": session.id,
        "object": session.object,
        "expires_at": session.expires_at,
        **_input(session.audio.input),
        "client_secret": None,
        "include": session.include,
    }


def _input(heard: AudioInput) -> dict[str, object]:
    return {
        "input_audio_format": _FORMAT_NAMES[type(heard.format)],
        "input_audio_transcription": heard.transcription,
        "input_audio_noise_reduction": heard.noise_reduction,
        "turn_detection": _detection(heard.turn_detection),
    }


def _detection(detection: TurnDetection | None) -> object:
    if not isinstance(detection, ServerVad) or detection.idle_timeout_ms:
        return detection
    return structs.replace(detection, idle_timeout_ms=UNSET)


__all__ = ["CLIENT_TYPES", "BetaDialect", "FunctionTool"]
