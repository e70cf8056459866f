"""What the README tells people to type does what it says."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.serving import SCRIPTED, Serving

from louro.server import load_engines

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LOURO = Path(sys.executable).with_name("louro")

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def serving() -> Iterator[Serving]:
    with Serving(SCRIPTED, load_engines(SCRIPTED, lambda _: None)) as running:
        yield running


def commands() -> list[str]:
    blocks = "".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))
    lines = [line.split("#")[0].strip() for line in blocks.splitlines()]
    return [line for line in lines if line]


@pytest.mark.parametrize("command", [line for line in commands() if line.startswith(".venv/bin/louro ask")])
def test_questions_are_answered(command: str, serving: Serving, tmp_path: Path) -> None:
    arguments = re.findall(r'"[^"]*"|\S+', command)[1:]
    arguments = [word.strip('"').replace("answer.wav", str(tmp_path / "answer.wav")) for word in arguments]
    done = subprocess.run(
        [LOURO, *arguments, "--url", serving.address], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "France" in done.stdout
    if "--save" in arguments:
        assert (tmp_path / "answer.wav").stat().st_size > 10_000
    if "--json" in arguments:
        summary = json.loads(done.stdout.splitlines()[-1])
        assert set(summary) == {"heard", "answer", "audio_ms", "calls", "usage", "timeline_ms"}
        assert summary["audio_ms"] > 500


@pytest.mark.parametrize("command", ["engines", "doctor", "models list"])
def test_what_is_installed_is_told(command: str) -> None:
    assert f".venv/bin/louro {command}" in README
    done = subprocess.run([LOURO, *command.split()], capture_output=True, text=True, check=False)
    assert "silero" in done.stdout


def test_a_key_is_made_and_what_it_uses_is_told(tmp_path: Path) -> None:
    lines = [
        line for line in commands() if line.startswith((".venv/bin/louro keys", ".venv/bin/louro usage"))
    ]
    assert len(lines) == 2
    for line, told in zip(lines, ("sk-lr-", "Nothing was used"), strict=True):
        done = subprocess.run(
            [LOURO, *shlex.split(line)[1:]],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "XDG_DATA_HOME": str(tmp_path)},
        )
        assert done.returncode == 0, done.stderr
        assert told in done.stdout


def test_every_command_is_known() -> None:
    known = (
        "make run",
        "make test",
        ".venv/bin/louro ask",
        ".venv/bin/louro engines",
        ".venv/bin/louro doctor",
        ".venv/bin/louro models list",
        ".venv/bin/louro keys",
        ".venv/bin/louro usage",
    )
    assert [line for line in commands() if not line.startswith(known)] == []


@pytest.mark.parametrize(
    ("index", "printed"), [(0, "You said: Say hello!"), (1, "The result is 12.0.\n")], ids=["openai", "louro"]
)
def test_the_snippets_run(index: int, printed: str, serving: Serving) -> None:
    snippets = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(snippets) == 2
    here = snippets[index].replace("http://127.0.0.1:8765", serving.address)
    assert here != snippets[index]
    done = subprocess.run([sys.executable, "-c", here], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == printed
