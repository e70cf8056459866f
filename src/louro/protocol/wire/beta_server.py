"""What a server of the beta dialect says: today's structs into the older names and shapes, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias, cast

from msgspec import UNSET, Struct, UnsetType, structs

from louro.protocol import server_events as ev
from louro.protocol.items import Item
from louro.protocol.response import (
    Response,
    ResponseAudio,
    ResponseAudioOutput,
    ResponseStatus,
    StatusDetails,
    Usage,
)
from louro.protocol.server_events import AnyServerEvent, ServerEvent
from louro.protocol.session import (
    AudioInput,
    AudioOutput,
    Include,
    MaxTokens,
    Modalities,
    NoiseReduction,
    RealtimeAudio,
    RealtimeSession,
    Tool,
    ToolChoice,
    Tracing,
    TranscriptionAudio,
    TranscriptionSession,
    TurnDetection,
    VoiceId,
    VoiceName,
)
from louro.protocol.wire.beta_client import (
    FORMAT_NAMES,
    FORMATS,
    BetaToolChoice,
    FormatName,
    LooseTranscription,
    betas_modalities,
    betas_tool_choice,
    betas_transcription,
    betas_turn_detection,
    todays_tool_choice,
)
from louro.protocol.wire.ga import shown_turn_detection
from louro.protocol.wire.items import received, shown_to_beta

DEFAULT_TEMPERATURE = 0.8

# Objects


class _HeardWith(Struct, frozen=True, kw_only=True):
    input_audio_format: FormatName = "pcm16"
    input_audio_transcription: LooseTranscription | None = None
    input_audio_noise_reduction: NoiseReduction | None = None
    turn_detection: TurnDetection | None = None
    include: Include | None = None
    client_secret: object = None


class FlatSession(_HeardWith, frozen=True, kw_only=True):
    id: str = ""
    object: str = "realtime.session"
    expires_at: int | None = 0
    model: str = ""
    modalities: Modalities = ("audio", "text")
    instructions: str = ""
    voice: str = "alloy"
    output_audio_format: FormatName = "pcm16"
    tools: tuple[Tool, ...] = ()
    tool_choice: BetaToolChoice = "auto"
    temperature: float = DEFAULT_TEMPERATURE
    max_response_output_tokens: MaxTokens = "inf"
    speed: float = 1.0
    tracing: Literal["auto"] | Tracing | None = None


class FlatTranscriptionSession(_HeardWith, frozen=True, kw_only=True):
    id: str = ""
    object: str = "realtime.transcription_session"
    expires_at: int | None = 0


class FlatResponse(Struct, frozen=True, kw_only=True):
    object: Literal["realtime.response"] = "realtime.response"
    id: str
    status: ResponseStatus = "in_progress"
    status_details: StatusDetails | None = None
    output: tuple[Item, ...] = ()
    conversation_id: str | None = None
    modalities: Modalities = ("audio", "text")
    voice: str = "alloy"
    output_audio_format: FormatName = "pcm16"
    temperature: float = DEFAULT_TEMPERATURE
    max_output_tokens: MaxTokens = "inf"
    metadata: dict[str, str] | None = None
    usage: Usage | None = None


# Events


class SessionCreated(ServerEvent, frozen=True, kw_only=True, tag="session.created"):
    session: FlatSession


class SessionUpdated(ServerEvent, frozen=True, kw_only=True, tag="session.updated"):
    session: FlatSession


class TranscriptionSessionCreated(
    ServerEvent, frozen=True, kw_only=True, tag="transcription_session.created"
):
    session: FlatTranscriptionSession


class TranscriptionSessionUpdated(
    ServerEvent, frozen=True, kw_only=True, tag="transcription_session.updated"
):
    session: FlatTranscriptionSession


class ConversationItemCreated(
    ev.ConversationItemAdded, frozen=True, kw_only=True, tag="conversation.item.created"
):
    pass


class ResponseCreated(ServerEvent, frozen=True, kw_only=True, tag="response.created"):
    response: FlatResponse


class ResponseDone(ServerEvent, frozen=True, kw_only=True, tag="response.done"):
    response: FlatResponse


class ResponseTextDelta(ev.ResponseOutputTextDelta, frozen=True, kw_only=True, tag="response.text.delta"):
    pass


class ResponseTextDone(ev.ResponseOutputTextDone, frozen=True, kw_only=True, tag="response.text.done"):
    pass


class ResponseAudioTranscriptDelta(
    ev.ResponseOutputAudioTranscriptDelta, frozen=True, kw_only=True, tag="response.audio_transcript.delta"
):
    pass


class ResponseAudioTranscriptDone(
    ev.ResponseOutputAudioTranscriptDone, frozen=True, kw_only=True, tag="response.audio_transcript.done"
):
    pass


class ResponseAudioDelta(ev.ResponseOutputAudioDelta, frozen=True, kw_only=True, tag="response.audio.delta"):
    pass


class ResponseAudioDone(ev.ResponseOutputAudioDone, frozen=True, kw_only=True, tag="response.audio.done"):
    pass


BetaServerEvent: TypeAlias = (
    SessionCreated
    | SessionUpdated
    | TranscriptionSessionCreated
    | TranscriptionSessionUpdated
    | ConversationItemCreated
    | ResponseCreated
    | ResponseDone
    | ResponseTextDelta
    | ResponseTextDone
    | ResponseAudioTranscriptDelta
    | ResponseAudioTranscriptDone
    | ResponseAudioDelta
    | ResponseAudioDone
    | ev.Error
    | ev.RateLimitsUpdated
    | ev.ConversationCreated
    | ev.ConversationItemRetrieved
    | ev.ConversationItemTruncated
    | ev.ConversationItemDeleted
    | ev.InputAudioBufferSpeechStarted
    | ev.InputAudioBufferSpeechStopped
    | ev.InputAudioBufferCommitted
    | ev.InputAudioBufferCleared
    | ev.InputAudioBufferTimeoutTriggered
    | ev.InputAudioTranscriptionDelta
    | ev.InputAudioTranscriptionCompleted
    | ev.InputAudioTranscriptionFailed
    | ev.InputAudioTranscriptionSegment
    | ev.ResponseOutputItemAdded
    | ev.ResponseOutputItemDone
    | ev.ResponseContentPartAdded
    | ev.ResponseContentPartDone
    | ev.ResponseFunctionCallArgumentsDelta
    | ev.ResponseFunctionCallArgumentsDone
    | ev.McpListToolsInProgress
    | ev.McpListToolsCompleted
    | ev.McpListToolsFailed
    | ev.ResponseMcpCallArgumentsDelta
    | ev.ResponseMcpCallArgumentsDone
    | ev.ResponseMcpCallInProgress
    | ev.ResponseMcpCallCompleted
    | ev.ResponseMcpCallFailed
)
SERVER_TYPES = tuple(str(kind.__struct_config__.tag) for kind in BetaServerEvent.__args__)

_PARAMS = (
    ("session.audio.output.voice", "session.voice"),
    ("session.audio.output.format", "session.output_audio_format"),
    ("session.audio.output.speed", "session.speed"),
    ("session.audio.input.format", "session.input_audio_format"),
    ("session.audio.input.transcription", "session.input_audio_transcription"),
    ("session.audio.input.noise_reduction", "session.input_audio_noise_reduction"),
    ("session.audio.input.turn_detection", "session.turn_detection"),
    ("session.max_output_tokens", "session.max_response_output_tokens"),
    ("session.output_modalities", "session.modalities"),
    ("response.audio.output.voice", "response.voice"),
    ("response.audio.output.format", "response.output_audio_format"),
    ("response.output_modalities", "response.modalities"),
)
_TODAYS_PARAMS = tuple((beta, today) for today, beta in _PARAMS)


def betas(event: AnyServerEvent) -> Struct | None:
    """The event in the dialect's shape; None where the dialect has no such event."""
    shape = _BETAS.get(type(event))
    return event if shape is None else shape(event)


