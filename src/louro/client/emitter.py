"""Events to whoever wants to know, by callback and by iteration."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from fnmatch import fnmatchcase
from typing import Any, NamedTuple, TypeAlias

import anyio

KEPT_EVENTS = 10_000
"""That an iteration may lie behind: some minutes of conversation. Then the oldest are lost, and `missed` says so."""

Callback: TypeAlias = Callable[[Any], Awaitable[None] | None]


class Emitted(NamedTuple):
    name: str
    event: Any


class Events(AsyncIterator[Emitted]):
    """An iteration over what is emitted from its creation on; it ends when the client is closed."""

    def __init__(self, patterns: tuple[str, ...], limit: int) -> None:
        self._patterns = patterns or ("*",)
        self._limit = limit
        self._waiting: deque[Emitted] = deque()
        self._arrived = anyio.Event()
        self._is_over = False
        self.missed = 0

    def wants(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self._patterns)

    def put(self, emitted: Emitted) -> None:
        if len(self._waiting) == self._limit:
            self._waiting.popleft()
            self.missed += 1
        self._waiting.append(emitted)
        self._arrived.set()

    def end(self) -> None:
        self._is_over = True
        self._arrived.set()

    async def __anext__(self) -> Emitted:
        while not self._waiting:
            if self._is_over:
                raise StopAsyncIteration
            self._arrived = anyio.Event()
            await self._arrived.wait()
        return self._waiting.popleft()


class _Audience(NamedTuple):
    iterations: tuple[Events, ...]
    callbacks: tuple[Callback, ...]


class Emitter:
    """*start* runs what a callback returns, if that can be awaited: callbacks never hold up the connection."""

    def __init__(self, start: Callable[[Awaitable[None]], None]) -> None:
        self._start = start
        self._callbacks: list[tuple[str, Callback]] = []
        self._iterations: list[Events] = []
        self._audiences: dict[str, _Audience] = {}
        """By the name of what they hear: some come fifty times a second, and mean nothing to anybody."""

    def on(self, pattern: str, callback: Callback) -> None:
        """*pattern*: the name of an event, or several with `*`, as in `response.*`."""
        self._callbacks.append((pattern, callback))
        self._audiences.clear()

    def off(self, pattern: str, callback: Callback | None = None) -> None:
        """Without a *callback*, all that were given this very pattern."""
        self._callbacks = [
            one
            for one in self._callbacks
            if one[0] != pattern or (callback is not None and one[1] != callback)
        ]
        self._audiences.clear()

    def has_listener(self, name: str) -> bool:
        return bool(self._audience(name).callbacks)

    def emit(self, name: str, event: object) -> None:
        audience = self._audience(name)
        for iteration in audience.iterations:
            iteration.put(Emitted(name, event))
        for callback in audience.callbacks:
            if (result := callback(event)) is not None:
                self._start(result)

    def iterate(self, patterns: tuple[str, ...], limit: int = KEPT_EVENTS) -> Events:
        events = Events(patterns, limit)
        self._iterations.append(events)
        self._audiences.clear()
        return events

    def forget(self, events: Events) -> None:
        self._iterations.remove(events)
        self._audiences.clear()

    def end(self) -> None:
        for iteration in self._iterations:
            iteration.end()
        self._iterations.clear()
        self._audiences.clear()

    def _audience(self, name: str) -> _Audience:
        audience = self._audiences.get(name)
        if audience is None:
            audience = self._audiences[name] = _Audience(
                tuple(iteration for iteration in self._iterations if iteration.wants(name)),
                tuple(callback for pattern, callback in self._callbacks if fnmatchcase(name, pattern)),
            )
        return audience
