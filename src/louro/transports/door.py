"""Who may come in."""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

import msgspec

from louro.protocol.session import SessionPatch

DEFAULT_PROJECT = "default"
BUDGET_WARNING = "louro-budget-warning"
"""A header of answers: which budget is nearly used up."""
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
    limits: tuple[str, ...] = ()
    """Of this key's own: sessions at once, and what each may use, as `10 minutes/session`."""


@dataclass(frozen=True)
class Admitted:
    """Who has come in."""

    key_id: str | None = None
    """None of a key that stands in the settings, and where no key is needed."""
    project: str = DEFAULT_PROJECT
    session: BoundSession | None = None
    is_anybody: bool = False
    """No key is needed here."""
    name: str | None = None
    """Of the key; of an ephemeral one, of the key that made it."""
    secret_id: str | None = None
    """Which ephemeral key it is; None if it is none."""

    @property
    def limits(self) -> tuple[str, ...]:
        """Of an ephemeral key's own."""
        return self.session.limits if self.session is not None else ()

    @property
    def whose(self) -> str:
        """Between whom room is shared: keys, where there are any."""
        return self.key_id or self.project


Admit: TypeAlias = Callable[[str, str], Awaitable[Admitted]]
"""Of a key, and the address that it comes from; raises Refusal."""


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
    raise _foreign(origin)


def check_name(headers: Mapping[str, str], allowed: Sequence[str]) -> None:
    """Where no key is needed: a page that calls this server by a name of its own has had that name pointed here, to
    pass for a page of this server.

    Raises:
        Refusal: it does, and is none of the *allowed* origins.
    """
    origin = headers.get("origin")
    if origin is None or "*" in allowed or origin in allowed:
        return
    try:
        name = urlsplit(f"//{headers.get('host', '')}").hostname or ""
        if name != "localhost":
            ipaddress.ip_address(name)
    except ValueError:
        raise _foreign(origin) from None


def _foreign(origin: str) -> Refusal:
    return Refusal(
        "origin_not_allowed",
        f"Pages of {origin[:200]} may not connect. Add it to 'origins' in louro.toml if they should.",
        3000,
    )


def check_key(key: str, known: Sequence[str]) -> None:
    """Raises Refusal: it is none of the *known* ones. Where none is known, everybody may come in."""
    matches = [hmac.compare_digest(key.encode(), one.encode()) for one in known]
    if known and not any(matches):
        shown = f"{key[:3]}***" if key else "none"
        raise Refusal("invalid_api_key", f"Incorrect API key provided: {shown}.", 3000)
