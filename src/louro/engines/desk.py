"""A desk where few write and many wait: whoever has written least comes first, and the others give way."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar


class Writing(Protocol):
    written: int
    """How much of it has been written. The least comes first; among equals, who has waited longest."""


W = TypeVar("W", bound=Writing)


class Desk:
    """*at_once* pieces of work at a time, in threads of their own."""

    def __init__(self, at_once: int, name: str) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix=name)
        self._waiting: list[tuple[int, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def put(self, work: W, write: Callable[[W], bool]) -> None:
        """Have *write* called, and called again for as long as it returns that *work* gave way and is not done."""

        def take_a_turn() -> None:
            if write(work):
                self.put(work, write)

        with self._lock:
            heapq.heappush(self._waiting, (work.written, next(self._numbers), take_a_turn))
        self._threads.submit(self._next)

    def is_wanted(self, work: Writing) -> bool:
        """Whether somebody waits who has written less than *work*."""
        with self._lock:
            return bool(self._waiting) and self._waiting[0][0] < work.written

    def _next(self) -> None:
        with self._lock:
            _, _, take_a_turn = heapq.heappop(self._waiting)
        take_a_turn()
