"""A room without a sound card: the tests say how much of the answer has been heard, and what is said into it."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import NoReturn, cast

import anyio
import pytest
from tests.serving import SCRIPTED, Serving

from louro.audio.pcm import bytes_of_ms
from louro.cli.talk.opening import Plan
from louro.cli.talk.tools import Memory, Weather
from louro.client import RealtimeClient
from louro.client.playback import Playback
from louro.client.sound import Sound, level_dbfs
from louro.client.voice import Voice, join
from louro.server import load_engines


async def until(is_so: Callable[[], object]) -> None:
    with anyio.fail_after(10):
        while not is_so():  # noqa: ASYNC110 - what is waited for happens in several places
            await anyio.sleep(0.01)


class RoomMicrophone:
    def __init__(self) -> None:
        self.is_muted = False
        self.is_patient = False
        self.level_dbfs = -100.0
        self._heard: deque[bytes] = deque()
        self._arrived = anyio.Event()

    def hear(self, pcm: bytes) -> None:
        self.level_dbfs = level_dbfs(pcm)
        for start in range(0, len(pcm), bytes_of_ms(20)):
            chunk = pcm[start : start + bytes_of_ms(20)]
            self._heard.append(bytes(len(chunk)) if self.is_muted else chunk)
        self._arrived.set()

    async def wait_taken(self) -> None:
        """Return when all that was heard has been sent."""
        await until(lambda: not self._heard)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            while self._heard:
                yield self._heard.popleft()
            self._arrived = anyio.Event()
            await self._arrived.wait()


class RoomLoudspeaker:
    is_resting = False

    def __init__(self, playback: Playback) -> None:
        self._playback = playback
        self.level_dbfs = -100.0

    def play(self, ms: int) -> None:
        """So much later: everything taken is heard at once."""
        pcm = self._playback.take(ms * 24)
        self.level_dbfs = level_dbfs(pcm[-480:])

    def rest(self) -> None:
        self.is_resting = True

    def wake(self) -> None:
        self.is_resting = False

    async def wait_lost(self) -> NoReturn:
        await anyio.sleep_forever()
        raise AssertionError


class Room:
    """Stands for the devices of a machine."""

    def __init__(self) -> None:
        self.playback = Playback()
        self.microphone = RoomMicrophone()
        self.loudspeaker = RoomLoudspeaker(self.playback)
        self.advice: str | None = None

    def plays(self) -> bool:
        """A second later. Always true: to be asked while something is waited for, since sound comes bit by bit."""
        self.loudspeaker.play(1000)
        return True

    def open_voice(self, client: RealtimeClient, **_: object) -> AbstractAsyncContextManager[Voice]:
        return join(client, cast(Sound, self))


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture(scope="module")
def serving() -> Iterator[Serving]:
    with Serving(SCRIPTED, load_engines(SCRIPTED, lambda _: None)) as serving:
        yield serving


@pytest.fixture
def plan(serving: Serving, room: Room, tmp_path: Path) -> Plan:
    nowhere = "http://127.0.0.1:9"
    return Plan(
        url=serving.address,
        key="none",
        env_file=None,
        open_voice=room.open_voice,
        memory=Memory(tmp_path / "memory.json"),
        weather=Weather(f"{nowhere}/search", f"{nowhere}/forecast"),
    )
