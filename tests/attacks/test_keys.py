"""Keys that were stolen, guessed, or put where they do not belong; pages of somebody else."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import httpx
import pytest
from anyio import to_thread
from sqlalchemy import event
from sqlalchemy.engine import Engine
from tests.attacks.conftest import BOUND, LONG_AGO, LONG_HENCE, Attacked
from tests.attacks.raw import answer_to, error_of, handshake, said_until_closed
from websockets.asyncio.client import connect

from louro.http.doorkeeper import Doorkeeper
from louro.store.keys import open_store
from louro.transports.door import Refusal

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(30)]
ELSEWHERE = "https://evil.example"
REFUSED = ("invalid_api_key", "rate_limit_exceeded")
"""The second once many wrong ones came from this address."""


async def refused_with(attacked: Attacked, headers: dict[str, str], query: str = "") -> str:
    """The code of the refusal. Nothing else may be told."""
    async with connect(attacked.websocket + query, additional_headers=headers, close_timeout=1) as socket:
        events, close_code = await said_until_closed(socket, 2)
    assert [one["type"] for one in events] == ["error"]
    assert close_code in (3000, 1013)
    return str(events[0]["error"]["code"])


def ephemeral(attacked: Attacked, expires_at: float) -> str:
    """One that the good client's key made, in a quite distant past."""
    with closing(open_store(attacked.place)) as store:
        owner = store.all()[0].id
        return store.create_secret(BOUND, key_id=owner, expires_at=expires_at, now=LONG_AGO)


def parent_and_child(attacked: Attacked) -> tuple[str, str]:
    """The id of a key, and an ephemeral key of it."""
    with closing(open_store(attacked.place)) as store:
        parent, _ = store.create("parent", project="p", scopes=("realtime",), expires_at=None, now=LONG_HENCE)
        child = store.create_secret(BOUND, key_id=parent.id, expires_at=LONG_HENCE, now=LONG_AGO)
        return parent.id, child


def revoke(attacked: Attacked, key_id: str) -> None:
    with closing(open_store(attacked.place)) as store:
        assert store.revoke(key_id, LONG_AGO, by_id=True) is not None


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def test_a_stolen_ephemeral_key_is_worth_nothing_once_it_has_expired(locked: Attacked) -> None:
    stolen = await to_thread.run_sync(ephemeral, locked, LONG_AGO + 60)
    assert await refused_with(locked, bearer(stolen)) in REFUSED
    await locked.still_answers()


async def test_a_stolen_ephemeral_key_dies_with_the_key_that_made_it(unsuspecting: Attacked) -> None:
    parent, stolen = await to_thread.run_sync(parent_and_child, unsuspecting)
    async with connect(unsuspecting.websocket, additional_headers=bearer(stolen)) as socket:
        assert '"session.created"' in str(await socket.recv())
    await to_thread.run_sync(revoke, unsuspecting, parent)
    assert await refused_with(unsuspecting, bearer(stolen)) in REFUSED
    async with httpx.AsyncClient() as client:
        url = f"{unsuspecting.address}/v1/realtime/client_secrets"
        assert (await client.post(url, json={}, headers=bearer(stolen))).status_code in (401, 429)
    await unsuspecting.still_answers()


async def test_an_ephemeral_key_makes_no_other_and_is_no_administrator(locked: Attacked) -> None:
    stolen = await to_thread.run_sync(ephemeral, locked, LONG_HENCE)
    async with httpx.AsyncClient(headers=bearer(stolen)) as client:
        made = await client.post(f"{locked.address}/v1/realtime/client_secrets", json={})
        listed = await client.get(f"{locked.address}/v1/organization/projects")
    assert made.status_code in (401, 429)
    assert listed.status_code in (401, 429)
    await locked.still_answers()


@pytest.mark.parametrize("name", ["api_key", "key", "access_token", "api-key", "Authorization", "token"])
async def test_a_key_in_the_address_opens_nothing_and_stands_in_no_log(locked: Attacked, name: str) -> None:
    query = f"&{name}={locked.key}"
    assert await refused_with(locked, {}, query) in REFUSED
    async with httpx.AsyncClient() as client:
        for path in ("/v1/realtime/client_secrets", "/v1/nowhere"):
            told = await client.post(f"{locked.address}{path}?{query}", json={})
            assert told.status_code in (401, 404, 429)
            assert locked.key not in told.text
    await locked.still_answers()
    assert locked.key not in locked.log


