"""How the sound card's threads wake the event loop without ever waiting for it."""

from __future__ import annotations

import asyncio
import threading


class Bell:
    """Rung from any thread, heard on the event loop. asyncio only.

    Take `rings`, then look, and wait only if there is nothing: a ring in between is not lost.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self.rings = 0
        """So far."""

    async def wait(self, rings: int) -> None:
        """Return once it has been rung more often than *rings*."""
        loop = asyncio.get_running_loop()
        rung = loop.create_future()
        with self._lock:
            if self.rings != rings:
                return
            self._waiting.append((loop, rung))
        try:
            await rung
        except asyncio.CancelledError:
            # The list must not grow while nothing rings.
            with self._lock:
                self._waiting = [one for one in self._waiting if one[1] is not rung]
            raise

    def ring(self) -> None:
        with self._lock:
            self.rings += 1
            waiting, self._waiting = self._waiting, []
        for loop, rung in waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(_wake, rung)


def _wake(rung: asyncio.Future[None]) -> None:
    if not rung.done():
        rung.set_result(None)
