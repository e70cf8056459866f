"""The command line against a real server on scripted engines."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

LOURO = Path(sys.executable).with_name("louro")
SPEECH = Path(__file__).parents[1] / "speech"
SCRIPTED = ("--vad", "scripted", "--stt", "scripted", "--llm", "scripted", "--tts", "scripted")

pytestmark = pytest.mark.timeout(120)


def louro(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LOURO, *arguments], capture_output=True, text=True, check=False, timeout=60)


def test_a_session_is_recorded_replayed_measured_and_drained(tmp_path: Path) -> None:
    command = [str(LOURO), "serve", "--port", "0", "--record", str(tmp_path / "logs"), *SCRIPTED]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().split()[2]
        asked = louro(
            "ask", "--audio", str(SPEECH / "capital.flac"), "--url", address, "--json", "--dialect", "beta"
        )
        summary = json.loads(asked.stdout.splitlines()[-1])
        assert summary["heard"] == "What is the capital of France?"
        measured = louro("bench", "turn", "--url", address, "--turns", "2", "--json")
        figures = json.loads(measured.stdout)
        assert figures["errors"] == []
        assert figures["figures_ms"]["warm"]["first_audio"]["n"] == 1
        table = louro("bench", "turn", "--url", address, "--turns", "2", "--silence-ms", "200")
        assert "first_audio" in table.stdout
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0 or server.returncode == -signal.SIGTERM
    logs = sorted((tmp_path / "logs").iterdir())
    assert len(logs) == 3
    for log in logs:
        replayed = louro("replay", str(log))
        assert replayed.returncode == 0, replayed.stderr
        assert "the same byte for byte" in replayed.stdout


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        (
            ("ask", "hi", "--url", "http://127.0.0.1:9"),
            "Start a server with `louro serve`, or add --embedded.",
        ),
        (("ask",), "either a text, or --audio FILE"),
        (("ask", "--audio", "nothing.wav"), "cannot be read as sound"),
        (("replay", "pyproject.toml"), "is not the log of a session"),
        (("serve", "--host", "0.0.0.0"), "set LOURO_API_KEY"),
        (("serve", "--llm", "nobody"), "There is no llm engine called 'nobody'"),
        (("serve", "--llm", "scripted:speed=3", *SCRIPTED[:4]), "is not one of delay_ms, words_per_s, text"),
        (("serve", "--tls-cert", "nothing.pem"), "cannot be read"),
        (("models", "get", "nobody"), "`louro models list` shows those there are"),
        (("models", "get"), "Name a model, or say --default"),
    ],
)
def test_what_is_wrong_is_told_with_its_cure(arguments: tuple[str, ...], cure: str) -> None:
    done = louro(*arguments)
    assert done.returncode != 0
    assert cure in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
