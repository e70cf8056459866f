"""What may come through an open socket, and must do no harm."""

from __future__ import annotations

import base64
import json
from contextlib import suppress

import anyio
import pytest
from tests.attacks.conftest import Attacked
from tests.attacks.raw import drained, error_of, frame, opened, said_until_closed
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from louro.server import MAX_FRAME_BYTES
from louro.session.limits import MAX_INPUT_BUFFER_MS

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(30)]
MB = 1_000_000


async def test_a_frame_beyond_the_limit_closes_its_socket(attacked: Attacked) -> None:
    stream = await opened(attacked)
    async with stream:
        claim = b"\x81\xff" + (MAX_FRAME_BYTES + 1).to_bytes(8, "big") + b"\0\0\0\0"
        await stream.send(claim)
        assert b"\x03\xf1" in await drained(stream), "1009, at the mere claim"
    await attacked.still_answers()


async def test_fragments_without_an_end_close_their_socket_at_the_same_limit(attacked: Attacked) -> None:
    fragment = frame(b"x" * MB, opcode=0, is_final=False)
    stream = await opened(attacked)
    async with stream:
        told = b""
        try:
            await stream.send(frame(b'{"x":"', is_final=False))
            for _ in range(MAX_FRAME_BYTES // MB + 2):
                await stream.send(fragment)
            told = await drained(stream)
        except anyio.BrokenResourceError:
            pass
        else:
            assert b"\x03\xf1" in told
    await attacked.still_answers()


async def test_fragments_of_nothing_cost_nothing(locked: Attacked) -> None:
    stream = await opened(locked)
    before = locked.memory_bytes
    async with stream:
        await stream.send(frame(b"", is_final=False))
        for _ in range(50):
            await stream.send(frame(b"", opcode=0, is_final=False) * 1000)
        await locked.still_answers()
        assert locked.memory_bytes - before < 30 * MB


async def test_audio_without_an_end_gets_an_error_and_the_session_lives(locked: Attacked) -> None:
    second = 48_000
    append = {"type": "input_audio_buffer.append", "audio": base64.b64encode(bytes(60 * second)).decode()}
    async with connect(locked.websocket, additional_headers=locked.headers) as socket:
        await socket.recv()
        off = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}
        await socket.send(json.dumps({"type": "session.update", "session": off}))
        before = locked.memory_bytes
        for _ in range(2 * MAX_INPUT_BUFFER_MS // 60_000):
            await socket.send(json.dumps(append))
        error = await error_of(socket)
        assert error["type"] == "invalid_request_error"
        await socket.send('{"type":"input_audio_buffer.clear"}')
        with anyio.fail_after(5):
            while "input_audio_buffer.cleared" not in str(await socket.recv()):
                pass
        assert locked.memory_bytes - before < 150 * MB
    await locked.still_answers()


async def test_a_flood_of_small_events_is_answered_one_by_one(attacked: Attacked) -> None:
    async with connect(attacked.websocket, additional_headers=attacked.headers) as socket:
        await socket.recv()

        async def flood() -> None:
            for number in range(3000):
                await socket.send(f'{{"type":"no.such","event_id":"{number}"}}')

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(flood)
            for number in range(3000):
                assert (await error_of(socket))["event_id"] == str(number)
    await attacked.still_answers()


STRANGE: dict[str, str | bytes] = {
    "binary": b"\x00\xff",
    "binary JSON": b'{"type":"response.create"}',
    "deep arrays": "[" * 100_000,
    "deep, and closed": "[" * 100_000 + "]" * 100_000,
    "deep objects": '{"a":' * 100_000,
    "deep inside what is opaque": '{"type":"session.update","session":{"type":"realtime","tools":[{"type":"function",'
    '"name":"f","parameters":{"a":' + '{"a":' * 100_000 + "1" + "}" * 100_000 + "}}]}}",
    "deep metadata": '{"type":"response.create","response":{"metadata":'
    + "[" * 100_000
    + "]" * 100_000
    + "}}",
    "a number beyond floats": '{"type":"session.update","session":{"type":"realtime","max_output_tokens":1e999}}',
    "a number of many digits": '{"type":"conversation.item.truncate","item_id":"x","content_index":0,"audio_end_ms":'
    + "9" * 100_000
    + "}",
    "a negative index": '{"type":"conversation.item.truncate","item_id":"x","content_index":-9223372036854775808,'
    '"audio_end_ms":9223372036854775807}',
    "a lone surrogate": '{"type":"\\ud800"}',
    "a lone surrogate in an id": '{"type":"conversation.item.delete","item_id":"\\udfff"}',
    "a lone surrogate in a text": '{"type":"conversation.item.create","item":{"type":"message","role":"user",'
    '"content":[{"type":"input_text","text":"\\ud83d"}]}}',
    "a NUL": '{"type":"no.such\\u0000"}',
    "a raw NUL": '{"type":"no\x00such"}',
    "nothing": "",
    "NaN": '{"type":"session.update","session":{"type":"realtime","audio":{"output":{"speed":NaN}}}}',
    "a type that is none": '{"type":{"type":"response.create"}}',
    "a key of many": json.dumps({"type": "no.such", **{f"k{number}": number for number in range(20_000)}}),
    "base64 that is none": '{"type":"input_audio_buffer.append","audio":"' + "\\u0000" * 100 + '"}',
}


@pytest.mark.parametrize("name", STRANGE)
async def test_what_is_no_event_is_an_error_and_the_session_lives(attacked: Attacked, name: str) -> None:
    async with connect(attacked.websocket, additional_headers=attacked.headers) as socket:
        await socket.recv()
        await socket.send(STRANGE[name])
        error = await error_of(socket)
        assert error["type"] == "invalid_request_error"
        assert len(error["message"]) < 2000
        await socket.send('{"type":"input_audio_buffer.clear"}')
        with anyio.fail_after(5):
            while "input_audio_buffer.cleared" not in str(await socket.recv()):
                pass
    await attacked.still_answers()


async def test_text_that_is_no_utf_8_closes_its_socket(attacked: Attacked) -> None:
    stream = await opened(attacked)
    async with stream:
        await stream.send(frame(b'{"type":"\xff\xfe"}'))
        await drained(stream)
    await attacked.still_answers()


async def test_frames_that_break_the_rules_close_their_socket(attacked: Attacked) -> None:
    unmasked = b"\x81\x02{}"
    for wrong in (
        unmasked,
        frame(b"x", opcode=0),
        frame(b"x", opcode=3),
        frame(b"x" * 126, opcode=9),
        b"\xf1\x80" + bytes(4),
    ):
        stream = await opened(attacked)
        async with stream:
            await stream.send(wrong)
            assert b"\x03\xea" in await drained(stream), "1002"
    await attacked.still_answers()


async def test_a_flood_of_pings_starves_nobody(attacked: Attacked) -> None:
    stream = await opened(attacked)
    async with stream:
        with anyio.move_on_after(2):
            for _ in range(100):
                await stream.send(frame(b"x" * 125, opcode=9) * 50)
        await attacked.still_answers()


async def test_pongs_that_nobody_takes_fill_no_memory(locked: Attacked) -> None:
    pings = frame(b"x" * 125, opcode=9) * 1000
    stream = await opened(locked)
    before = locked.memory_bytes
    async with stream:
        with anyio.move_on_after(2.5):
            for _ in range(400):
                await stream.send(pings)
        grown = locked.memory_bytes - before
    await locked.still_answers()
    assert grown < 20 * MB


async def test_a_client_that_never_reads_fills_no_memory(attacked: Attacked) -> None:
    """Each event calls for an answer of some hundred bytes. The server stops to listen once nobody takes them."""
    flood = frame(b'{"type":"no.such"}') * 1000
    stream = await opened(attacked)
    before = attacked.memory_bytes
    async with stream:
        sent = 0
        with anyio.move_on_after(2):
            for _ in range(1000):
                await stream.send(flood)
                sent += 1
        await attacked.still_answers()
        assert sent < 1000, "a million errors were made for nobody"
        assert attacked.memory_bytes - before < 40 * MB


async def test_a_flood_that_is_read_starves_nobody(attacked: Attacked) -> None:
    """What one client sends in one piece is not worked through in one go: others have their turn in between."""
    flood = frame(b'{"type":"no.such"}') * 1000
    stream = await opened(attacked)

    async def send() -> None:
        while True:
            await stream.send(flood)

    async def read() -> None:
        while True:
            await stream.receive()

    async with stream, anyio.create_task_group() as tasks:
        tasks.start_soon(send)
        tasks.start_soon(read)
        for _ in range(3):
            await attacked.still_answers()
        tasks.cancel_scope.cancel()


async def test_whoever_goes_in_the_middle_of_a_frame_leaves_nothing_behind(attacked: Attacked) -> None:
    for _ in range(20):
        stream = await opened(attacked)
        await stream.send(frame(b"x" * 1000)[:500])
        await stream.aclose()
    await attacked.still_answers()


async def test_responses_without_number_are_bounded(attacked: Attacked) -> None:
    ask = json.dumps({"type": "response.create", "response": {"conversation": "none", "input": []}})
    async with connect(attacked.websocket, additional_headers=attacked.headers, close_timeout=1) as socket:
        for _ in range(200):
            await socket.send(ask)
        await error_of(socket)
    await attacked.still_answers()


async def test_an_expired_or_refused_socket_takes_no_more_events(attacked: Attacked) -> None:
    async with connect(attacked.websocket) as socket:
        with suppress(ConnectionClosed):
            for _ in range(20):
                await socket.send('{"type":"response.create"}')
        events, code = await said_until_closed(socket)
    assert [one["type"] for one in events] == ["error"]
    assert code in (3000, 1013)
    await attacked.still_answers()
