"""Whose key opens what."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import anyio.to_thread
import msgspec

from louro.protocol.session import SessionPatch
from louro.store.base import Keys
from louro.transports.door import Refusal

EPHEMERAL = "ek_"
SCOPE = "realtime"


class BoundSession(msgspec.Struct, frozen=True):
    """What an ephemeral key stands for."""

    model: str
    patch: SessionPatch


@dataclass(frozen=True)
class Admitted:
    key_id: str | None = None
    """None of a key that stands in the settings, and where no key is needed."""
    session: BoundSession | None = None


class Doorkeeper:
    """*known* are the keys of the settings; *clock* gives Unix time."""

    def __init__(self, known: Sequence[str], store: Keys, clock: Callable[[], float]) -> None:
        self._known = known
        self._store = store
        self._clock = clock

    async def admit(self, key: str) -> Admitted:
        """Raises Refusal: this key does not open a session."""
        matches = [hmac.compare_digest(key.encode(), one.encode()) for one in self._known]
        if any(matches):
            return Admitted()
        return await anyio.to_thread.run_sync(self._ask, key)

    def _ask(self, key: str) -> Admitted:
        now = self._clock()
        if key.startswith(EPHEMERAL):
            bound = self._store.session_of(key, now)
            if bound is None:
                raise Refusal("invalid_api_key", "This ephemeral key is unknown, or has expired.", 3000)
            return Admitted(session=msgspec.json.decode(bound, type=BoundSession))
        found = self._store.find(key, now) if key else None
        if found is None:
            if not self._known and not self._store.has_keys:
                return Admitted()
            shown = f"{key[:3]}***" if key else "none"
            raise Refusal("invalid_api_key", f"Incorrect API key provided: {shown}.", 3000)
        if SCOPE not in found.scopes:
            raise Refusal("insufficient_scope", f"This key lacks the scope '{SCOPE}'.", 3000)
        return Admitted(key_id=found.id)
