"""A database: SQLite in a file, or PostgreSQL. Several processes may use one; a writer waits for its turn."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, QueuePool, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError

from louro.store.tables import migrate, version_of

MEMORY = "sqlite://"
BUSY_MS = 10_000
"""SQLite tries so long to get its turn."""
DELAYS_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Then, and where PostgreSQL is away for a moment, we try again after these."""
_PASSING = ("40001", "40P01", "55P03")
"""PostgreSQL's codes for two writers in each other's way."""
T = TypeVar("T")


class StoreUnavailable(Exception):
    """There is no such database, or none that we can use. The message says why, and shows no password."""


class Database:
    """Its tables are made, or brought up to date, when it is opened.

    Args:
        url: SQLAlchemy's, as `sqlite:///FILE` or `postgresql+psycopg://...`; `sqlite://` forgets all at the end.

    Raises:
        FromTheFuture: it was written by a newer Louro.
        StoreUnavailable
    """

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        self._writing = self._engine.execution_options(is_writing=True)
        try:
            self.write(migrate)
        except DBAPIError as error:
            self.close()
            raise StoreUnavailable(f"The store {self._engine.url} cannot be used: {error.orig}") from error
        except BaseException:
            self.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One state of the database, whatever is written meanwhile."""
        with self._engine.connect() as connection:
            yield connection

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run *work* in one transaction; again from its beginning, if another writer was in the way."""
        return self._write(work, _is_in_the_way)

    def write_again(self, work: Callable[[Connection], T]) -> T:
        """The same, and again if the database went away: *work* may then run twice, and must not mind."""
        return self._write(work, lambda error: _is_in_the_way(error) or error.connection_invalidated)

    def _write(self, work: Callable[[Connection], T], is_passing: Callable[[DBAPIError], bool]) -> T:
        for delay_s in DELAYS_S:
            try:
                with self._writing.begin() as connection:
                    return work(connection)
            except DBAPIError as error:
                if not is_passing(error):
                    raise
            time.sleep(delay_s)
        with self._writing.begin() as connection:
            return work(connection)

    def close(self) -> None:
        self._engine.dispose()


def open_database(place: str) -> Database:
    """*place* is a database's URL or a file's path. Of PostgreSQL's drivers we know one: psycopg 3.

    Raises:
        FromTheFuture: it was written by a newer Louro.
        StoreUnavailable
    """
    if "://" in place:
        return Database(_url_of(place))
    path = Path(place)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(f"The store {path} cannot be made: {error.strerror}") from error
    return Database(_url_of(place))


def _url_of(place: str) -> str:
    if "://" not in place:
        return f"sqlite:///{Path(place)}"
    return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", place)


def look_at(place: str) -> tuple[str, int | None]:
    """Where it is, without a password, and the version of its tables; None if there are none. Nothing is changed.

    Raises:
        StoreUnavailable
    """
    engine = _engine(_url_of(place))
    try:
        with engine.connect() as connection:
            return str(engine.url), version_of(connection)
    except DBAPIError as error:
        raise StoreUnavailable(f"The store {engine.url} cannot be used: {error.orig}") from error
    finally:
        engine.dispose()


def upsert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that knows ON CONFLICT, which is not in SQL's standard but in both of ours."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def _engine(url: str) -> Engine:
    try:
        if url == MEMORY:
            # One connection is the whole database: who has it, has it alone.
            engine = create_engine(
                url,
                poolclass=QueuePool,
                pool_size=1,
                max_overflow=0,
                connect_args={"check_same_thread": False},
            )
        else:
            engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    except ModuleNotFoundError as error:
        raise StoreUnavailable(f"There is no {error.name} here: pip install 'louro[postgres]'") from error
    except ArgumentError as error:
        raise StoreUnavailable(f"That is no database's URL: {error}") from error
    if engine.dialect.name not in ("sqlite", "postgresql"):
        raise StoreUnavailable(f"A store is SQLite or PostgreSQL, not {engine.dialect.name}.")
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: object) -> None:
    # Python's own BEGIN comes late, and leaves CREATE TABLE outside: two first starts would meet.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    _use_wal(connection)
    # What is acknowledged is on disk, after a power cut too.
    connection.execute("PRAGMA synchronous=FULL")


def _use_wal(connection: Any) -> None:
    """Readers do not wait for the writer. SQLite does not wait for its turn to change this, so we do."""
    for delay_s in DELAYS_S:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if not _is_busy(error):
                raise
        time.sleep(delay_s)
    connection.execute("PRAGMA journal_mode=WAL")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and then writes is thrown out if another one wrote in between.
    is_writing = connection.get_execution_options().get("is_writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")


def _is_in_the_way(error: DBAPIError) -> bool:
    if isinstance(error.orig, sqlite3.OperationalError):
        return _is_busy(error.orig)
    # psycopg is not always installed: its class cannot be named here.
    return getattr(error.orig, "sqlstate", None) in _PASSING


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
