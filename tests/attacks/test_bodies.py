"""Bodies of requests that lie about their length, take their time, or hold what no JSON should."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import httpx
import pytest
from tests.attacks.conftest import Attacked
from tests.attacks.raw import answer_to

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(30)]
PATHS = ("client_secrets", "sessions", "transcription_sessions")
MB = 1_000_000


def post(attacked: Attacked, length: int, body: bytes, *, key: str | None = None) -> bytes:
    lines = (
        "POST /v1/realtime/client_secrets HTTP/1.1",
        f"Host: {attacked.authority}",
        f"Authorization: Bearer {attacked.key if key is None else key}",
        "Content-Type: application/json",
        f"Content-Length: {length}",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def test_a_claim_of_a_gigabyte_is_refused_at_once(locked: Attacked) -> None:
    answer = await answer_to(locked, post(locked, 1_000_000_000, b"{"), until=b"}}")
    await locked.still_answers()
    assert answer.startswith(b"HTTP/1.1 413")


async def test_a_gigabyte_takes_no_memory(locked: Attacked) -> None:
    before = locked.memory_bytes

    async def gigabyte() -> AsyncIterator[bytes]:
        for _ in range(300):
            yield bytes(MB)

    async with httpx.AsyncClient(headers=locked.headers, timeout=5) as client:
        try:
            url = f"{locked.address}/v1/realtime/client_secrets"
            assert (await client.post(url, content=gigabyte())).status_code == 413
        except httpx.TransportError:
            pass  # the server hung up before the client had looked
    await locked.still_answers()
    assert locked.memory_bytes - before < 40 * MB


async def test_a_body_shorter_than_its_length_makes_no_key(locked: Attacked) -> None:
    answer = await answer_to(locked, post(locked, 100, b"{}"), until=b"}}")
    assert b"ek_" not in answer
    await locked.still_answers()


async def test_what_is_behind_a_body_is_no_part_of_it(locked: Attacked) -> None:
    smuggled = b"GET /v1/organization/projects HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = await answer_to(locked, post(locked, 2, b"{}" + smuggled, key="sk-wrong"))
    assert answer.count(b"HTTP/1.1 4") == 2
    assert b"HTTP/1.1 2" not in answer
    await locked.still_answers()


async def test_whoever_hangs_up_in_the_middle_of_a_body_leaves_no_traceback(locked: Attacked) -> None:
    before = len(locked.log)
    for _ in range(5):
        async with await anyio.connect_tcp("127.0.0.1", locked.port) as stream:
            await stream.send(post(locked, 100, b"{"))
    await locked.still_answers()
    async with httpx.AsyncClient(headers=locked.headers, timeout=5) as client:
        assert (await client.get(f"{locked.address}/health")).status_code == 200
    assert "Traceback" not in locked.log[before:]


async def test_many_slow_bodies_keep_nobody_out(locked: Attacked) -> None:
    streams = []
    try:
        with anyio.fail_after(8):
            for _ in range(300):
                stream = await anyio.connect_tcp("127.0.0.1", locked.port)
                streams.append(stream)
                await stream.send(post(locked, MB, b'{"session":{'))
            for stream in streams:
                await stream.send(b'"')
        await locked.still_answers()
        async with httpx.AsyncClient(headers=locked.headers, timeout=5) as client:
            url = f"{locked.address}/v1/realtime/client_secrets"
            assert (await client.post(url, json={})).status_code == 200
    finally:
        for stream in streams:
            await anyio.aclose_forcefully(stream)


STRANGE = {
    "a lone surrogate as model": b'{"model":"\\ud800","session":{"model":"\\ud800"}}',
    "a lone surrogate as text": b'{"instructions":"\\udfff","session":{"instructions":"\\udfff"}}',
    "a lone surrogate as key": b'{"\\ud800":1,"session":{"\\ud800":1}}',
    "a NUL": b'{"model":"a\\u0000b","session":{"model":"a\\u0000b"}}',
    "no UTF-8": b'{"model":"\xff","session":{"model":"\xff"}}',
    "UTF-16": '{"model":"a"}'.encode("utf-16"),
    "NaN": b'{"temperature":NaN,"session":{"max_output_tokens":NaN}}',
    "infinity": b'{"temperature":1e999,"session":{"max_output_tokens":-1e999}}',
    "a number of many digits": b'{"speed":'
    + b"9" * 100_000
    + b',"session":{"speed":'
    + b"9" * 100_000
    + b"}}",
    "an expiry of many digits": b'{"expires_after":{"seconds":' + b"9" * 4000 + b'},"novel":1}',
    "an expiry that is true": b'{"expires_after":{"seconds":true},"novel":1}',
    "deep arrays": b"[" * 400_000,
    "deep objects": b'{"session":' * 80_000,
    "deep tools": b'{"session":{"tools":[{"type":"function","name":"f","parameters":'
    + b'{"a":' * 5_000
    + b"1"
    + b"}" * 5_000
    + b"}]}}",
    "a model that is a list": b'{"model":[1],"session":{"model":[1]}}',
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", STRANGE)
async def test_a_strange_body_is_refused_in_words(locked: Attacked, path: str, name: str) -> None:
    async with httpx.AsyncClient(headers=locked.headers, timeout=5) as client:
        told = await client.post(f"{locked.address}/v1/realtime/{path}", content=STRANGE[name])
    await locked.still_answers()
    assert told.status_code in (200, 400), told.text[:300]
    if told.status_code == 400:
        assert told.json()["error"]["type"] == "invalid_request_error"
        assert len(told.text) < 2000


async def test_whoever_has_no_key_is_told_so_before_the_body_is_looked_at(locked: Attacked) -> None:
    async with httpx.AsyncClient(timeout=5) as client:
        for path in PATHS:
            told = await client.post(f"{locked.address}/v1/realtime/{path}", content=b'{"novel":1}')
            assert told.status_code == 401
    await locked.still_answers()
