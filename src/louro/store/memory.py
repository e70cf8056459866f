"""Where no key was ever made: ephemeral ones, until the process ends. A database costs 28 MB to load."""

from __future__ import annotations

import hashlib
import secrets
import threading

from louro.store.base import Key

MAX_SECRETS = 10_000
"""Past it the oldest is forgotten: they are free to make where no key is needed."""


class MemoryKeys:
    has_keys = False

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[bytes, tuple[str, float]] = {}

    def find(self, secret: str, now: float) -> Key | None:
        return None

    def create_secret(self, session: str, *, key_id: str | None, expires_at: float, now: float) -> str:
        secret = f"ek_{secrets.token_urlsafe(24)}"
        with self._lock:
            self._sessions = {kept: one for kept, one in self._sessions.items() if now < one[1]}
            if len(self._sessions) >= MAX_SECRETS:
                del self._sessions[next(iter(self._sessions))]
            self._sessions[_digest(secret)] = (session, expires_at)
        return secret

    def session_of(self, secret: str, now: float) -> str | None:
        with self._lock:
            session, expires_at = self._sessions.get(_digest(secret), ("", 0.0))
        return session if now < expires_at else None

    def owner_of(self, secret: str) -> Key | None:
        return None

    def close(self) -> None:
        with self._lock:
            self._sessions.clear()


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
