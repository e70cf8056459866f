"""What a store holds: keys, and what was used. Its methods block for as long as they take; any thread may call them.

Nothing here loads a database: entries are made where answers are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, get_args

from louro.store.prices import NO_TOKENS, Tokens

if TYPE_CHECKING:
    from louro.store.budgets import Limit

Kind: TypeAlias = Literal["response", "transcription", "session"]
Counted: TypeAlias = Literal["key", "project", "session"]
"""What sums are kept of, for each day."""
KeyScope: TypeAlias = Literal["realtime", "admin"]
"""What a key opens: sessions, or the administrator's API."""
SCOPES: tuple[KeyScope, ...] = get_args(KeyScope)
NAME = r"^[^/\x00-\x1f\x7f]{1,100}$"
"""Of a key or a project: it stands in tables and addresses."""
GroupBy: TypeAlias = Literal["day", "key", "project", "model"]


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


@dataclass(frozen=True)
class NewKey:
    name: str
    project: str
    scopes: tuple[str, ...]
    expires_at: float | None = None
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True)
class Act:
    """Something that was done to keys or limits."""

    at: float
    """Unix time, in seconds."""
    actor: str
    action: str
    """As `key.create`, `key.rotate`, `key.revoke`, `budget.set`, `budget.remove`."""
    target: str
    """A key's id, or `project NAME`."""
    detail: str
    id: int = 0
    """Counts upwards; 0 until it is written."""


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

    def owner_of(self, secret: str) -> Key | None:
        """The key that this ephemeral one was made with; None if none was needed, or it is unknown."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Entry:
    """One thing that was used. A token or a second of sound belongs to one entry only, or it is counted twice."""

    id: str
    """With the kind it makes the entry one of a kind: written again, it is not counted again."""
    kind: Kind
    session_id: str
    key_id: str | None
    project: str
    model: str
    status: str
    at: float
    """Unix time, in seconds; its UTC day is the day that it counts for."""
    tokens: Tokens = NO_TOKENS
    input_ms: int = 0
    """Of sound that was heard."""
    output_ms: int = 0
    """Of sound that was spoken."""
    tool_calls: int = 0
    first_audio_ms: int | None = None
    duration_ms: int = 0
    """By the clock, from its beginning to its end."""
    price_nanos: int = 0
    """What it cost, in billionths of a US dollar, when it was used: a later price list does not change it."""
    transcribed_ms: int = 0
    """Of sound that was written down. It may have been heard for an answer as well: see `input_ms` of that one."""
    price_since: date | None = None
    """From which day on the price that was taken was in force; None if it was free for want of one."""


@dataclass(frozen=True)
class Spent:
    nanos: int = 0
    tokens: int = 0
    ms: int = 0
    """Of sound, heard and spoken."""


@dataclass(frozen=True)
class Usage:
    """The sum of a group of entries."""

    name: str
    """The day as 2026-11-23, or the key's id (empty: without a key), the project, the model."""
    entries: dict[Kind, int]
    tokens: Tokens
    response_tokens: Tokens
    """Those of answers: what a speech model would charge for."""
    input_ms: int
    output_ms: int
    tool_calls: int
    first_audio_ms: int | None
    """The mean of those that have one."""
    nanos: int
    transcribed_ms: int = 0


@dataclass(frozen=True)
class Part:
    """What a group used within a stretch of time."""

    begins: int
    """Unix time, in seconds."""
    names: tuple[str, ...]
    """In the order that was asked for; empty where it has none."""
    usage: Usage


@dataclass(frozen=True)
class Span:
    """From *since* on and before *until* (Unix time, in seconds), in stretches of *width_s*."""

    since: int
    until: int
    width_s: int


@dataclass(frozen=True)
class Filters:
    """None is all of them."""

    key_ids: tuple[str, ...] | None = None
    projects: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    kind: Kind | None = None


EVERYTHING = Filters()


class Ledger(Protocol):
    def record(self, entries: Sequence[Entry]) -> None:
        """Returns when they are on disk, each once, however often it comes."""
        ...

    def spent(self, what: Counted, name: str, since: date | None = None) -> Spent:
        """By a key's id, a project or a session, from that UTC day on; None is from the first."""
        ...

    def close(self) -> None: ...
