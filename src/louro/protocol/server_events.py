"""What a server may say. The class is the wire name in CamelCase, without `conversation.item.` where that is long."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import UNSET, Struct, UnsetType

from louro.protocol.items import AudioPart, Item, TextPart
from louro.protocol.response import Response
from louro.protocol.session import Session


class ServerEvent(Struct, frozen=True, kw_only=True):
    event_id: str


# Errors and limits


class ErrorDetail(Struct, frozen=True, kw_only=True):
    type: str = "invalid_request_error"
    code: str | None = None
    message: str
    param: str | None = None
    event_id: str | None = None
    """The client's id of the event that was refused."""


class Error(ServerEvent, frozen=True, kw_only=True, tag="error"):
    error: ErrorDetail


class RateLimit(Struct, frozen=True, kw_only=True):
    name: Literal["requests", "tokens"]
    limit: int
    remaining: int
    reset_seconds: float


class RateLimitsUpdated(ServerEvent, frozen=True, kw_only=True, tag="rate_limits.updated"):
    rate_limits: tuple[RateLimit, ...]


# Session


class SessionCreated(ServerEvent, frozen=True, kw_only=True, tag="session.created"):
    session: Session


class SessionUpdated(ServerEvent, frozen=True, kw_only=True, tag="session.updated"):
    session: Session


# Conversation


class Conversation(Struct, frozen=True, kw_only=True):
    id: str | None = None
    object: Literal["realtime.conversation"] | None = "realtime.conversation"


class ConversationCreated(ServerEvent, frozen=True, kw_only=True, tag="conversation.created"):
    """Said by other servers; the live one no longer does, and neither do we."""

    conversation: Conversation


class ConversationItemAdded(ServerEvent, frozen=True, kw_only=True, tag="conversation.item.added"):
    previous_item_id: str | None = None
    item: Item


class ConversationItemDone(ServerEvent, frozen=True, kw_only=True, tag="conversation.item.done"):
    previous_item_id: str | None = None
    item: Item


class ConversationItemRetrieved(ServerEvent, frozen=True, kw_only=True, tag="conversation.item.retrieved"):
    item: Item


class ConversationItemTruncated(ServerEvent, frozen=True, kw_only=True, tag="conversation.item.truncated"):
    item_id: str
    content_index: int
    audio_end_ms: int


class ConversationItemDeleted(ServerEvent, frozen=True, kw_only=True, tag="conversation.item.deleted"):
    item_id: str


# Input audio


class InputAudioBufferSpeechStarted(
    ServerEvent, frozen=True, kw_only=True, tag="input_audio_buffer.speech_started"
):
    audio_start_ms: int
    """In milliseconds of audio since the session began; the prefix padding is before it, and counted."""
    item_id: str


class InputAudioBufferSpeechStopped(
    ServerEvent, frozen=True, kw_only=True, tag="input_audio_buffer.speech_stopped"
):
    audio_end_ms: int
    """Includes the silence that ended the turn."""
    item_id: str


class InputAudioBufferCommitted(ServerEvent, frozen=True, kw_only=True, tag="input_audio_buffer.committed"):
    previous_item_id: str | None = None
    item_id: str


class InputAudioBufferCleared(ServerEvent, frozen=True, kw_only=True, tag="input_audio_buffer.cleared"):
    pass


class InputAudioBufferTimeoutTriggered(
    ServerEvent, frozen=True, kw_only=True, tag="input_audio_buffer.timeout_triggered"
):
    audio_start_ms: int
    audio_end_ms: int
    item_id: str


class TranscriptionDuration(Struct, frozen=True, kw_only=True, tag="duration"):
    seconds: float


class TranscriptionInputDetails(Struct, frozen=True, kw_only=True):
    text_tokens: int = 0
    audio_tokens: int


class TranscriptionTokens(Struct, frozen=True, kw_only=True, tag="tokens"):
    total_tokens: int
    input_tokens: int
    input_token_details: TranscriptionInputDetails
    output_tokens: int


class LogProb(Struct, frozen=True, kw_only=True):
    token: str
    logprob: float
    bytes: tuple[int, ...]


class TranscriptionError(Struct, frozen=True, kw_only=True):
    type: str
    code: str | None = None
    message: str
    param: str | None = None


_TRANSCRIPTION = "conversation.item.input_audio_transcription"


class InputAudioTranscriptionDelta(ServerEvent, frozen=True, kw_only=True, tag=f"{_TRANSCRIPTION}.delta"):
    item_id: str
    content_index: int = 0
    delta: str
    logprobs: tuple[LogProb, ...] | UnsetType = UNSET


class DetectedLanguage(Struct, frozen=True):
    code: str


class InputAudioTranscriptionCompleted(
    ServerEvent, frozen=True, kw_only=True, tag=f"{_TRANSCRIPTION}.completed"
):
    item_id: str
    content_index: int = 0
    transcript: str
    usage: TranscriptionTokens | TranscriptionDuration
    logprobs: tuple[LogProb, ...] | UnsetType = UNSET
    languages: tuple[DetectedLanguage, ...] | UnsetType = UNSET


class InputAudioTranscriptionFailed(ServerEvent, frozen=True, kw_only=True, tag=f"{_TRANSCRIPTION}.failed"):
    item_id: str
    content_index: int = 0
    error: TranscriptionError


