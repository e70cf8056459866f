"""Budgets as they are typed, and when they are used up."""

from __future__ import annotations

from datetime import date

import pytest

from louro.store.base import Spent
from louro.store.budgets import Budget, BudgetProblem, Limit, State, parse_limit, shown, since, state


@pytest.mark.parametrize(
    ("text", "limit", "again"),
    [
        ("5 USD/day", Limit(5_000_000_000, "money", "day"), "5 USD/day"),
        ("0.50 usd / month", Limit(500_000_000, "money", "month"), "0.5 USD/month"),
        ("2 USD/session", Limit(2_000_000_000, "money", "session"), "2 USD/session"),
        ("100000 tokens/month", Limit(100_000, "tokens", "month"), "100000 tokens/month"),
        ("60 minutes", Limit(3_600_000, "minutes", "total"), "60 minutes"),
        (" 1.5 min/day ", Limit(90_000, "minutes", "day"), "1.5 minutes/day"),
        ("0 USD", Limit(0, "money"), "0 USD"),
        ("20 responses/minute", Limit(20, "responses", "minute"), "20 responses/minute"),
        ("1 response/hour", Limit(1, "responses", "hour"), "1 responses/hour"),
        ("3 sessions", Limit(3, "sessions"), "3 sessions"),
        ("1000000 USD/total", Limit(10**15, "money"), "1000000 USD"),
    ],
)
def test_a_budget_is_read_and_shown_as_it_is_typed(text: str, limit: Limit, again: str) -> None:
    assert parse_limit(text) == limit
    assert str(limit) == again
    assert parse_limit(again) == limit


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no limit. Write 5 USD/day"),
        ("5", "is no limit"),
        ("5USD", "is no limit"),
        ("5 USD/", "is no limit"),
        ("5 EUR/day", "'EUR' in '5 EUR/day' is no unit. There are USD, tokens, minutes, responses"),
        (
            "5 USD/week",
            "'week' in '5 USD/week' is no period of USD. There are minute, hour, day, month, session",
        ),
        ("5 responses", "'5 responses' needs a period of responses. There are minute, hour, day"),
        ("5 responses/month", "'month' in '5 responses/month' is no period of responses"),
        ("5 sessions/day", "sessions are counted at once"),
        ("2.5 sessions", "'2.5' in '2.5 sessions' is too fine: sessions"),
        ("five USD", "'five' in 'five USD' is no amount"),
        ("-5 USD", "'-5' in '-5 USD' is no amount"),
        ("1e3 USD", "'1e3' in '1e3 USD' is no amount"),
        ("1.5 tokens", "'1.5' in '1.5 tokens' is too fine"),
        ("0.0000000001 USD", "is no amount"),
        ("999999999999999999 USD", "is too much to count"),
        ("٥ USD", "is no amount"),
    ],
)
def test_what_is_no_budget_is_told_by_the_part_that_is_wrong(text: str, said: str) -> None:
    with pytest.raises(BudgetProblem) as problem:
        parse_limit(text)
    assert said in str(problem.value)


@pytest.mark.parametrize(
    ("used", "expected"),
    [(0, "within"), (79, "within"), (80, "warn"), (99, "warn"), (100, "spent"), (101, "spent")],
)
def test_a_budget_warns_at_four_fifths_and_ends_at_all_of_it(used: int, expected: State) -> None:
    budgets = {
        "money": (Budget("key", "k", Limit(100, "money")), Spent(nanos=used)),
        "tokens": (Budget("key", "k", Limit(100, "tokens")), Spent(tokens=used)),
        "minutes": (Budget("key", "k", Limit(100, "minutes")), Spent(ms=used)),
    }
    assert {unit: state(*pair) for unit, pair in budgets.items()} == dict.fromkeys(budgets, expected)


def test_a_budget_of_nothing_is_spent_at_once() -> None:
    assert state(Budget("project", "p", Limit(0, "money")), Spent()) == "spent"


def test_a_budget_counts_one_thing_only() -> None:
    assert state(Budget("project", "p", Limit(10, "tokens")), Spent(nanos=10**12, ms=10**12)) == "within"


def test_days_and_months_begin_anew() -> None:
    today = date(2026, 11, 23)
    assert since("day", today) == today
    assert since("month", today) == date(2026, 11, 1)
    assert since("total", today) is None
    assert since("session", today) is None


def test_what_is_used_is_shown_in_the_units_of_the_budget() -> None:
    spent = Spent(nanos=3_204_000_000, tokens=1234, ms=90_000)
    assert shown(parse_limit("5 USD/day"), spent) == "3.20 of 5 USD/day"
    assert shown(parse_limit("9999 tokens"), spent) == "1234 of 9999 tokens"
    assert shown(parse_limit("60 minutes"), spent) == "1.50 of 60 minutes"
