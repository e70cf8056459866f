"""Every store is tested over SQLite, in a file and in memory, and over a PostgreSQL that the tests start themselves."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from louro.store.database import MEMORY
from louro.store.sql import Store

SERVERS = Path("/usr/lib/postgresql")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a server of our own, on a socket that nobody else finds, without what a power cut would need."""
    programs = sorted(SERVERS.glob("*/bin/initdb"))
    if not programs:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    if find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed (the extra [postgres])")
    folder = Path(tempfile.mkdtemp(prefix="louro-pg-", dir="/tmp"))  # a socket's path is short
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
    server = programs[-1].with_name("pg_ctl")
    options = f"-k {folder} -c listen_addresses= -c fsync=off -c max_connections=200"
    try:
        as_owner(programs[-1], "-D", folder / "data", "-U", "louro", "-A", "trust", "-E", "UTF8")
        log = folder / "log"
        as_owner(server, "-D", folder / "data", "-w", "-l", log, "-o", options, "start")
        yield f"postgresql+psycopg://louro@/{{database}}?host={folder}"
        as_owner(server, "-D", folder / "data", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def as_owner(*command: str | Path) -> None:
    """PostgreSQL does not run as root."""
    owner = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
    subprocess.run(
        [*owner, *map(str, command)],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        timeout=60,
    )


@pytest.fixture(params=["memory", "file", pytest.param("postgres", marks=pytest.mark.postgres)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty store is."""
    return a_place(request, tmp_path)


@pytest.fixture(params=["file", pytest.param("postgres", marks=pytest.mark.postgres)])
def shared_place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty store is, that several processes may use."""
    return a_place(request, tmp_path)


def a_place(request: pytest.FixtureRequest, folder: Path) -> str:
    if request.param == "memory":
        return MEMORY
    if request.param == "file":
        return str(folder / "data" / "louro.db")
    template: str = request.getfixturevalue("postgres")
    name = f"t{uuid.uuid4().hex}"
    engine = create_engine(template.format(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return template.format(database=name)


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    opened = Store.open(place)
    yield opened
    opened.close()
