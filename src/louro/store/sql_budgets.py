"""Budgets in a database, and how far each is used up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, or_, select

from louro.store import audit
from louro.store.base import Act, Spent
from louro.store.budgets import Budget, Limit, Scope, Standing, since, state
from louro.store.database import Database, upsert
from louro.store.ledger import spent_in
from louro.store.tables import BUDGETS

# Made once, as what it is asked for is asked before every answer.
_THEIRS = select(BUDGETS).where(
    or_(
        and_(BUDGETS.c.scope == "key", BUDGETS.c.owner == bindparam("key_id")),
        and_(BUDGETS.c.scope == "project", BUDGETS.c.owner == bindparam("project")),
    )
)


class SqlBudgets:
    """Every method blocks for as long as the database takes."""

    def __init__(self, database: Database, actor: str) -> None:
        self._database = database
        self._actor = actor

    def create(self, budget: Budget, now: float) -> None:
        """In place of the one that its owner has for the same unit and period, if there is one."""
        self._database.write(lambda connection: put(connection, budget, self._actor, now))

    def remove(self, budget: Budget, now: float) -> bool:
        """The one of its owner for the same unit and period, whatever its amount; False if there is none."""

        def work(connection: Connection) -> bool:
            gone = connection.execute(delete(BUDGETS).where(_same(budget)))
            if gone.rowcount == 0:
                return False
            audit.write(connection, _act(budget, "budget.remove", self._actor, now))
            return True

        return self._database.write(work)

    def all(self) -> list[Budget]:
        ordered = select(BUDGETS).order_by(
            BUDGETS.c.scope, BUDGETS.c.owner, BUDGETS.c.unit, BUDGETS.c.per, BUDGETS.c.amount
        )
        with self._database.reading() as connection:
            return [_budget(row) for row in connection.execute(ordered).mappings()]

    def of_keys(self) -> dict[str, list[str]]:
        """As they are typed, by the ids of their keys."""
        limits: dict[str, list[str]] = {}
        for budget in self.all():
            if budget.scope == "key":
                limits.setdefault(budget.owner, []).append(str(budget.limit))
        return limits

    def standings(
        self, now: float, key_id: str | None, project: str, session_id: str | None = None
    ) -> list[Standing]:
        """All limits that a session of this key and project has to keep, and how far each is used up.

        Without a *session_id* those for a session are as good as new; so are rates, which are counted elsewhere.
        """
        with self._database.reading() as connection:
            rows = connection.execute(_THEIRS, {"key_id": key_id, "project": project}).mappings().all()
            return [_standing(connection, _budget(row), session_id, now) for row in rows]

    def all_standings(self, now: float) -> list[Standing]:
        """Those for a session, and rates, are as good as new: which session is not said."""
        budgets = self.all()
        with self._database.reading() as connection:
            return [_standing(connection, budget, None, now) for budget in budgets]


def put(connection: Connection, budget: Budget, actor: str, now: float) -> None:
    limit = budget.limit
    row = {"scope": budget.scope, "owner": budget.owner, "per": limit.per, "unit": limit.unit}
    one = upsert(connection, BUDGETS).values(**row, amount=limit.amount)
    connection.execute(
        one.on_conflict_do_update(
            index_elements=["scope", "owner", "per", "unit"], set_={"amount": limit.amount}
        )
    )
    audit.write(connection, _act(budget, "budget.set", actor, now))


def of_key(connection: Connection, key_id: str) -> list[Limit]:
    its = select(BUDGETS).where(BUDGETS.c.scope == "key", BUDGETS.c.owner == key_id)
    return [_budget(row).limit for row in connection.execute(its).mappings()]


def _standing(connection: Connection, budget: Budget, session_id: str | None, now: float) -> Standing:
    today = datetime.fromtimestamp(now, UTC).date()
    if budget.limit.is_rate:
        return Standing(budget, Spent(), "within")
    if budget.limit.per == "session":
        spent = spent_in(connection, "session", session_id, None) if session_id is not None else Spent()
    else:
        spent = spent_in(connection, budget.scope, budget.owner, since(budget.limit.per, today))
    return Standing(budget, spent, state(budget, spent))


def _same(budget: Budget) -> Any:
    return and_(
        BUDGETS.c.scope == budget.scope,
        BUDGETS.c.owner == budget.owner,
        BUDGETS.c.per == budget.limit.per,
        BUDGETS.c.unit == budget.limit.unit,
    )


def _act(budget: Budget, action: str, actor: str, now: float) -> Act:
    target = budget.owner if budget.scope == "key" else f"project {budget.owner}"
    return Act(now, actor, action, target, str(budget.limit))


def _budget(row: Any) -> Budget:
    scope: Scope = row["scope"]
    return Budget(scope, row["owner"], Limit(row["amount"], row["unit"], row["per"]))
