"""Numbers, names and commands in the pages are those of the code."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from louro.cli.commands import app
from louro.http.app import REALTIME_PATHS
from louro.session.accounting import INPUT_MS_PER_TOKEN, OUTPUT_MS_PER_TOKEN
from louro.session.limits import TRUNCATE_TOLERANCE_MS
from louro.session.turns import SEMANTIC_SILENCE_MS
from louro.session.window import AUTO_RETENTION

ROOT = Path(__file__).parents[2]
PROTOCOL = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")


def test_the_protocols_page_has_the_codes_numbers() -> None:
    silence = SEMANTIC_SILENCE_MS
    assert (
        f"{silence['low']} ms (low), {silence['medium']} ms (medium, auto) or {silence['high']} ms (high)"
        in PROTOCOL
    )
    assert silence["medium"] == silence["auto"]
    assert f"generous by {TRUNCATE_TOLERANCE_MS} ms" in PROTOCOL
    assert f"newest {AUTO_RETENTION * 100:.0f} % of the context" in PROTOCOL
    assert f"one token for {INPUT_MS_PER_TOKEN} ms, output audio one for {OUTPUT_MS_PER_TOKEN} ms" in PROTOCOL
    for path in REALTIME_PATHS:
        assert f"`{path}`" in PROTOCOL


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_every_link_and_every_option_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / target).exists(), target
    for line in re.findall(r"louro [^\n`]*", text):
        words = [word for word in line.split()[1:3] if re.fullmatch(r"[a-z]+", word)]
        options = re.findall(r" (--[a-z][\w-]*)", line)
        if not options:
            continue
        shown = help_of(*words)
        for option in options:
            assert option in shown, line


@cache
def help_of(*words: str) -> str:
    shown = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, [*words, "--help"])
    assert shown.exit_code == 0, words
    return shown.output
