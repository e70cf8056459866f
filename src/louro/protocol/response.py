"""The response object, its usage, and what a client may ask of one response."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from louro.protocol.items import InputItem, Item
from louro.protocol.session import (
    AudioFormat,
    MaxTokens,
    Modalities,
    Reasoning,
    StoredPrompt,
    Tool,
    ToolChoice,
    VoiceName,
)

ResponseStatus: TypeAlias = Literal["in_progress", "completed", "cancelled", "failed", "incomplete"]
Metadata: TypeAlias = dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=512)]]


class CachedTokensDetails(Struct, frozen=True, kw_only=True):
    text_tokens: int = 0
    audio_tokens: int = 0
    image_tokens: int | UnsetType = 0


class InputTokenDetails(Struct, frozen=True, kw_only=True):
    text_tokens: int = 0
    audio_tokens: int = 0
    image_tokens: int | UnsetType = 0
    cached_tokens: int = 0
    cached_tokens_details: CachedTokensDetails = CachedTokensDetails()


class OutputTokenDetails(Struct, frozen=True, kw_only=True):
    text_tokens: int = 0
    audio_tokens: int = 0


class Usage(Struct, frozen=True, kw_only=True):
    """Input audio is one token per 100 ms, output audio one per 50 ms. Cached tokens are a part of the input."""

    total_tokens: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    input_token_details: InputTokenDetails = InputTokenDetails()
    output_token_details: OutputTokenDetails = OutputTokenDetails()


class ResponseError(Struct, frozen=True, kw_only=True):
    type: str
    code: str | None = None
    message: str | None = None


class StatusDetails(Struct, frozen=True, kw_only=True):
    type: Literal["cancelled", "incomplete", "failed"]
    reason: (
        Literal["turn_detected", "client_cancelled", "max_output_tokens", "content_filter"] | UnsetType
    ) = UNSET
    error: ResponseError | UnsetType = UNSET


class ResponseAudioOutput(Struct, frozen=True, kw_only=True):
    format: AudioFormat
    voice: VoiceName


class ResponseAudio(Struct, frozen=True, kw_only=True):
    output: ResponseAudioOutput


class Response(Struct, frozen=True, kw_only=True):
    object: Literal["realtime.response"] = "realtime.response"
    id: str
    status: ResponseStatus = "in_progress"
    status_details: StatusDetails | None = None
    output: tuple[Item, ...] = ()
    conversation_id: str | None = None
    """None for a response outside the default conversation."""
    output_modalities: Modalities = ("audio",)
    max_output_tokens: MaxTokens = "inf"
    audio: ResponseAudio
    metadata: dict[str, str] | None = None
    usage: Usage | None = None
    temperature: float | UnsetType = UNSET
    """Only in the beta dialect."""


class ResponseAudioOutputParams(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: AudioFormat | None = None
    voice: VoiceName | None = None


class ResponseAudioParams(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    output: ResponseAudioOutputParams | None = None


class ResponseParams(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Overrides for one response; None leaves the session's setting."""

    output_modalities: Modalities | None = None
    instructions: str | None = None
    audio: ResponseAudioParams | None = None
    tools: tuple[Tool, ...] | None = None
    tool_choice: ToolChoice | None = None
    max_output_tokens: MaxTokens | None = None
    conversation: str | None = None
    """"auto" adds to the conversation; "none" leaves it alone."""
    metadata: Annotated[Metadata, Meta(max_length=16)] | None = None
    input: tuple[InputItem, ...] | None = None
    """The context instead of the conversation's; empty means none at all."""
    prompt: StoredPrompt | None = None
    reasoning: Reasoning | None = None
    parallel_tool_calls: bool | None = None


class BetaResponseParams(ResponseParams, frozen=True, kw_only=True):
    """What only the beta dialect can say."""

    temperature: Annotated[float, Meta(ge=0.6, le=1.2)] | None = None
