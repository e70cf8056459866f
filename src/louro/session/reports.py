"""What engines tell the session, through the driver. Tagged structs, so that the log of a session can hold them."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct


class SpeechScored(Struct, frozen=True, tag=True):
    windows: tuple[tuple[float, float], ...]
    """Of each, in order: the probability that it holds speech, and its end, in milliseconds since the stream of the
    last fresh `Detect` began."""


class TranscriptProduced(Struct, frozen=True, tag=True):
    hearing: int
    text: str


class TranscriptFinished(Struct, frozen=True, tag=True):
    hearing: int


class TranscriptionFailed(Struct, frozen=True, tag=True):
    hearing: int
    message: str


class TextProduced(Struct, frozen=True, tag=True):
    response_id: str
    text: str


class AudioProduced(Struct, frozen=True, tag=True):
    response_id: str
    pcm: bytes
    """24 kHz mono int16."""
    words: tuple[tuple[str, int], ...] = ()
    """Each word with the trailing white space, and the millisecond of the response's audio at which it is over."""


class CallStarted(Struct, frozen=True, tag=True):
    response_id: str
    name: str


class ArgumentsProduced(Struct, frozen=True, tag=True):
    response_id: str
    text: str


class ResponseFinished(Struct, frozen=True, tag=True):
    response_id: str
    stop: Literal["stop", "length", "content_filter"] = "stop"
    input_tokens: int = 0
    cached_tokens: int = 0


class ResponseFailed(Struct, frozen=True, tag=True):
    response_id: str
    message: str


class AllowanceChanged(Struct, frozen=True, tag=True):
    """What whoever pays for the session still allows."""

    refusal: str | None = None
    """Why no further answer is begun; None: they are."""
    token_limit: int | None = None
    """Of the scarcest budget in tokens; None: there is none."""
    tokens_remaining: int = 0
    reset_s: float = 0.0
    """Until that budget is new, from when this was found; 0: never."""


HearingReport: TypeAlias = TranscriptProduced | TranscriptFinished | TranscriptionFailed
ResponseReport: TypeAlias = (
    TextProduced | AudioProduced | CallStarted | ArgumentsProduced | ResponseFinished | ResponseFailed
)
Report: TypeAlias = SpeechScored | HearingReport | ResponseReport | AllowanceChanged
