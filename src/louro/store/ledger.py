"""What was used, in a database: each entry once, and the sums that budgets ask for kept beside them."""

from __future__ import annotations

import queue
import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, String, bindparam, case, cast, func, select

from louro.store.base import EVERYTHING, Counted, Entry, Filters, GroupBy, Part, Span, Spent, Usage
from louro.store.database import Database, upsert
from louro.store.prices import NO_TOKENS, Tokens
from louro.store.tables import ENTRIES, TOKEN_KINDS, TOTALS

MAX_WAITING = 1_000
"""Calls of `record` that wait for the writer; the next waits to be let in. One for each session, and some."""
MAX_CALLS = 200
"""In one transaction: it takes some 10 ms then, and others wait for it."""
_COUNTED: tuple[Counted, ...] = ("key", "project", "session")
_SUMMED = (*TOKEN_KINDS, "input_ms", "output_ms", "transcribed_ms", "tool_calls", "price_nanos")
# Made once: it is asked before every answer, and to make it takes longer than to ask it.
_SPENT = select(*(func.coalesce(func.sum(TOTALS.c[name]), 0) for name in ("nanos", "tokens", "ms"))).where(
    TOTALS.c.counted == bindparam("what"),
    TOTALS.c.name == bindparam("whose"),
    TOTALS.c.day >= bindparam("since"),
)


class LedgerClosed(Exception):
    """What came after `close` is not recorded."""


@dataclass(frozen=True)
class _Call:
    rows: tuple[dict[str, Any], ...]
    done: Future[None] = field(default_factory=Future)


class SqlLedger:
    """Calls of many threads share a transaction: a disk that is sure of one thing a time is slow otherwise."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._calls: queue.Queue[_Call | None] = queue.Queue(MAX_WAITING)
        self._door = threading.Lock()
        self._writer: threading.Thread | None = None
        self._is_closed = False

    def record(self, entries: Sequence[Entry]) -> None:
        """Returns when they are on disk. What was recorded before, by kind and id, is left as it is.

        Raises:
            LedgerClosed
            SQLAlchemyError: the database takes none of them, now or at all. They may be recorded again.
            OverflowError: a number has more than 64 bits.
        """
        if not entries:
            return
        call = _Call(tuple(map(_row, entries)))
        with self._door:
            if self._is_closed:
                raise LedgerClosed
            self._start()
            self._calls.put(call)
        call.done.result()

    def close(self) -> None:
        """What waits is written first. Does not close the database."""
        with self._door:
            writer, self._writer = self._writer, None
            self._is_closed = True
            if writer is not None:
                self._calls.put(None)
        if writer is not None:
            writer.join()

    def spent(self, what: Counted, name: str, since: date | None = None) -> Spent:
        """By a key's id, a project or a session, from that UTC day on; None is from the first."""
        with self._database.reading() as connection:
            return spent_in(connection, what, name, since)

    def usage(
        self, since: float, until: float, group_by: GroupBy, filters: Filters = EVERYTHING
    ) -> list[Usage]:
        """Sums of what was used from *since* on and before *until* (Unix time), by name; one for each group."""
        with self._database.reading() as connection:
            found = _grouped(connection, [_named(group_by)], since, until, filters)
        return [_usage(name, found[name,]) for (name,) in sorted(found)]

    def usage_in(self, span: Span, by: Sequence[GroupBy], filters: Filters = EVERYTHING) -> list[Part]:
        """The same in stretches of time, and by any of the groups at once; earliest first."""
        columns = [_named(one) for one in by]
        with self._database.reading() as connection:
            stretch = _stretch(connection, span)
            found = _grouped(connection, [stretch, *columns], span.since, span.until, filters)
        return [
            Part(span.since + number * span.width_s, tuple(names), _usage("", found[number, *names]))
            for number, *names in sorted(found)
        ]

    # The writer

    def _start(self) -> None:
        if self._writer is None:
            # A daemon: whoever waits for an entry still waits, and nobody else should at the end.
            self._writer = threading.Thread(target=self._write_calls, name="louro-ledger", daemon=True)
            self._writer.start()

    def _write_calls(self) -> None:
        is_open = True
        while is_open:
            calls, is_open = self._next_calls()
            if calls:
                self._settle(calls)

    def _next_calls(self) -> tuple[list[_Call], bool]:
        """All that wait, at least one; and whether more may come."""
        calls: list[_Call] = []
        call = self._calls.get()
        while call is not None:
            calls.append(call)
            if len(calls) == MAX_CALLS:
                return calls, True
            try:
                call = self._calls.get_nowait()
            except queue.Empty:
                return calls, True
        return calls, False

    def _settle(self, calls: Sequence[_Call]) -> None:
        """Whoever is refused is told, alone: the others' entries are written."""
        rows = [row for call in calls for row in call.rows]
        try:
            self._database.write_again(lambda connection: _insert(connection, rows))
        except Exception as error:  # noqa: BLE001 - raised again where it is waited for; others wait for this thread
            if len(calls) > 1:
                for call in calls:
                    self._settle([call])
            else:
                calls[0].done.set_exception(error)
            return
        for call in calls:
            call.done.set_result(None)


def spent_in(connection: Connection, what: Counted, name: str, since: date | None) -> Spent:
    """`SqlLedger.spent`, in a transaction that is open."""
    asked = {"what": what, "whose": _clean(name), "since": since or date.min}
    nanos, tokens, ms = connection.execute(_SPENT, asked).one()
    return Spent(int(nanos), int(tokens), int(ms))


