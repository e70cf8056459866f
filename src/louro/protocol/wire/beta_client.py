"""What a client of the beta dialect says: a flat session, older names; into today's structs and back."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias, TypedDict

from msgspec import UNSET, Meta, Struct, UnsetType, structs

from louro.protocol import client_events as ce
from louro.protocol.client_events import AnyClientEvent, ClientEvent
from louro.protocol.items import InputItem, MessageItem
from louro.protocol.response import (
    BetaResponseParams,
    Metadata,
    ResponseAudioOutputParams,
    ResponseAudioParams,
    ResponseParams,
)
from louro.protocol.session import (
    AudioFormat,
    AudioInputPatch,
    AudioOutputPatch,
    BetaRealtimeSessionPatch,
    FunctionChoice,
    Include,
    MaxTokens,
    McpChoice,
    Modalities,
    NoiseReduction,
    PcmaFormat,
    PcmFormat,
    PcmuFormat,
    RealtimeAudioPatch,
    RealtimeSessionPatch,
    SemanticVad,
    ServerVad,
    Speed,
    Tool,
    ToolChoice,
    Tracing,
    Transcription,
    TranscriptionAudioPatch,
    TranscriptionSessionPatch,
    TurnDetection,
    VoiceName,
)
from louro.protocol.wire.errors import invalid_modalities, missing_parameter
from louro.protocol.wire.ga import CLIENT_TYPES as GA_CLIENT_TYPES
from louro.protocol.wire.ga import with_received_items
from louro.protocol.wire.items import dated

CLIENT_TYPES = ("session.update", "transcription_session.update", *GA_CLIENT_TYPES[1:])

Echoed: TypeAlias = object
"""A client sends back what it was told; it changes nothing."""

FormatName: TypeAlias = Literal["pcm16", "g711_ulaw", "g711_alaw", "g711-ulaw", "g711-alaw"]
Temperature: TypeAlias = Annotated[float, Meta(ge=0.6, le=1.2)]

FORMATS: dict[str, AudioFormat] = {
    "pcm16": PcmFormat(),
    "g711_ulaw": PcmuFormat(),
    "g711_alaw": PcmaFormat(),
    "g711-ulaw": PcmuFormat(),
    "g711-alaw": PcmaFormat(),
}
FORMAT_NAMES: dict[type[AudioFormat], FormatName] = {
    PcmFormat: "pcm16",
    PcmuFormat: "g711_ulaw",
    PcmaFormat: "g711_alaw",
}


class NoTurnDetection(Struct, frozen=True, tag="none"):
    """How Azure's client spells null."""


class NamedFunction(Struct, frozen=True):
    name: str


class FunctionChoiceByEitherName(Struct, frozen=True, kw_only=True, tag="function"):
    """`{"name": ...}` or `{"function": {"name": ...}}`."""

    name: str | UnsetType = UNSET
    function: NamedFunction | UnsetType = UNSET


class LooseTranscription(Struct, frozen=True, kw_only=True):
    """With room for what the first weeks' clients sent beside these, such as `enabled`."""

    model: str | None = None
    language: str | None = None
    prompt: str | None = None

    def strict(self) -> Transcription:
        return Transcription(model=self.model, language=self.language, prompt=self.prompt)


BetaTurnDetection: TypeAlias = ServerVad | SemanticVad | NoTurnDetection
BetaToolChoice: TypeAlias = Literal["none", "auto", "required"] | FunctionChoiceByEitherName | McpChoice


class _InputSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    input_audio_format: FormatName | UnsetType | None = UNSET
    input_audio_transcription: LooseTranscription | UnsetType | None = UNSET
    input_audio_noise_reduction: NoiseReduction | UnsetType | None = UNSET
    turn_detection: BetaTurnDetection | UnsetType | None = UNSET
    include: Include | UnsetType | None = UNSET
    id: Echoed = UNSET
    object: Echoed = UNSET
    expires_at: Echoed = UNSET
    client_secret: Echoed = UNSET


