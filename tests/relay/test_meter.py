"""What goes through the relay is counted by upstream's own words, and ends when the budget does."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from tests.relay.conftest import UPSTREAM_KEY, Relaying
from tests.serving import Serving
from websockets.asyncio.client import ClientConnection, connect

from louro.client import ConnectionFailed, RealtimeClient, RealtimeError
from louro.client.address import Dialect
from louro.http.doorkeeper import Doorkeeper
from louro.protocol import server_events as ev
from louro.relay.endpoint import Upstream
from louro.store.account import Books
from louro.store.base import Usage
from louro.store.budgets import Budget, parse_limit
from louro.store.prices import PriceTable
from louro.store.sql import Store

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]
NOW = 1_796_000_000.0
"""In December 2026: there is a price."""
LATER = 4_000_000_000.0
SPEECH = (b"\x00\x20" * 12 + b"\x00\xe0" * 12) * 600
SILENCE = bytes(48 * 900)
DIALECTS: tuple[Dialect, ...] = ("ga", "beta")


@dataclass
class Till:
    """A relay that counts, and a key of its own."""

    relay: Relaying
    store: Store
    key: str
    key_id: str

    def client(self, dialect: Dialect = "ga") -> RealtimeClient:
        return RealtimeClient(
            self.relay.address,
            api_key=self.key,
            model="gpt-realtime",
            dialect=dialect,
            env_file=None,
            reconnect=False,
        )

    def usage(self) -> list[Usage]:
        return self.store.ledger.usage(0, LATER, "model")

    def limit(self, text: str) -> None:
        self.store.budgets.create(Budget("key", self.key_id, parse_limit(text)), NOW)


@pytest.fixture(params=DIALECTS)
def till(request: pytest.FixtureRequest, behind: Serving, tmp_path: Path) -> Iterator[Till]:
    """Its upstream speaks each of the dialects in turn."""
    store = Store.open(str(tmp_path / "louro.db"))
    key, secret = store.keys.create("app", project="p", scopes=("realtime",), expires_at=None, now=NOW)
    upstream = Upstream(behind.address, UPSTREAM_KEY, request.param, env_file=None)
    admit = Doorkeeper((), store.keys, lambda: NOW).admit
    books = Books(store.ledger, store.budgets, PriceTable.load(), lambda: NOW)
    with Relaying(upstream, admit=admit, books=books) as relay:
        yield Till(relay, store, secret, key.id)
    store.close()


async def turn(client: RealtimeClient) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(client.send_user_message, "hello")
        await client.wait_for_next("response.done")


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_an_answer_is_written_down_with_its_price_before_it_is_told_to_be_done(
    till: Till, dialect: Dialect
) -> None:
    async with till.client(dialect) as client:
        await turn(client)
        [used] = await anyio.to_thread.run_sync(till.usage)
    assert used.name == "gpt-realtime"
    assert used.entries["response"] == 1
    assert used.response_tokens.output_audio > 0
    assert used.output_ms == used.response_tokens.output_audio * 50
    assert used.nanos > used.response_tokens.output_audio * 64_000
    assert used.first_audio_ms is not None


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_when_the_budget_is_spent_the_next_answer_is_refused_and_the_session_lives(
    till: Till, dialect: Dialect
) -> None:
    async with till.client(dialect) as client:
        await anyio.to_thread.run_sync(till.limit, "0.0001 USD/day")
        await turn(client)
        with pytest.raises(RealtimeError, match="You exceeded your budget"):
            await client.send_user_message("more")
        assert client.is_connected
    with pytest.raises(ConnectionFailed, match="You exceeded your budget"):
        async with till.client(dialect):
            pass


async def test_the_limits_that_are_told_are_the_scarcest(till: Till) -> None:
    await anyio.to_thread.run_sync(till.limit, "1000 tokens/day")
    async with till.client() as client:
        limits = client.events("rate_limits.updated")
        await turn(client)
        await turn(client)
        with anyio.fail_after(5):
            _, told = await anext(limits)
            _, told = await anext(limits)
    assert isinstance(told, ev.RateLimitsUpdated)
    [tokens] = [one for one in told.rate_limits if one.name == "tokens"]
    assert tokens.limit == 1000, "upstream's own is a million"
    assert tokens.remaining < 1000


async def test_a_turn_that_upstream_answers_by_itself_is_stopped(till: Till) -> None:
    async with till.client() as client:
        await anyio.to_thread.run_sync(till.limit, "1 tokens")
        await turn(client)
        errors = client.events("error")
        done = client.events("response.done")
        for start in range(0, len(SPEECH + SILENCE), 4800):
            await client.append_input_audio((SPEECH + SILENCE)[start : start + 4800])
        with anyio.fail_after(10):
            _, error = await anext(errors)
            _, cut = await anext(done)
        assert "You exceeded your budget" in str(error)
        assert isinstance(cut, ev.ResponseDone)
        # A scripted answer may be over before anybody can stop it.
        assert cut.response.status in ("cancelled", "completed")


async def test_a_key_of_the_store_is_asked_for(till: Till) -> None:
    with pytest.raises(ConnectionFailed, match="Incorrect API key"):
        async with RealtimeClient(till.relay.address, api_key="sk-wrong", env_file=None):
            pass


async def test_a_session_that_only_transcribes_is_counted_by_the_sound_that_the_app_sends(till: Till) -> None:
    await anyio.to_thread.run_sync(till.limit, "0.01 minutes")
    heads = {"Authorization": f"Bearer {till.key}"}
    async with connect(
        f"{till.relay.websocket}/v1/realtime?intent=transcription", additional_headers=heads
    ) as socket:
        by_hand = {
            "type": "transcription",
            "audio": {"input": {"turn_detection": None, "transcription": {"model": "whisper-1"}}},
        }
        append = {"type": "input_audio_buffer.append", "audio": base64.b64encode(bytes(48_000)).decode()}
        for event in (
            {"type": "session.update", "session": by_hand},
            append,
            {"type": "input_audio_buffer.commit"},
        ):
            await socket.send(json.dumps(event))
        await until(socket, "conversation.item.input_audio_transcription.completed")
        [used] = await anyio.to_thread.run_sync(till.usage)
        assert (used.entries, used.input_ms, used.transcribed_ms) == ({"transcription": 1}, 1000, 1000)
        await socket.send(json.dumps(append))
        assert (await until(socket, "error"))["error"]["code"] == "insufficient_quota"


async def until(socket: ClientConnection, kind: str) -> dict[str, Any]:
    with anyio.fail_after(5):
        while (event := json.loads(await socket.recv()))["type"] != kind:
            pass
    found: dict[str, Any] = event
    return found
