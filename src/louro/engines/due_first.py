"""What waits, by when it is due."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class DueFirst(Generic[T]):
    """Due by any clock; among equals, who has waited longest comes first. Not for several threads at once."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, T]] = []
        self._numbers = itertools.count()

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def due(self) -> float:
        """When the first is; infinite where nothing waits."""
        return self._heap[0][0] if self._heap else math.inf

    def put(self, due: float, waiting: T) -> None:
        heapq.heappush(self._heap, (due, next(self._numbers), waiting))

    def take(self) -> T:
        """The first. Raises IndexError: nothing waits."""
        return heapq.heappop(self._heap)[2]

    def drop(self, is_unwanted: Callable[[T], bool]) -> bool:
        """Return whether any such waited."""
        left = [place for place in self._heap if not is_unwanted(place[2])]
        have_waited = len(left) < len(self._heap)
        self._heap = left
        heapq.heapify(self._heap)
        return have_waited
