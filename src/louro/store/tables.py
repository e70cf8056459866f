"""The tables, and how an older database becomes a newer one."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Connection,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    insert,
    select,
    update,
)

METADATA = MetaData()

SCHEMA = Table("louro_schema", METADATA, Column("version", Integer, nullable=False))
KEYS = Table(
    "keys",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("project", String(200), nullable=False),
    Column("scopes", String(400), nullable=False),
    Column("prefix", String(24), nullable=False, unique=True),
    Column("digest", String(64), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("revoked_at", Float),
    Column("used_at", Float),
)
SECRETS = Table(
    "client_secrets",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("key_id", String(40)),
    Column("session", Text, nullable=False),
    Column("expires_at", Float, nullable=False, index=True),
)

VERSION = 1


class FromTheFuture(Exception):
    """The database was written by a newer Louro. The message says which."""


def migrate(connection: Connection) -> None:
    """Bring the database to VERSION; an empty one gets all tables.

    Raises:
        FromTheFuture: it is newer than this program.
    """
    METADATA.create_all(connection)
    found = connection.execute(select(SCHEMA.c.version)).scalar()
    if found is None:
        connection.execute(insert(SCHEMA).values(version=VERSION))
    elif found > VERSION:
        raise FromTheFuture(f"The database has version {found}; this Louro knows {VERSION}. Upgrade Louro.")
    else:
        connection.execute(update(SCHEMA).values(version=VERSION))