async def test_a_key_that_opens_the_door_stands_in_no_log_either(locked: Attacked) -> None:
    query = f"&api_key={locked.key}"
    async with connect(locked.websocket + query, additional_headers=locked.headers) as socket:
        await socket.send("[")
        assert locked.key not in str(await error_of(socket))
    await locked.still_answers()
    assert locked.key not in locked.log


async def test_a_key_in_the_address_opens_no_relay(relayed: Attacked) -> None:
    for name in ("api_key", "key", "access_token"):
        assert await refused_with(relayed, {}, f"&{name}={relayed.key}") in REFUSED
    await relayed.still_answers()


async def test_pages_of_somebody_else_open_no_socket(attacked: Attacked) -> None:
    names = (ELSEWHERE, "null", "http://localhost.evil.example", "http://127.0.0.1:1@evil.example", "file://")
    for origin in names:
        with_key = {**attacked.headers, "Origin": origin}
        assert await refused_with(attacked, with_key) == "origin_not_allowed"
    await attacked.still_answers()


async def test_pages_of_somebody_else_read_no_answer(unlocked: Attacked) -> None:
    url = f"{unlocked.address}/v1/realtime/client_secrets"
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    async with httpx.AsyncClient(headers={"Origin": ELSEWHERE}) as client:
        answers = [
            await client.options(url, headers=asks),
            await client.post(url, content=b"{}", headers={"Content-Type": "text/plain"}),
            await client.get(f"{unlocked.address}/v1/models"),
        ]
    assert not any("access-control-allow-origin" in answer.headers for answer in answers)
    assert answers[0].status_code == 400
    await unlocked.still_answers()


async def test_a_page_whose_name_leads_here_opens_nothing_that_needs_no_key(unlocked: Attacked) -> None:
    """A name of somebody else's that resolves to 127.0.0.1: for the browser it is one origin with this server."""
    rebound = {"Host": f"evil.example:{unlocked.port}", "Origin": f"http://evil.example:{unlocked.port}"}
    assert await refused_with(unlocked, rebound) == "origin_not_allowed"
    await unlocked.still_answers()


@pytest.mark.parametrize("wrong", ["sk-wrong", "sk-lr-" + "0" * 40, "ek_wrong", "x" * 8000, ""])
async def test_wrong_keys_are_told_no_more_than_that(attacked: Attacked, wrong: str) -> None:
    assert await refused_with(attacked, bearer(wrong)) in REFUSED
    await attacked.still_answers()


@pytest.mark.parametrize("wrong", [b"\xfc\xff", b"\x7f", b"\x00", b"x" * 20_000, b"x" * 200_000])
async def test_keys_that_are_no_text_open_nothing(attacked: Attacked, wrong: bytes) -> None:
    asks = handshake(attacked, "/v1/realtime?model=m", bearer("$")).replace(b"$", wrong)
    answer = await answer_to(attacked, asks, until=b"}}")
    assert b"session.created" not in answer
    assert (
        b"invalid_api_key" in answer
        or b"rate_limit_exceeded" in answer
        or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5"))
        or not answer
    )
    await attacked.still_answers()


async def test_a_key_that_is_nearly_right_takes_as_many_queries_as_one_that_is_quite_wrong(
    locked: Attacked,
) -> None:
    """And every one says the same."""
    queries: list[str] = []

    def count(_c: Any, _u: Any, statement: str, *_more: Any) -> None:
        queries.append(statement)

    async def refused(wrong: str) -> tuple[tuple[str, ...], str, int]:
        queries.clear()
        with pytest.raises(Refusal) as refusal:
            await keeper.admit(wrong, f"192.0.2.{len(wrong)}")
        return tuple(queries), refusal.value.code, refusal.value.close_code

    store = await to_thread.run_sync(open_store, locked.place)
    keeper = Doorkeeper((), store, lambda: LONG_AGO)
    event.listen(Engine, "before_cursor_execute", count)
    try:
        wrongs = (locked.key[:-1] + "!", locked.key[:14], "sk-lr-" + "0" * 40, "x")
        assert len({await refused(wrong) for wrong in wrongs}) == 1
    finally:
        event.remove(Engine, "before_cursor_execute", count)
        await to_thread.run_sync(store.close)
    await locked.still_answers()
