"""Budgets that are kept, and how far they are used up."""

from __future__ import annotations

from tests.store.recorder import an_entry

from louro.store.base import NewKey, Spent
from louro.store.budgets import Budget, parse_limit
from louro.store.sql import Store

NOW = 1_800_000_000.0
DAY_S = 86_400
SHOP = Budget("project", "shop", parse_limit("5 USD/day"))
KEY = Budget("key", "key_1", parse_limit("100 tokens/session"))


def test_a_budget_is_made_changed_listed_and_removed(store: Store) -> None:
    store.budgets.create(SHOP, NOW)
    store.budgets.create(KEY, NOW)
    more = Budget("project", "shop", parse_limit("6 USD/day"))
    store.budgets.create(more, NOW)
    month = Budget("project", "shop", parse_limit("50 USD/month"))
    store.budgets.create(month, NOW)
    assert store.budgets.all() == [KEY, more, month]
    assert store.budgets.remove(SHOP, NOW)
    assert not store.budgets.remove(SHOP, NOW)
    assert store.budgets.all() == [KEY, month]


def test_a_session_has_to_keep_the_budgets_of_its_key_and_of_its_project(store: Store) -> None:
    store.budgets.create(SHOP, NOW)
    store.budgets.create(KEY, NOW)
    store.budgets.create(Budget("key", "key_2", parse_limit("0 USD")), NOW)
    store.ledger.record([an_entry(f"e{n}", session_id="sess_1") for n in range(3)])
    found = {one.budget: one for one in store.budgets.standings(NOW, "key_1", "shop", "sess_1")}
    assert set(found) == {SHOP, KEY}
    assert found[SHOP].state == "within"
    assert found[KEY].state == "warn"
    assert found[KEY].spent == Spent(3_000_000_003, 90, 4500)
    new = {one.budget: one.state for one in store.budgets.standings(NOW, "key_1", "shop", "sess_2")}
    assert new == {SHOP: "within", KEY: "within"}
    assert store.budgets.standings(NOW, None, "fair") == []
    assert [one.budget for one in store.budgets.standings(NOW, None, "shop")] == [SHOP]


def test_a_budget_that_is_spent_is_whole_again_the_next_day(store: Store) -> None:
    store.budgets.create(SHOP, NOW)
    store.ledger.record([an_entry(f"e{n}", NOW) for n in range(5)])
    assert [one.state for one in store.budgets.standings(NOW, None, "shop")] == ["spent"]
    assert [one.state for one in store.budgets.standings(NOW + DAY_S, None, "shop")] == ["within"]


def test_a_key_is_made_with_its_budgets_and_hands_them_on(store: Store) -> None:
    limits = (parse_limit("5 USD/day"), parse_limit("60 minutes"))
    key, secret = store.keys.create_limited(NewKey("app", "shop", ("realtime",), None, limits), NOW)
    assert store.keys.find(secret, NOW) is not None
    rotated = store.keys.rotate("app", NOW)
    assert rotated is not None
    for owner in (key.id, rotated[0].id):
        assert {one.limit for one in store.budgets.all() if one.owner == owner} == set(limits)
