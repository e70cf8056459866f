"""How much a key or a project may use, and whether it has. Decided here, kept in `louro.store.sql_budgets`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, TypeAlias

from louro.store.base import Spent
from louro.store.prices import NANOS_PER_USD

Scope: TypeAlias = Literal["key", "project"]
Per: TypeAlias = Literal["total", "minute", "hour", "day", "month", "session"]
Unit: TypeAlias = Literal["money", "tokens", "minutes", "responses", "sessions"]
State: TypeAlias = Literal["within", "warn", "spent"]

WARN_PERCENT = 80
MAX_AMOUNT = 2**63 - 1
"""What a database's column holds."""
_UNITS: dict[str, Unit] = {
    "usd": "money",
    "token": "tokens",
    "tokens": "tokens",
    "min": "minutes",
    "minute": "minutes",
    "minutes": "minutes",
    "response": "responses",
    "responses": "responses",
    "session": "sessions",
    "sessions": "sessions",
}
_PARTS_PER: dict[Unit, int] = {
    "money": NANOS_PER_USD,
    "tokens": 1,
    "minutes": 60_000,
    "responses": 1,
    "sessions": 1,
}
_AMOUNTS: tuple[Per, ...] = ("total", "minute", "hour", "day", "month", "session")
_PERIODS: dict[Unit, tuple[Per, ...]] = {
    "money": _AMOUNTS,
    "tokens": _AMOUNTS,
    "minutes": _AMOUNTS,
    "responses": ("minute", "hour", "day"),
    "sessions": ("total",),
}


class BudgetProblem(ValueError):
    """A text that says no budget. The message tells which part of it, and what could stand there."""


@dataclass(frozen=True)
class Limit:
    amount: int
    """Billionths of a US dollar, tokens, milliseconds of sound, answers, or sessions at once, by the unit."""
    unit: Unit
    per: Per = "total"

    @property
    def is_rate(self) -> bool:
        """Whether it says how fast, and not how much: then it is counted in memory (`louro.store.rates`)."""
        return self.unit in ("responses", "sessions") or self.per in ("minute", "hour")

    def __str__(self) -> str:
        """As it is typed: `5 USD/day`."""
        amount = (Decimal(self.amount) / _PARTS_PER[self.unit]).normalize()
        period = "" if self.per == "total" else f"/{self.per}"
        return f"{amount:f} {unit_name(self.unit)}{period}"


@dataclass(frozen=True)
class Budget:
    scope: Scope
    owner: str
    """A key's id, or a project."""
    limit: Limit


@dataclass(frozen=True)
class Standing:
    budget: Budget
    spent: Spent
    state: State


def parse_limit(text: str) -> Limit:
    """Read `5 USD/day`, `100000 tokens/month`, `60 minutes` or `2 USD/session`; without a period it is in all. And
    `20 responses/minute`, and `3 sessions`, which is at once.

    Raises:
        BudgetProblem
    """
    found = re.fullmatch(r"\s*(\S+)\s+([^\s/]+)\s*(?:/\s*(\S+)\s*)?", text)
    if found is None:
        raise BudgetProblem(
            f"'{text}' is no limit. Write 5 USD/day, 60 minutes, 20 responses/minute or 3 sessions."
        )
    number, name, period = found.groups()
    unit = _UNITS.get(name.lower())
    if unit is None:
        raise BudgetProblem(
            f"'{name}' in '{text}' is no unit. There are USD, tokens, minutes, responses and sessions."
        )
    return Limit(_amount(number, unit, text), unit, _period(period, unit, text))


def unit_name(unit: Unit) -> str:
    return "USD" if unit == "money" else unit


def _period(name: str | None, unit: Unit, text: str) -> Per:
    known = _PERIODS[unit]
    per = next((one for one in known if one == (name or "total").lower()), None)
    if per is not None:
        return per
    if known == ("total",):
        raise BudgetProblem(f"'{text}': sessions are counted at once. Write it without a period.")
    periods = ", ".join(one for one in known if one != "total")
    wrong = f"'{name}' in '{text}' is no period" if name else f"'{text}' needs a period"
    raise BudgetProblem(f"{wrong} of {unit_name(unit)}. There are {periods}.")


def _amount(number: str, unit: Unit, text: str) -> int:
    if re.fullmatch(r"\d{1,18}(\.\d{1,9})?", number, re.ASCII) is None:
        raise BudgetProblem(f"'{number}' in '{text}' is no amount. Write it as 5 or 0.50.")
    amount = Decimal(number) * _PARTS_PER[unit]
    if amount != int(amount):
        raise BudgetProblem(f"'{number}' in '{text}' is too fine: {unit_name(unit)} are not split so far.")
    if amount > MAX_AMOUNT:
        raise BudgetProblem(f"'{number}' in '{text}' is too much to count.")
    return int(amount)


def since(per: Per, today: date) -> date | None:
    """The first day that counts; None if all do. Days and months are those of UTC."""
    match per:
        case "day":
            return today
        case "month":
            return today.replace(day=1)
        case _:
            return None


def state(budget: Budget, spent: Spent) -> State:
    amount = used(budget.limit.unit, spent)
    if amount >= budget.limit.amount:
        return "spent"
    return "warn" if amount * 100 >= budget.limit.amount * WARN_PERCENT else "within"


def shown(limit: Limit, spent: Spent) -> str:
    """How much of it is used, for a person: `3.20 of 5 USD/day`."""
    amount = Decimal(used(limit.unit, spent)) / _PARTS_PER[limit.unit]
    digits = 2 if limit.unit in ("money", "minutes") else 0
    return f"{amount:.{digits}f} of {limit}"


def used(unit: Unit, spent: Spent) -> int:
    """In the parts that a limit of this unit counts in."""
    match unit:
        case "money":
            return spent.nanos
        case "tokens":
            return spent.tokens
        case "minutes":
            return spent.ms
        case "responses" | "sessions":
            return 0
