"""A desk where few write and many wait: what is due first is written first, and the rest gives way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

from louro.engines.due_first import DueFirst


class Writing(Protocol):
    @property
    def due(self) -> float:
        """When more of it will be needed, by any clock. Among equals, who has waited longest comes first."""
        ...


W = TypeVar("W", bound=Writing)


@dataclass(frozen=True)
class _Waiting:
    work: Writing
    take_a_turn: Callable[[], None]


class Desk:
    """*at_once* pieces of work at a time, in threads of their own."""

    def __init__(self, at_once: int, name: str) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix=name)
        self._waiting = DueFirst[_Waiting]()
        self._lock = threading.Lock()

    def put(self, work: W, write: Callable[[W], bool]) -> None:
        """Have *write* called, and called again for as long as it returns that *work* gave way and is not done."""

        def take_a_turn() -> None:
            if write(work):
                self.put(work, write)

        with self._lock:
            self._waiting.put(work.due, _Waiting(work, take_a_turn))
        self._threads.submit(self._next)

    def drop(self, work: Writing) -> None:
        """Nobody wants it any more. What can wait might otherwise lie here, for as long as others are in a hurry."""
        with self._lock:
            self._waiting.drop(lambda waiting: waiting.work is work)

    @property
    def due(self) -> float:
        """When the first of what waits is due."""
        with self._lock:
            return self._waiting.due

    def _next(self) -> None:
        with self._lock:
            if not self._waiting:
                return  # it was dropped
            first = self._waiting.take()
        first.take_a_turn()
