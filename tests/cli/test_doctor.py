"""What the doctor says of settings, prices and a store; and that it leaves the store as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from tests.store.test_tables import old_database

from louro.cli.doctor import Finding, examine
from louro.store.sql import Store
from louro.store.tables import VERSION


def examined(folder: Path, settings: str = "") -> list[Finding]:
    file = folder / "louro.toml"
    file.write_text(f'store = "{folder}/data/louro.db"\n{settings}', encoding="utf-8")
    return examine(file)


def said(findings: list[Finding], about: str) -> Finding:
    (found,) = [one for one in findings if about in one.what]
    return found


def test_without_a_store_nothing_is_wrong_and_none_is_made(tmp_path: Path) -> None:
    findings = examined(tmp_path)
    assert said(findings, "no store at").is_well
    assert said(findings, "prices, the newest since 20").is_well
    assert not (tmp_path / "data").exists()


def test_a_store_is_told_by_its_version(tmp_path: Path) -> None:
    place = tmp_path / "data" / "louro.db"
    Store.open(str(place)).close()
    assert said(examined(tmp_path), "louro.db").what.endswith(f"version {VERSION}")
    place.chmod(0o644)
    assert said(examined(tmp_path), "readable by its owner").cure == f"chmod 600 {place}"
    engine = create_engine(f"sqlite:///{place}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE louro_schema SET version = 99"))
    engine.dispose()
    found = said(examined(tmp_path), "version 99")
    assert (found.is_well, found.cure) == (False, "Upgrade Louro.")


def test_an_old_store_is_left_as_it_is(tmp_path: Path) -> None:
    old_database(str(tmp_path / "data" / "louro.db"))
    for _ in range(2):
        found = said(examined(tmp_path), "version 1,")
        assert found.is_well
        assert "when it is opened" in found.what


@pytest.mark.parametrize(
    ("settings", "about", "cure"),
    [
        ("port = 'x'", "settings", "port"),
        ('prices = "/nowhere.toml"', "prices", "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_cure(
    settings: str, about: str, cure: str, tmp_path: Path
) -> None:
    found = said(examined(tmp_path, settings), about)
    assert not found.is_well
    assert cure in found.cure


def test_what_is_no_store_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "louro.db").write_text("Not a database. " * 100, encoding="utf-8")
    assert "not a database" in said(examined(tmp_path), "store").cure
