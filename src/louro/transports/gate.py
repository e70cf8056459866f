"""When there is room: so many sessions at a time, shared fairly between those who want one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import anyio

from louro.transports.door import Refusal


@dataclass(eq=False)
class _Ticket:
    whose: str
    called: anyio.Event = field(default_factory=anyio.Event)
    is_refused: bool = False


class Gate:
    """Lets in so many sessions at a time; a few more may wait.

    The next place goes to whoever has the fewest sessions of those who wait. Where the queue is full, whoever waits for
    the most places gives way to somebody who waits for fewer.
    """

    def __init__(self, sessions: int, queue: int, queue_s: float) -> None:
        self._free = sessions
        self._queue = queue
        self._queue_s = queue_s
        self._waiting: list[_Ticket] = []
        """In the order in which they came."""
        self._held: Counter[str] = Counter()
        self.open = 0
        self.is_draining = False

    async def enter(self, whose: str = "") -> None:
        """Raises Refusal: there is no room, and none became free in time."""
        if self.is_draining:
            raise Refusal("server_draining", "The server is about to stop and takes no new sessions.", 1013)
        if self._free > 0:
            self._free -= 1
        else:
            await self._wait(whose)
        self.open += 1
        self._held[whose] += 1

    def leave(self, whose: str = "") -> None:
        self.open -= 1
        self._held[whose] -= 1
        if not self._held[whose]:
            del self._held[whose]
        self._hand_on()

    async def _wait(self, whose: str) -> None:
        ticket = _Ticket(whose)
        if not self._make_room(whose):
            raise _full()
        self._waiting.append(ticket)
        try:
            with anyio.move_on_after(self._queue_s):
                await ticket.called.wait()
        except BaseException:
            self._give_up(ticket)
            raise
        if not ticket.called.is_set():
            self._waiting.remove(ticket)
            raise _full()
        if ticket.is_refused:
            raise _full()

    def _make_room(self, whose: str) -> bool:
        """In the queue."""
        if len(self._waiting) < self._queue:
            return True
        wanted = Counter(ticket.whose for ticket in self._waiting)
        if not wanted or max(wanted.values()) <= wanted[whose] + 1:
            return False
        greedy = max(reversed(self._waiting), key=lambda ticket: wanted[ticket.whose])
        self._waiting.remove(greedy)
        greedy.is_refused = True
        greedy.called.set()
        return True

    def _give_up(self, ticket: _Ticket) -> None:
        """Whoever waited has gone; a place that was just handed over goes to the next."""
        if ticket in self._waiting:
            self._waiting.remove(ticket)
        elif not ticket.is_refused:
            self._hand_on()

    def _hand_on(self) -> None:
        if not self._waiting:
            self._free += 1
            return
        ticket = min(self._waiting, key=lambda one: self._held[one.whose])
        self._waiting.remove(ticket)
        ticket.called.set()


def _full() -> Refusal:
    return Refusal(
        "session_limit_reached", "All sessions of this server are taken. Try again in a moment.", 1013
    )
