"""Handshakes that never end, that lie, or that carry more lines than they should."""

from __future__ import annotations

import json

import anyio
import httpx
import pytest
from tests.attacks.conftest import SOCKETS, Attacked
from tests.attacks.raw import answer_to, handshake

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(30)]
MARK = "x-injected"
TARGET = "/v1/realtime?model=gpt-realtime"
BREAKS = {"LF": "\n", "CR": "\r", "CRLF and a fold": "\r\n ", "NUL": "\0"}


def head_of(answer: bytes) -> str:
    return answer.partition(b"\r\n\r\n")[0].decode("latin-1").lower()


def lines_of_the_attacker(attacked: Attacked) -> list[str]:
    return [line for line in attacked.log.splitlines() if line.strip().lower().startswith(MARK)]


@pytest.mark.parametrize("kind", BREAKS)
@pytest.mark.parametrize("name", ["Authorization", "api-key", "Sec-WebSocket-Protocol", "Origin"])
async def test_a_broken_line_is_no_header_of_the_answer(attacked: Attacked, name: str, kind: str) -> None:
    injected = f"realtime{BREAKS[kind]}{MARK}: yes{BREAKS[kind]}"
    asks = handshake(attacked, TARGET, {**attacked.headers, name: injected})
    answer = await answer_to(attacked, asks, until=b"\r\n\r\n")
    assert MARK not in head_of(answer)
    assert not lines_of_the_attacker(attacked)
    await attacked.still_answers()


@pytest.mark.parametrize("breaks", ["%0d%0a", "%0a", "%0d", "%00", "%E2%80%A8", "%ff%fe", "%u000a"])
async def test_a_broken_name_of_a_model_stays_one(attacked: Attacked, breaks: str) -> None:
    target = f"/v1/realtime?model=gpt{breaks}{MARK}:%20yes{breaks}"
    answer = await answer_to(
        attacked, handshake(attacked, target, attacked.headers), until=b"session.created"
    )
    assert MARK not in head_of(answer)
    assert not lines_of_the_attacker(attacked)
    await attacked.still_answers()


async def test_a_broken_path_or_answer_over_http_stays_one(locked: Attacked) -> None:
    async with httpx.AsyncClient(headers=locked.headers) as client:
        for path in (f"/v1/%0d%0a{MARK}:%20yes", f"/%0a{MARK}: yes", f"//evil.example/%0d%0a{MARK}:%20yes/"):
            answer = await client.get(f"{locked.address}{path}")
            assert answer.status_code == 404
            assert MARK not in answer.headers
        body = {
            "session": {"type": "realtime", "model": f"m\r\n{MARK}: yes", "instructions": f"\n{MARK}: yes"}
        }
        made = await client.post(f"{locked.address}/v1/realtime/client_secrets", json=body)
        assert MARK not in made.headers
    assert not lines_of_the_attacker(locked)
    await locked.still_answers()


RUBBISH = {
    "bytes": bytes(range(256)) * 8,
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no version": b"GET /v1/realtime\r\n\r\n",
    "a long line": b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n",
    "many headers": b"GET /nowhere HTTP/1.1\r\n" + b"a: b\r\n" * 20_000 + b"\r\n",
    "two lengths": b"POST /v1/realtime/client_secrets HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 9\r\n\r\n{}",
    "length and chunks": b"POST /v1/realtime/client_secrets HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
    "a negative length": b"POST /v1/realtime/client_secrets HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{}",
    "a chunk too long": b"POST /v1/realtime/client_secrets HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"FFFFFFFFFFFFFFFFFF\r\n{}",
}


@pytest.mark.parametrize("name", RUBBISH)
async def test_what_is_no_request_opens_nothing(attacked: Attacked, name: str) -> None:
    answer = await answer_to(attacked, RUBBISH[name], until=b"\r\n\r\n")
    assert b"HTTP/1.1 2" not in answer
    await attacked.still_answers()


