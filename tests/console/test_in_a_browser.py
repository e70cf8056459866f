"""The console in real Chromium: its fake microphone plays a recorded question, and its loudspeaker is listened to."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from msgspec import structs
from tests.conformance.conftest import SCRIPTED, Serving, sound

from louro.http.console import BUILT
from louro.server import load_engines
from louro.store.sql import Store

CONSOLE = Path(__file__).parents[2] / "console"
NOW = 1_700_000_000.0
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [pytest.mark.node, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def question(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of silence first: the page says hello when it is opened."""
    if CHROMIUM is None or shutil.which("node") is None:
        pytest.skip("needs Node.js and Chromium: apt install nodejs chromium")
    if not (CONSOLE / "node_modules").is_dir() or not (BUILT / "index.html").is_file():
        pytest.skip("needs the console: make console-build")
    file = tmp_path_factory.mktemp("sound") / "question.wav"
    pcm = bytes(48 * 8_000) + sound("capital.flac") + bytes(48 * 4_000)
    soundfile.write(file, np.repeat(np.frombuffer(pcm, "<i2"), 2), 48_000)
    return file


@pytest.fixture
def loud(question: Path, tmp_path: Path) -> Path:
    """Two seconds of speech, without a pause before it: it is spoken while a key is held."""
    file = tmp_path / "loud.wav"
    pcm = np.repeat(np.frombuffer(sound("capital.flac"), "<i2"), 2)
    soundfile.write(file, pcm, 48_000)
    return file


def drive(serving: Serving, question: Path, picture: Path) -> dict[str, Any]:
    return node("talk.mjs", serving.address, str(question), str(picture))


def node(script: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        ["node", f"e2e/{script}", *arguments],
        cwd=CONSOLE,
        env={**os.environ, "CHROMIUM": CHROMIUM or ""},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return seen


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def check(seen: dict[str, Any], serving: Serving) -> None:
    assert seen["errors"] == []
    assert seen["answered"] and seen["sum"] and seen["interrupted"] and seen["reloaded"]
    assert seen["hosts"] == [serving.address.removeprefix("http://")], (
        "the page asks nothing of any other host"
    )


def test_a_conversation_by_script(scripted: Serving, question: Path, tmp_path: Path) -> None:
    check(drive(scripted, question, tmp_path / "page.png"), scripted)


def test_what_goes_wrong_is_survived(loud: Path, tmp_path: Path) -> None:
    config = tmp_path / "louro.toml"
    lines = [f'{kind} = "scripted"\n' for kind in ("vad", "stt", "llm", "tts")]
    config.write_text("".join(lines) + f'store = "{tmp_path / "louro.db"}"\n', encoding="utf-8")
    picture = Path(os.environ.get("LOURO_PICTURES", tmp_path)) / "mishaps.png"
    louro = Path(sys.executable).with_name("louro")
    seen = node("mishaps.mjs", str(louro), str(config), str(free_port()), str(loud), str(picture))
    assert seen["errors"] == []
    assert seen["pushToTalk"] and seen["remembered"] and seen["weather"]
    assert seen["heard"], "of what was cut, the page shows what was heard and what was not"
    assert seen["oldWav"] and seen["oldReplayed"] and seen["oldOpened"], "sounds put away are not lost"
    assert seen["reconnected"] and seen["reloaded"]


def test_an_administrator_looks_after_keys(tmp_path: Path) -> None:
    place = str(tmp_path / "louro.db")
    with closing(Store.open(place)) as store:
        scopes = ("admin", "realtime")
        _, boss = store.keys.create("boss", project="default", scopes=scopes, expires_at=None, now=NOW)
    settings = structs.replace(SCRIPTED, store=place)
    picture = Path(os.environ.get("LOURO_PICTURES", tmp_path)) / "accounts.png"
    with Serving(settings, load_engines(settings, lambda _: None)) as serving:
        seen = node("accounts.mjs", serving.address, boss, str(picture))
    assert seen["errors"] == []
    assert seen["opens"] and seen["shownOnce"] and seen["replaced"] and seen["revoked"]
    assert seen["secret"], "no address that the page asks for holds a key"


@pytest.mark.models
def test_a_conversation_with_the_embedded_models(embedded: Serving, question: Path, tmp_path: Path) -> None:
    picture = Path(os.environ.get("LOURO_PICTURES", tmp_path)) / "console.png"
    check(drive(embedded, question, picture), embedded)
