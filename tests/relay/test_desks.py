"""What a relay answers over HTTP: ephemeral keys for its pages, and its administrator."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from openai import AsyncOpenAI
from tests.relay.conftest import UPSTREAM_KEY, Relaying
from tests.serving import Serving

from louro.client import ConnectionFailed, RealtimeClient
from louro.http.doorkeeper import Doorkeeper
from louro.http.office import Office
from louro.protocol.session import RealtimeSession
from louro.relay.endpoint import Upstream
from louro.store.account import Books
from louro.store.prices import PriceTable
from louro.store.sql import Store

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]
NOW = 1_700_000_000.0


@dataclass
class Booth:
    relay: Relaying
    key: str

    @property
    def sdk(self) -> AsyncOpenAI:
        return AsyncOpenAI(
            api_key=self.key, admin_api_key=self.key, base_url=f"{self.relay.address}/v1", max_retries=0
        )


@pytest.fixture
def booth(behind: Serving, tmp_path: Path) -> Iterator[Booth]:
    store = Store.open(str(tmp_path / "louro.db"))
    scopes = ("realtime", "admin")
    _, key = store.keys.create("app", project="p", scopes=scopes, expires_at=None, now=NOW)
    clock = time.time  # noqa: TID251 - that of the relay's HTTP side
    books = Books(store.ledger, store.budgets, PriceTable.load(), clock)
    office = Office(store.keys, books, store)
    admit = Doorkeeper((), store.keys, clock).admit
    upstream = Upstream(behind.address, UPSTREAM_KEY, env_file=None)
    with Relaying(upstream, admit=admit, books=books, office=office) as relay:
        yield Booth(relay, key)
    store.close()


async def test_a_page_gets_an_ephemeral_key_from_the_relay(booth: Booth) -> None:
    wish = {"type": "realtime", "model": "gpt-realtime", "instructions": "Sell parrots."}
    async with booth.sdk as client:
        made = await client.realtime.client_secrets.create(session=wish)  # type: ignore[arg-type]
    async with RealtimeClient(booth.relay.address, api_key=made.value, env_file=None) as talk:
        session = await talk.update_session(output_modalities=["text"])
        assert isinstance(session, RealtimeSession)
        assert session.instructions == "Sell parrots."
    with pytest.raises(ConnectionFailed, match="ephemeral key is unknown"):
        async with RealtimeClient(booth.relay.address, api_key=f"{made.value}x", env_file=None):
            pass


async def test_the_administrator_of_a_relay_sees_what_was_used(booth: Booth) -> None:
    async with booth.sdk as client:
        projects = [one.id async for one in client.admin.organization.projects.list()]
    assert projects == ["p"]
    async with httpx.AsyncClient(base_url=booth.relay.address) as http:
        assert (await http.get("/health")).json()["accounts"] is True
        assert (await http.get("/v1/organization/projects")).status_code == 401
        assert (await http.get("/v1/models")).status_code == 404, "upstream's are upstream's to name"
