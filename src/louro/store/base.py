"""What a store of keys is. Its methods block for as long as they take; they may be used from several threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Key:
    id: str
    name: str
    project: str
    scopes: tuple[str, ...]
    prefix: str
    created_at: float
    """Times are Unix time, in seconds."""
    expires_at: float | None
    revoked_at: float | None
    used_at: float | None

    def is_valid(self, now: float) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class Keys(Protocol):
    @property
    def has_keys(self) -> bool:
        """Whether one was ever made: then nobody comes in without one, even if all have been revoked."""
        ...

    def find(self, secret: str, now: float) -> Key | None:
        """The valid key that this is, if it is one."""
        ...

    def create_secret(self, session: str, *, key_id: str | None, expires_at: float, now: float) -> str:
        """A key for a browser: it opens sessions that begin with *session*, until it expires."""
        ...

    def session_of(self, secret: str, now: float) -> str | None:
        """What a session opened with this ephemeral key begins with; None if it is none, or no longer one."""
        ...

    def close(self) -> None: ...
