"""Keys: shown once, found again, and gone when they are to be."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine, update

from louro.store import memory
from louro.store.base import Keys
from louro.store.keys import SqlKeys, open_store
from louro.store.memory import MemoryKeys
from louro.store.tables import SCHEMA, FromTheFuture

NOW = 1_800_000_000.0


@pytest.fixture
def store(place: str) -> Iterator[SqlKeys]:
    opened = open_store(place)
    yield opened
    opened.close()


def create(store: SqlKeys, name: str = "app", expires_at: float | None = None) -> str:
    return store.create(name, project="shop", scopes=("realtime",), expires_at=expires_at, now=NOW)[1]


def test_a_key_is_found_by_what_was_shown(store: SqlKeys) -> None:
    secret = create(store)
    key = store.find(secret, NOW + 1)
    assert key is not None
    assert (key.name, key.project, key.scopes) == ("app", "shop", ("realtime",))
    assert secret.startswith(key.prefix)
    assert store.all()[0].used_at == NOW + 1


def test_what_is_kept_is_not_the_key(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "louro.db"))
    secret = create(store)
    ephemeral = store.create_secret("{}", key_id=None, expires_at=NOW + 60, now=NOW)
    store.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert secret[14:].encode() not in kept
    assert ephemeral.encode() not in kept
    assert (tmp_path / "louro.db").stat().st_mode & 0o077 == 0, "nobody else may read it"


def test_a_wrong_key_is_none(store: SqlKeys) -> None:
    secret = create(store)
    for wrong in (
        "",
        "sk-",
        secret[:-1],
        secret + "x",
        secret[:14] + "x" * 40,
        "sk-lr-00000000" + "x" * 32,
        "sk\0",
    ):
        assert store.find(wrong, NOW) is None


def test_a_key_ends_when_it_was_to_end(store: SqlKeys) -> None:
    secret = create(store, expires_at=NOW + 10)
    assert store.find(secret, NOW + 9.9) is not None
    assert store.find(secret, NOW + 10) is None


@pytest.mark.parametrize("by", ["id", "prefix", "name"])
def test_a_revoked_key_is_none(store: SqlKeys, by: str) -> None:
    secret = create(store)
    assert store.revoke(getattr(store.all()[0], by), NOW) is not None
    assert store.find(secret, NOW) is None
    assert store.revoke(store.all()[0].id, NOW) is None, "it is revoked already"
    assert store.all()[0].revoked_at == NOW


def test_a_rotated_key_has_a_follower(store: SqlKeys) -> None:
    old = create(store, expires_at=NOW + 100)
    rotated = store.rotate("app", NOW)
    assert rotated is not None
    key, new = rotated
    assert store.find(old, NOW) is None
    found = store.find(new, NOW)
    assert found is not None
    assert found.id == key.id
    assert key.expires_at == NOW + 100
    assert store.rotate("nobody", NOW) is None


def test_an_ephemeral_key_brings_its_session_until_it_expires(store: SqlKeys) -> None:
    check_ephemeral(store)


def test_without_a_database_ephemeral_keys_live_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MAX_SECRETS", 3)
    kept = MemoryKeys()
    check_ephemeral(kept)
    assert not kept.has_keys
    assert kept.find("sk-lr-anything", NOW) is None
    made = [kept.create_secret("{}", key_id=None, expires_at=NOW + 60, now=NOW + 20) for _ in range(4)]
    assert [kept.session_of(secret, NOW + 21) for secret in made] == [None, "{}", "{}", "{}"]
    kept.close()
    assert kept.session_of(made[3], NOW + 21) is None


def check_ephemeral(store: Keys) -> None:
    secret = store.create_secret('{"type":"realtime"}', key_id=None, expires_at=NOW + 10, now=NOW)
    assert store.session_of(secret, NOW + 9) == '{"type":"realtime"}'
    assert store.session_of(secret, NOW + 10) is None
    assert store.session_of("ek_wrong", NOW) is None


def test_an_ephemeral_key_dies_with_its_owner(store: SqlKeys) -> None:
    create(store)
    owner = store.all()[0]
    secret = store.create_secret("{}", key_id=owner.id, expires_at=NOW + 100, now=NOW)
    assert store.session_of(secret, NOW + 1) == "{}"
    store.revoke(owner.id, NOW)
    assert store.session_of(secret, NOW + 1) is None


def test_several_servers_may_share_a_database(shared_place: str) -> None:
    stores = [open_store(shared_place) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        secrets = list(threads.map(lambda n: create(stores[n % 4], f"app {n}"), range(40)))
    assert len({secret[:14] for secret in secrets}) == 40
    assert all(stores[0].find(secret, NOW) for secret in secrets)
    for store in stores:
        store.close()


def test_a_key_that_is_busy_is_not_written_at_every_call(store: SqlKeys) -> None:
    secret = create(store)
    for after_s, used_at_s in ((0, 0), (59, 0), (60, 60), (61, 60)):
        assert store.find(secret, NOW + after_s) is not None
        assert store.all()[0].used_at == NOW + used_at_s


def test_a_database_from_the_future_is_left_alone(tmp_path: Path) -> None:
    path = str(tmp_path / "louro.db")
    open_store(path).close()
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.execute(update(SCHEMA).values(version=99))
    engine.dispose()
    with pytest.raises(FromTheFuture, match="version 99"):
        open_store(path)
    open_again = create_engine(f"sqlite:///{path}")
    open_again.dispose()
