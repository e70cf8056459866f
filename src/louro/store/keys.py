"""Keys in a database. A key is shown once; what is kept cannot be turned back into it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, StaticPool, create_engine, delete, event, insert, select, update

from louro.store.base import Key
from louro.store.tables import KEYS, SECRETS, migrate

PREFIX_LENGTH = 14
"""Of a key: enough to find it by, and to tell it from others; the rest is the secret, 192 bits of it."""
MEMORY = "sqlite://"


class SqlKeys:
    """Every method blocks for as long as the database takes. May be used from several threads and processes.

    Args:
        url: SQLAlchemy's, as `sqlite:///FILE` or `postgresql+psycopg://...`; `sqlite://` forgets all at the end.
    """

    def __init__(self, url: str) -> None:
        self._engine = _open(url)
        with self._engine.begin() as connection:
            migrate(connection)

    def close(self) -> None:
        self._engine.dispose()

    # Keys

    def create(
        self, name: str, *, project: str, scopes: Sequence[str], expires_at: float | None, now: float
    ) -> tuple[Key, str]:
        """Make a key; the second of the pair is the only time that it can be seen."""
        secret = f"sk-lr-{secrets.token_hex(4)}{secrets.token_urlsafe(24)}"
        key = Key(
            id=f"key_{secrets.token_hex(8)}",
            name=name,
            project=project,
            scopes=tuple(scopes),
            prefix=secret[:PREFIX_LENGTH],
            created_at=now,
            expires_at=expires_at,
            revoked_at=None,
            used_at=None,
        )
        row = {**vars(key), "scopes": " ".join(key.scopes), "digest": _digest(secret)}
        with self._engine.begin() as connection:
            connection.execute(insert(KEYS).values(**row))
        return key, secret

    def all(self) -> list[Key]:
        """Newest last; revoked and expired ones too."""
        with self._engine.connect() as connection:
            return [
                _key(row) for row in connection.execute(select(KEYS).order_by(KEYS.c.created_at)).mappings()
            ]

    @property
    def has_keys(self) -> bool:
        """Whether one was ever made: then nobody comes in without one, even if all have been revoked."""
        with self._engine.connect() as connection:
            return connection.execute(select(KEYS.c.id).limit(1)).first() is not None

    def find(self, secret: str, now: float) -> Key | None:
        """The valid key that this is, if it is one."""
        with self._engine.begin() as connection:
            row = (
                connection.execute(select(KEYS).where(KEYS.c.prefix == secret[:PREFIX_LENGTH]))
                .mappings()
                .first()
            )
            # A key that is not there takes as long to refuse as one that is wrong.
            kept = row["digest"] if row is not None else "0" * 64
            if not hmac.compare_digest(kept, _digest(secret)) or row is None:
                return None
            key = _key(row)
            if not key.is_valid(now):
                return None
            connection.execute(update(KEYS).where(KEYS.c.id == key.id).values(used_at=now))
            return key

    def revoke(self, which: str, now: float) -> Key | None:
        """By its id, its prefix or its name; None if there is none that is not revoked already."""
        named = (KEYS.c.id == which) | (KEYS.c.prefix == which) | (KEYS.c.name == which)
        with self._engine.begin() as connection:
            row = (
                connection.execute(select(KEYS).where(named, KEYS.c.revoked_at.is_(None))).mappings().first()
            )
            if row is None:
                return None
            connection.execute(update(KEYS).where(KEYS.c.id == row["id"]).values(revoked_at=now))
            return _key(row)

    def rotate(self, which: str, now: float) -> tuple[Key, str] | None:
        """Revoke a key and make another like it."""
        old = self.revoke(which, now)
        if old is None:
            return None
        return self.create(
            old.name, project=old.project, scopes=old.scopes, expires_at=old.expires_at, now=now
        )

    # Ephemeral keys

    def create_secret(self, session: str, *, key_id: str | None, expires_at: float, now: float) -> str:
        """A key for a browser: it opens sessions that begin with *session*, until it expires."""
        secret = f"ek_{secrets.token_urlsafe(24)}"
        with self._engine.begin() as connection:
            connection.execute(delete(SECRETS).where(SECRETS.c.expires_at <= now))
            values = {
                "digest": _digest(secret),
                "key_id": key_id,
                "session": session,
                "expires_at": expires_at,
            }
            connection.execute(insert(SECRETS).values(**values))
        return secret

    def session_of(self, secret: str, now: float) -> str | None:
        """What a session opened with this ephemeral key begins with; None if it is none, or no longer one."""
        with self._engine.connect() as connection:
            row = (
                connection.execute(select(SECRETS).where(SECRETS.c.digest == _digest(secret)))
                .mappings()
                .first()
            )
            if row is None or now >= row["expires_at"]:
                return None
            key_id = row["key_id"]
            if key_id is not None:
                owner = connection.execute(select(KEYS).where(KEYS.c.id == key_id)).mappings().first()
                if owner is None or not _key(owner).is_valid(now):
                    return None
            session: str = row["session"]
            return session


def open_store(place: str) -> SqlKeys:
    """*place* is a database's URL or a file's path."""
    if "://" in place:
        return SqlKeys(place)
    path = Path(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=True)
    return SqlKeys(f"sqlite:///{path}")


def _open(url: str) -> Engine:
    if url == MEMORY:
        return create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA busy_timeout=5000")


def _digest(secret: str) -> str:
    # Not slow on purpose: a key is 192 random bits, and nobody guesses those.
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(row: Any) -> Key:
    return Key(
        id=row["id"],
        name=row["name"],
        project=row["project"],
        scopes=tuple(row["scopes"].split()),
        prefix=row["prefix"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        used_at=row["used_at"],
    )
