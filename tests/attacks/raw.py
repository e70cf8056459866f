"""Bytes as no library would send them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import anyio
from anyio.abc import SocketStream
from tests.attacks.conftest import Attacked
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
MASK = b"\x00\x00\x00\x00"
"""Leaves every byte as it is."""


def handshake(attacked: Attacked, target: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"GET {target} HTTP/1.1", f"Host: {attacked.authority}"]
    lines += [f"{name}: {value}" for name, value in {**HANDSHAKE, **headers}.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def answer_to(attacked: Attacked, sent: bytes, *, until: bytes = b"") -> bytes:
    """All that comes until the server hangs up, or *until* has come. Of a server that says nothing: nothing."""
    answer = b""
    async with await anyio.connect_tcp("127.0.0.1", attacked.port) as stream:
        with anyio.move_on_after(1.5):
            try:
                await stream.send(sent)
                while not until or until not in answer:
                    answer += await stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                pass
    return answer


def frame(payload: bytes, *, opcode: int = 1, is_final: bool = True) -> bytes:
    """Of a client."""
    size = len(payload)
    first = bytes([(0x80 if is_final else 0) | opcode])
    if size < 126:
        return first + bytes([0x80 | size]) + MASK + payload
    if size < 65_536:
        return first + b"\xfe" + size.to_bytes(2, "big") + MASK + payload
    return first + b"\xff" + size.to_bytes(8, "big") + MASK + payload


async def opened(attacked: Attacked) -> SocketStream:
    """A socket behind its handshake. Whoever opens it closes it."""
    stream = await anyio.connect_tcp("127.0.0.1", attacked.port)
    await stream.send(handshake(attacked, "/v1/realtime?model=gpt-realtime", attacked.headers))
    with anyio.fail_after(5):
        while b"session.created" not in await stream.receive():
            pass
    return stream


async def drained(stream: SocketStream) -> bytes:
    """What still comes, until the server hangs up."""
    rest = b""
    try:
        with anyio.fail_after(5):
            while True:
                rest += await stream.receive()
    except (anyio.EndOfStream, anyio.BrokenResourceError):
        return rest


async def error_of(socket: ClientConnection) -> dict[str, Any]:
    """The next error."""
    with anyio.fail_after(5):
        while True:
            event: dict[str, Any] = json.loads(await socket.recv())
            if event["type"] == "error":
                error: dict[str, Any] = event["error"]
                return error


async def said_until_closed(
    socket: ClientConnection, within_s: float = 5
) -> tuple[list[dict[str, Any]], int]:
    """All events, and the code of the close."""
    events = []
    try:
        with anyio.fail_after(within_s):
            while True:
                events.append(json.loads(await socket.recv()))
    except ConnectionClosed as closed:
        return events, closed.rcvd.code if closed.rcvd is not None else 1006
