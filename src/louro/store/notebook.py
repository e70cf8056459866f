"""From what a session sends to entries. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from msgspec import UNSET

from louro.audio.pcm import duration_ms
from louro.protocol import server_events as ev
from louro.protocol.items import FunctionCallItem
from louro.protocol.response import Response, Usage
from louro.protocol.session import Session, TranscriptionSession
from louro.store.base import Entry
from louro.store.prices import NO_TOKENS, PriceTable, Tokens, cost

OUTPUT_MS_PER_TOKEN = 50
"""Where only tokens are told: OpenAI's count of spoken audio."""
INPUT_MS_PER_TOKEN = 100
"""And of heard audio."""
REFUSALS = ("insufficient_quota", "rate_limit_exceeded")
"""Codes of what was not even begun."""
MAX_OPEN_RESPONSES = 64
"""Whose beginning is remembered. A server that begins answers and never ends them must not fill the memory."""


@dataclass
class _Begun:
    at: float
    first_audio_ms: int | None = None
    output_ms: int = 0


class Notebook:
    """One session's. Times are Unix time, in seconds."""

    def __init__(
        self, key_id: str | None, project: str, model: str, priced_as: str | None, prices: PriceTable
    ) -> None:
        self._key_id = key_id
        self._project = project
        self._model = model
        self._prices = prices
        self.priced_as = priced_as
        self.session_id = ""
        """Empty until it is told."""
        self._ear = ""
        """The model that transcribes."""
        self._begun: dict[str, _Begun] = {}
        self._speech_ms = 0
        """Where the user's speech began, in the session's audio."""
        self._heard_ms = 0
        """What was heard and stands in no entry yet."""
        self.only_transcribes = False
        self._detects_turns = True
        self._taken_ms = 0
        """Where the turn began that the client will end."""
        self._committed: dict[str, float] = {}
        """When; items whose transcription is not told yet."""

    def read(self, event: ev.AnyServerEvent, now: float, input_ms: int = 0) -> Entry | None:
        """Take note of it; return what it completes. *input_ms*: how much sound the client has sent, ever."""
        match event:
            case ev.ResponseOutputAudioDelta(response_id=response_id, delta=pcm):
                self._sound(response_id, duration_ms(pcm), now)
            case ev.ResponseCreated(response=response):
                self._begin(response.id, now)
            case ev.ResponseDone(response=response):
                return self._answered(response, now)
            case ev.InputAudioBufferSpeechStarted(audio_start_ms=start_ms):
                self._speech_ms = start_ms
            case ev.InputAudioBufferSpeechStopped(audio_end_ms=end_ms):
                self._heard_ms += max(end_ms - self._speech_ms, 0)
            case ev.InputAudioBufferCommitted(item_id=item_id):
                self._commit(item_id, now, input_ms)
            case ev.InputAudioBufferCleared():
                self._taken_ms = input_ms
            case ev.InputAudioTranscriptionCompleted() | ev.InputAudioTranscriptionFailed():
                return self._transcribed(event, now)
            case ev.SessionCreated(session=session) | ev.SessionUpdated(session=session):
                self._configure(session, input_ms)
            case _:
                pass
        return None

    def session(self, opened_at: float, now: float) -> Entry:
        """The whole of it, at its end; what was heard and never answered is its own."""
        price = self._prices.price_for(self.priced_as or self._model, _day(now))
        return Entry(
            id=self.session_id,
            kind="session",
            session_id=self.session_id,
            key_id=self._key_id,
            project=self._project,
            model=self._model,
            status="completed",
            at=now,
            input_ms=self._heard_ms,
            duration_ms=_ms(now - opened_at),
            price_nanos=cost(price, NO_TOKENS, _seconds(self._heard_ms)),
            price_since=price.since,
        )

    def _configure(self, session: Session, input_ms: int) -> None:
        self.session_id = self.session_id or session.id
        self.only_transcribes = isinstance(session, TranscriptionSession)
        transcription = session.audio.input.transcription
        self._ear = (transcription.model if transcription else None) or ""
        detected, self._detects_turns = self._detects_turns, session.audio.input.turn_detection is not None
        if detected and not self._detects_turns:
            self._taken_ms = input_ms

    def _commit(self, item_id: str, now: float, input_ms: int) -> None:
        if not self._detects_turns:
            self._heard_ms += max(input_ms - self._taken_ms, 0)
            self._taken_ms = input_ms
        while len(self._committed) >= MAX_OPEN_RESPONSES:
            del self._committed[next(iter(self._committed))]
        self._committed[item_id] = now

    def _begin(self, response_id: str, now: float) -> None:
        while len(self._begun) >= MAX_OPEN_RESPONSES:
            del self._begun[next(iter(self._begun))]
        self._begun[response_id] = _Begun(now)

    def _sound(self, response_id: str, ms: int, now: float) -> None:
        begun = self._begun.get(response_id)
        if begun is None:
            return
        begun.output_ms += ms
        if begun.first_audio_ms is None:
            begun.first_audio_ms = _ms(now - begun.at)

    def _answered(self, response: Response, now: float) -> Entry:
        begun = self._begun.pop(response.id, None) or _Begun(now)
        tokens = tokens_of(response.usage) if response.usage is not None else NO_TOKENS
        heard_ms, self._heard_ms = self._heard_ms, 0
        output_ms = begun.output_ms or tokens.output_audio * OUTPUT_MS_PER_TOKEN
        price = self._prices.price_for(self.priced_as or self._model, _day(now))
        return Entry(
            id=response.id,
            kind="response",
            session_id=self.session_id,
            key_id=self._key_id,
            project=self._project,
            model=self._model,
            status=response.status,
            at=now,
            tokens=tokens,
            input_ms=heard_ms,
            output_ms=output_ms,
            tool_calls=sum(isinstance(item, FunctionCallItem) for item in response.output),
            first_audio_ms=begun.first_audio_ms,
            duration_ms=_ms(now - begun.at),
            price_nanos=cost(price, tokens, _seconds(heard_ms + output_ms)),
            price_since=price.since,
        )

    def _transcribed(
        self, event: ev.InputAudioTranscriptionCompleted | ev.InputAudioTranscriptionFailed, now: float
    ) -> Entry | None:
        if isinstance(event, ev.InputAudioTranscriptionFailed) and event.error.code in REFUSALS:
            return None
        completed = event if isinstance(event, ev.InputAudioTranscriptionCompleted) else None
        tokens, transcribed_ms = _written_down(completed.usage) if completed is not None else (NO_TOKENS, 0)
        heard_ms = 0
        if self.only_transcribes:
            heard_ms, self._heard_ms = self._heard_ms, 0
        # What works here hears a turn once, and its answer is what pays for that.
        answer_pays = self.priced_as is not None and not self.only_transcribes
        price = self._prices.price_for(self.priced_as or self._ear, _day(now))
        return Entry(
            id=f"{event.item_id}.{event.content_index}",
            kind="transcription",
            session_id=self.session_id,
            key_id=self._key_id,
            project=self._project,
            model=self._ear or self._model,
            status="completed" if completed is not None else "failed",
            at=now,
            tokens=tokens,
            input_ms=heard_ms,
            duration_ms=_ms(now - self._committed.pop(event.item_id, now)),
            price_nanos=cost(price, tokens, 0 if answer_pays else _seconds(transcribed_ms)),
            transcribed_ms=transcribed_ms,
            price_since=price.since,
        )


