"""What was used is counted once, whoever counts it, and is still there when its process is not."""

from __future__ import annotations

import queue
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, select, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from tests.store.recorder import an_entry

from louro.store import database as databases
from louro.store import ledger as ledgers
from louro.store.base import EVERYTHING, Filters, GroupBy, Spent
from louro.store.database import Database, open_database
from louro.store.ledger import LedgerClosed, SqlLedger
from louro.store.prices import Tokens
from louro.store.sql import Store
from louro.store.tables import ENTRIES, TOTALS

NOW = 1_800_000_000.0
TODAY = date(2027, 1, 15)
DAY_S = 86_400
RECORDER = Path(__file__).with_name("recorder.py")
ONE = Spent(nanos=1_000_000_001, tokens=30, ms=1500)


def times(count: int) -> Spent:
    return Spent(ONE.nanos * count, ONE.tokens * count, ONE.ms * count)


def ids(store: Store) -> list[str]:
    with store.database.reading() as connection:
        return list(connection.execute(select(ENTRIES.c.id).order_by(ENTRIES.c.id)).scalars())


def test_what_is_recorded_is_spent_by_its_key_its_project_and_its_session(store: Store) -> None:
    store.ledger.record([an_entry("a"), an_entry("b", key_id="key_2", session_id="sess_2")])
    assert store.ledger.spent("key", "key_1") == ONE
    assert store.ledger.spent("key", "key_2") == ONE
    assert store.ledger.spent("project", "shop") == times(2)
    assert store.ledger.spent("session", "sess_1") == ONE
    assert store.ledger.spent("key", "nobody") == Spent()


def test_nothing_is_recorded_without_a_writer(store: Store) -> None:
    store.ledger.record([])
    assert ids(store) == []


def test_an_entry_counts_once_however_often_it_comes(store: Store) -> None:
    store.ledger.record([an_entry("a"), an_entry("a")])
    store.ledger.record([an_entry("a", price_nanos=5), an_entry("b")])
    store.ledger.record([an_entry("a"), an_entry("b")])
    assert ids(store) == ["a", "b"]
    assert store.ledger.spent("project", "shop") == times(2)


def test_the_first_of_two_entries_with_one_id_is_the_one(store: Store) -> None:
    store.ledger.record([an_entry("a", price_nanos=7), an_entry("a", price_nanos=9)])
    assert store.ledger.spent("key", "key_1").nanos == 7


def test_entries_of_two_kinds_may_have_one_id(store: Store) -> None:
    store.ledger.record([an_entry("a"), an_entry("a", kind="transcription")])
    assert ids(store) == ["a", "a"]
    assert store.ledger.spent("project", "shop") == times(2)


def test_a_session_without_a_key_is_spent_by_its_project(store: Store) -> None:
    store.ledger.record([an_entry("a", key_id=None)])
    assert store.ledger.spent("project", "shop") == ONE
    assert [usage.name for usage in store.ledger.usage(0, NOW + 1, "key")] == [""]


def test_a_day_begins_at_midnight_of_utc(store: Store) -> None:
    midnight = NOW - NOW % DAY_S
    store.ledger.record([an_entry("before", midnight - 0.001), an_entry("after", midnight)])
    assert store.ledger.spent("key", "key_1", TODAY) == ONE
    assert store.ledger.spent("key", "key_1", date(2027, 1, 14)) == times(2)
    assert store.ledger.spent("key", "key_1", date(2027, 1, 16)) == Spent()
    assert store.ledger.spent("key", "key_1") == times(2)


def test_large_sums_are_exact(store: Store) -> None:
    store.ledger.record([an_entry(f"e{n}", price_nanos=10**15 + 1) for n in range(100)])
    assert store.ledger.spent("project", "shop").nanos == 10**17 + 100
    assert store.ledger.usage(0, NOW + 1, "day")[0].nanos == 10**17 + 100


