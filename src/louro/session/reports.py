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


class Overheard(Struct, frozen=True, tag=True):
    item_id: str
    text: str
    """What was said so far of the turn that will be this item."""


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


QuotaName: TypeAlias = Literal["requests", "tokens"]


class Quota(Struct, frozen=True):
    """What is left of the scarcest limit of its name."""

    name: QuotaName
    limit: int
    remaining: int
    reset_s: float = 0.0
    """Until it is new, from when this was found; 0: never."""


class AllowanceChanged(Struct, frozen=True, tag=True):
    """What whoever pays for the session still allows."""

    refusal: str | None = None
    """Why no further answer is begun; None: they are."""
    code: str = "insufficient_quota"
    """The protocol's, of the refusal."""
    refused_until: float | None = None
    """Unix time in seconds, when answers are begun again; None: when this changes."""
    quotas: tuple[Quota, ...] = ()
    """At most one of each name."""

    def refuses(self, now: float) -> bool:
        return self.refusal is not None and (self.refused_until is None or now < self.refused_until)


HearingReport: TypeAlias = TranscriptProduced | TranscriptFinished | TranscriptionFailed
ResponseReport: TypeAlias = (
    TextProduced | AudioProduced | CallStarted | ArgumentsProduced | ResponseFinished | ResponseFailed
)
Report: TypeAlias = SpeechScored | HearingReport | Overheard | ResponseReport | AllowanceChanged
