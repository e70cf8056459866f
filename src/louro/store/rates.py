"""How fast keys and projects may use what they have. In memory, by each server process for itself, from its start on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from louro.store.budgets import Budget, Limit, Scope, Unit

PERIODS_S = {"minute": 60.0, "hour": 3_600.0, "day": 86_400.0}
Owner: TypeAlias = tuple[Scope, str]


@dataclass(frozen=True)
class Stop:
    """Why nothing more is begun."""

    limit: Limit
    until: float | None = None
    """Unix time in seconds; None: for as long as nothing else changes."""

    def __str__(self) -> str:
        if self.limit.unit == "sessions":
            return f"Rate limit reached: {self.limit} at once. Try again when one has ended."
        return f"Rate limit reached: {self.limit}. Try again in a moment."


@dataclass(frozen=True)
class Left:
    limit: Limit
    remaining: int
    reset_s: float
    """Until all of it is there again."""


class Pace:
    """That of one key or project, over all its sessions: buckets that may be emptied at once, and fill up evenly."""

    def __init__(self) -> None:
        self.limits: tuple[Limit, ...] = ()
        self.version = 0
        """Counts what changed."""
        self.sessions = 0
        self._full_at: dict[Limit, float] = {}

    def set(self, limits: tuple[Limit, ...]) -> None:
        if limits != self.limits:
            self.limits = limits
            self.version += 1
            self._full_at = {limit: at for limit, at in self._full_at.items() if limit in limits}

    def charge(self, used: dict[Unit, int], now: float) -> None:
        """In the parts that limits are counted in. What goes beyond a limit has to be waited for as well."""
        for limit in self.limits:
            amount = used.get(limit.unit, 0)
            if amount and limit.per in PERIODS_S:
                full_at = max(self._full_at.get(limit, now), now)
                self._full_at[limit] = full_at + amount * _part_s(limit)
                self.version += 1

    def stop(self, now: float) -> Stop | None:
        """What lets no further answer begin, for the longest time if it is several."""
        stops = [Stop(one.limit, self._until(one.limit)) for one in self.left(now) if one.remaining < 1]
        return max(stops, key=lambda stop: math.inf if stop.until is None else stop.until, default=None)

    def left(self, now: float) -> list[Left]:
        found = []
        for limit in self.limits:
            if limit.per in PERIODS_S:
                reset_s = max(self._full_at.get(limit, now) - now, 0.0)
                used = reset_s * limit.amount / PERIODS_S[limit.per]
                # What a float says of a full bucket is a little off.
                found.append(Left(limit, max(int(limit.amount - used + 1e-6), 0), reset_s))
        return found

    def enter(self) -> Stop | None:
        """A session begins, unless there are too many."""
        full = next(
            (one for one in self.limits if one.unit == "sessions" and self.sessions >= one.amount), None
        )
        if full is not None:
            return Stop(full)
        self.sessions += 1
        return None

    def leave(self) -> None:
        self.sessions -= 1

    def is_idle(self, now: float) -> bool:
        return not self.sessions and all(at <= now for at in self._full_at.values())

    def _until(self, limit: Limit) -> float | None:
        """When there is one part of it again."""
        if limit.amount == 0:
            return None
        return self._full_at[limit] - (limit.amount - 1) * _part_s(limit)


def _part_s(limit: Limit) -> float:
    """In which time one part of it comes back."""
    return PERIODS_S[limit.per] / max(limit.amount, 1)


class Rates:
    """All that is paced in this process. Not for several threads."""

    def __init__(self) -> None:
        self._paces: dict[Owner, Pace] = {}

    def of(self, owners: Sequence[Owner], budgets: Sequence[Budget], now: float) -> list[Pace]:
        """Those of the *owners*, with the limits that stand in *budgets*."""
        self._paces = {owner: pace for owner, pace in self._paces.items() if not pace.is_idle(now)}
        paces = []
        for owner in owners:
            pace = self._paces.setdefault(owner, Pace())
            theirs = (one for one in budgets if (one.scope, one.owner) == owner and one.limit.is_rate)
            pace.set(tuple(one.limit for one in theirs))
            paces.append(pace)
        return paces
