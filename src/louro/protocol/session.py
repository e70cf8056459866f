"""The session object: its settings, what a client may change of them, and how a change is merged."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType, structs

# Audio


class PcmFormat(Struct, frozen=True, tag="audio/pcm", forbid_unknown_fields=True):
    rate: Literal[24000] = 24000


class PcmuFormat(Struct, frozen=True, tag="audio/pcmu", forbid_unknown_fields=True):
    """G.711 mu-law, 8 kHz."""


class PcmaFormat(Struct, frozen=True, tag="audio/pcma", forbid_unknown_fields=True):
    """G.711 A-law, 8 kHz."""


AudioFormat: TypeAlias = PcmFormat | PcmuFormat | PcmaFormat


class Transcription(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    model: str | None = None
    language: str | None = None
    prompt: str | None = None
    languages: tuple[str, ...] | UnsetType | None = UNSET
    keywords: tuple[str, ...] | UnsetType | None = UNSET
    delay: Literal["minimal", "low", "medium", "high", "xhigh"] | UnsetType | None = UNSET


class NoiseReduction(Struct, frozen=True, forbid_unknown_fields=True):
    type: Literal["near_field", "far_field"] | None = None
    strength: object | UnsetType = UNSET


# Turn detection

Milliseconds: TypeAlias = Annotated[int, Meta(ge=0)]
IdleMilliseconds: TypeAlias = Annotated[int, Meta(ge=5000, le=30000)]


class ServerVad(Struct, frozen=True, kw_only=True, tag="server_vad", forbid_unknown_fields=True):
    threshold: Annotated[float, Meta(ge=0, le=1)] = 0.5
    prefix_padding_ms: Milliseconds = 300
    silence_duration_ms: Milliseconds = 200
    """200, as the live API answers; its documentation says 500."""
    idle_timeout_ms: IdleMilliseconds | UnsetType | None = None
    create_response: bool | UnsetType = True
    interrupt_response: bool | UnsetType = True


class SemanticVad(Struct, frozen=True, kw_only=True, tag="semantic_vad", forbid_unknown_fields=True):
    eagerness: Literal["auto", "low", "medium", "high"] = "auto"
    create_response: bool | UnsetType = True
    interrupt_response: bool | UnsetType = True


TurnDetection: TypeAlias = ServerVad | SemanticVad

# Tools


class FunctionTool(Struct, frozen=True, kw_only=True, tag="function"):
    name: str
    description: str | None = None
    parameters: dict[str, object] | None = None
    """JSON schema of the arguments."""


class McpServerTool(Struct, frozen=True, kw_only=True, tag="mcp"):
    """Understood so that it can be refused by name; not served."""

    server_label: str


Tool: TypeAlias = FunctionTool | McpServerTool


class FunctionChoice(Struct, frozen=True, tag="function"):
    name: str


class McpChoice(Struct, frozen=True, tag="mcp"):
    server_label: str
    name: str | None = None


ToolChoice: TypeAlias = Literal["none", "auto", "required"] | FunctionChoice | McpChoice

# Everything else


class VoiceId(Struct, frozen=True):
    id: str


class TokenLimits(Struct, frozen=True, forbid_unknown_fields=True):
    post_instructions: Annotated[int, Meta(ge=0)] | None = None


class RetentionRatio(Struct, frozen=True, kw_only=True, tag="retention_ratio", forbid_unknown_fields=True):
    retention_ratio: Annotated[float, Meta(ge=0, le=1)]
    token_limits: TokenLimits | UnsetType | None = UNSET


class Tracing(Struct, frozen=True, forbid_unknown_fields=True):
    workflow_name: str | UnsetType = UNSET
    group_id: str | UnsetType = UNSET
    metadata: dict[str, object] | UnsetType = UNSET


class StoredPrompt(Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    version: str | UnsetType | None = UNSET
    variables: dict[str, object] | UnsetType | None = UNSET


class Reasoning(Struct, frozen=True, forbid_unknown_fields=True):
    effort: Literal["minimal", "low", "medium", "high", "xhigh"] | None = None


VoiceName: TypeAlias = str | VoiceId
Modalities: TypeAlias = tuple[Literal["text", "audio"], ...]
MaxTokens: TypeAlias = Annotated[int, Meta(ge=1, le=4096)] | Literal["inf"]
Truncation: TypeAlias = Literal["auto", "disabled"] | RetentionRatio
Speed: TypeAlias = Annotated[float, Meta(ge=0.25, le=1.5)]
Include: TypeAlias = tuple[str, ...]

# The settings in force


class AudioInput(Struct, frozen=True, kw_only=True):
    format: AudioFormat = PcmFormat()
    transcription: Transcription | None = None
    noise_reduction: NoiseReduction | None = None
    turn_detection: TurnDetection | None = ServerVad()


class AudioOutput(Struct, frozen=True, kw_only=True):
    format: AudioFormat = PcmFormat()
    voice: VoiceName = "alloy"
    speed: float = 1.0


class RealtimeAudio(Struct, frozen=True, kw_only=True):
    input: AudioInput = AudioInput()
    output: AudioOutput = AudioOutput()


class TranscriptionAudio(Struct, frozen=True, kw_only=True):
    input: AudioInput = AudioInput()


class RealtimeSession(Struct, frozen=True, kw_only=True, tag="realtime"):
    object: str = "realtime.session"
    id: str
    model: str
    output_modalities: Modalities = ("audio",)
    instructions: str = ""
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = "auto"
    max_output_tokens: MaxTokens = "inf"
    tracing: Literal["auto"] | Tracing | None = None
    truncation: Truncation = "auto"
    prompt: StoredPrompt | None = None
    expires_at: int
    audio: RealtimeAudio = RealtimeAudio()
    include: Include | None = None
    parallel_tool_calls: bool | UnsetType = UNSET
    reasoning: Reasoning | UnsetType = UNSET
    temperature: float | UnsetType = UNSET
    """Only the beta dialect has it; in today's it never leaves UNSET."""


