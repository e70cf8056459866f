"""From what a session sends to what is written down, and to what it may still do."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Protocol

import anyio.to_thread
from msgspec import UNSET

from louro.audio.pcm import duration_ms
from louro.protocol import server_events as ev
from louro.protocol.items import FunctionCallItem
from louro.protocol.response import Response, Usage
from louro.session.reports import AllowanceChanged, Quota
from louro.store import budgets as rules
from louro.store.base import Entry, Ledger
from louro.store.budgets import Standing
from louro.store.prices import NO_TOKENS, PriceTable, Tokens, cost
from louro.store.rates import Left, Owner, Pace, Rates

logger = logging.getLogger(__name__)

OUTPUT_MS_PER_TOKEN = 50
"""Where only tokens are told: OpenAI's count of spoken audio."""
MAX_OPEN_RESPONSES = 64
"""Whose beginning is remembered. A server that begins answers and never ends them must not fill the memory."""


class Budgets(Protocol):
    def standings(
        self, now: float, key_id: str | None, project: str, session_id: str | None = None
    ) -> Sequence[Standing]:
        """Blocks."""
        ...


@dataclass(frozen=True)
class Holder:
    """Who pays."""

    key_id: str | None
    project: str

    @property
    def owners(self) -> list[Owner]:
        """Of limits."""
        project: Owner = ("project", self.project)
        return [project] if self.key_id is None else [("key", self.key_id), project]


@dataclass(frozen=True)
class Books:
    """The accounts of one server. *clock* gives Unix time."""

    ledger: Ledger
    budgets: Budgets
    prices: PriceTable
    clock: Callable[[], float]
    rates: Rates = field(default_factory=Rates)

    def open(self, holder: Holder, model: str, priced_as: str | None = None) -> Account:
        """*priced_as*: the name in the price list of all that works here, whatever the client calls it; None: models
        are what they are called, as behind a relay."""
        return Account(self, holder, model, priced_as)


@dataclass
class _Begun:
    at: float
    first_audio_ms: int | None = None
    output_ms: int = 0


