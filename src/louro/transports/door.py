"""Who may come in, and when there is room."""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

import anyio
import msgspec

from louro.protocol.session import SessionPatch

DEFAULT_PROJECT = "default"
LOCAL_ORIGIN = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?")
"""A page that this machine serves itself."""


@dataclass(eq=False)
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


def check_origin(headers: Mapping[str, str], allowed: Sequence[str]) -> None:
    """Pages of this server, of this machine, and of the *allowed* origins may open sockets; `*` allows all. Only
    browsers send an origin: anything else is no page.

    Raises:
        Refusal: another page, in the browser of somebody who can reach this server, tries to use it.
    """
    origin = headers.get("origin")
    if origin is None or "*" in allowed or origin in allowed or LOCAL_ORIGIN.fullmatch(origin):
        return
    if urlsplit(origin).netloc.lower() == headers.get("host", "").lower():
        return
    raise Refusal(
        "origin_not_allowed",
        f"Pages of {origin[:200]} may not connect. Add it to 'origins' in louro.toml if they should.",
        3000,
    )


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