class TranscriptionSession(Struct, frozen=True, kw_only=True, tag="transcription"):
    object: str = "realtime.transcription_session"
    id: str
    expires_at: int
    audio: TranscriptionAudio = TranscriptionAudio()
    include: Include | None = None


Session: TypeAlias = RealtimeSession | TranscriptionSession

# What a client may change


class AudioInputPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: AudioFormat | UnsetType | None = UNSET
    transcription: Transcription | UnsetType | None = UNSET
    noise_reduction: NoiseReduction | UnsetType | None = UNSET
    turn_detection: TurnDetection | UnsetType | None = UNSET


class AudioOutputPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: AudioFormat | UnsetType | None = UNSET
    voice: VoiceName | UnsetType | None = UNSET
    speed: Speed | UnsetType | None = UNSET


class RealtimeAudioPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    input: AudioInputPatch | UnsetType | None = UNSET
    output: AudioOutputPatch | UnsetType | None = UNSET


class TranscriptionAudioPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    input: AudioInputPatch | UnsetType | None = UNSET


class RealtimeSessionPatch(Struct, frozen=True, kw_only=True, tag="realtime", forbid_unknown_fields=True):
    """UNSET leaves a setting as it is. None clears what can be cleared, and leaves the rest as it is."""

    model: str | UnsetType | None = UNSET
    """Never changes a live session: clients repeat their own default here."""
    output_modalities: Modalities | UnsetType | None = UNSET
    instructions: str | UnsetType | None = UNSET
    tools: tuple[Tool, ...] | UnsetType | None = UNSET
    tool_choice: ToolChoice | UnsetType | None = UNSET
    max_output_tokens: MaxTokens | UnsetType | None = UNSET
    tracing: Literal["auto"] | Tracing | UnsetType | None = UNSET
    truncation: Truncation | UnsetType | None = UNSET
    prompt: StoredPrompt | UnsetType | None = UNSET
    audio: RealtimeAudioPatch | UnsetType | None = UNSET
    include: Include | UnsetType | None = UNSET
    parallel_tool_calls: bool | UnsetType | None = UNSET
    reasoning: Reasoning | UnsetType | None = UNSET


class BetaRealtimeSessionPatch(RealtimeSessionPatch, frozen=True, kw_only=True, tag="realtime"):
    """What only the beta dialect can say."""

    temperature: Annotated[float, Meta(ge=0.6, le=1.2)] | UnsetType | None = UNSET


class TranscriptionSessionPatch(
    Struct, frozen=True, kw_only=True, tag="transcription", forbid_unknown_fields=True
):
    audio: TranscriptionAudioPatch | UnsetType | None = UNSET
    include: Include | UnsetType | None = UNSET


SessionPatch: TypeAlias = RealtimeSessionPatch | TranscriptionSessionPatch

S = TypeVar("S", bound=Struct)
_CLEARABLE = frozenset({"transcription", "noise_reduction", "turn_detection", "tracing", "prompt", "include"})
_NESTED = (AudioInputPatch, AudioOutputPatch, RealtimeAudioPatch, TranscriptionAudioPatch)


def merge(settings: S, patch: Struct) -> S:
    """Return *settings* with what *patch* sets. Only `audio` merges by key; all else is replaced whole."""
    changes: dict[str, object] = {}
    for name in patch.__struct_fields__:
        value = getattr(patch, name)
        if value is UNSET or name == "model" or (value is None and name not in _CLEARABLE):
            continue
        changes[name] = merge(getattr(settings, name), value) if isinstance(value, _NESTED) else value
    return structs.replace(settings, **changes)


P = TypeVar("P", bound=Struct)


def merge_patches(first: P, then: P) -> P:
    """The one patch that does what *first* and *then* do in turn."""
    changes: dict[str, object] = {}
    for name in then.__struct_fields__:
        value = getattr(then, name)
        if value is UNSET:
            continue
        before = getattr(first, name)
        both_nest = isinstance(value, _NESTED) and isinstance(before, _NESTED)
        changes[name] = merge_patches(before, value) if both_nest else value
    return structs.replace(first, **changes)
