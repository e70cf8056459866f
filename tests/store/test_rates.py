"""Buckets that fill up evenly, over all sessions of a key or a project."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from louro.store.budgets import Budget, Unit, parse_limit
from louro.store.rates import Pace, Rates

NOW = 1_700_000_000.0


def pace(*texts: str) -> Pace:
    made = Pace()
    made.set(tuple(map(parse_limit, texts)))
    return made


def test_so_many_at_once_and_then_one_after_the_other() -> None:
    mine = pace("3 responses/minute")
    for _ in range(3):
        assert mine.stop(NOW) is None
        mine.charge({"responses": 1}, NOW)
    stop = mine.stop(NOW)
    assert stop is not None and stop.until == pytest.approx(NOW + 20)
    assert "3 responses/minute" in str(stop)
    assert mine.stop(NOW + 19.9) is not None
    assert mine.stop(NOW + 20.1) is None
    mine.charge({"responses": 1}, NOW + 20.1)
    assert mine.stop(NOW + 20.2) is not None


def test_what_goes_beyond_is_waited_for() -> None:
    mine = pace("60 tokens/minute")
    mine.charge({"tokens": 150}, NOW)
    stop = mine.stop(NOW)
    assert stop is not None and stop.until == pytest.approx(NOW + 91)
    assert [one.remaining for one in mine.left(NOW + 91)] == [1]
    assert mine.stop(NOW + 91.1) is None


def test_the_longest_wait_is_told() -> None:
    mine = pace("1 responses/minute", "1 responses/hour")
    mine.charge({"responses": 1}, NOW)
    stop = mine.stop(NOW)
    assert stop is not None and stop.until == pytest.approx(NOW + 3600)
    assert pace("0 responses/minute").stop(NOW) is not None


def test_sessions_are_counted_at_once() -> None:
    mine = pace("2 sessions")
    assert mine.enter() is None and mine.enter() is None
    assert "2 sessions at once" in str(mine.enter())
    mine.leave()
    assert mine.enter() is None


@given(st.lists(st.tuples(st.integers(0, 40), st.floats(0, 30)), max_size=60), st.integers(1, 20))
def test_no_stretch_of_time_has_more_than_twice_the_limit(
    asked: list[tuple[int, float]], amount: int
) -> None:
    mine, now, begun = pace(f"{amount} responses/minute"), NOW, []
    for wishes, wait_s in asked:
        now += wait_s
        for _ in range(wishes):
            if mine.stop(now) is None:
                mine.charge({"responses": 1}, now)
                begun.append(now)
    for at in begun:
        assert sum(at <= one < at + 60 for one in begun) <= 2 * amount


def test_owners_have_paces_of_their_own_and_idle_ones_are_forgotten() -> None:
    rates = Rates()
    budgets = [
        Budget("key", "a", parse_limit("1 responses/minute")),
        Budget("project", "p", parse_limit("5 USD/day")),
    ]
    key, project = rates.of([("key", "a"), ("project", "p")], budgets, NOW)
    assert [str(limit) for limit in key.limits] == ["1 responses/minute"]
    assert project.limits == (), "how much is counted elsewhere"
    key.charge({"responses": 1}, NOW)
    assert rates.of([("key", "a")], budgets, NOW + 59) == [key]
    assert rates.of([("key", "a")], budgets, NOW + 61) != [key]


def test_a_limit_that_is_changed_begins_anew_and_others_go_on() -> None:
    mine = pace("1 responses/minute", "1 responses/hour")
    mine.charge({"responses": 1}, NOW)
    before = mine.version
    mine.set((parse_limit("5 responses/minute"), parse_limit("1 responses/hour")))
    assert mine.version > before
    assert [one.remaining for one in mine.left(NOW)] == [5, 0]
    mine.set(mine.limits)
    assert mine.version == before + 1


def test_every_unit_can_be_charged() -> None:
    used: dict[Unit, int] = dict.fromkeys(get_args(Unit), 1)
    mine = pace("1 USD/hour", "1 tokens/hour", "1 minutes/hour", "1 responses/hour", "1 sessions")
    mine.charge(used, NOW)
    assert [one.remaining for one in mine.left(NOW)] == [999_999_999, 0, 59_999, 0]