@pytest.mark.parametrize("nasty", ["", "a\0b", "\ud800", "';--", "x" * 5000, "ä/日本 🦜"])
def test_a_client_may_call_things_anything(store: Store, nasty: str) -> None:
    entry = an_entry(nasty, session_id=nasty, key_id=nasty, project=nasty, model=nasty, status=nasty)
    store.ledger.record([entry, entry])
    assert store.ledger.spent("project", nasty) == ONE
    assert len(store.ledger.usage(0, NOW + 1, "model", Filters(models=(nasty,)))) == 1


@pytest.mark.parametrize("bad", [{"status": None}, {"tool_calls": 2**70}, {"project": None}, {"at": "now"}])
def test_an_entry_that_the_database_does_not_take_fails_alone(store: Store, bad: dict[str, object]) -> None:
    with ThreadPoolExecutor(8) as threads:
        good = [threads.submit(store.ledger.record, [an_entry(f"g{n}")]) for n in range(20)]
        wrong = threads.submit(store.ledger.record, [an_entry("bad", **bad)])
        with pytest.raises((SQLAlchemyError, AttributeError, TypeError, OverflowError)):
            wrong.result(10)
        for one in good:
            one.result(10)
    assert len(ids(store)) == 20
    store.ledger.record([an_entry("later")])
    assert store.ledger.spent("project", "shop") == times(21)


def test_the_refusal_of_one_call_is_not_that_of_the_others(store: Store) -> None:
    good, bad = (
        ledgers._Call((ledgers._row(an_entry(name, tool_calls=count)),))
        for name, count in (("a", 1), ("b", 2**70))
    )
    store.ledger._settle([bad, good])
    good.done.result(0)
    with pytest.raises((SQLAlchemyError, OverflowError)):
        bad.done.result(0)


def test_usage_is_summed_by_day_key_project_and_model(store: Store) -> None:
    store.ledger.record(
        [
            an_entry("a", NOW, first_audio_ms=100, tool_calls=1),
            an_entry("b", NOW + DAY_S, key_id="key_2", model="louro", first_audio_ms=301),
            an_entry("c", NOW, project="fair", kind="transcription", tokens=Tokens(input_audio=5)),
            an_entry("d", NOW, kind="session", tokens=Tokens(), price_nanos=0, input_ms=0, output_ms=0),
        ]
    )
    by: dict[GroupBy, list[str]] = {
        "day": ["2027-01-15", "2027-01-16"],
        "key": ["key_1", "key_2"],
        "project": ["fair", "shop"],
        "model": ["gpt-realtime", "louro"],
    }
    for group_by, names in by.items():
        assert [one.name for one in store.ledger.usage(0, NOW * 2, group_by)] == names
    fair, shop = store.ledger.usage(0, NOW * 2, "project")
    assert shop.entries == {"response": 2, "session": 1}
    assert fair.entries == {"transcription": 1}
    assert shop.tokens == Tokens(input_audio=20, cached_audio=8, output_audio=40)
    assert fair.tokens == Tokens(input_audio=5)
    assert fair.response_tokens == Tokens()
    assert (shop.first_audio_ms, fair.first_audio_ms) == (200, None)
    assert (shop.tool_calls, shop.input_ms, shop.output_ms, shop.nanos) == (1, 2000, 1000, 2 * ONE.nanos)


def test_usage_is_of_the_time_and_of_whom_it_is_asked(store: Store) -> None:
    store.ledger.record([an_entry("a", NOW), an_entry("b", NOW + 1, key_id="key_2", project="fair")])

    def count(since: float, until: float, filters: Filters = EVERYTHING) -> int:
        return sum(sum(one.entries.values()) for one in store.ledger.usage(since, until, "day", filters))

    assert count(NOW, NOW + 1) == 1, "it ends before its end"
    assert count(NOW, NOW + 1.5) == 2
    assert count(0, NOW) == 0
    assert count(0, NOW * 2, Filters(key_ids=("key_1", "key_2"))) == 2
    assert count(0, NOW * 2, Filters(key_ids=("key_2",))) == 1
    assert count(0, NOW * 2, Filters(key_ids=())) == 0
    assert count(0, NOW * 2, Filters(projects=("shop",), kind="response")) == 1
    assert count(0, NOW * 2, Filters(projects=("shop",), models=("louro",))) == 0