class InputAudioTranscriptionSegment(ServerEvent, frozen=True, kw_only=True, tag=f"{_TRANSCRIPTION}.segment"):
    item_id: str
    content_index: int = 0
    text: str
    id: str
    speaker: str
    start: float
    end: float


# Response


class ResponseCreated(ServerEvent, frozen=True, kw_only=True, tag="response.created"):
    response: Response


class ResponseDone(ServerEvent, frozen=True, kw_only=True, tag="response.done"):
    response: Response


class ResponseOutputItemAdded(ServerEvent, frozen=True, kw_only=True, tag="response.output_item.added"):
    response_id: str
    output_index: int
    item: Item


class ResponseOutputItemDone(ServerEvent, frozen=True, kw_only=True, tag="response.output_item.done"):
    response_id: str
    output_index: int
    item: Item


class _OfItem(ServerEvent, frozen=True, kw_only=True):
    response_id: str
    item_id: str
    output_index: int


class _OfPart(_OfItem, frozen=True, kw_only=True):
    content_index: int


class ResponseContentPartAdded(_OfPart, frozen=True, kw_only=True, tag="response.content_part.added"):
    part: TextPart | AudioPart


class ResponseContentPartDone(_OfPart, frozen=True, kw_only=True, tag="response.content_part.done"):
    part: TextPart | AudioPart


class ResponseOutputTextDelta(_OfPart, frozen=True, kw_only=True, tag="response.output_text.delta"):
    delta: str


class ResponseOutputTextDone(_OfPart, frozen=True, kw_only=True, tag="response.output_text.done"):
    text: str


class ResponseOutputAudioTranscriptDelta(
    _OfPart, frozen=True, kw_only=True, tag="response.output_audio_transcript.delta"
):
    delta: str


class ResponseOutputAudioTranscriptDone(
    _OfPart, frozen=True, kw_only=True, tag="response.output_audio_transcript.done"
):
    transcript: str


class ResponseOutputAudioDelta(_OfPart, frozen=True, kw_only=True, tag="response.output_audio.delta"):
    delta: bytes
    """In the response's output format, whole samples; base64 on the wire."""


class ResponseOutputAudioDone(_OfPart, frozen=True, kw_only=True, tag="response.output_audio.done"):
    pass


class ResponseFunctionCallArgumentsDelta(
    _OfItem, frozen=True, kw_only=True, tag="response.function_call_arguments.delta"
):
    call_id: str
    delta: str


class ResponseFunctionCallArgumentsDone(
    _OfItem, frozen=True, kw_only=True, tag="response.function_call_arguments.done"
):
    call_id: str
    name: str
    arguments: str


# Hosted MCP tools


class McpListToolsInProgress(ServerEvent, frozen=True, kw_only=True, tag="mcp_list_tools.in_progress"):
    item_id: str


class McpListToolsCompleted(ServerEvent, frozen=True, kw_only=True, tag="mcp_list_tools.completed"):
    item_id: str


class McpListToolsFailed(ServerEvent, frozen=True, kw_only=True, tag="mcp_list_tools.failed"):
    item_id: str


class ResponseMcpCallArgumentsDelta(
    _OfItem, frozen=True, kw_only=True, tag="response.mcp_call_arguments.delta"
):
    delta: str


class ResponseMcpCallArgumentsDone(
    _OfItem, frozen=True, kw_only=True, tag="response.mcp_call_arguments.done"
):
    arguments: str


class ResponseMcpCallInProgress(ServerEvent, frozen=True, kw_only=True, tag="response.mcp_call.in_progress"):
    output_index: int
    item_id: str


class ResponseMcpCallCompleted(ServerEvent, frozen=True, kw_only=True, tag="response.mcp_call.completed"):
    output_index: int
    item_id: str


class ResponseMcpCallFailed(ServerEvent, frozen=True, kw_only=True, tag="response.mcp_call.failed"):
    output_index: int
    item_id: str


AnyServerEvent: TypeAlias = (
    Error
    | RateLimitsUpdated
    | SessionCreated
    | SessionUpdated
    | ConversationCreated
    | ConversationItemAdded
    | ConversationItemDone
    | ConversationItemRetrieved
    | ConversationItemTruncated
    | ConversationItemDeleted
    | InputAudioBufferSpeechStarted
    | InputAudioBufferSpeechStopped
    | InputAudioBufferCommitted
    | InputAudioBufferCleared
    | InputAudioBufferTimeoutTriggered
    | InputAudioTranscriptionDelta
    | InputAudioTranscriptionCompleted
    | InputAudioTranscriptionFailed
    | InputAudioTranscriptionSegment
    | ResponseCreated
    | ResponseDone
    | ResponseOutputItemAdded
    | ResponseOutputItemDone
    | ResponseContentPartAdded
    | ResponseContentPartDone
    | ResponseOutputTextDelta
    | ResponseOutputTextDone
    | ResponseOutputAudioTranscriptDelta
    | ResponseOutputAudioTranscriptDone
    | ResponseOutputAudioDelta
    | ResponseOutputAudioDone
    | ResponseFunctionCallArgumentsDelta
    | ResponseFunctionCallArgumentsDone
    | McpListToolsInProgress
    | McpListToolsCompleted
    | McpListToolsFailed
    | ResponseMcpCallArgumentsDelta
    | ResponseMcpCallArgumentsDone
    | ResponseMcpCallInProgress
    | ResponseMcpCallCompleted
    | ResponseMcpCallFailed
)
