"""A server in a process of its own, so that its output and its memory are its own; and a good client to ask it after
each attack."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from louro.client import RealtimeClient
from louro.store.keys import open_store

SOCKETS = 1000
LONG_AGO, LONG_HENCE = 1_700_000_000.0, 4_000_000_000.0
BOUND = '{"model":"louro","patch":{"type":"realtime","instructions":"Be a parrot."}}'
RELAY_KEY = "sk-of-the-relays-clients-77aa"
SETTINGS = """
port = 0
vad = "scripted"
stt = "scripted"
llm = "scripted"
tts = "scripted"
sessions = 64
queue_s = 5
"""


@dataclass
class Attacked:
    """A server under attack, and what its good clients know."""

    address: str
    key: str = ""
    pid: int = 0
    output: Path | None = None
    place: str = ""
    """Of its store."""

    @property
    def authority(self) -> str:
        return self.address.removeprefix("http://")

    @property
    def port(self) -> int:
        return int(self.authority.rpartition(":")[2])

    @property
    def websocket(self) -> str:
        return f"{self.address.replace('http', 'ws', 1)}/v1/realtime?model=louro"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    @property
    def log(self) -> str:
        """All that it has printed."""
        return "" if self.output is None else self.output.read_text(errors="replace")

    @property
    def memory_bytes(self) -> int:
        """What it holds now."""
        if not Path("/proc/self/statm").exists():
            pytest.skip("this system does not tell what another process holds")
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize()

    async def still_answers(self) -> None:
        with anyio.fail_after(8):
            async with RealtimeClient(
                self.address, api_key=self.key or None, model="gpt-realtime", env_file=None
            ) as client:
                await client.send_user_message("Hi.")
                while (item := await client.wait_for_next_completed_item()).role != "assistant":
                    pass
                assert item.words == "You said: Hi."


@contextmanager
def running(folder: Path, *arguments: str, keys: dict[str, str] | None = None) -> Iterator[Attacked]:
    """`louro` with these arguments, and these keys in its environment."""
    folder.mkdir(parents=True, exist_ok=True)
    output = folder / "output.txt"
    louro = Path(sys.executable).with_name("louro")
    environment = {**os.environ, **(keys or {})}
    with output.open("wb") as file:
        process = subprocess.Popen([louro, *arguments], stdout=file, stderr=file, cwd=folder, env=environment)
        try:
            yield Attacked(_address(process, output), pid=process.pid, output=output)
        finally:
            process.kill()
            process.wait(10)


@contextmanager
def serving(folder: Path, settings: str) -> Iterator[Attacked]:
    """`louro serve` with these settings."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "louro.toml").write_text(settings)
    with running(folder, "serve") as attacked:
        yield attacked


def _address(process: subprocess.Popen[bytes], output: Path) -> str:
    while process.poll() is None:
        if found := re.search(r"http://\S+:\d+", output.read_text()):
            return found[0]
    raise AssertionError(output.read_text())


@pytest.fixture(scope="session", autouse=True)
def enough_file_descriptors() -> None:
    """For the sockets of both sides; a server started from here has as many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * SOCKETS + 500
    if soft != resource.RLIM_INFINITY and soft < needed:
        if hard != resource.RLIM_INFINITY and hard < needed:
            pytest.skip(f"only {hard} files may be open here")
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


@contextmanager
def with_a_key(folder: Path) -> Iterator[Attacked]:
    """A server whose store holds a key, and has seen it: before others show wrong ones from here."""
    place = str(folder / "louro.db")
    with closing(open_store(place)) as store:
        _, key = store.create("app", project="p", scopes=("realtime",), expires_at=None, now=LONG_AGO)
    with serving(folder, f'{SETTINGS}store = "{place}"\n') as attacked:
        attacked.key, attacked.place = key, place
        anyio.run(attacked.still_answers)
        yield attacked


@pytest.fixture(scope="session")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    with with_a_key(tmp_path_factory.mktemp("locked")) as attacked:
        yield attacked


@pytest.fixture
def unsuspecting(tmp_path: Path) -> Iterator[Attacked]:
    """The same, and nobody has shown it a wrong key."""
    with with_a_key(tmp_path) as attacked:
        yield attacked


@pytest.fixture(scope="session")
def unlocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """A server that needs no key."""
    folder = tmp_path_factory.mktemp("unlocked")
    with serving(folder, f'{SETTINGS}store = "{folder / "none.db"}"\n') as attacked:
        yield attacked


@pytest.fixture(scope="session")
def relayed(tmp_path_factory: pytest.TempPathFactory, locked: Attacked) -> Iterator[Attacked]:
    """A relay with a key of its own, in front of the server that has keys."""
    keys = {"LOURO_API_KEY": RELAY_KEY, "OPENAI_API_KEY": locked.key}
    folder = tmp_path_factory.mktemp("relayed")
    with running(folder, "relay", "--upstream", f"{locked.address}/v1", "--port", "0", keys=keys) as attacked:
        attacked.key = RELAY_KEY
        anyio.run(attacked.still_answers)
        yield attacked


@pytest.fixture(params=["server", "relay"])
def attacked(request: pytest.FixtureRequest) -> Attacked:
    """Each that sockets can be opened to."""
    found: Attacked = request.getfixturevalue("locked" if request.param == "server" else "relayed")
    return found
