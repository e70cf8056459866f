"""Blocking inference, kept off the event loop."""

from __future__ import annotations

import threading
from collections.abc import Callable
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
        self._limiters: WeakKeyDictionary[object, anyio.CapacityLimiter] = WeakKeyDictionary()

    def _limiter(self) -> anyio.CapacityLimiter:
        """A limiter belongs to an event loop; there may be several in a life (tests, embedding)."""
        loop = anyio.lowlevel.current_token().native_token
        if loop not in self._limiters:
            self._limiters[loop] = anyio.CapacityLimiter(self._count)
        return self._limiters[loop]

    async def run(self, work: Callable[[threading.Event], T]) -> T:
        """Run *work* in a thread. It is given an event that is set when nobody wants the result any more, and should
        look at it often; cancelling returns at once."""
        stop = threading.Event()
        try:
            return await anyio.to_thread.run_sync(work, stop, abandon_on_cancel=True, limiter=self._limiter())
        finally:
            stop.set()