@pytest.mark.parametrize("piece", [b"a: b\r\n" * 10_000, b"x" * 60_000])
async def test_headers_without_an_end_fill_no_memory(attacked: Attacked, piece: bytes) -> None:
    """Before any key was shown."""
    before = attacked.memory_bytes
    async with await anyio.connect_tcp("127.0.0.1", attacked.port) as stream:
        with anyio.move_on_after(2):
            try:
                await stream.send(b"GET / HTTP/1.1\r\nHost: x\r\nx: ")
                for _ in range(500):
                    await stream.send(piece)
            except anyio.BrokenResourceError:
                pass
        grown = attacked.memory_bytes - before
    await attacked.still_answers()
    assert grown < 15_000_000


WRONG_HANDSHAKES = {
    "no key": {"Sec-WebSocket-Key": ""},
    "a key too short": {"Sec-WebSocket-Key": "AAAA"},
    "another version": {"Sec-WebSocket-Version": "8"},
    "another upgrade": {"Upgrade": "h2c"},
    "a long header": {"X-Long": "x" * 60_000},
    "bytes in a header": {"X-Bytes": "\xff\xfe"},
    "many subprotocols": {"Sec-WebSocket-Protocol": ", ".join(f"p{number}" for number in range(1000))},
    "a compression bomb": {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits=99"},
}


@pytest.mark.parametrize("name", WRONG_HANDSHAKES)
async def test_a_wrong_handshake_harms_nobody(attacked: Attacked, name: str) -> None:
    before = len(attacked.log)
    asks = handshake(attacked, TARGET, WRONG_HANDSHAKES[name])
    answer = await answer_to(attacked, asks, until=b"\r\n\r\n")
    assert b"session.created" not in answer
    await attacked.still_answers()
    assert "Traceback" not in attacked.log[before:]


@pytest.mark.parametrize(
    "target", [b"/v1/realtime?model=\xff\xfe", b"/v1/realtime\xff", b"/v1/realtime?model=a%", b"*"]
)
async def test_a_target_that_is_no_text_harms_nobody(attacked: Attacked, target: bytes) -> None:
    before = len(attacked.log)
    asks = handshake(attacked, "$", {}).replace(b"$", target, 1)
    answer = await answer_to(attacked, asks, until=b"}}")
    assert b"session.created" not in answer
    await attacked.still_answers()
    assert "Traceback" not in attacked.log[before:]


async def test_a_thousand_handshakes_that_never_end_keep_nobody_out(attacked: Attacked) -> None:
    begun = handshake(attacked, TARGET, attacked.headers)[:-40]
    streams = []
    try:
        with anyio.fail_after(8):
            for number in range(SOCKETS):
                stream = await anyio.connect_tcp("127.0.0.1", attacked.port)
                streams.append(stream)
                await stream.send(begun[: 1 + number % len(begun)])
        await attacked.still_answers()
    finally:
        for stream in streams:
            await anyio.aclose_forcefully(stream)
    await attacked.still_answers()


async def test_a_thousand_refused_sockets_keep_nobody_out(attacked: Attacked) -> None:
    """Whoever is refused and stays takes none of the places."""
    asks = handshake(attacked, TARGET, {"Authorization": "Bearer sk-wrong"})
    streams = []
    try:
        with anyio.fail_after(8):
            for _ in range(300):
                stream = await anyio.connect_tcp("127.0.0.1", attacked.port)
                streams.append(stream)
                await stream.send(asks)
        await attacked.still_answers()
    finally:
        for stream in streams:
            await anyio.aclose_forcefully(stream)


async def test_the_dialect_of_a_refusal_cannot_be_used_to_get_in(attacked: Attacked) -> None:
    """Every way to say which dialect, each without a key."""
    ways = (
        {"OpenAI-Beta": "realtime=v1"},
        {"Sec-WebSocket-Protocol": "realtime, openai-beta.realtime-v1"},
        {"Sec-WebSocket-Protocol": "realtime, openai-insecure-api-key."},
        {"Authorization": "Basic c2s6c2s="},
        {"Authorization": "Bearer"},
        {"api-key": ""},
    )
    for way in ways:
        answer = await answer_to(attacked, handshake(attacked, TARGET, way), until=b"}}")
        assert b"invalid_api_key" in answer or b"rate_limit_exceeded" in answer, json.dumps(way)
        assert b"session.created" not in answer
    await attacked.still_answers()