def _insert(connection: Connection, all_rows: Sequence[dict[str, Any]]) -> None:
    rows = {(row["kind"], row["id"]): row for row in reversed(all_rows)}
    # Sorted, so that two writers never wait for each other in a circle.
    added = connection.execute(
        upsert(connection, ENTRIES).on_conflict_do_nothing().returning(ENTRIES.c.kind, ENTRIES.c.id),
        [rows[one] for one in sorted(rows)],
    )
    totals = _totals(rows[kind, id_] for kind, id_ in added)
    if not totals:
        return
    one = upsert(connection, TOTALS)
    sums = {name: TOTALS.c[name] + one.excluded[name] for name in ("nanos", "tokens", "ms")}
    connection.execute(
        one.on_conflict_do_update(index_elements=["counted", "name", "day"], set_=sums), totals
    )


def _totals(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    sums: dict[tuple[Counted, str, date], list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in rows:
        names = (row["key_id"], row["project"], row["session_id"])
        tokens = sum(row[kind] for kind in TOKEN_KINDS if not kind.startswith("cached"))
        used = (row["price_nanos"], tokens, row["input_ms"] + row["output_ms"])
        for counted, name in zip(_COUNTED, names, strict=True):
            if name is not None:
                total = sums[counted, name, row["day"]]
                total[:] = [before + now for before, now in zip(total, used, strict=True)]
    return [
        {"counted": counted, "name": name, "day": day, "nanos": nanos, "tokens": tokens, "ms": ms}
        for (counted, name, day), (nanos, tokens, ms) in sorted(sums.items())
    ]


def _row(entry: Entry) -> dict[str, Any]:
    texts = ("id", "kind", "session_id", "project", "model", "status")
    times = ("input_ms", "output_ms", "transcribed_ms", "first_audio_ms", "duration_ms")
    numbers = (*times, "tool_calls", "price_nanos")
    own = vars(entry)
    return {
        **{name: _clean(own[name]) for name in texts},
        **{name: own[name] for name in numbers},
        **vars(entry.tokens),
        "key_id": None if entry.key_id is None else _clean(entry.key_id),
        "at": entry.at,
        "day": datetime.fromtimestamp(entry.at, UTC).date(),
        "price_since": entry.price_since,
    }


def _clean(text: str) -> str:
    """A client may call its model anything; PostgreSQL takes no NUL, and nobody takes half a surrogate pair."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "?")


def _grouped(
    connection: Connection, columns: Sequence[Any], since: float, until: float, filters: Filters
) -> dict[tuple[Any, ...], list[Any]]:
    """The sums of each kind of entry, by what the *columns* say."""
    names = [f"group_{number}" for number in range(len(columns))]
    groups = [column.label(name) for column, name in zip(columns, names, strict=True)]
    sums = [func.sum(ENTRIES.c[name]).label(name) for name in _SUMMED]
    heard = [
        func.sum(ENTRIES.c.first_audio_ms).label("first_audio_ms"),
        func.sum(case((ENTRIES.c.first_audio_ms.is_(None), 0), else_=1)).label("first_audios"),
    ]
    asked = (
        select(*groups, ENTRIES.c.kind, func.count().label("entries"), *sums, *heard)
        .where(ENTRIES.c.at >= since, ENTRIES.c.at < until, *_conditions(filters))
        .group_by(*names, ENTRIES.c.kind)
    )
    found: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for row in connection.execute(asked).mappings():
        found[tuple(row[name] for name in names)].append(row)
    return found


def _named(group_by: GroupBy) -> Any:
    column = ENTRIES.c["key_id" if group_by == "key" else group_by]
    return func.coalesce(cast(column, String), "")


def _stretch(connection: Connection, span: Span) -> Any:
    """Which one an entry is in, from 0 on."""
    exact = (ENTRIES.c.at - span.since) / float(span.width_s)
    # A cast cuts off what is behind the point in SQLite, where FLOOR may be missing; PostgreSQL's rounds.
    whole = exact if connection.dialect.name == "sqlite" else func.floor(exact)
    return cast(whole, BigInteger)


def _conditions(filters: Filters) -> list[Any]:
    wanted = {
        "key_id": filters.key_ids,
        "project": filters.projects,
        "model": filters.models,
        "kind": None if filters.kind is None else (filters.kind,),
    }
    return [
        ENTRIES.c[name].in_([_clean(one) for one in values])
        for name, values in wanted.items()
        if values is not None
    ]


def _usage(name: str, rows: Sequence[Any]) -> Usage:
    by_kind = {row["kind"]: _tokens(row) for row in rows}
    first_audios = sum(int(row["first_audios"]) for row in rows)
    first_audio_ms = sum(int(row["first_audio_ms"] or 0) for row in rows)
    return Usage(
        name=name,
        entries={row["kind"]: row["entries"] for row in rows},
        tokens=sum(by_kind.values(), NO_TOKENS),
        response_tokens=by_kind.get("response", NO_TOKENS),
        input_ms=sum(int(row["input_ms"]) for row in rows),
        output_ms=sum(int(row["output_ms"]) for row in rows),
        tool_calls=sum(int(row["tool_calls"]) for row in rows),
        first_audio_ms=round(first_audio_ms / first_audios) if first_audios else None,
        nanos=sum(int(row["price_nanos"]) for row in rows),
        transcribed_ms=sum(int(row["transcribed_ms"]) for row in rows),
    )


def _tokens(row: Any) -> Tokens:
    return Tokens(*(int(row[kind]) for kind in TOKEN_KINDS))