def todays(event: BetaServerEvent) -> AnyServerEvent:
    """Raises ClientError where the event's parts do not fit together."""
    shape = _TODAYS.get(type(event))
    # Every type that is not in the table is one of today's.
    return cast(AnyServerEvent, event) if shape is None else shape(event)


# The three that are sent many times a second are written out: half the time of the general way.


def _text_delta(event: ev.ResponseOutputTextDelta) -> Struct:
    return ResponseTextDelta(
        event_id=event.event_id,
        response_id=event.response_id,
        item_id=event.item_id,
        output_index=event.output_index,
        content_index=event.content_index,
        delta=event.delta,
    )


def _audio_transcript_delta(event: ev.ResponseOutputAudioTranscriptDelta) -> Struct:
    return ResponseAudioTranscriptDelta(
        event_id=event.event_id,
        response_id=event.response_id,
        item_id=event.item_id,
        output_index=event.output_index,
        content_index=event.content_index,
        delta=event.delta,
    )


def _audio_delta(event: ev.ResponseOutputAudioDelta) -> Struct:
    return ResponseAudioDelta(
        event_id=event.event_id,
        response_id=event.response_id,
        item_id=event.item_id,
        output_index=event.output_index,
        content_index=event.content_index,
        delta=event.delta,
    )