class BetaSession(_InputSettings, frozen=True, kw_only=True):
    """What `session.update` may carry; what a client merely echoes is read and ignored."""

    modalities: Modalities | UnsetType | None = UNSET
    instructions: str | UnsetType | None = UNSET
    voice: VoiceName | UnsetType | None = UNSET
    output_audio_format: FormatName | UnsetType | None = UNSET
    tools: tuple[Tool, ...] | UnsetType | None = UNSET
    tool_choice: BetaToolChoice | UnsetType | None = UNSET
    temperature: Temperature | UnsetType | None = UNSET
    max_response_output_tokens: MaxTokens | UnsetType | None = UNSET
    max_output_tokens: MaxTokens | UnsetType | None = UNSET
    speed: Speed | UnsetType | None = UNSET
    tracing: Literal["auto"] | Tracing | UnsetType | None = UNSET
    model: Echoed = UNSET


class BetaTranscriptionSession(_InputSettings, frozen=True, kw_only=True):
    modalities: Echoed = UNSET


class BetaResponse(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `response.create` may carry."""

    modalities: Modalities | None = None
    instructions: str | None = None
    voice: VoiceName | None = None
    output_audio_format: FormatName | None = None
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


# Into today's structs


def todays(event: BetaClientEvent) -> AnyClientEvent:
    """Raises ClientError (without an event_id) where the event's parts do not fit together."""
    match event:
        case SessionUpdate(session=session):
            return ce.SessionUpdate(event_id=event.event_id, session=_patch(session))
        case TranscriptionSessionUpdate(session=session):
            audio = TranscriptionAudioPatch(input=_input_patch(session))
            patch = TranscriptionSessionPatch(audio=audio, include=session.include)
            return ce.SessionUpdate(event_id=event.event_id, session=patch)
        case ResponseCreate(response=response):
            params = None if response is None else _params(response)
            return with_received_items(ce.ResponseCreate(event_id=event.event_id, response=params))
        case _:
            return with_received_items(event)


def _patch(session: BetaSession) -> BetaRealtimeSessionPatch:
    limit = session.max_response_output_tokens
    output = AudioOutputPatch(
        format=_format(session.output_audio_format), voice=session.voice, speed=session.speed
    )
    return BetaRealtimeSessionPatch(
        output_modalities=_todays_modalities(session.modalities, "session.modalities"),
        instructions=session.instructions,
        tools=session.tools,
        tool_choice=todays_tool_choice(session.tool_choice, "session.tool_choice"),
        max_output_tokens=session.max_output_tokens if limit is UNSET else limit,
        tracing=session.tracing,
        include=session.include,
        temperature=session.temperature,
        audio=RealtimeAudioPatch(input=_input_patch(session), output=output),
    )


def _input_patch(session: BetaSession | BetaTranscriptionSession) -> AudioInputPatch:
    detection, heard_with = session.turn_detection, session.input_audio_transcription
    return AudioInputPatch(
        format=_format(session.input_audio_format),
        transcription=heard_with.strict() if isinstance(heard_with, LooseTranscription) else heard_with,
        noise_reduction=session.input_audio_noise_reduction,
        turn_detection=None if isinstance(detection, NoTurnDetection) else detection,
    )


def _params(response: BetaResponse) -> BetaResponseParams:
    name = response.output_audio_format
    output = ResponseAudioOutputParams(format=FORMATS[name] if name else None, voice=response.voice)
    modalities = _todays_modalities(response.modalities, "response.modalities")
    choice = todays_tool_choice(response.tool_choice, "response.tool_choice")
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
    return FORMATS[name] if isinstance(name, str) else name


def _todays_modalities(
    modalities: Modalities | UnsetType | None, param: str
) -> Modalities | UnsetType | None:
    """Audio always brings its transcript along, so that ["text", "audio"] is today's ["audio"]."""
    if not isinstance(modalities, tuple):
        return modalities
    match sorted(modalities):
        case ["audio", "text"]:
            return ("audio",)
        case ["text"]:
            return ("text",)
        case _:
            raise invalid_modalities(param, modalities, "['text'] and ['audio', 'text']")


def todays_tool_choice(
    choice: BetaToolChoice | UnsetType | None, param: str
) -> ToolChoice | UnsetType | None:
    if not isinstance(choice, FunctionChoiceByEitherName):
        return choice
    if isinstance(choice.name, str):
        return FunctionChoice(choice.name)
    if choice.function is UNSET:
        raise missing_parameter(f"{param}.name")
    return FunctionChoice(choice.function.name)


# And back


def betas(event: AnyClientEvent) -> BetaClientEvent:
    """What the dialect cannot say (model, truncation, stored prompts, reasoning, ...) is left out."""
    match event:
        case ce.SessionUpdate(session=patch):
            if isinstance(patch, RealtimeSessionPatch):
                return SessionUpdate(event_id=event.event_id, session=_flat(patch))
            return TranscriptionSessionUpdate(event_id=event.event_id, session=_flat_transcription(patch))
        case ce.ResponseCreate(response=params):
            response = None if params is None else _flat_response(params)
            return ResponseCreate(event_id=event.event_id, response=response)
        case ce.ConversationItemCreate(item=MessageItem() as item):
            return structs.replace(event, item=dated(item))
        case _:
            return event


def _flat_transcription(patch: TranscriptionSessionPatch) -> BetaTranscriptionSession:
    heard = patch.audio.input if isinstance(patch.audio, TranscriptionAudioPatch) else UNSET
    return BetaTranscriptionSession(include=patch.include, **_input_settings(heard))


def _flat(patch: RealtimeSessionPatch) -> BetaSession:
    audio = patch.audio if isinstance(patch.audio, RealtimeAudioPatch) else RealtimeAudioPatch()
    output = audio.output if isinstance(audio.output, AudioOutputPatch) else AudioOutputPatch()
    return BetaSession(
        modalities=betas_modalities(patch.output_modalities),
        instructions=patch.instructions,
        voice=output.voice,
        output_audio_format=_format_name(output.format),
        speed=output.speed,
        tools=patch.tools,
        tool_choice=betas_tool_choice(patch.tool_choice),
        temperature=patch.temperature if isinstance(patch, BetaRealtimeSessionPatch) else UNSET,
        max_response_output_tokens=patch.max_output_tokens,
        tracing=patch.tracing,
        include=patch.include,
        **_input_settings(audio.input),
    )


class _InputKeys(TypedDict, total=False):
    input_audio_format: FormatName | UnsetType | None
    input_audio_transcription: LooseTranscription | UnsetType | None
    input_audio_noise_reduction: NoiseReduction | UnsetType | None
    turn_detection: BetaTurnDetection | UnsetType | None


def _input_settings(heard: AudioInputPatch | UnsetType | None) -> _InputKeys:
    if not isinstance(heard, AudioInputPatch):
        return {}
    return {
        "input_audio_format": _format_name(heard.format),
        "input_audio_transcription": betas_transcription(heard.transcription),
        "input_audio_noise_reduction": heard.noise_reduction,
        "turn_detection": betas_turn_detection(heard.turn_detection),
    }


def _flat_response(params: ResponseParams) -> BetaResponse:
    output = params.audio.output if params.audio else None
    audio_format = output.format if output else None
    items = params.input and tuple(dated(i) if isinstance(i, MessageItem) else i for i in params.input)
    return BetaResponse(
        modalities=betas_modalities(params.output_modalities) or None,
        instructions=params.instructions,
        voice=output.voice if output else None,
        output_audio_format=FORMAT_NAMES[type(audio_format)] if audio_format else None,
        tools=params.tools,
        tool_choice=betas_tool_choice(params.tool_choice) or None,
        temperature=params.temperature if isinstance(params, BetaResponseParams) else None,
        max_response_output_tokens=params.max_output_tokens,
        conversation=params.conversation,
        metadata=params.metadata,
        input=items,
    )


def _format_name(audio_format: AudioFormat | UnsetType | None) -> FormatName | UnsetType | None:
    return audio_format if audio_format is None or audio_format is UNSET else FORMAT_NAMES[type(audio_format)]


def betas_modalities(modalities: Modalities | UnsetType | None) -> Modalities | UnsetType | None:
    return ("audio", "text") if modalities == ("audio",) else modalities


def betas_tool_choice(choice: ToolChoice | UnsetType | None) -> BetaToolChoice | UnsetType | None:
    return FunctionChoiceByEitherName(name=choice.name) if isinstance(choice, FunctionChoice) else choice


def betas_transcription(
    transcription: Transcription | UnsetType | None,
) -> LooseTranscription | UnsetType | None:
    if not isinstance(transcription, Transcription):
        return transcription
    return LooseTranscription(
        model=transcription.model, language=transcription.language, prompt=transcription.prompt
    )


def betas_turn_detection(detection: TurnDetection | UnsetType | None) -> TurnDetection | UnsetType | None:
    """An idle timeout is shown where one was asked for, and nowhere else."""
    if not isinstance(detection, ServerVad) or detection.idle_timeout_ms:
        return detection
    return structs.replace(detection, idle_timeout_ms=UNSET)