class Account:
    """One session's. `observe` every event before it is sent; `settle` where it says so, and `close` at the end."""

    def __init__(self, books: Books, holder: Holder, model: str, priced_as: str | None) -> None:
        self._books = books
        self._holder = holder
        self._model = model
        self._priced_as = priced_as
        self._session_id = ""
        self._ear = ""
        """The model that transcribes."""
        self._opened_at = books.clock()
        self._begun: dict[str, _Begun] = {}
        self._speech_ms = 0
        """Where the user's speech began, in the session's audio."""
        self._heard_ms = 0
        """What was heard and stands in no entry yet."""
        self._pending: list[Entry] = []
        self._standings: Sequence[Standing] = ()
        self._problem: str | None = None
        """Why nothing is known of the budgets."""
        self._paces: Sequence[Pace] = ()
        self._seen_version = 0
        """Of the paces, when somebody was told of them."""
        self._is_counted = False

    def now(self) -> float:
        """Unix time."""
        return self._books.clock()

    def observe(self, event: ev.AnyServerEvent, now: float) -> bool:
        """Take note; return whether the event may leave only when `settle` has returned."""
        match event:
            case ev.ResponseOutputAudioDelta(response_id=response_id, delta=pcm):
                begun = self._begun.get(response_id)
                if begun is not None:
                    begun.output_ms += duration_ms(pcm)
                    if begun.first_audio_ms is None:
                        begun.first_audio_ms = _ms(now - begun.at)
            case ev.ResponseCreated(response=response):
                self._begin(response.id, now)
            case ev.ResponseDone(response=response):
                self._note(self._answered(response, now), now)
                return True
            case ev.InputAudioBufferSpeechStarted(audio_start_ms=start_ms):
                self._speech_ms = start_ms
            case ev.InputAudioBufferSpeechStopped(audio_end_ms=end_ms):
                self._heard_ms += max(end_ms - self._speech_ms, 0)
            case ev.InputAudioTranscriptionCompleted():
                self._note(self._transcribed(event, now), now)
            case ev.SessionCreated(session=session) | ev.SessionUpdated(session=session):
                self._session_id = self._session_id or session.id
                transcription = session.audio.input.transcription
                self._ear = (transcription.model if transcription else None) or ""
            case _:
                pass
        return False

    async def settle(self) -> AllowanceChanged:
        """Write down what was noted, and say what is still allowed. What cannot be written is kept, and tried again;
        until then nothing more is allowed."""
        await anyio.to_thread.run_sync(self._settle)
        return self._allowance()

    async def allowance(self) -> AllowanceChanged:
        """What is allowed before anything was said."""
        await anyio.to_thread.run_sync(self._look)
        return self._allowance()

    def news(self) -> AllowanceChanged | None:
        """What is allowed, if that has changed since it was said last: others use the same key."""
        return self._allowance() if self._version != self._seen_version else None

    def enter(self) -> str | None:
        """The session begins, and counts among those of its key and project; or why it may not. `close` ends it.

        `allowance` comes first.
        """
        self._find_paces(self._books.clock())
        entered: list[Pace] = []
        for pace in self._paces:
            stop = pace.enter()
            if stop is not None:
                for one in entered:
                    one.leave()
                return str(stop)
            entered.append(pace)
        self._is_counted = True
        return None

    def moved(self, priced_as: str) -> None:
        """What is used from here on has another price: the session goes on elsewhere."""
        self._priced_as = priced_as

    @property
    def warning(self) -> str | None:
        """Which budget is nearly used up, for a person."""
        near = next((one for one in self._standings if one.state != "within"), None)
        return rules.shown(near.budget.limit, near.spent) if near is not None else None

    async def close(self) -> None:
        """The session is over: it gets an entry too. Not to be cancelled."""
        if self._is_counted:
            for pace in self._paces:
                pace.leave()
            self._is_counted = False
        now = self._books.clock()
        whole = Entry(
            id=self._session_id,
            kind="session",
            session_id=self._session_id,
            key_id=self._holder.key_id,
            project=self._holder.project,
            model=self._model,
            status="completed",
            at=now,
            input_ms=self._heard_ms,
            duration_ms=_ms(now - self._opened_at),
        )
        if self._session_id:
            self._pending.append(whole)
        await self.settle()

    # Entries

    def _begin(self, response_id: str, now: float) -> None:
        while len(self._begun) >= MAX_OPEN_RESPONSES:
            del self._begun[next(iter(self._begun))]
        self._begun[response_id] = _Begun(now)
        for pace in self._paces:
            pace.charge({"responses": 1}, now)

    def _note(self, entry: Entry, now: float) -> None:
        self._pending.append(entry)
        used: dict[rules.Unit, int] = {
            "money": entry.price_nanos,
            "tokens": entry.tokens.total,
            "minutes": entry.input_ms + entry.output_ms,
        }
        for pace in self._paces:
            pace.charge(used, now)

    # What is allowed

    def _find_paces(self, now: float) -> None:
        """They stay the same while the session is counted; before, others may have let them go."""
        budgets = [one.budget for one in self._standings]
        self._paces = self._books.rates.of(self._holder.owners, budgets, now)

    @property
    def _version(self) -> int:
        return sum(pace.version for pace in self._paces)

    def _allowance(self) -> AllowanceChanged:
        now = self._books.clock()
        self._find_paces(now)
        self._seen_version = self._version
        quotas = tuple(_quotas(self._standings, self._paces, now))
        spent = next((one for one in self._standings if one.state == "spent"), None)
        if self._problem is not None:
            return AllowanceChanged(self._problem, quotas=quotas)
        if spent is not None:
            used = rules.shown(spent.budget.limit, spent.spent)
            return AllowanceChanged(f"You exceeded your budget: {used} are used.", quotas=quotas)
        stops = [stop for pace in self._paces if (stop := pace.stop(now)) is not None]
        if stops:
            return AllowanceChanged(str(stops[0]), "rate_limit_exceeded", stops[0].until, quotas)
        return AllowanceChanged(quotas=quotas)

    def _answered(self, response: Response, now: float) -> Entry:
        begun = self._begun.pop(response.id, None) or _Begun(now)
        tokens = tokens_of(response.usage) if response.usage is not None else NO_TOKENS
        heard_ms, self._heard_ms = self._heard_ms, 0
        output_ms = begun.output_ms or tokens.output_audio * OUTPUT_MS_PER_TOKEN
        price = self._books.prices.price_for(self._priced_as or self._model, _day(now))
        return Entry(
            id=response.id,
            kind="response",
            session_id=self._session_id,
            key_id=self._holder.key_id,
            project=self._holder.project,
            model=self._model,
            status=response.status,
            at=now,
            tokens=tokens,
            input_ms=heard_ms,
            output_ms=output_ms,
            tool_calls=sum(isinstance(item, FunctionCallItem) for item in response.output),
            first_audio_ms=begun.first_audio_ms,
            duration_ms=_ms(now - begun.at),
            price_nanos=cost(price, tokens, (heard_ms + output_ms) // 1000),
            price_since=price.since,
        )

    def _transcribed(self, event: ev.InputAudioTranscriptionCompleted, now: float) -> Entry:
        tokens, seconds = NO_TOKENS, Decimal(0)
        match event.usage:
            case ev.TranscriptionDuration(seconds=told_s):
                seconds = Decimal(str(told_s))
            case ev.TranscriptionTokens(input_token_details=given, output_tokens=made):
                tokens = Tokens(
                    input_text=given.text_tokens, input_audio=given.audio_tokens, output_text=made
                )
        price = self._books.prices.price_for(self._priced_as or self._ear, _day(now))
        return Entry(
            id=f"{event.item_id}.{event.content_index}",
            kind="transcription",
            session_id=self._session_id,
            key_id=self._holder.key_id,
            project=self._holder.project,
            model=self._ear or self._model,
            status="completed",
            at=now,
            tokens=tokens,
            price_nanos=cost(price, tokens, seconds),
            price_since=price.since,
        )

    # In a thread

    def _settle(self) -> None:
        # The list may grow meanwhile; what was written is taken off its beginning.
        written = tuple(self._pending)
        try:
            self._books.ledger.record(written)
        except Exception:  # a boundary: whatever is wrong with the database, the session is told and lives
            logger.exception("usage cannot be recorded")
            self._problem = "Usage cannot be recorded at the moment. Try again in a while."
            return
        del self._pending[: len(written)]
        self._look()

    def _look(self) -> None:
        self._standings = self._books.budgets.standings(
            self._books.clock(), self._holder.key_id, self._holder.project, self._session_id or None
        )
        self._problem = None


def _quotas(standings: Sequence[Standing], paces: Sequence[Pace], now: float) -> Iterator[Quota]:
    """The scarcest of each name that the protocol has."""
    left = [one for pace in paces for one in pace.left(now)]
    requests = [one for one in left if one.limit.unit == "responses"]
    if requests:
        scarcest = min(requests, key=_remaining)
        yield Quota("requests", scarcest.limit.amount, scarcest.remaining, scarcest.reset_s)
    budgets = (one for one in standings if one.budget.limit.unit == "tokens" and not one.budget.limit.is_rate)
    tokens = [one for one in left if one.limit.unit == "tokens"] + [_left(one, now) for one in budgets]
    if tokens:
        scarcest = min(tokens, key=_remaining)
        yield Quota("tokens", scarcest.limit.amount, scarcest.remaining, scarcest.reset_s)


def _left(one: Standing, now: float) -> Left:
    limit = one.budget.limit
    return Left(limit, max(limit.amount - one.spent.tokens, 0), _reset_s(limit.per, now))


def _remaining(left: Left) -> int:
    return left.remaining


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


def _reset_s(per: rules.Per, now: float) -> float:
    """Until the budget is new; 0 where that never comes."""
    today = _day(now)
    match per:
        case "day":
            again = today + timedelta(days=1)
        case "month":
            again = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
        case _:
            return 0.0
    return datetime(again.year, again.month, again.day, tzinfo=UTC).timestamp() - now


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))
