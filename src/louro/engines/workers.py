"""Blocking inference, kept off the event loop."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar
from weakref import WeakKeyDictionary

import anyio
import anyio.lowlevel
import anyio.to_thread

T = TypeVar("T")


class Workers:
    """At most *count* pieces of blocking work at a time, in threads; what comes on top waits its turn."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._queues: WeakKeyDictionary[object, _Queue] = WeakKeyDictionary()

    def _queue(self) -> _Queue:
        """What waits belongs to an event loop; there may be several in a life (tests, embedding)."""
        loop = anyio.lowlevel.current_token().native_token
        if loop not in self._queues:
            self._queues[loop] = _Queue(self._count)
        return self._queues[loop]

    async def run(self, work: Callable[[threading.Event], T], due: float = 0.0) -> T:
        """Run *work* in a thread. It is given an event that is set when nobody wants the result any more, and should
        look at it often; cancelling returns at once.

        What is *due* first comes first, by any clock; among equals, who has waited longest.
        """
        stop = threading.Event()
        queue = self._queue()
        async with queue.turn(due):
            try:
                return await anyio.to_thread.run_sync(
                    work, stop, abandon_on_cancel=True, limiter=queue.threads
                )
            finally:
                stop.set()


class _Queue:
    """Of one event loop."""

    def __init__(self, count: int) -> None:
        self.threads = anyio.CapacityLimiter(count)
        self._free = count
        self._waiting: list[tuple[float, int, anyio.Event]] = []
        self._numbers = itertools.count()

    @asynccontextmanager
    async def turn(self, due: float) -> AsyncIterator[None]:
        if self._free:
            self._free -= 1
        else:
            await self._wait(due)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, due: float) -> None:
        place = (due, next(self._numbers), anyio.Event())
        heapq.heappush(self._waiting, place)
        try:
            await place[2].wait()
        except BaseException:
            if place in self._waiting:
                self._waiting.remove(place)
                heapq.heapify(self._waiting)
            else:  # it was this one's turn, and is the next one's now
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        if self._waiting:
            heapq.heappop(self._waiting)[2].set()
        else:
            self._free += 1
