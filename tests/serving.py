"""A real server on a real socket, on scripted engines or on the embedded models."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Self

import anyio
import soundfile

from louro.config import Settings
from louro.pipeline.driver import Engines
from louro.server import LouroServer, make_server

SPEECH = Path(__file__).parent / "speech"
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


def sound(name: str) -> bytes:
    samples, rate_hz = soundfile.read(SPEECH / name, dtype="int16")
    assert rate_hz == 24_000
    return bytes(samples.tobytes())
