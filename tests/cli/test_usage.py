"""louro usage, as it is typed and as it is read."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from tests.store.recorder import an_entry
from typer.testing import CliRunner

from louro.cli import usage as command
from louro.cli.keys import app as keys_app
from louro.cli.usage import app as usage_app
from louro.config import ConfigProblem
from louro.store.budgets import Budget, parse_limit
from louro.store.prices import Tokens
from louro.store.sql import Store

NOW = 1_800_000_000.0  # 2027-01-15 08:00 UTC
DAY_S = 86_400

app = typer.Typer()
app.add_typer(usage_app, name="usage")
app.add_typer(keys_app, name="keys")


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_now", lambda: NOW)
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture
def place(tmp_path: Path) -> str:
    """A store in which two keys were used on two days."""
    place = str(tmp_path / "louro.db")
    store = Store.open(place)
    key, _ = store.keys.create("shop window", project="shop", scopes=("realtime",), expires_at=None, now=NOW)
    store.ledger.record(
        [
            # 600 x 32 000 + 1200 x 64 000 nano-dollars: 9.6 cents.
            an_entry(
                "a",
                NOW - 10,
                key_id=key.id,
                tokens=Tokens(input_audio=600, output_audio=1200),
                price_nanos=96_000_000,
                input_ms=60_000,
                output_ms=60_000,
                first_audio_ms=250,
            ),
            # Runs here: free, and 9.6 cents there.
            an_entry(
                "b",
                NOW - DAY_S,
                key_id=None,
                project="fair",
                model="louro",
                tokens=Tokens(input_audio=600, output_audio=1200),
                price_nanos=0,
            ),
            an_entry("c", NOW - 40 * DAY_S, key_id=None, model="old"),
        ]
    )
    store.close()
    return place


def louro(*words: str) -> str:
    done = CliRunner().invoke(app, list(words))
    if done.exception is not None:
        raise done.exception
    return done.output


def test_what_was_used_is_shown_by_day_with_what_it_would_have_cost(place: str) -> None:
    shown = louro("usage", "--store", place)
    rows = [line.split() for line in shown.splitlines() if "2027-01-1" in line]
    assert [row[0] for row in rows] == ["2027-01-14", "2027-01-15"]
    assert "0.0960" in rows[1]
    assert "1:00" in rows[1]
    assert "█" * 8 in rows[1][-1], "the day that cost most has the longest bar"
    assert "█" not in " ".join(rows[0])
    assert "0.1920" in shown, "in all, on gpt-realtime"
    assert "gpt-realtime" in shown


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("day", ["2027-01-14", "2027-01-15"]),
        ("project", ["fair", "shop"]),
        ("model", ["gpt-realtime", "louro"]),
    ],
)
def test_rows_are_of_what_is_asked_for(by: str, names: list[str], place: str) -> None:
    assert [
        row["name"] for row in json.loads(louro("usage", "--by", by, "--json", "--store", place))
    ] == names


def test_keys_are_shown_by_their_names(place: str) -> None:
    nobody, window = json.loads(louro("usage", "--by", "key", "--json", "--store", place))
    assert nobody["name"] == "without a key"
    assert window["name"].startswith("shop window, sk-lr-")
    assert window["usd"] == "0.096000000"
    assert window["first_audio_ms"] == 250
    assert nobody["gpt_realtime_usd"] == "0.096000000"


@pytest.mark.parametrize(
    ("words", "models"),
    [
        (("--key", "shop window"), ["gpt-realtime"]),
        (("--project", "fair"), ["louro"]),
        (("--since", "12h"), ["gpt-realtime"]),
        (("--since", "2027-01-14", "--until", "2027-01-14"), ["louro"]),
        (("--since", "8w", "--until", "2d"), ["old"]),
        (("--since", "2026-11-01"), ["gpt-realtime", "louro", "old"]),
        (("--project", "nobody's"), []),
    ],
)
def test_what_is_asked_for_only(words: tuple[str, ...], models: list[str], place: str) -> None:
    rows = json.loads(louro("usage", "--by", "model", "--json", *words, "--store", place))
    assert [row["name"] for row in rows] == models


def test_a_spreadsheet_gets_the_same_numbers_and_no_formulas(place: str) -> None:
    store = Store.open(place)
    store.ledger.record([an_entry("f", NOW - 5, model="=HYPERLINK(1)")])
    store.close()
    rows = list(csv.DictReader(io.StringIO(louro("usage", "--by", "model", "--csv", "--store", place))))
    assert [row["name"] for row in rows] == ["'=HYPERLINK(1)", "gpt-realtime", "louro"]
    assert rows[1]["usd"] == "0.096000000"
    assert rows[1]["output_audio"] == "1200"


def test_a_price_list_of_ones_own_is_compared_with(place: str, tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text('[[price]]\nmodel = "gpt-realtime"\nsince = 2027-01-01\naudio = { in = 1000 }\n')
    (row,) = json.loads(louro("usage", "--json", "--since", "12h", "--prices", str(mine), "--store", place))
    assert row["gpt_realtime_usd"] == "0.600000000"


def test_where_nothing_was_used_no_file_is_made(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "none.db")
    assert "Nothing was used" in louro("usage", "--store", nowhere)
    assert louro("usage", "--json", "--store", nowhere) == "[]\n"
    assert louro("usage", "--csv", "--store", nowhere).startswith("name,responses,")
    assert "no budgets" in louro("usage", "budgets", "--store", nowhere)
    louro("usage", "audit", "--store", nowhere)
    assert not Path(nowhere).exists()


def test_budgets_are_set_shown_and_taken_away(place: str) -> None:
    assert "no budgets" in louro("usage", "budgets", "--store", place)
    louro("usage", "limit", "0.10 USD/day", "--key", "shop window", "--store", place)
    louro("usage", "limit", "5 USD/session", "--project", "shop", "--store", place)
    louro("usage", "limit", "1 minute", "--project", "shop", "--store", place)
    shown = louro("usage", "budgets", "--store", place)
    assert "key shop window" in shown
    assert "0.10 of 0.1 USD/day" in shown
    assert "warn" in shown
    assert "spent" in shown
    assert "5 USD/session" in shown
    louro("usage", "unlimit", "1 minute", "--project", "shop", "--store", place)
    assert "minute" not in louro("usage", "budgets", "--store", place)
    audit = louro("usage", "audit", "--since", "2026-01-01", "--store", place)
    assert audit.count("budget.set") == 3
    assert audit.count("budget.remove") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--since", "soon"), "'soon' is no day and no length of time"),
        (("--until", "2027-13-01"), "'2027-13-01' is no day"),
        (("--since", "2027-02-01"), "Nothing lies between"),
        (("--key", "nobody"), "There is no key 'nobody'"),
        (("--prices", "none.toml"), "none.toml cannot be read"),
        (("limit", "5 USD/day"), "either --key or --project"),
        (("limit", "5 EUR/day", "--project", "shop"), "'EUR' in '5 EUR/day' is no unit"),
        (("unlimit", "5 USD/day", "--project", "shop"), "There is no budget like '5 USD/day'"),
    ],
)
def test_what_is_wrong_is_said(words: tuple[str, ...], said: str, place: str) -> None:
    with pytest.raises(ConfigProblem, match=said):
        louro("usage", *words, "--store", place)


def test_a_name_that_two_valid_keys_have_is_not_enough_for_a_budget(place: str) -> None:
    store = Store.open(place)
    store.keys.create("shop window", project="shop", scopes=(), expires_at=None, now=NOW)
    store.close()
    with pytest.raises(ConfigProblem, match="There are 2 valid keys"):
        louro("usage", "limit", "1 USD", "--key", "shop window", "--store", place)


def test_a_rotated_key_is_counted_with_the_one_before_it(place: str) -> None:
    store = Store.open(place)
    rotated = store.keys.rotate("shop window", NOW)
    assert rotated is not None
    store.ledger.record([an_entry("n", NOW - 1, key_id=rotated[0].id)])
    store.budgets.create(Budget("key", rotated[0].id, parse_limit("1 USD")), NOW)
    store.close()
    (row,) = json.loads(louro("usage", "--by", "project", "--key", "shop window", "--json", "--store", place))
    assert row["responses"] == 2
    louro("usage", "limit", "2 USD", "--key", "shop window", "--store", place)


def test_a_key_is_made_with_its_budgets_and_listed_with_them(place: str) -> None:
    words = ("--budget", "5 USD/day", "--budget", "60 minutes")
    louro("keys", "create", "--name", "app", *words, "--store", place)
    listed = louro("keys", "list", "--store", place)
    assert "5 USD/day" in listed
    assert "60 minutes" in listed
    with pytest.raises(ConfigProblem, match="'USD' is no limit"):
        louro("keys", "create", "--name", "app", "--budget", "USD", "--store", place)


def test_a_store_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Not a database. " * 100, encoding="utf-8")
    with pytest.raises(ConfigProblem, match="not a database"):
        louro("usage", "--store", str(tmp_path / "notes.txt"))
    with pytest.raises(ConfigProblem, match="no database's URL"):
        louro("keys", "list", "--store", "nonsense://x")


def test_whoever_has_no_name_may_make_keys(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nameless)
    louro("keys", "create", "--name", "app", "--store", place)
    assert "nobody" in louro("usage", "audit", "--since", "2026-01-01", "--store", place)


def test_the_command_line_loads_no_database_until_it_needs_one() -> None:
    program = "import sys, louro.cli.usage, louro.store.base, louro.store.budgets; print('sqlalchemy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
