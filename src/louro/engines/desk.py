"""A desk where few write and many wait: what is due first is written first, and the rest gives way."""

from __future__ import annotations

import heapq
import itertools
import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol, TypeVar


class Writing(Protocol):
    @property
    def due(self) -> float:
        """When more of it will be needed, by any clock. Among equals, who has waited longest comes first."""
        ...


W = TypeVar("W", bound=Writing)


@dataclass(order=True)
class _Waiting:
    due: float
    number: int
    work: Writing = field(compare=False)
    take_a_turn: Callable[[], None] = field(compare=False)


class Desk:
    """*at_once* pieces of work at a time, in threads of their own."""

    def __init__(self, at_once: int, name: str) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix=name)
        self._waiting: list[_Waiting] = []
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def put(self, work: W, write: Callable[[W], bool]) -> None:
        """Have *write* called, and called again for as long as it returns that *work* gave way and is not done."""

        def take_a_turn() -> None:
            if write(work):
                self.put(work, write)

        with self._lock:
            heapq.heappush(self._waiting, _Waiting(work.due, next(self._numbers), work, take_a_turn))
        self._threads.submit(self._next)

    def drop(self, work: Writing) -> None:
        """Nobody wants it any more. What can wait might otherwise lie here, for as long as others are in a hurry."""
        with self._lock:
            self._waiting = [waiting for waiting in self._waiting if waiting.work is not work]
            heapq.heapify(self._waiting)

    @property
    def due(self) -> float:
        """When the first of what waits is due."""
        with self._lock:
            return self._waiting[0].due if self._waiting else math.inf

    def _next(self) -> None:
        with self._lock:
            if not self._waiting:
                return  # it was dropped
            first = heapq.heappop(self._waiting)
        first.take_a_turn()
