"""Whose key opens what."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import anyio.to_thread
import msgspec

from louro.store.base import Key, Keys
from louro.transports.attempts import Attempts
from louro.transports.door import Admitted, BoundSession, Refusal

EPHEMERAL = "ek_"
SCOPE, ADMIN = "realtime", "admin"
WRONG = "invalid_api_key"


class Doorkeeper:
    """*known* are the keys of the settings; *clock* gives Unix time."""

    def __init__(self, known: Sequence[str], store: Keys, clock: Callable[[], float]) -> None:
        self._known = known
        self._store = store
        self._clock = clock
        self._attempts = Attempts(clock)

    async def admit(self, key: str, address: str) -> Admitted:
        """Raises Refusal: this key does not open a session, or this address has shown too many wrong ones."""
        with self._watching(key, address):
            matches = [hmac.compare_digest(key.encode(), one.encode()) for one in self._known]
            if any(matches):
                return Admitted()
            return await anyio.to_thread.run_sync(self._ask, key)

    async def administrator(self, key: str, address: str) -> Key:
        """Whose key it is.

        Raises:
            Refusal: it is none that may see and change accounts.
        """
        with self._watching(key, address):
            found = await anyio.to_thread.run_sync(self._store.find, key, self._clock()) if key else None
            if found is None:
                raise _unknown(key)
        if ADMIN not in found.scopes:
            raise Refusal("insufficient_scope", f"This key lacks the scope '{ADMIN}'.", 3000)
        return found

    @contextmanager
    def _watching(self, key: str, address: str) -> Iterator[None]:
        """Raises Refusal."""
        self._attempts.check(address, key)
        try:
            yield
        except Refusal as refusal:
            if key and refusal.code == WRONG:
                self._attempts.note_wrong(address)
            raise
        if key:
            self._attempts.note_right(key)

    def _ask(self, key: str) -> Admitted:
        now = self._clock()
        if key.startswith(EPHEMERAL):
            bound = self._store.session_of(key, now)
            if bound is None:
                raise Refusal(WRONG, "This ephemeral key is unknown, or has expired.", 3000)
            owner = self._store.owner_of(key)
            session = msgspec.json.decode(bound, type=BoundSession)
            secret_id = hashlib.sha256(key.encode()).hexdigest()[:24]
            if owner is None:
                return Admitted(session=session, secret_id=secret_id)
            return Admitted(owner.id, owner.project, session, name=owner.name, secret_id=secret_id)
        found = self._store.find(key, now) if key else None
        if found is None:
            if not self._known and not self._store.has_keys:
                return Admitted(is_anybody=True)
            raise _unknown(key)
        if SCOPE not in found.scopes:
            raise Refusal("insufficient_scope", f"This key lacks the scope '{SCOPE}'.", 3000)
        return Admitted(found.id, found.project, name=found.name)


def _unknown(key: str) -> Refusal:
    shown = f"{key[:3]}***" if key else "none"
    return Refusal(WRONG, f"Incorrect API key provided: {shown}.", 3000)
