"""A real server on a real socket, on scripted engines or on the embedded models."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import anyio
import pytest
import soundfile

from louro.config import Settings
from louro.pipeline.driver import Engines
from louro.server import LouroServer, load_engines, make_server

SPEECH = Path(__file__).parents[1] / "speech"
SCRIPTED = Settings(port=0, vad="scripted", stt="scripted", llm="scripted", tts="scripted")


class Serving:
    """A server in a thread of its own, for as long as the block lasts."""

    def __init__(self, settings: Settings, engines: Engines) -> None:
        self._ready = threading.Event()
        self.address = ""
        self.server: LouroServer = make_server(settings, engines, self._started)
        self._thread = threading.Thread(target=lambda: anyio.run(self.server.serve))

    def _started(self, address: str) -> None:
        self.address = address
        self._ready.set()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self._thread.join(10)

    @property
    def websocket(self) -> str:
        return self.address.replace("http", "ws", 1)


@pytest.fixture(scope="session")
def scripted() -> Iterator[Serving]:
    with Serving(SCRIPTED, load_engines(SCRIPTED, lambda _: None)) as serving:
        yield serving


@pytest.fixture(scope="session")
def embedded() -> Iterator[Serving]:
    """The default models. Slow to load: once for all tests."""
    settings = Settings(port=0)
    with Serving(settings, load_engines(settings, lambda _: None)) as serving:
        yield serving


@pytest.fixture
def question() -> bytes:
    return sound("capital.flac")


def sound(name: str) -> bytes:
    samples, rate_hz = soundfile.read(SPEECH / name, dtype="int16")
    assert rate_hz == 24_000
    return bytes(samples.tobytes())
