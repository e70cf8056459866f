"""From what a session sends to what is written down, and to what it may still do."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

import anyio.to_thread

from louro.protocol import server_events as ev
from louro.session.reports import AllowanceChanged, Quota, QuotaName
from louro.store import budgets as rules
from louro.store.base import Entry, Ledger, Spent
from louro.store.budgets import Budget, Standing
from louro.store.notebook import Notebook
from louro.store.prices import PriceTable
from louro.store.rates import Left, Owner, Pace, Rates

logger = logging.getLogger(__name__)


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
    secret_id: str | None = None
    """Of the ephemeral key, if it is one."""
    limits: tuple[str, ...] = ()
    """That it has of its own."""

    @property
    def owners(self) -> list[Owner]:
        """Of limits."""
        keys: list[Owner] = [("key", id_) for id_ in (self.secret_id, self.key_id) if id_ is not None]
        return [*keys, ("project", self.project)]

    @property
    def budgets(self) -> list[Budget]:
        """Those of the ephemeral key."""
        return [Budget("key", self.secret_id or "", rules.parse_limit(text)) for text in self.limits]


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


class Account:
    """One session's. `observe` every event before it is sent; `settle` where it says so, and `close` at the end."""

    def __init__(self, books: Books, holder: Holder, model: str, priced_as: str | None) -> None:
        self._books = books
        self._holder = holder
        self._notebook = Notebook(holder.key_id, holder.project, model, priced_as, books.prices)
        self._opened_at = books.clock()
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

    def observe(self, event: ev.AnyServerEvent, now: float, input_ms: int = 0) -> bool:
        """Take note; return whether the event may leave only when `settle` has returned. *input_ms*: how much sound
        the client has sent, ever."""
        if isinstance(event, ev.ResponseCreated):
            self._charge({"responses": 1}, now)
        entry = self._notebook.read(event, now, input_ms)
        if entry is not None:
            self._note(entry, now)
        if entry is None:
            return False
        return entry.kind == "response" or self._notebook.only_transcribes

    async def settle(self) -> AllowanceChanged:
        """Write down what was noted, and say what is still allowed. What cannot be written is kept, and tried again;
        until then nothing more is allowed."""
        await anyio.to_thread.run_sync(self._settle)
        return self._allowance()

    async def allowance(self) -> AllowanceChanged:
        """What is allowed before anything was said."""
        await anyio.to_thread.run_sync(self._look)
        return self._allowance()

    def current(self) -> AllowanceChanged:
        """What is allowed by what is known; `allowance` comes first."""
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
        self._notebook.priced_as = priced_as

    @property
    def only_transcribes(self) -> bool:
        """Whether it is a session that makes no answers."""
        return self._notebook.only_transcribes

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
        if self._notebook.session_id:
            self._pending.append(self._notebook.session(self._opened_at, now))
        await self.settle()

    # Entries

    def _note(self, entry: Entry, now: float) -> None:
        self._pending.append(entry)
        self._charge(
            {
                "money": entry.price_nanos,
                "tokens": entry.tokens.total,
                "minutes": entry.input_ms + entry.output_ms,
            },
            now,
        )

    def _charge(self, used: dict[rules.Unit, int], now: float) -> None:
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

    # In a thread

    def _settle(self) -> None:
        # The list may grow meanwhile; what was written is taken off its beginning.
        written = tuple(self._pending)
        try:
            self._books.ledger.record(written)
            del self._pending[: len(written)]
            self._look()
        except Exception:  # a boundary: whatever is wrong with the database, the session is told and lives
            logger.exception("usage cannot be recorded")
            self._problem = "Usage cannot be recorded at the moment. Try again in a while."

    def _look(self) -> None:
        session_id = self._notebook.session_id or None
        theirs = self._books.budgets.standings(
            self._books.clock(), self._holder.key_id, self._holder.project, session_id
        )
        self._standings = [*theirs, *self._own_standings(session_id)]
        self._problem = None

    def _own_standings(self, session_id: str | None) -> list[Standing]:
        budgets = self._holder.budgets
        if not budgets:
            return []
        spent = self._books.ledger.spent("session", session_id) if session_id is not None else Spent()
        return [
            Standing(one, spent, "within" if one.limit.is_rate else rules.state(one, spent))
            for one in budgets
        ]


def _quotas(standings: Sequence[Standing], paces: Sequence[Pace], now: float) -> Iterator[Quota]:
    """The scarcest of each name that the protocol has. Budgets in money and sound are told as tokens once they warn."""
    left = [one for pace in paces for one in pace.left(now)]
    budgets = [one for one in standings if not one.budget.limit.is_rate]
    requests = [_quota("requests", one) for one in left if one.limit.unit == "responses"]
    tokens = [_quota("tokens", one) for one in left if one.limit.unit == "tokens"]
    tokens += [
        _in_tokens(one, now) for one in budgets if one.budget.limit.unit == "tokens" or one.state != "within"
    ]
    for found in (requests, tokens):
        if found:
            yield min(found, key=_remaining)


def _quota(name: QuotaName, left: Left) -> Quota:
    return Quota(name, left.limit.amount, left.remaining, left.reset_s)


def _in_tokens(one: Standing, now: float) -> Quota:
    """Of money and sound: how many tokens are left if they go on to cost what they have cost."""
    limit, spent = one.budget.limit, one.spent.tokens
    used = rules.used(limit.unit, one.spent)
    left = max(limit.amount - used, 0)
    remaining = left if limit.unit == "tokens" else spent * left // max(used, 1)
    total = limit.amount if limit.unit == "tokens" else spent + remaining
    return Quota("tokens", total, remaining, _reset_s(limit.per, now))


def _remaining(left: Quota) -> int:
    return left.remaining


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
