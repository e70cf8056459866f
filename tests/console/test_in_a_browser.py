"""The console in real Chromium: its microphone plays recordings, and its loudspeaker is listened to."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from msgspec import structs
from tests.serving import SCRIPTED, Serving, sound

from louro.config import Settings
from louro.http.console import BUILT
from louro.server import load_engines
from louro.store.sql import Store

CONSOLE = Path(__file__).parents[2] / "console"
NOW = 1_700_000_000.0
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FIRST_LOAD_BYTES = 300_000

pytestmark = [pytest.mark.node, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if CHROMIUM is None or shutil.which("node") is None:
        pytest.skip("needs Node.js and Chromium: apt install nodejs chromium")
    if not (CONSOLE / "node_modules").is_dir() or not (BUILT / "index.html").is_file():
        pytest.skip("needs the console: make console-build")
    return tmp_path_factory.mktemp("console")


@pytest.fixture(scope="module")
def speech(folder: Path) -> Path:
    """What the microphone says, after a moment of silence in which it is turned on."""
    lead = bytes(48 * 250)
    for name in ("capital", "sum_7_5", "memory", "silence"):
        pcm = lead if name == "silence" else lead + sound(f"{name}.flac")
        soundfile.write(folder / f"{name}.wav", np.repeat(np.frombuffer(pcm, "<i2"), 2), 48_000)
    return folder


@dataclass(frozen=True)
class Servers:
    """Both on scripted engines. *locked* keeps accounts, and *key* is an administrator's."""

    open: Serving
    locked: Serving
    key: str


@pytest.fixture(scope="module")
def servers(folder: Path) -> Iterator[Servers]:
    place = str(folder / "louro.db")
    with closing(Store.open(place)) as store:
        scopes = ("admin", "realtime")
        _, key = store.keys.create("boss", project="default", scopes=scopes, expires_at=None, now=NOW)
    locked = structs.replace(SCRIPTED, store=place)
    with serving(SCRIPTED) as here, serving(locked) as there:
        yield Servers(here, there, key)


def serving(settings: Settings) -> Serving:
    return Serving(settings, load_engines(settings, lambda _: None))


@dataclass(frozen=True)
class Drives:
    """What is seen in browsers that are driven at the same time: each mostly waits."""

    shape: Future[dict[str, Any]]
    accounts: Future[dict[str, Any]]


@pytest.fixture(scope="module")
def drives(servers: Servers, speech: Path) -> Iterator[Drives]:
    here, locked = servers.open.address, servers.locked.address
    capital = str(speech / "capital.wav")
    with ThreadPoolExecutor(2) as pool:
        yield Drives(
            pool.submit(node, "shape.mjs", here, locked, servers.key, capital, picture("shape", speech)),
            pool.submit(node, "accounts.mjs", locked, servers.key, picture("accounts", speech)),
        )


def picture(name: str, folder: Path) -> str:
    return str(Path(os.environ.get("LOURO_PICTURES", folder)) / f"{name}.png")


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


def test_an_administrator_looks_after_keys(drives: Drives) -> None:
    seen = drives.accounts.result()
    assert seen["errors"] == []
    assert seen["opens"] and seen["shownOnce"] and seen["replaced"] and seen["revoked"]
    assert seen["secret"], "no address that the page asks for holds a key"


def test_the_session_is_shaped_and_looked_into(drives: Drives) -> None:
    seen = drives.shape.result()
    assert seen["errors"] == []
    assert seen["other"] and not seen["keyKept"], "a key for another server outlives no tab"
    assert seen["file"], "who has no microphone can say a file"
    assert seen["editsKept"] and seen["checked"] and seen["applied"] and seen["ownTools"] and seen["changed"]
    assert seen["wholeRun"] and seen["exported"]
    assert seen["oldWav"] and seen["oldReplayed"], "sounds put away are not lost"
    assert seen["opened"] and seen["played"], "a saved conversation is opened and played again"


def test_axe_finds_nothing_in_any_view_in_either_theme(drives: Drives) -> None:
    assert drives.shape.result()["faults"] == []


def test_the_first_load_is_small(drives: Drives) -> None:
    assert 0 < drives.shape.result()["firstLoadBytes"] < FIRST_LOAD_BYTES


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_the_code_that_is_copied_runs(drives: Drives, tmp_path: Path, language: str) -> None:
    file = tmp_path / f"session.{'py' if language == 'python' else 'mjs'}"
    file.write_text(drives.shape.result()[language], encoding="utf-8")
    # Node.js 20 has a WebSocket behind a flag, which later ones accept and need not.
    run = [sys.executable] if language == "python" else ["node", "--experimental-websocket"]
    done = subprocess.run([*run, str(file)], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "You said: Hello!", done.stderr


@pytest.mark.models
def test_a_conversation_with_the_embedded_models(speech: Path) -> None:
    config = speech / "embedded.toml"
    config.write_text(f'store = "{speech / "embedded.db"}"\n', encoding="utf-8")
    louro = str(Path(sys.executable).with_name("louro"))
    port = str(free_port())
    seen = node("talk.mjs", louro, str(config), port, str(speech), picture("console", speech))
    assert seen["errors"] == []
    assert seen["hello"] and seen["loudspeaker"] and seen["voice"] and seen["button"]
    assert seen["interrupted"], "of an answer that is cut, what was not heard is struck through"
    assert seen["sumSpoken"] and seen["sumTyped"] and seen["memorySpoken"] and seen["memoryTyped"]
    assert seen["weather"], "without a network there is a marker, and a word about it"
    assert seen["kept"] and seen["reconnected"], "a conversation outlives its server"
    assert seen["reloaded"]
    forecast = {"api.open-meteo.com", "geocoding-api.open-meteo.com"}
    assert set(seen["hosts"]) - forecast == {f"127.0.0.1:{port}"}, "the page asks nothing of others"
