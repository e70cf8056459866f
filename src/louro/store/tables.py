"""The tables, and how an older database becomes a newer one."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Date,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    insert,
    inspect,
    select,
    text,
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

# Since version 2

TOKEN_KINDS = (
    "input_text",
    "input_audio",
    "input_image",
    "cached_text",
    "cached_audio",
    "cached_image",
    "output_text",
    "output_audio",
)
ENTRIES = Table(
    "usage_entries",
    METADATA,
    Column("kind", String(20), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("session_id", Text, nullable=False),
    Column("key_id", Text),
    Column("project", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("day", Date, nullable=False),
    *(Column(kind, BigInteger, nullable=False) for kind in TOKEN_KINDS),
    Column("input_ms", BigInteger, nullable=False),
    Column("output_ms", BigInteger, nullable=False),
    Column("tool_calls", BigInteger, nullable=False),
    Column("first_audio_ms", BigInteger),
    Column("duration_ms", BigInteger, nullable=False),
    Column("price_nanos", BigInteger, nullable=False),
    Column("price_since", Date),
    Column("transcribed_ms", BigInteger, nullable=False, server_default="0"),  # since version 3
    Index("usage_entries_at", "at"),
)
TOTALS = Table(
    "usage_totals",
    METADATA,
    Column("counted", String(20), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("nanos", BigInteger, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("ms", BigInteger, nullable=False),
)
BUDGETS = Table(
    "budgets",
    METADATA,
    Column("scope", String(20), primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("per", String(20), primary_key=True),
    Column("unit", String(20), primary_key=True),
    Column("amount", BigInteger, nullable=False),
)
AUDIT = Table(
    "audit",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False, index=True),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("detail", Text, nullable=False),
)

VERSION = 3
_TO_3 = "ALTER TABLE usage_entries ADD COLUMN transcribed_ms BIGINT NOT NULL DEFAULT 0"
_LOCK = 0x6C6F75726F
"""PostgreSQL's lock for who makes the tables."""


class FromTheFuture(Exception):
    """The database was written by a newer Louro. The message says which."""


def migrate(connection: Connection) -> None:
    """Bring the database to VERSION, in the transaction that is open; an empty one gets all tables.

    Raises:
        FromTheFuture: it is newer than this program, and stays as it is.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    found = version_of(connection)
    if found is not None and found > VERSION:
        raise FromTheFuture(f"The database has version {found}; this Louro knows {VERSION}. Upgrade Louro.")
    if found == VERSION:
        return
    if found == 2:
        connection.execute(text(_TO_3))
    METADATA.create_all(connection)  # those that are missing
    if found is None:
        connection.execute(insert(SCHEMA).values(version=VERSION))
    else:
        connection.execute(update(SCHEMA).values(version=VERSION))


def version_of(connection: Connection) -> int | None:
    """Of the tables that are there; None if there are none."""
    if not inspect(connection).has_table(SCHEMA.name):
        return None
    version: int | None = connection.execute(select(SCHEMA.c.version)).scalar()
    return version
