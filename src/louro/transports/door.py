"""Who may come in, and when there is room."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import anyio
import msgspec

from louro.protocol.session import SessionPatch

DEFAULT_PROJECT = "default"


@dataclass(frozen=True)
class Refusal(Exception):
    """Told as an `error` event on the accepted socket, which is then closed: that is what clients look for."""

    code: str
    message: str
    close_code: int


class BoundSession(msgspec.Struct, frozen=True):
    """What an ephemeral key stands for."""

    model: str
    patch: SessionPatch


@dataclass(frozen=True)
class Admitted:
    """Who has come in."""

    key_id: str | None = None
    """None of a key that stands in the settings, and where no key is needed."""
    project: str = DEFAULT_PROJECT
    session: BoundSession | None = None


Admit: TypeAlias = Callable[[str], Awaitable[Admitted]]
"""Of a key; raises Refusal."""


class Gate:
    """Lets in so many sessions at a time; a few more may wait."""

    def __init__(self, sessions: int, queue: int, queue_s: float) -> None:
        self._limiter = anyio.Semaphore(sessions)
        self._waiting = 0
        self._queue = queue
        self._queue_s = queue_s
        self.open = 0
        self.is_draining = False

    async def enter(self) -> None:
        """Raises Refusal: there is no room, and none became free in time."""
        if self.is_draining:
            raise Refusal("server_draining", "The server is about to stop and takes no new sessions.", 1013)
        if self._waiting >= self._queue and self._limiter.value == 0:
            raise self._full()
        self._waiting += 1
        try:
            with anyio.fail_after(self._queue_s):
                await self._limiter.acquire()
        except TimeoutError:
            raise self._full() from None
        finally:
            self._waiting -= 1
        self.open += 1

    def leave(self) -> None:
        self.open -= 1
        self._limiter.release()

    def _full(self) -> Refusal:
        return Refusal(
            "session_limit_reached", "All sessions of this server are taken. Try again in a moment.", 1013
        )


def check_key(key: str, known: Sequence[str]) -> None:
    """Raises Refusal: it is none of the *known* ones. Where none is known, everybody may come in."""
    matches = [hmac.compare_digest(key.encode(), one.encode()) for one in known]
    if known and not any(matches):
        shown = f"{key[:3]}***" if key else "none"
        raise Refusal("invalid_api_key", f"Incorrect API key provided: {shown}.", 3000)
