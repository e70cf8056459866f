"""Keys in a database. A key is shown once; what is kept cannot be turned back into it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from louro.store import audit, sql_budgets
from louro.store.base import Act, Key, NewKey
from louro.store.budgets import Budget
from louro.store.database import MEMORY, Database, open_database
from louro.store.tables import KEYS, SECRETS

__all__ = ["MEMORY", "NewKey", "SqlKeys", "open_store"]

PREFIX_LENGTH = 14
"""Of a key: enough to find it by, and to tell it from others; the rest is the secret, 192 bits of it."""
USED_EVERY_S = 60
"""How exactly it is known when a key was used last: a busy one would be written at every call."""
LOCAL = "local"
"""Who acts, where nobody says who."""


class SqlKeys:
    """Every method blocks for as long as the database takes. May be used from several threads and processes.

    Args:
        actor: who stands in the audit for what is done here.
    """

    def __init__(self, database: Database, actor: str = LOCAL) -> None:
        self._database = database
        self._actor = actor

    def close(self) -> None:
        self._database.close()

    # Keys

    def create(
        self, name: str, *, project: str, scopes: Sequence[str], expires_at: float | None, now: float
    ) -> tuple[Key, str]:
        """Make a key; the second of the pair is the only time that it can be seen."""
        return self.create_limited(NewKey(name, project, tuple(scopes), expires_at), now)

    def create_limited(self, new: NewKey, now: float) -> tuple[Key, str]:
        """The same, with budgets: it is never there without them."""
        return self._database.write(lambda connection: self._create(connection, new, now))

    def _create(self, connection: Connection, new: NewKey, now: float) -> tuple[Key, str]:
        secret = f"sk-lr-{secrets.token_hex(4)}{secrets.token_urlsafe(24)}"
        key = Key(
            id=f"key_{secrets.token_hex(8)}",
            name=new.name,
            project=new.project,
            scopes=new.scopes,
            prefix=secret[:PREFIX_LENGTH],
            created_at=now,
            expires_at=new.expires_at,
            revoked_at=None,
            used_at=None,
        )
        row = {**vars(key), "scopes": " ".join(key.scopes), "digest": _digest(secret)}
        connection.execute(insert(KEYS).values(**row))
        self._note(connection, "key.create", key, now)
        for limit in new.limits:
            sql_budgets.put(connection, Budget("key", key.id, limit), self._actor, now)
        return key, secret

    def all(self) -> list[Key]:
        """Newest last; revoked and expired ones too."""
        ordered = select(KEYS).order_by(KEYS.c.created_at, KEYS.c.id)
        with self._database.reading() as connection:
            return [_key(row) for row in connection.execute(ordered).mappings()]

    @property
    def has_keys(self) -> bool:
        """Whether one was ever made: then nobody comes in without one, even if all have been revoked."""
        with self._database.reading() as connection:
            return connection.execute(select(KEYS.c.id).limit(1)).first() is not None

    def find(self, secret: str, now: float) -> Key | None:
        """The valid key that this is, if it is one."""
        key = self._find(secret)
        if key is None or not key.is_valid(now):
            return None
        if key.used_at is None or now - key.used_at >= USED_EVERY_S:
            used = update(KEYS).where(KEYS.c.id == key.id).values(used_at=now)
            self._database.write(lambda connection: connection.execute(used))
        return key

    def _find(self, secret: str) -> Key | None:
        # A key has no NUL and no lone surrogates; PostgreSQL would not even look for one.
        prefix = secret[:PREFIX_LENGTH] if secret.isascii() and secret.isprintable() else ""
        with self._database.reading() as connection:
            row = connection.execute(select(KEYS).where(KEYS.c.prefix == prefix)).mappings().first()
        # A key that is not there takes as long to refuse as one that is wrong.
        kept = row["digest"] if row is not None else "0" * 64
        if not hmac.compare_digest(kept, _digest(secret)) or row is None:
            return None
        return _key(row)

    def revoke(self, which: str, now: float, *, by_id: bool = False) -> Key | None:
        """By its id, its prefix or its name, or *by_id* alone; None if there is none that is not revoked already."""
        return self._database.write(lambda connection: self._revoke(connection, which, now, by_id))

    def _revoke(self, connection: Connection, which: str, now: float, by_id: bool) -> Key | None:
        named = KEYS.c.id == which
        if not by_id:
            named |= (KEYS.c.prefix == which) | (KEYS.c.name == which)
        row = (
            connection.execute(select(KEYS).where(named, KEYS.c.revoked_at.is_(None)).with_for_update())
            .mappings()
            .first()
        )
        if row is None:
            return None
        connection.execute(update(KEYS).where(KEYS.c.id == row["id"]).values(revoked_at=now))
        key = _key(row)
        self._note(connection, "key.revoke", key, now)
        return replace(key, revoked_at=now)

    def rotate(self, which: str, now: float, *, by_id: bool = False) -> tuple[Key, str] | None:
        """Revoke a key and make another like it, with the same budgets; what was used of them begins anew."""

        def work(connection: Connection) -> tuple[Key, str] | None:
            old = self._revoke(connection, which, now, by_id)
            if old is None:
                return None
            limits = tuple(sql_budgets.of_key(connection, old.id))
            made = self._create(
                connection, NewKey(old.name, old.project, old.scopes, old.expires_at, limits), now
            )
            audit.write(connection, Act(now, self._actor, "key.rotate", old.id, f"to {made[0].id}"))
            return made

        return self._database.write(work)

    def _note(self, connection: Connection, action: str, key: Key, now: float) -> None:
        detail = f"{key.name} ({key.prefix}...), project {key.project}"
        audit.write(connection, Act(now, self._actor, action, key.id, detail))

    # Ephemeral keys

    def create_secret(self, session: str, *, key_id: str | None, expires_at: float, now: float) -> str:
        """A key for a browser: it opens sessions that begin with *session*, until it expires."""
        secret = f"ek_{secrets.token_urlsafe(24)}"
        row = {"digest": _digest(secret), "key_id": key_id, "session": session, "expires_at": expires_at}

        def work(connection: Connection) -> None:
            connection.execute(delete(SECRETS).where(SECRETS.c.expires_at <= now))
            connection.execute(insert(SECRETS).values(**row))

        self._database.write(work)
        return secret

    def session_of(self, secret: str, now: float) -> str | None:
        """What a session opened with this ephemeral key begins with; None if it is none, or no longer one."""
        with self._database.reading() as connection:
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

    def owner_of(self, secret: str) -> Key | None:
        """The key that this ephemeral one was made with; None if none was needed, or it is unknown."""
        asked = (
            select(KEYS)
            .join(SECRETS, SECRETS.c.key_id == KEYS.c.id)
            .where(SECRETS.c.digest == _digest(secret))
        )
        with self._database.reading() as connection:
            row = connection.execute(asked).mappings().first()
        return None if row is None else _key(row)


def open_store(place: str) -> SqlKeys:
    """Only the keys. *place* is a database's URL or a file's path."""
    return SqlKeys(open_database(place))


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