def _written_down(usage: ev.TranscriptionDuration | ev.TranscriptionTokens) -> tuple[Tokens, int]:
    """Tokens, and milliseconds of sound."""
    match usage:
        case ev.TranscriptionDuration(seconds=seconds):
            return NO_TOKENS, round(seconds * 1000)
        case ev.TranscriptionTokens(input_token_details=given, output_tokens=made):
            tokens = Tokens(input_text=given.text_tokens, input_audio=given.audio_tokens, output_text=made)
            return tokens, given.audio_tokens * INPUT_MS_PER_TOKEN


def tokens_of(usage: Usage) -> Tokens:
    """As the price list counts them."""
    given, made = usage.input_token_details, usage.output_token_details
    cached = given.cached_tokens_details
    return Tokens(
        input_text=given.text_tokens,
        input_audio=given.audio_tokens,
        input_image=0 if given.image_tokens is UNSET else given.image_tokens,
        cached_text=cached.text_tokens,
        cached_audio=cached.audio_tokens,
        cached_image=0 if cached.image_tokens is UNSET else cached.image_tokens,
        output_text=made.text_tokens,
        output_audio=made.audio_tokens,
    )


def _day(now: float) -> date:
    return datetime.fromtimestamp(now, UTC).date()


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))


def _seconds(ms: int) -> Decimal:
    return Decimal(ms) / 1000
