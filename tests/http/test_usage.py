"""Money over real sockets: what is answered is written down before it is told, and a budget ends politely."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest
from msgspec import structs
from tests.serving import SCRIPTED, Serving
from tests.store.recorder import an_entry
from websockets.asyncio.client import ClientConnection, connect

from louro.client import ConnectionFailed, RealtimeClient, RealtimeError
from louro.protocol import server_events as ev
from louro.server import load_engines
from louro.store.base import Filters
from louro.store.budgets import Budget, parse_limit
from louro.store.sql import Store

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]
NOW = 1_700_000_000.0
LATER = 4_000_000_000.0
A_SECOND = base64.b64encode(bytes(48_000)).decode()


@dataclass
class Shop:
    """A server with a store, and a key of it."""

    serving: Serving
    store: Store
    key: str
    key_id: str

    def client(self) -> RealtimeClient:
        return RealtimeClient(self.serving.address, api_key=self.key, env_file=None, reconnect=False)

    def responses(self) -> int:
        found = self.store.ledger.usage(0, LATER, "key", Filters((self.key_id,)))
        return sum(one.entries.get("response", 0) for one in found)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    place = str(tmp_path / "louro.db")
    store = Store.open(place)
    key, secret = store.keys.create("shop", project="p", scopes=("realtime",), expires_at=None, now=NOW)
    settings = structs.replace(SCRIPTED, store=place)
    with Serving(settings, load_engines(settings, lambda _: None)) as serving:
        yield Shop(serving, store, secret, key.id)
    store.close()


async def turn(client: RealtimeClient) -> str:
    """One answer; return its id once it is done."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(client.send_user_message, "hello")
        done: ev.ResponseDone = await client.wait_for_next("response.done")
    return done.response.id


async def test_when_a_client_is_told_that_an_answer_is_done_it_is_written_down(shop: Shop) -> None:
    async with shop.client() as client:
        for number in range(1, 4):
            await turn(client)
            assert await anyio.to_thread.run_sync(shop.responses) == number
    used = await anyio.to_thread.run_sync(lambda: shop.store.ledger.usage(0, LATER, "project"))
    assert [one.name for one in used] == ["p"]
    assert used[0].response_tokens.total > 0


async def test_a_spent_budget_lets_the_answer_finish_and_refuses_the_next(shop: Shop) -> None:
    limit = Budget("key", shop.key_id, parse_limit("1 tokens"))
    async with shop.client() as client:
        await anyio.to_thread.run_sync(lambda: shop.store.budgets.create(limit, NOW))
        await turn(client)
        with pytest.raises(RealtimeError, match="You exceeded your budget") as refused:
            await client.send_user_message("and now?")
        assert refused.value.code == "insufficient_quota"
        assert client.is_connected
    with pytest.raises(ConnectionFailed, match="You exceeded your budget"):
        async with shop.client():
            pass
    await anyio.to_thread.run_sync(lambda: shop.store.budgets.remove(limit, NOW))
    async with shop.client() as client:
        await turn(client)


async def test_an_ephemeral_key_is_counted_under_the_key_that_made_it(shop: Shop) -> None:
    made = await anyio.to_thread.run_sync(
        lambda: shop.store.keys.create_secret(
            '{"model":"m","patch":{"type":"realtime"}}', key_id=shop.key_id, expires_at=LATER, now=NOW
        )
    )
    async with RealtimeClient(shop.serving.address, api_key=made, env_file=None) as client:
        await turn(client)
    assert await anyio.to_thread.run_sync(shop.responses) == 1


def shared_by(shop: Shop, *limits: str) -> None:
    for text in limits:
        shop.store.budgets.create(Budget("key", shop.key_id, parse_limit(text)), NOW)


async def test_answers_of_a_key_are_paced_over_all_its_sessions(shop: Shop) -> None:
    await anyio.to_thread.run_sync(shared_by, shop, "2 responses/hour")
    async with shop.client() as one, shop.client() as other:
        await turn(one)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(turn, other)
            limits: ev.RateLimitsUpdated = await other.wait_for_next("rate_limits.updated")
        requests = next(limit for limit in limits.rate_limits if limit.name == "requests")
        assert (requests.limit, requests.remaining) == (2, 0)
        for client in (one, other):
            with pytest.raises(RealtimeError) as refused:
                await client.send_user_message("more")
                await client.wait_for_next("response.done")
            assert refused.value.code == "rate_limit_exceeded"


