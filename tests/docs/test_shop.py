"""A stranger follows docs/shop.md, from nothing to the bill."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "shop.md").read_text(encoding="utf-8")
LOURO = str(Path(sys.executable).with_name("louro"))
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [pytest.mark.node, pytest.mark.timeout(120)]


def block(language: str, number: int = 0) -> str:
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found[number]


def commands() -> list[list[str]]:
    lines = re.findall(r"^louro [^#\n]*", PAGE, re.MULTILINE)
    return [re.findall(r'"[^"]*"|\S+', line) for line in lines]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


class Stranger:
    """Somebody with an empty folder and a terminal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.louro, self.shop = free_port(), free_port()
        self._started: list[subprocess.Popen[bytes]] = []
        own = {"XDG_DATA_HOME": str(folder / "data"), "PORT": str(self.shop)}
        self._known = {**os.environ, **own, "LOURO_URL": f"http://127.0.0.1:{self.louro}", "COLUMNS": "200"}

    def type(self, words: list[str]) -> str:
        done = subprocess.run(
            self.line(words), cwd=self.folder, env=self._known, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def line(self, words: list[str]) -> list[str]:
        program = {"louro": LOURO, "python": sys.executable}[words[0]]
        return [program, *(word.strip('"') for word in words[1:])]

    def start(self, words: list[str], port: int, path: str) -> None:
        self._started.append(subprocess.Popen(self.line(words), cwd=self.folder, env=self._known))
        for _ in range(200):
            try:
                if httpx.get(f"http://127.0.0.1:{port}{path}").is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError(f"{words} does not answer")

    def leave(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[Stranger]:
    made = Stranger(tmp_path)
    yield made
    made.leave()


def test_from_nothing_to_the_bill(stranger: Stranger) -> None:
    if CHROMIUM is None or shutil.which("node") is None or not (ROOT / "console/node_modules").is_dir():
        pytest.skip("needs Node.js, Chromium and the console's packages: make console-build")
    create, serve, usage, budgets, limit, _ = commands()[:6]
    # The scripted models, so that what is answered is known.
    config = "".join(f'{kind} = "scripted"\n' for kind in ("vad", "stt", "llm", "tts"))
    (stranger.folder / "louro.toml").write_text(f"port = {stranger.louro}\n{config}", encoding="utf-8")
    (stranger.folder / "shop.py").write_text(block("python"), encoding="utf-8")
    (stranger.folder / "shop.html").write_text(block("html"), encoding="utf-8")

    assert "shop" in stranger.type(create)
    assert "OPENAI_API_KEY=sk-lr-" in (stranger.folder / ".env").read_text(encoding="utf-8")
    stranger.start(serve, stranger.louro, "/health")
    stranger.start(["python", "shop.py"], stranger.shop, "/")
    page, socket_address = f"http://127.0.0.1:{stranger.shop}", f"ws://127.0.0.1:{stranger.louro}"
    done = subprocess.run(
        ["node", "e2e/shop.mjs", page, socket_address, *stranger.line(limit)],
        cwd=ROOT / "console",
        env={**stranger._known, "CHROMIUM": CHROMIUM},
        capture_output=True,
        text=True,
        timeout=90,
    )
    seen = json.loads(done.stdout)
    assert seen["errors"] == []
    assert seen["answered"] == "You said: Can it talk?"
    assert "budget" in seen["refused"] and "budget" in seen["refusedAnew"]
    assert re.search(r"shop, sk-lr-\w+ +[12] ", stranger.type(usage))
    assert "5 USD/month" in stranger.type(budgets)
