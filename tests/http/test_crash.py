"""Servers that share a store and are killed: what a client was told is written down, once."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from sqlalchemy import select
from tests.store.conftest import postgres as postgres
from tests.store.conftest import shared_place as shared_place

from louro.client import ConnectionFailed, RealtimeClient, RealtimeError
from louro.protocol import server_events as ev
from louro.store.sql import Store
from louro.store.tables import ENTRIES

pytestmark = [pytest.mark.anyio, pytest.mark.slow, pytest.mark.timeout(1800)]
NOW = 1_700_000_000.0
LOURO = Path(sys.executable).with_name("louro")
SERVERS = 2
KILLS = int(os.environ.get("LOURO_LEDGER_KILLS", "4"))
TURNS_BETWEEN = 20


@dataclass
class Killable:
    """`louro serve` over a store, again and again."""

    folder: Path
    place: str
    process: subprocess.Popen[str] | None = field(default=None)
    url: str = ""

    def start(self) -> None:
        config = self.folder / "louro.toml"
        config.write_text(f'store = "{self.place}"\nport = 0\n')
        engines = [f"--{kind}=scripted" for kind in ("vad", "stt", "llm", "tts")]
        command = [str(LOURO), "serve", "--config", str(config), *engines]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        found = re.search(r"http://\S+", self.process.stdout.readline())
        assert found is not None
        self.url = found[0]

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None


@pytest.fixture
def servers(tmp_path: Path, shared_place: str) -> Iterator[list[Killable]]:
    made = [Killable(tmp_path, shared_place) for _ in range(SERVERS)]
    yield made
    for one in made:
        one.kill()


async def test_killed_servers_lose_no_answer_that_a_client_saw_and_count_none_twice(
    shared_place: str, servers: list[Killable]
) -> None:
    """LOURO_LEDGER_KILLS says how often one is killed; twenty turns between two kills."""
    store = await anyio.to_thread.run_sync(Store.open, shared_place)
    _, secret = await anyio.to_thread.run_sync(
        lambda: store.keys.create("k", project="p", scopes=("realtime",), expires_at=None, now=NOW)
    )
    seen: list[str] = []
    chance = random.Random(7)
    for server in servers:
        await anyio.to_thread.run_sync(server.start)
    async with anyio.create_task_group() as tasks:
        for server in servers:
            tasks.start_soon(talk_on, server, secret, seen)
        for number in range(KILLS):
            wanted = (number + 1) * TURNS_BETWEEN
            with anyio.fail_after(60):
                while len(seen) < wanted:  # noqa: ASYNC110 - the moment is to be any, not one that is told
                    await anyio.sleep(chance.uniform(0, 0.05))
            victim = chance.choice(servers)
            await anyio.to_thread.run_sync(victim.kill)
            await anyio.to_thread.run_sync(victim.start)
        tasks.cancel_scope.cancel()
    written = await anyio.to_thread.run_sync(written_in, store)
    await anyio.to_thread.run_sync(store.close)
    assert len(seen) == len(set(seen)) >= KILLS * TURNS_BETWEEN
    assert len(written) == len(set(written)), "none is counted twice"
    assert set(seen) <= set(written), "what a client saw is written down"
    # Each kill cuts one session, and the end cuts one of each server.
    assert len(written) <= len(seen) + KILLS + SERVERS


def written_in(store: Store) -> list[str]:
    asked = select(ENTRIES.c.id).where(ENTRIES.c.kind == "response")
    with store.database.reading() as connection:
        written = list(connection.execute(asked).scalars())
    spent = store.ledger.spent("project", "p")
    counted = store.ledger.usage(0, 4e9, "project")
    assert spent.tokens == sum(one.tokens.total for one in counted), "the sums agree with the entries"
    return written


async def talk_on(server: Killable, key: str, seen: list[str]) -> None:
    """Turn after turn; anew when the server is gone."""
    while True:
        try:
            await talk(server.url, key, seen)
        except* (ConnectionFailed, RealtimeError):
            await anyio.sleep(0.05)


async def talk(url: str, key: str, seen: list[str]) -> None:
    async with RealtimeClient(url, api_key=key, env_file=None, reconnect=False) as client:
        await client.update_session(output_modalities=["text"])
        while True:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.send_user_message, "hello")
                done: ev.ResponseDone = await client.wait_for_next("response.done")
            seen.append(done.response.id)
