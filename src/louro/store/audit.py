"""Who made, changed and took back what: written in the transaction that does it, or not at all."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from louro.store.database import Database
from louro.store.tables import AUDIT


@dataclass(frozen=True)
class Act:
    at: float
    """Unix time, in seconds."""
    actor: str
    action: str
    """As `key.create`, `key.rotate`, `key.revoke`, `budget.set`, `budget.remove`."""
    target: str
    """A key's id, or `project NAME`."""
    detail: str


def write(connection: Connection, act: Act) -> None:
    connection.execute(insert(AUDIT).values(**vars(act)))


def read(database: Database, since: float = 0.0, limit: int = 100) -> list[Act]:
    """The newest *limit* of those since then, newest first."""
    newest = select(AUDIT).where(AUDIT.c.at >= since).order_by(AUDIT.c.id.desc()).limit(limit)
    with database.reading() as connection:
        rows = connection.execute(newest).mappings()
        return [Act(row["at"], row["actor"], row["action"], row["target"], row["detail"]) for row in rows]
