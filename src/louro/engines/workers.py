"""Blocking inference, kept off the event loop."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

import anyio
import anyio.lowlevel
import anyio.to_thread

from louro.engines.due_first import DueFirst

T = TypeVar("T")


class PerLoop(Generic[T]):
    """One of a thing for each event loop that it belongs to; there may be several in a life (tests, embedding)."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: WeakKeyDictionary[object, T] = WeakKeyDictionary()

    def get(self) -> T:
        loop = anyio.lowlevel.current_token().native_token
        if loop not in self._made:
            self._made[loop] = self._make()
        return self._made[loop]

    def pop(self) -> T | None:
        return self._made.pop(anyio.lowlevel.current_token().native_token, None)


class Workers:
    """At most *count* pieces of blocking work at a time, in threads; what comes on top waits its turn."""

    def __init__(self, count: int) -> None:
        self._queues = PerLoop(lambda: _Queue(count))

    async def run(self, work: Callable[[threading.Event], T], due: float = 0.0) -> T:
        """Run *work* in a thread. It is given an event that is set when nobody wants the result any more, and should
        look at it often; cancelling returns at once.

        What is *due* first comes first, by any clock; among equals, who has waited longest.
        """
        stop = threading.Event()
        queue = self._queues.get()
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
        self._waiting = DueFirst[anyio.Event]()

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
        turn = anyio.Event()
        self._waiting.put(due, turn)
        try:
            await turn.wait()
        except BaseException:
            if not self._waiting.drop(
                lambda other: other is turn
            ):  # it was this one's turn, and is the next one's now
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        if self._waiting:
            self._waiting.take().set()
        else:
            self._free += 1