def _as(kind: type[Struct]) -> Callable[[Any], Any]:
    """Into *kind*, which has the same fields under another name."""
    return lambda event: kind(**structs.asdict(event))


def _nothing(event: Struct) -> None:
    return None


def _error(event: ev.Error) -> Struct:
    return structs.replace(event, error=_renamed(event.error, _PARAMS))


def _todays_error(event: ev.Error) -> Struct:
    return structs.replace(event, error=_renamed(event.error, _TODAYS_PARAMS))


def _renamed(error: ev.ErrorDetail, names: tuple[tuple[str, str], ...]) -> ev.ErrorDetail:
    for name, other in names:
        if error.param is not None and (error.param + ".").startswith((f"{name}.", f"{name}[")):
            param = other + error.param.removeprefix(name)
            return structs.replace(error, param=param, message=error.message.replace(f"'{name}", f"'{other}"))
    return error


def _item_created(event: ev.ConversationItemAdded) -> Struct:
    return ConversationItemCreated(
        event_id=event.event_id, previous_item_id=event.previous_item_id, item=shown_to_beta(event.item)
    )


def _item_added(event: ConversationItemCreated) -> Struct:
    return ev.ConversationItemAdded(
        event_id=event.event_id, previous_item_id=event.previous_item_id, item=_received(event.item)
    )


def _transcribed(event: ev.InputAudioTranscriptionCompleted) -> Struct:
    return event if event.languages is UNSET else structs.replace(event, languages=UNSET)


_WithItem: TypeAlias = ev.ConversationItemRetrieved | ev.ResponseOutputItemAdded | ev.ResponseOutputItemDone


def _with_item(event: _WithItem) -> Struct:
    return structs.replace(event, item=shown_to_beta(event.item))


def _with_todays_item(event: _WithItem) -> Struct:
    return structs.replace(event, item=_received(event.item))


def _received(item: Item) -> Item:
    return cast(Item, received(item))


# Responses


def _response_created(event: ev.ResponseCreated) -> Struct:
    return ResponseCreated(event_id=event.event_id, response=_flat_response(event.response))


def _response_done(event: ev.ResponseDone) -> Struct:
    return ResponseDone(event_id=event.event_id, response=_flat_response(event.response))


def _flat_response(response: Response) -> FlatResponse:
    return FlatResponse(
        id=response.id,
        status=response.status,
        status_details=response.status_details,
        output=tuple(map(shown_to_beta, response.output)),
        conversation_id=response.conversation_id,
        modalities=_shown_modalities(response.output_modalities),
        voice=_voice(response.audio.output.voice),
        output_audio_format=FORMAT_NAMES[type(response.audio.output.format)],
        temperature=_temperature(response.temperature),
        max_output_tokens=response.max_output_tokens,
        metadata=response.metadata,
        usage=response.usage and _without_images(response.usage),
    )


