"""What is done to keys and budgets is written down, with who did it, or not done."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, text

from louro.store import audit
from louro.store.base import Act
from louro.store.budgets import Budget, parse_limit
from louro.store.database import MEMORY
from louro.store.sql import Store

NOW = 1_800_000_000.0


def test_every_change_is_written_down_newest_first(place: str) -> None:
    store = Store.open(place, actor="ana")
    made, secret = store.keys.create("app", project="shop", scopes=("realtime",), expires_at=None, now=NOW)
    rotated = store.keys.rotate("app", NOW + 1)
    assert rotated is not None
    store.keys.revoke(rotated[0].id, NOW + 2)
    budget = Budget("project", "shop", parse_limit("5 USD/day"))
    store.budgets.create(budget, NOW + 3)
    store.budgets.remove(budget, NOW + 4)
    acts = store.audit()
    assert [(act.action, act.target) for act in acts] == [
        ("budget.remove", "project shop"),
        ("budget.set", "project shop"),
        ("key.revoke", rotated[0].id),
        ("key.rotate", made.id),
        ("key.create", rotated[0].id),
        ("key.revoke", made.id),
        ("key.create", made.id),
    ]
    assert {act.actor for act in acts} == {"ana"}
    assert acts[1].detail == "5 USD/day"
    assert all(secret not in f"{act.detail} {act.target}" for act in acts)
    assert [act.at for act in store.audit(since=NOW + 3)] == [NOW + 4, NOW + 3]
    assert len(store.audit(limit=2)) == 2
    store.close()


def test_what_changes_nothing_is_not_written_down(store: Store) -> None:
    assert store.keys.revoke("nobody", NOW) is None
    assert store.keys.rotate("nobody", NOW) is None
    assert not store.budgets.remove(Budget("key", "k", parse_limit("1 USD")), NOW)
    assert store.audit() == []


def test_what_cannot_be_written_down_is_not_done(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    key, secret = store.keys.create("app", project="shop", scopes=(), expires_at=None, now=NOW)

    def fail(connection: Connection, act: Act) -> None:
        connection.execute(text("SELECT 1"))
        raise ZeroDivisionError

    monkeypatch.setattr(audit, "write", fail)
    for change in (
        lambda: store.keys.revoke("app", NOW),
        lambda: store.keys.rotate("app", NOW),
        lambda: store.keys.create("two", project="shop", scopes=(), expires_at=None, now=NOW),
        lambda: store.budgets.create(Budget("key", key.id, parse_limit("1 USD")), NOW),
    ):
        with pytest.raises(ZeroDivisionError):
            change()
    assert store.keys.find(secret, NOW) is not None
    assert len(store.keys.all()) == 1
    assert store.budgets.all() == []


def test_nobody_in_particular_is_local() -> None:
    store = Store.open(MEMORY)
    store.keys.create("app", project="shop", scopes=(), expires_at=None, now=NOW)
    assert store.audit()[0].actor == "local"
    store.close()
