"""What every test stands on."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator

import msgspec
import pytest
from blockbuster import blockbuster_ctx

from louro.config import Settings
from louro.protocol.server_events import AnyServerEvent
from louro.protocol.wire.beta import BetaDialect
from louro.protocol.wire.ga import GaDialect
from louro.server import load_engines
from tests import oracle
from tests.serving import SCRIPTED, Serving, sound

# The keys of whoever runs the tests are none of their business.
os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp(prefix="louro-tests-")

BLOCKING_ALLOWED = [
    # One exchange over a socket file with llama.cpp, in this process: 0.6 ms, and remembered.
    ("louro/engines/llama_door.py", "count_tokens"),
    # Tests load and start what a program loads and starts before there is a loop.
    ("louro/server.py", "load_engines"),
    ("louro/server.py", "make_server"),
    ("louro/engines/silero.py", "load"),
]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def nothing_blocks_the_loop() -> Iterator[None]:
    """Whoever waits for a disk, a socket or a lock inside the event loop holds up every session."""
    with blockbuster_ctx(scanned_modules=["louro"]) as blockbuster:
        for function in blockbuster.functions.values():
            for path, name in BLOCKING_ALLOWED:
                function.can_block_in(path, name)
        yield


@pytest.fixture(autouse=True)
def every_event_is_one_of_its_dialect(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a server or a relay of this process sends, in whichever thread, is held against the official SDK."""
    wrong: list[str] = []
    for dialect in (GaDialect, BetaDialect):
        monkeypatch.setattr(dialect, "encode", _judged(dialect, wrong))
    yield
    assert not wrong, wrong[0]


def _judged(dialect: type[GaDialect | BetaDialect], wrong: list[str]) -> Callable[..., bytes | None]:
    encode = dialect.encode

    def judged(self: GaDialect | BetaDialect, event: AnyServerEvent) -> bytes | None:
        frame = encode(self, event)  # type: ignore[arg-type]
        if frame is not None:
            try:
                oracle.check(msgspec.json.decode(frame), self.name)
            except (AssertionError, ValueError) as problem:
                wrong.append(str(problem))
        return frame

    return judged


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
