"""How the sound card's threads wake the event loop without ever waiting for it."""

from __future__ import annotations

import asyncio
import threading

import anyio


class Bell:
    """Rung from any thread, awaited on the event loop. Rings while nobody waits are forgotten.

    So the listener looks first, and waits only if there is nothing: see `wait`. asyncio only.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: list[tuple[asyncio.AbstractEventLoop, anyio.Event]] = []

    def listen(self) -> anyio.Event:
        """Return an event that the next ring sets. Take it before looking, or a ring in between is lost."""
        loop = asyncio.get_running_loop()
        event = anyio.Event()
        with self._lock:
            self._listeners = [waiting for waiting in self._listeners if not waiting[0].is_closed()]
            self._listeners.append((loop, event))
        return event

    def forget(self, event: anyio.Event) -> None:
        """Whoever stops waiting says so: the list must not grow while nothing rings."""
        with self._lock:
            self._listeners = [waiting for waiting in self._listeners if waiting[1] is not event]

    def ring(self) -> None:
        with self._lock:
            listeners, self._listeners = self._listeners, []
        for loop, event in listeners:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)