def test_eight_threads_and_many_doubles_count_each_entry_once(store: Store) -> None:
    def record(thread: int) -> None:
        for number in range(200):
            # Half of what a thread records, its neighbour records too.
            owner = thread if number % 2 else thread // 2
            store.ledger.record([an_entry(f"{owner}-{number}")])

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(record, range(8)))
    assert len(ids(store)) == 8 * 100 + 4 * 100
    assert store.ledger.spent("project", "shop") == times(1200)


def test_calls_that_come_while_the_disk_is_busy_share_the_next_transaction(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived, go_on, transactions = threading.Semaphore(0), threading.Event(), []

    class Seen(queue.Queue[Any]):
        def put(self, *given: Any, **more: Any) -> None:
            super().put(*given, **more)
            arrived.release()

    write_again = store.database.write_again

    def slow(self: Database, work: Callable[[Connection], None]) -> None:
        transactions.append(1)
        assert go_on.wait(10)
        write_again(work)

    monkeypatch.setattr(Database, "write_again", slow)
    store.ledger._calls = Seen()
    with ThreadPoolExecutor(40) as threads:
        calls = [threads.submit(store.ledger.record, [an_entry(f"e{n}")]) for n in range(40)]
        assert all(arrived.acquire(timeout=10) for _ in calls)
        go_on.set()
        for call in calls:
            call.result(10)
    assert len(transactions) <= 3
    assert len(ids(store)) == 40


def test_a_long_queue_is_written_in_parts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "MAX_CALLS", 3)
    with ThreadPoolExecutor(20) as threads:
        list(threads.map(lambda n: store.ledger.record([an_entry(f"e{n}")]), range(20)))
    assert len(ids(store)) == 20


def test_what_waits_at_the_end_is_written_and_what_comes_later_is_refused(place: str) -> None:
    store = Store.open(place)
    with ThreadPoolExecutor(8) as threads:
        calls = [threads.submit(store.ledger.record, [an_entry(f"e{n}")]) for n in range(8)]
        for call in calls:
            call.result(10)
    store.ledger.close()
    store.ledger.close()
    with pytest.raises(LedgerClosed):
        store.ledger.record([an_entry("late")])
    assert len(ids(store)) == 8
    store.close()