def _without_images(usage: Usage) -> Usage:
    details = usage.input_token_details
    cached = structs.replace(details.cached_tokens_details, image_tokens=UNSET)
    details = structs.replace(details, image_tokens=UNSET, cached_tokens_details=cached)
    return structs.replace(usage, input_token_details=details)


def _todays_response_created(event: ResponseCreated) -> Struct:
    return ev.ResponseCreated(event_id=event.event_id, response=_nested_response(event.response))


def _todays_response_done(event: ResponseDone) -> Struct:
    return ev.ResponseDone(event_id=event.event_id, response=_nested_response(event.response))


def _nested_response(response: FlatResponse) -> Response:
    output = ResponseAudioOutput(format=FORMATS[response.output_audio_format], voice=response.voice)
    return Response(
        id=response.id,
        status=response.status,
        status_details=response.status_details,
        output=tuple(map(_received, response.output)),
        conversation_id=response.conversation_id,
        output_modalities=_todays_modalities(response.modalities),
        audio=ResponseAudio(output=output),
        temperature=response.temperature,
        max_output_tokens=response.max_output_tokens,
        metadata=response.metadata,
        usage=response.usage,
    )


# Sessions


def _session_created(event: ev.SessionCreated) -> Struct:
    if isinstance(event.session, TranscriptionSession):
        return TranscriptionSessionCreated(
            event_id=event.event_id, session=_flat_transcription(event.session)
        )
    return SessionCreated(event_id=event.event_id, session=_flat(event.session))


def _session_updated(event: ev.SessionUpdated) -> Struct:
    if isinstance(event.session, TranscriptionSession):
        return TranscriptionSessionUpdated(
            event_id=event.event_id, session=_flat_transcription(event.session)
        )
    return SessionUpdated(event_id=event.event_id, session=_flat(event.session))


def _flat(session: RealtimeSession) -> FlatSession:
    heard, spoken = session.audio.input, session.audio.output
    return FlatSession(
        id=session.id,
        expires_at=session.expires_at,
        model=session.model,
        modalities=_shown_modalities(session.output_modalities),
        instructions=session.instructions,
        voice=_voice(spoken.voice),
        input_audio_format=FORMAT_NAMES[type(heard.format)],
        input_audio_transcription=_transcription(heard),
        input_audio_noise_reduction=heard.noise_reduction,
        turn_detection=cast(TurnDetection | None, betas_turn_detection(heard.turn_detection)),
        output_audio_format=FORMAT_NAMES[type(spoken.format)],
        speed=spoken.speed,
        tools=session.tools,
        tool_choice=cast(BetaToolChoice, betas_tool_choice(session.tool_choice)),
        temperature=_temperature(session.temperature),
        max_response_output_tokens=session.max_output_tokens,
        tracing=session.tracing,
        include=session.include,
    )


def _flat_transcription(session: TranscriptionSession) -> FlatTranscriptionSession:
    heard = session.audio.input
    return FlatTranscriptionSession(
        id=session.id,
        expires_at=session.expires_at,
        input_audio_format=FORMAT_NAMES[type(heard.format)],
        input_audio_transcription=_transcription(heard),
        input_audio_noise_reduction=heard.noise_reduction,
        turn_detection=shown_turn_detection(session),
        include=session.include,
    )


def _todays_session_created(event: SessionCreated | TranscriptionSessionCreated) -> Struct:
    return ev.SessionCreated(event_id=event.event_id, session=_nested(event.session))


def _todays_session_updated(event: SessionUpdated | TranscriptionSessionUpdated) -> Struct:
    return ev.SessionUpdated(event_id=event.event_id, session=_nested(event.session))


