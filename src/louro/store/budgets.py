"""How much a key or a project may use, and whether it has. Decided here, kept in `louro.store.sql_budgets`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, TypeAlias, get_args

from louro.store.base import Spent
from louro.store.prices import NANOS_PER_USD

Scope: TypeAlias = Literal["key", "project"]
Per: TypeAlias = Literal["total", "day", "month", "session"]
Unit: TypeAlias = Literal["money", "tokens", "minutes"]
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
}
_PARTS_PER: dict[Unit, int] = {"money": NANOS_PER_USD, "tokens": 1, "minutes": 60_000}
_SHOWN: dict[Unit, str] = {"money": "USD", "tokens": "tokens", "minutes": "minutes"}


class BudgetProblem(ValueError):
    """A text that says no budget. The message tells which part of it, and what could stand there."""


@dataclass(frozen=True)
class Limit:
    amount: int
    """Billionths of a US dollar, tokens, or milliseconds of sound, by the unit."""
    unit: Unit
    per: Per = "total"

    def __str__(self) -> str:
        """As it is typed: `5 USD/day`."""
        amount = (Decimal(self.amount) / _PARTS_PER[self.unit]).normalize()
        period = "" if self.per == "total" else f"/{self.per}"
        return f"{amount:f} {_SHOWN[self.unit]}{period}"


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
    """Read `5 USD/day`, `100000 tokens/month`, `60 minutes` or `2 USD/session`; without a period it is in all.

    Raises:
        BudgetProblem
    """
    found = re.fullmatch(r"\s*(\S+)\s+([^\s/]+)\s*(?:/\s*(\S+)\s*)?", text)
    if found is None:
        raise BudgetProblem(f"'{text}' is no budget. Write 5 USD/day, 100000 tokens/month or 60 minutes.")
    number, unit_name, period = found.groups()
    unit = _UNITS.get(unit_name.lower())
    if unit is None:
        raise BudgetProblem(f"'{unit_name}' in '{text}' is no unit. There are USD, tokens and minutes.")
    per = next((known for known in get_args(Per) if known == (period or "total").lower()), None)
    if per is None:
        raise BudgetProblem(f"'{period}' in '{text}' is no period. There are day, month and session.")
    return Limit(_amount(number, unit, text), unit, per)


def _amount(number: str, unit: Unit, text: str) -> int:
    if re.fullmatch(r"\d{1,18}(\.\d{1,9})?", number, re.ASCII) is None:
        raise BudgetProblem(f"'{number}' in '{text}' is no amount. Write it as 5 or 0.50.")
    amount = Decimal(number) * _PARTS_PER[unit]
    if amount != int(amount):
        raise BudgetProblem(f"'{number}' in '{text}' is too fine: {_SHOWN[unit]} are not split so far.")
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
        case "total" | "session":
            return None


def state(budget: Budget, spent: Spent) -> State:
    used = _used(budget.limit.unit, spent)
    if used >= budget.limit.amount:
        return "spent"
    return "warn" if used * 100 >= budget.limit.amount * WARN_PERCENT else "within"


def shown(limit: Limit, spent: Spent) -> str:
    """How much of it is used, for a person: `3.20 of 5 USD/day`."""
    used = Decimal(_used(limit.unit, spent)) / _PARTS_PER[limit.unit]
    digits = 0 if limit.unit == "tokens" else 2
    return f"{used:.{digits}f} of {limit}"


def _used(unit: Unit, spent: Spent) -> int:
    match unit:
        case "money":
            return spent.nanos
        case "tokens":
            return spent.tokens
        case "minutes":
            return spent.ms
