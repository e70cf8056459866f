"""The tutorial's pages show the programs as they are, and the programs do what the pages say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.client.conftest import scripted as scripted
from tests.client.virtual_sound import RATE_HZ, is_available, virtual_sound
from tests.serving import Serving

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "examples" / "tutorial"
PAGES = [ROOT / "docs" / "tutorial.md", ROOT / "docs" / "tutorial.pt.md"]

pytestmark = pytest.mark.timeout(60)


def run(name: str, serving: Serving, typed: str = "", **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, PROGRAMS / name],
        input=typed,
        capture_output=True,
        text=True,
        timeout=50,
        cwd=PROGRAMS,
        env={**os.environ, "OPENAI_BASE_URL": serving.address, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_page_shows_the_programs_as_they_are(page: Path) -> None:
    shown = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert shown == [
        (PROGRAMS / name).read_text(encoding="utf-8") for name in ("text.py", "audio.py", "functions.py")
    ]


def test_text(scripted: Serving) -> None:
    assert run("text.py", scripted) == "You said: Who are you?\n"


def test_functions(scripted: Serving) -> None:
    assert run("functions.py", scripted) == "calculate_sum(7, 5)\nThe result is 12.0.\n"


@pytest.mark.sound
@pytest.mark.skipif(not is_available(), reason="PulseAudio is not installed")
def test_audio(scripted: Serving) -> None:
    voice = np.sign(np.sin(np.arange(RATE_HZ) / RATE_HZ * 2 * np.pi * 300)) * 0.3
    with virtual_sound() as card:
        program = subprocess.Popen(
            [sys.executable, "-u", PROGRAMS / "audio.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=0,
            env={**card.environment, "OPENAI_BASE_URL": scripted.address},
        )
        assert program.stdin is not None and program.stdout is not None
        wait_for("Press Enter to talk. ", program)
        with card.recording() as recording:
            program.stdin.write("\n")
            wait_for("Press Enter to send. ", program)
            card.play_into_microphone(voice).wait(10)
            program.stdin.write("\n")
            told = wait_for("Press Enter to talk. ", program)
        program.stdin.close()
        assert program.wait(20) == 0
        program.stdout.close()
    assert "You said: What is the capital of France?" in told
    loud = np.abs(recording.sound) > 0.05
    assert loud.mean() > 0.1, "the answer was heard"


def wait_for(prompt: str, program: subprocess.Popen[str]) -> str:
    assert program.stdout is not None
    seen = ""
    while not seen.endswith(prompt):
        letter = program.stdout.read(1)
        assert letter, f"the program ended after: {seen}"
        seen += letter
    return seen
