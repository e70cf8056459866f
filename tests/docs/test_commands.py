"""What the pages about keys, usage and relays tell people to type and to write does what it says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec import structs
from tests.serving import SCRIPTED, Serving
from typer.testing import CliRunner

from louro.cli.commands import app
from louro.config import read_settings
from louro.server import load_engines
from louro.store.prices import PriceTable
from louro.store.sql import Store

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
NOW = 1_700_000_000.0


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def commands(page: str) -> list[list[str]]:
    """Of `louro`, in their order; where their output goes is not ours to say."""
    lines = "".join(blocks(page, "sh")).splitlines()
    words = [shlex.split(line.partition(" > ")[0], comments=True) for line in lines]
    return [command[1:] for command in words if command[:1] == ["louro"]]


@pytest.mark.parametrize("page", ["keys.md", "usage.md"])
def test_a_page_can_be_typed_from_its_top_to_its_end(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    typed = commands(page)
    assert len(typed) >= 5
    for command in typed:
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 0, (command, done.output, done.exception)


@pytest.mark.parametrize("page", ["keys.md", "usage.md", "relay.md"])
def test_settings_are_settings(page: str, tmp_path: Path) -> None:
    found = blocks(page, "toml")
    assert found
    for number, text in enumerate(found):
        file = tmp_path / f"{number}.toml"
        file.write_text(text, encoding="utf-8")
        if "price" in tomllib.loads(text):
            assert PriceTable.load(file)
        else:
            read_settings(file, {}, {})


def test_extras_that_are_to_be_installed_are_there() -> None:
    known = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    texts = [page.read_text(encoding="utf-8") for page in (ROOT / "README.md", *DOCS.glob("*.md"))]
    named = {
        name
        for text in texts
        for found in re.findall(r"louro\[([\w,]+)\]", text)
        for name in found.split(",")
    }
    assert named
    assert named <= set(known["project"]["optional-dependencies"])


@pytest.fixture(scope="module")
def with_accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Serving, str]]:
    """A server with keys, and the one of its administrator."""
    place = str(tmp_path_factory.mktemp("accounts") / "louro.db")
    with closing(Store.open(place)) as store:
        scopes = ("admin", "realtime")
        _, boss = store.keys.create("boss", project="default", scopes=scopes, expires_at=None, now=NOW)
    settings = structs.replace(SCRIPTED, store=place)
    with Serving(settings, load_engines(settings, lambda _: None)) as serving:
        yield serving, boss


@pytest.mark.parametrize(("index", "printed"), [(0, "boss sk-lr-"), (1, "ek_")], ids=["admin", "secret"])
def test_the_snippets_about_keys_run(index: int, printed: str, with_accounts: tuple[Serving, str]) -> None:
    serving, boss = with_accounts
    snippets = blocks("keys.md", "python")
    assert len(snippets) == 2
    here = snippets[index].replace("http://127.0.0.1:8765", serving.address)
    assert here != snippets[index]
    known = {**os.environ, "OPENAI_API_KEY": boss, "OPENAI_ADMIN_KEY": boss}
    done = subprocess.run(
        [sys.executable, "-c", here], capture_output=True, text=True, check=False, env=known, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(printed)