async def test_a_key_has_so_many_sessions_at_once(shop: Shop) -> None:
    await anyio.to_thread.run_sync(shared_by, shop, "1 sessions")
    async with shop.client():
        with pytest.raises(ConnectionFailed) as refused:
            await opened(shop)
        assert refused.value.code == "rate_limit_exceeded"
    await emptied(shop)
    await opened(shop)


async def opened(shop: Shop) -> None:
    async with shop.client():
        pass


async def emptied(shop: Shop) -> None:
    """The server has noticed that everybody has gone."""
    with anyio.fail_after(5):
        async with httpx.AsyncClient() as client:
            while (await client.get(f"{shop.serving.address}/health")).json()["sessions"]:
                pass


async def test_a_budget_that_is_nearly_spent_is_told_in_a_header(shop: Shop) -> None:
    def nearly_spent() -> None:
        shop.store.ledger.record([an_entry("a", key_id=shop.key_id, price_nanos=900_000_000)])

    await anyio.to_thread.run_sync(shared_by, shop, "1 USD")
    await anyio.to_thread.run_sync(nearly_spent)
    headers = {"Authorization": f"Bearer {shop.key}"}
    address = f"{shop.serving.address}/v1/realtime/client_secrets"
    async with httpx.AsyncClient(timeout=10) as client:
        made = await client.post(address, headers=headers, json={})
        assert made.headers["louro-budget-warning"] == "0.90 of 1 USD"
        async with connect(
            f"{shop.serving.websocket}/v1/realtime?model=m", additional_headers=headers
        ) as socket:
            assert socket.response is not None
            assert socket.response.headers["louro-budget-warning"] == "0.90 of 1 USD"
        await anyio.to_thread.run_sync(
            lambda: shop.store.ledger.record([an_entry("b", key_id=shop.key_id, price_nanos=200_000_000)])
        )
        refused = await client.post(address, headers=headers, json={})
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "insufficient_quota")


async def test_an_ephemeral_key_has_limits_of_its_own(shop: Shop) -> None:
    async with httpx.AsyncClient(base_url=shop.serving.address) as http:

        async def make(*limits: str) -> httpx.Response:
            heads = {"Authorization": f"Bearer {shop.key}"}
            return await http.post("/v1/realtime/client_secrets", json={"limits": limits}, headers=heads)

        narrow = (await make("1 sessions", "1 tokens/session")).json()["value"]
        other = (await make()).json()["value"]
        assert (await make("5 USD/day")).json()["error"]["param"] == "limits.0"
        assert (await make("many")).status_code == 400
        assert (await make(*["1 sessions"] * 6)).status_code == 400

    def client(key: str) -> RealtimeClient:
        return RealtimeClient(shop.serving.address, api_key=key, env_file=None, reconnect=False)

    async with client(narrow) as first:
        with pytest.raises(ConnectionFailed, match="1 sessions at once"):
            async with client(narrow):
                pass
        async with client(other) as second:
            await turn(second)
            await turn(second)
        await turn(first)
        with pytest.raises(RealtimeError, match="tokens/session"):
            await first.send_user_message("and now?")
    async with client(narrow) as again:
        await turn(again)


async def test_a_session_that_only_transcribes_is_written_down_and_ended_by_its_budget(shop: Shop) -> None:
    """The client ends each turn, so nobody but its own sound tells how long it was."""
    await anyio.to_thread.run_sync(shared_by, shop, "0.01 minutes")
    address = f"{shop.serving.websocket}/v1/realtime?intent=transcription"
    heads = {"Authorization": f"Bearer {shop.key}"}
    async with connect(address, additional_headers=heads) as socket:
        by_hand = {
            "type": "transcription",
            "audio": {"input": {"turn_detection": None, "transcription": {"model": "whisper-1"}}},
        }
        await socket.send(json.dumps({"type": "session.update", "session": by_hand}))
        told = []
        for _ in range(2):
            await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": A_SECOND}))
            await socket.send(json.dumps({"type": "input_audio_buffer.commit"}))
            told.append(await the_end_of_it(socket))
            read = partial(shop.store.ledger.usage, 0, LATER, "key", Filters((shop.key_id,)))
            [used] = await anyio.to_thread.run_sync(read)
            assert (used.entries, used.input_ms, used.transcribed_ms) == ({"transcription": 1}, 1000, 1000)
    first, second = told
    assert first["type"].endswith(".completed")
    assert second["error"]["code"] == "insufficient_quota"


async def the_end_of_it(socket: ClientConnection) -> dict[str, Any]:
    """How the transcription ends."""
    with anyio.fail_after(5):
        while True:
            event: dict[str, Any] = json.loads(await socket.recv())
            if event["type"].endswith((".completed", ".failed")):
                return event
