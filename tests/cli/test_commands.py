"""The command line against a real server on scripted engines."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from louro.cli import main

LOURO = Path(sys.executable).with_name("louro")
SPEECH = Path(__file__).parents[1] / "speech"
SCRIPTED = ("--vad", "scripted", "--stt", "scripted", "--llm", "scripted", "--tts", "scripted")

pytestmark = pytest.mark.timeout(120)


def louro(*arguments: str) -> subprocess.CompletedProcess[str]:
    known = {**os.environ, "LOURO_API_KEY": "sk-x"} if "192.0.2.1" in arguments else None
    return subprocess.run(
        [LOURO, *arguments], capture_output=True, text=True, check=False, timeout=60, env=known
    )


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
        for wrong, told in (
            (("ask", "hi", "--url", f"{address}/health"), "is no Realtime server: it answers 404"),
            (
                ("ask", "hi", "--url", f"{address}/v1/realtime?intent=transcription"),
                "You must not provide a model parameter for transcription sessions.",
            ),
            (("ask", "hi", "--url", address, "--save", str(tmp_path / "no" / "x.wav")), "cannot be written"),
            (
                ("serve", "--port", address.rpartition(":")[2], *SCRIPTED),
                "Choose another with --host and --port",
            ),
        ):
            refused = louro(*wrong)
            assert refused.returncode == 1
            assert told in " ".join(refused.stderr.split())
            assert "Traceback" not in refused.stderr
        table = louro("bench", "turn", "--url", address, "--turns", "1", "--silence-ms", "200")
        assert "first_audio" in table.stdout
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0 or server.returncode == -signal.SIGTERM
    logs = sorted((tmp_path / "logs").iterdir())
    assert len(logs) == 4
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
        (("ask", "hi", "--save", "answer.xyz"), "sound is saved as .wav, .flac, .ogg or .mp3"),
        (("ask", "hi", "--url", "ftp://somewhere"), "is no address of a server. One looks like http://"),
        (("bench", "turn", "--turns", "0"), "greater than or equal to 1"),
        (("bench", "turn", "--url", "127.0.0.1:9"), "Start a server with `louro serve`"),
        (("replay", os.devnull), "is not the log of a session: it is empty"),
        (("serve", "--port", "99999"), "port is 0 to 65535"),
        (("serve", "--host", "192.0.2.1", *SCRIPTED), "Choose another with --host and --port"),
        (("serve", "--tls-cert", __file__, "--tls-key", __file__), "are no certificate and its key"),
        (("serve", "--record", f"{__file__}/logs"), "Sessions cannot be recorded in"),
        (("serve", "--tts", "piper:nobody.onnx", *SCRIPTED[:6]), "there is no voice nobody.onnx"),
        (("serve", "--stt", "moonshine:nowhere", *SCRIPTED[:2], *SCRIPTED[4:]), "cannot be loaded"),
    ],
)
def test_what_is_wrong_is_told_with_its_cure(arguments: tuple[str, ...], cure: str) -> None:
    done = louro(*arguments)
    assert done.returncode != 0
    assert cure in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr


def test_the_client_alone_says_how_the_command_line_is_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "louro.cli.commands", raising=False)
    monkeypatch.setitem(sys.modules, "typer", None)
    with pytest.raises(SystemExit, match=r"needs typer.*pip install 'louro\[embedded,audio\]'"):
        main()