def _nested(session: FlatSession | FlatTranscriptionSession) -> RealtimeSession | TranscriptionSession:
    heard = _heard(session)
    if isinstance(session, FlatTranscriptionSession):
        return TranscriptionSession(
            id=session.id,
            expires_at=session.expires_at or 0,
            audio=TranscriptionAudio(input=heard),
            include=session.include,
        )
    spoken = AudioOutput(
        format=FORMATS[session.output_audio_format], voice=session.voice, speed=session.speed
    )
    return RealtimeSession(
        id=session.id,
        model=session.model,
        expires_at=session.expires_at or 0,
        output_modalities=_todays_modalities(session.modalities),
        instructions=session.instructions,
        tools=session.tools,
        tool_choice=cast(ToolChoice, todays_tool_choice(session.tool_choice, "session.tool_choice")),
        max_output_tokens=session.max_response_output_tokens,
        tracing=session.tracing,
        audio=RealtimeAudio(input=heard, output=spoken),
        include=session.include,
        temperature=session.temperature,
    )


def _heard(session: _HeardWith) -> AudioInput:
    loose = session.input_audio_transcription
    return AudioInput(
        format=FORMATS[session.input_audio_format],
        transcription=loose.strict() if loose else None,
        noise_reduction=session.input_audio_noise_reduction,
        turn_detection=session.turn_detection,
    )


def _transcription(heard: AudioInput) -> LooseTranscription | None:
    return cast(LooseTranscription | None, betas_transcription(heard.transcription))


def _shown_modalities(modalities: Modalities) -> Modalities:
    return cast(Modalities, betas_modalities(modalities))


def _todays_modalities(modalities: Modalities) -> Modalities:
    return ("audio",) if "audio" in modalities else ("text",)


def _voice(voice: VoiceName) -> str:
    return voice.id if isinstance(voice, VoiceId) else voice


def _temperature(temperature: float | UnsetType) -> float:
    return DEFAULT_TEMPERATURE if temperature is UNSET else temperature


_BETAS: dict[type[Struct], Callable[[Any], Struct | None]] = {
    ev.Error: _error,
    ev.SessionCreated: _session_created,
    ev.SessionUpdated: _session_updated,
    ev.ConversationItemAdded: _item_created,
    ev.ConversationItemDone: _nothing,
    ev.ConversationItemRetrieved: _with_item,
    ev.InputAudioTranscriptionCompleted: _transcribed,
    ev.ResponseOutputItemAdded: _with_item,
    ev.ResponseOutputItemDone: _with_item,
    ev.ResponseCreated: _response_created,
    ev.ResponseDone: _response_done,
    ev.ResponseOutputTextDelta: _text_delta,
    ev.ResponseOutputTextDone: _as(ResponseTextDone),
    ev.ResponseOutputAudioTranscriptDelta: _audio_transcript_delta,
    ev.ResponseOutputAudioTranscriptDone: _as(ResponseAudioTranscriptDone),
    ev.ResponseOutputAudioDelta: _audio_delta,
    ev.ResponseOutputAudioDone: _as(ResponseAudioDone),
}
_TODAYS: dict[type[Struct], Callable[[Any], Any]] = {
    ev.Error: _todays_error,
    SessionCreated: _todays_session_created,
    SessionUpdated: _todays_session_updated,
    TranscriptionSessionCreated: _todays_session_created,
    TranscriptionSessionUpdated: _todays_session_updated,
    ConversationItemCreated: _item_added,
    ev.ConversationItemRetrieved: _with_todays_item,
    ev.ResponseOutputItemAdded: _with_todays_item,
    ev.ResponseOutputItemDone: _with_todays_item,
    ResponseCreated: _todays_response_created,
    ResponseDone: _todays_response_done,
    ResponseTextDelta: _as(ev.ResponseOutputTextDelta),
    ResponseTextDone: _as(ev.ResponseOutputTextDone),
    ResponseAudioTranscriptDelta: _as(ev.ResponseOutputAudioTranscriptDelta),
    ResponseAudioTranscriptDone: _as(ev.ResponseOutputAudioTranscriptDone),
    ResponseAudioDelta: _as(ev.ResponseOutputAudioDelta),
    ResponseAudioDone: _as(ev.ResponseOutputAudioDone),
}
