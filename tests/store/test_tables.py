"""An old database becomes a new one and keeps what it has; several may be the first to open one."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from tests.store.recorder import an_entry

from louro.store.budgets import Budget, parse_limit
from louro.store.sql import Store
from louro.store.tables import VERSION, FromTheFuture

NOW = 1_800_000_000.0
SECRET = "sk-lr-0011223344556677889900aabbccddee"
VERSION_2 = Path(__file__).with_name("version_2.sql")
SECRET_2 = "sk-lr-4a2f0b5d66Xtxzed35GaKKyB5fS0NiLl8bpnqfqq"
VERSION_1 = """
CREATE TABLE louro_schema (version INTEGER NOT NULL);
CREATE TABLE keys (
    id VARCHAR(40) NOT NULL, name VARCHAR(200) NOT NULL, project VARCHAR(200) NOT NULL,
    scopes VARCHAR(400) NOT NULL, prefix VARCHAR(24) NOT NULL, digest VARCHAR(64) NOT NULL,
    created_at FLOAT NOT NULL, expires_at FLOAT, revoked_at FLOAT, used_at FLOAT,
    PRIMARY KEY (id), UNIQUE (prefix)
);
CREATE TABLE client_secrets (
    digest VARCHAR(64) NOT NULL, key_id VARCHAR(40), session TEXT NOT NULL, expires_at FLOAT NOT NULL,
    PRIMARY KEY (digest)
);
CREATE INDEX ix_client_secrets_expires_at ON client_secrets (expires_at);
INSERT INTO louro_schema VALUES (1);
INSERT INTO keys VALUES ('key_1', 'app', 'shop', 'realtime', 'sk-lr-00112233', 'DIGEST', 5.5, NULL, NULL, NULL)
"""


def run(place: str, statements: str, *, is_transaction: bool = True) -> None:
    isolation = {} if is_transaction else {"isolation_level": "AUTOCOMMIT"}
    engine = create_engine(place if "://" in place else f"sqlite:///{place}", **isolation)
    with engine.begin() as connection:
        for statement in statements.split(";"):
            connection.execute(text(statement))
    engine.dispose()


def version(store: Store) -> list[int]:
    with store.database.reading() as connection:
        return list(connection.execute(text("SELECT version FROM louro_schema")).scalars())


def old_database(place: str) -> None:
    if "://" not in place:
        Path(place).parent.mkdir()
    run(place, VERSION_1.replace("DIGEST", hashlib.sha256(SECRET.encode()).hexdigest()))


def test_a_database_of_version_1_keeps_its_keys_and_counts_from_now_on(shared_place: str) -> None:
    old_database(shared_place)
    store = Store.open(shared_place)
    assert version(store) == [VERSION]
    key = store.keys.find(SECRET, NOW)
    assert key is not None
    assert (key.id, key.name, key.created_at) == ("key_1", "app", 5.5)
    store.ledger.record([an_entry("a")])
    store.budgets.create(Budget("key", "key_1", parse_limit("1 USD")), NOW)
    assert store.keys.rotate("app", NOW + 1) is not None
    store.close()
    again = Store.open(shared_place)
    assert version(again) == [VERSION]
    assert again.ledger.spent("key", "key_1").tokens == 30
    assert len(again.audit()) == 5
    again.close()


def test_a_database_of_version_2_keeps_what_was_used(shared_place: str) -> None:
    statements = VERSION_2.read_text("utf-8").strip().rstrip(";")
    if "://" in shared_place:
        statements = statements.replace("id INTEGER NOT NULL", "id SERIAL NOT NULL")
    else:
        Path(shared_place).parent.mkdir()
    run(shared_place, statements)
    store = Store.open(shared_place)
    assert version(store) == [VERSION]
    [before] = store.ledger.usage(0, 4e9, "project")
    assert (before.name, before.entries) == ("shop", {"response": 1, "transcription": 1})
    assert (before.nanos, before.tokens.total, before.transcribed_ms) == (4_292_000, 150, 0)
    assert [str(one.limit) for one in store.budgets.all()] == ["5 USD/day"]
    assert store.keys.find(SECRET_2, NOW) is not None
    store.ledger.record([replace(an_entry("a", at=NOW), project="shop", transcribed_ms=1500)])
    [after] = store.ledger.usage(0, 4e9, "project")
    assert after.transcribed_ms == 1500
    store.close()


@pytest.mark.parametrize("is_old", [False, True])
def test_several_processes_may_be_the_first(shared_place: str, is_old: bool) -> None:
    if is_old:
        old_database(shared_place)
    program = (
        "import sys; from louro.store.sql import Store; input(); Store.open(sys.argv[1]).close(); print('ok')"
    )
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", program, shared_place],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for start in starts:
        assert start.stdin is not None
        start.stdin.write("\n")
        start.stdin.flush()
    assert [start.communicate(timeout=60)[0] for start in starts] == ["ok\n"] * 4
    store = Store.open(shared_place)
    assert version(store) == [VERSION], "one row, not one for each"
    store.close()


def test_a_copy_that_sqlite_makes_while_it_is_written_to_is_whole(tmp_path: Path) -> None:
    """As docs/operate.md says."""
    store = Store.open(str(tmp_path / "louro.db"))
    for number in range(20):
        store.ledger.record([an_entry(f"a{number}")])
        if number == 9:
            run(str(tmp_path / "louro.db"), f"VACUUM INTO '{tmp_path / 'copy.db'}'", is_transaction=False)
    store.close()
    copy = Store.open(str(tmp_path / "copy.db"))
    [used] = copy.ledger.usage(0, 4e9, "project")
    assert used.entries == {"response": 10}
    assert copy.ledger.spent("project", "shop").tokens == 10 * 30, "the sums are of the same moment"
    copy.ledger.record([an_entry("a9"), an_entry("a10")])
    assert copy.ledger.spent("project", "shop").tokens == 11 * 30
    copy.close()


def test_a_database_from_the_future_is_left_as_it_is(shared_place: str) -> None:
    Store.open(shared_place).close()
    run(shared_place, "DROP TABLE audit; UPDATE louro_schema SET version = 99")
    with pytest.raises(FromTheFuture, match="version 99"):
        Store.open(shared_place)
    run(shared_place, "CREATE TABLE audit (id INTEGER)")
