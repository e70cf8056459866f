"""Who made, changed and took back what: written in the transaction that does it, or not at all."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select

from louro.store.base import Act
from louro.store.database import Database
from louro.store.tables import AUDIT


def write(connection: Connection, act: Act) -> None:
    values = {name: value for name, value in vars(act).items() if name != "id"}
    connection.execute(insert(AUDIT).values(**values))


def read(
    database: Database,
    since: float = 0.0,
    limit: int = 100,
    before: int | None = None,
    actions: Sequence[str] | None = None,
) -> list[Act]:
    """The newest *limit* of those since then, newest first; with *before*, of those older than the act of that id; with
    *actions*, of these."""
    newest = select(AUDIT).where(AUDIT.c.at >= since).order_by(AUDIT.c.id.desc()).limit(limit)
    if before is not None:
        newest = newest.where(AUDIT.c.id < before)
    if actions is not None:
        newest = newest.where(AUDIT.c.action.in_(actions))
    with database.reading() as connection:
        return [Act(**row) for row in connection.execute(newest).mappings()]
