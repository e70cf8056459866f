"""All that a store keeps, over one database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from louro.store import audit
from louro.store.base import Act
from louro.store.database import Database, open_database
from louro.store.keys import LOCAL, SqlKeys
from louro.store.ledger import SqlLedger
from louro.store.sql_budgets import SqlBudgets


@dataclass(frozen=True)
class Store:
    """Every method blocks for as long as the database takes. May be used from several threads and processes."""

    keys: SqlKeys
    ledger: SqlLedger
    budgets: SqlBudgets
    database: Database

    @staticmethod
    def open(place: str, actor: str = LOCAL) -> Store:
        """*place* is a database's URL or a file's path; *actor* stands in the audit for what is done here.

        Raises:
            FromTheFuture: it was written by a newer Louro.
            StoreUnavailable
        """
        database = open_database(place)
        return Store(SqlKeys(database, actor), SqlLedger(database), SqlBudgets(database, actor), database)

    def acting(self, actor: str) -> Store:
        """The same store, with *actor* in the audit for what is done through it. Not to be closed."""
        return replace(self, keys=SqlKeys(self.database, actor), budgets=SqlBudgets(self.database, actor))

    def audit(
        self,
        since: float = 0.0,
        limit: int = 100,
        before: int | None = None,
        actions: Sequence[str] | None = None,
    ) -> list[Act]:
        """Who made, changed and took back what: the newest *limit* of those since then, newest first; with *before*,
        of those older than the act of that id; with *actions*, of these."""
        return audit.read(self.database, since, limit, before, actions)

    def close(self) -> None:
        """What waits to be recorded is recorded first."""
        self.ledger.close()
        self.database.close()