def test_a_bug_in_the_writer_reaches_whoever_waits(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Database, work: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(Database, "write_again", fail)
        with pytest.raises(ZeroDivisionError):
            store.ledger.record([an_entry("a")])
    store.ledger.record([an_entry("a")])
    assert ids(store) == ["a"]


# Several processes


def recorders(place: str, names: Sequence[str], threads: int, count: int) -> list[subprocess.Popen[str]]:
    command = [sys.executable, str(RECORDER), place]
    return [
        subprocess.Popen([*command, name, str(threads), str(count)], stdout=subprocess.PIPE, text=True)
        for name in names
    ]


def acknowledged(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            if line.endswith("\n"):
                yield line.strip()


def test_two_processes_may_start_and_record_at_once(shared_place: str) -> None:
    processes = recorders(shared_place, ["one", "two"], threads=4, count=50)
    told = [sorted(acknowledged(process)) for process in processes]
    assert [process.wait(30) for process in processes] == [0, 0]
    store = Store.open(shared_place)
    assert ids(store) == sorted(told[0] + told[1])
    assert len(ids(store)) == 400
    assert store.ledger.spent("session", "one") == times(200)
    assert store.ledger.spent("project", "shop") == times(400)
    store.close()


@pytest.mark.parametrize("seed", range(3))
def test_what_was_acknowledged_before_a_process_was_killed_is_there(shared_place: str, seed: int) -> None:
    moment = random.Random(seed).randint(1, 300)
    (process,) = recorders(shared_place, ["doomed"], threads=4, count=10_000)
    told = []
    for id_ in acknowledged(process):
        told.append(id_)
        if len(told) == moment:
            process.kill()
    assert process.wait(30) != 0
    assert len(told) >= moment
    store = Store.open(shared_place)
    assert set(told) <= set(ids(store))
    assert len(ids(store)) <= len(told) + 4, "four were on their way"
    assert store.ledger.spent("project", "shop") == times(len(ids(store)))
    store.ledger.record([an_entry(id_, session_id="doomed") for id_ in told])
    assert store.ledger.spent("project", "shop") == times(len(ids(store))), "again is not twice"
    store.close()


# When others are in the way


def test_a_file_that_another_writer_holds_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "BUSY_MS", 1)
    place = str(tmp_path / "louro.db")
    other = open_database(place)
    store = Store.open(place)
    held = other._writing.connect()
    held.begin()
    waits = []

    def sleep(delay_s: float) -> None:
        waits.append(delay_s)
        if len(waits) == 2:
            held.close()

    monkeypatch.setattr("louro.store.database.time.sleep", sleep)
    store.ledger.record([an_entry("a")])
    assert waits == [0.05, 0.1]
    assert ids(store) == ["a"]
    other.close()
    store.close()


def test_a_file_that_is_held_for_ever_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "BUSY_MS", 1)
    monkeypatch.setattr(databases, "DELAYS_S", (0.0,))
    place = str(tmp_path / "louro.db")
    other = open_database(place)
    store = Store.open(place)
    with other._writing.begin(), pytest.raises(OperationalError, match="locked"):
        store.ledger.record([an_entry("a")])
    store.ledger.record([an_entry("a")])
    assert ids(store) == ["a"]
    other.close()
    store.close()


@pytest.mark.postgres
@pytest.mark.parametrize("place", ["postgres"], indirect=True)
def test_a_connection_that_is_cut_is_made_again(store: Store) -> None:
    store.ledger.record([an_entry("a")])
    cut_all_but(store)
    store.ledger.record([an_entry("b")])
    assert ids(store) == ["a", "b"]


@pytest.mark.postgres
@pytest.mark.parametrize("place", ["postgres"], indirect=True)
def test_a_connection_that_is_cut_in_the_middle_is_no_loss(
    store: Store, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Store.open(place)
    insert = ledgers._insert
    cuts: list[int] = []

    def cut(connection: Connection, entries: Any) -> None:
        insert(connection, entries)
        if not cuts:
            cuts.append(1)
            cut_all_but(other)

    monkeypatch.setattr(ledgers, "_insert", cut)
    store.ledger.record([an_entry("a")])
    assert cuts
    assert ids(store) == ["a"]
    assert store.ledger.spent("project", "shop") == ONE
    other.close()


def cut_all_but(store: Store) -> None:
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    with store.database.reading() as connection:
        connection.execute(text(f"{others} AND datname = current_database()"))


def test_what_is_spent_is_looked_up_and_not_added_up_again(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "louro.db"))
    store.ledger.record([an_entry(f"e{n}") for n in range(100)])
    asked: list[tuple[str, Any]] = []
    event.listen(
        store.database._engine,
        "before_cursor_execute",
        lambda connection, cursor, statement, values, context, many: asked.append((statement, values)),
    )
    store.ledger.spent("key", "key_1", TODAY)
    statement, values = asked[-1]
    with store.database.reading() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
        rows = connection.execute(select(func.count()).select_from(TOTALS)).scalar()
    assert "SEARCH usage_totals USING INDEX" in plan[0][3]
    assert rows == 3
    store.close()


def test_a_ledger_that_recorded_nothing_closes(tmp_path: Path) -> None:
    database = open_database(str(tmp_path / "louro.db"))
    SqlLedger(database).close()
    database.close()
