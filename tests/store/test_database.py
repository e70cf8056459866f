"""What cannot be opened is told in a sentence, and without a password."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from louro.store.database import StoreUnavailable, open_database


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("nonsense://x", "no database's URL"),
        ("postgresql+psycopg://u:hunter2@localhost:1/x", "cannot be used"),
        (
            "postgres://u:hunter2@localhost:1/x",
            r"postgresql\+psycopg://u:\*\*\*@localhost:1/x cannot be used",
        ),
        ("mysql+pymysql://u:hunter2@localhost/x", "pymysql|not mysql"),
        ("/dev/null/louro.db", "cannot be made: File exists"),
    ],
)
def test_a_place_that_is_none_is_told(place: str, said: str) -> None:
    if place.startswith("postgres"):
        pytest.importorskip("psycopg")
    with pytest.raises(StoreUnavailable, match=said) as problem:
        open_database(place)
    assert "hunter2" not in str(problem.value)


def test_a_file_of_something_else_is_told_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Not a database. " * 100, encoding="utf-8")
    with pytest.raises(StoreUnavailable, match="not a database"):
        open_database(str(path))
    assert path.read_text(encoding="utf-8") == "Not a database. " * 100


def test_without_its_driver_postgresql_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreUnavailable, match=r"louro\[postgres\]"):
        open_database("postgresql://localhost/x")
