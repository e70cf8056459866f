"""What a relay adds: sessions that stream audio both ways, directly and through a relay on one core.

    python benchmarks/relay.py [--sessions 50,100,200] [--seconds 10] [--litellm PROGRAM]

Measured in one run, one after the other: no relay (the floor); `louro relay` where both sides speak today's dialect;
`louro relay` between apps of 2024 and a server of today; and, where Node.js is, a relay of 30 lines that only copies
frames (relay_node/, with the `ws` package: `npm install` in that folder); and LiteLLM's proxy, if its program is named
(`pip install 'litellm[proxy]'`, in an environment of its own). The relay has the first core, apps and
upstream share one process on the second. Each session sends 100 ms of audio every 100 ms and gets as much. A frame
carries the time when it was sent, so what is printed is from one end to the other, in milliseconds, and the share of
the relay's core that was used.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha1
from pathlib import Path

from louro.protocol.server_events import SessionCreated
from louro.protocol.wire import GA
from louro.session.setup import Setup, initial_settings

LOURO = Path(sys.executable).with_name("louro")
NODE = Path(__file__).parent / "relay_node"
FRAME_S = 0.1
WARM_S = 2.0
PCM = base64.b64encode(bytes(range(256)) * 18 + bytes(192)).decode()
"""100 ms."""
UP = '{"event_id":"t%020d","type":"input_audio_buffer.append","audio":"' + PCM + '"}'
DOWN = (
    '{"type":"response.output_audio.delta","event_id":"t%020d","response_id":"resp_1","item_id":"item_1",'
    '"output_index":0,"content_index":0,"delta":"' + PCM + '"}'
)
SENT = re.compile(rb'"event_id": ?"t(\d{20})"')
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


@dataclass
class Run:
    up_ms: list[float] = field(default_factory=list)
    down_ms: list[float] = field(default_factory=list)
    is_measuring: bool = False


class Peer(asyncio.Protocol):
    """One end of a socket, as little of it as is needed: the load must cost less than what is measured."""

    def __init__(self, heard: Callable[[Peer, bytes], None], path: str = "", header: str = "") -> None:
        self._heard = heard
        self._path, self._header = path, header
        self._buffer = bytearray()
        self._is_open = False
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self._path:
            transport.write(
                f"GET {self._path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n{self._header}\r\n".encode()
            )

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._is_open:
            self._open()
        while self._is_open and (frame := self._take()) is not None:
            opcode, payload = frame
            if opcode == PING:
                self.send(payload, PONG)
            elif opcode == TEXT:
                self._heard(self, payload)

    def _open(self) -> None:
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        if not self._path:
            key = re.search(rb"(?i)sec-websocket-key: (\S+)", head)
            if key is None:  # LiteLLM asks which models there are
                self.transport.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                self.transport.close()
                return
            proof = base64.b64encode(sha1(key[1] + GUID).digest()).decode()
            self.transport.write(
                f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Accept: {proof}\r\n\r\n".encode()
            )
        self._buffer = bytearray(rest)
        self._is_open = True
        self.opened.set_result(None)

    def _take(self) -> tuple[int, bytes] | None:
        """The next frame. Of a masked one only the beginning is unmasked: that is where the time stands."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        length, at = buffer[1] & 127, 2
        if length == 126:
            length, at = int.from_bytes(buffer[2:4], "big"), 4
        elif length == 127:
            length, at = int.from_bytes(buffer[2:10], "big"), 10
        is_masked = buffer[1] & 128
        end = at + (4 if is_masked else 0) + length
        if len(buffer) < end:
            return None
        if is_masked:
            mask, at = buffer[at : at + 4] * 64, at + 4
            payload = bytes(a ^ b for a, b in zip(buffer[at : at + 128], mask, strict=False))
        else:
            payload = bytes(buffer[at:end])
        opcode = buffer[0] & 15
        del buffer[:end]
        return opcode, payload

    def send(self, payload: bytes, opcode: int = TEXT) -> None:
        size = len(payload)
        head = bytes((size,)) if size < 126 else bytes((126,)) + size.to_bytes(2, "big")
        if self._path:  # a mask of zeros: masking must cost nothing here
            head = bytes((head[0] | 128,)) + head[1:] + bytes(4)
        self.transport.writelines((bytes((128 | opcode,)), head, payload))


class Load:
    """Apps and upstream, in one process, so that they have one clock."""

    def __init__(self) -> None:
        self.run = Run()
        self.behind: list[Peer] = []
        self._created = created()

    async def serve(self) -> int:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._accept, "127.0.0.1", 0)
        port: int = server.sockets[0].getsockname()[1]
        return port

    def _accept(self) -> Peer:
        peer = Peer(self._hear_up)

        def begin(_: asyncio.Future[None]) -> None:
            self.behind.append(peer)
            peer.send(self._created)

        peer.opened.add_done_callback(begin)
        return peer

    def _hear_up(self, _: Peer, payload: bytes) -> None:
        self._note(payload, self.run.up_ms)

    def hear_down(self, _: Peer, payload: bytes) -> None:
        self._note(payload, self.run.down_ms)

    def _note(self, payload: bytes, latencies: list[float]) -> None:
        sent = SENT.search(payload, 0, 200)
        if sent is not None and self.run.is_measuring:
            latencies.append((time.perf_counter_ns() - int(sent[1])) / 1e6)

    async def measure(self, port: int, sessions: int, seconds: float, header: str, pid: int | None) -> str:
        self.run, self.behind = Run(), []
        apps = [await self._connect(port, header) for _ in range(sessions)]
        while len(self.behind) < sessions:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        async with asyncio.TaskGroup() as tasks:
            speaking = [
                tasks.create_task(self._speak(peer, text, number / sessions))
                for peers, text in ((apps, UP), (self.behind, DOWN))
                for number, peer in enumerate(peers)
            ]
            await asyncio.sleep(WARM_S)
            self.run.is_measuring = True
            began, used = time.perf_counter(), cpu_s(pid)
            await asyncio.sleep(seconds)
            busy = (cpu_s(pid) - used) / (time.perf_counter() - began)
            self.run.is_measuring = False
            for task in speaking:
                task.cancel()
        memory = resident_mb(pid) if pid is not None else 0.0
        for peer in [*apps, *self.behind]:
            peer.transport.abort()
        return self._row(sessions, seconds, busy, memory)

    async def _connect(self, port: int, header: str) -> Peer:
        def make() -> Peer:
            return Peer(self.hear_down, "/v1/realtime?model=gpt-realtime", header)

        _, app = await asyncio.get_running_loop().create_connection(make, "127.0.0.1", port)
        await app.opened
        return app

    async def _speak(self, peer: Peer, text: str, phase: float) -> None:
        due = time.perf_counter() + phase * FRAME_S
        while True:
            await asyncio.sleep(due - time.perf_counter())
            peer.send((text % time.perf_counter_ns()).encode())
            due += FRAME_S

    def _row(self, sessions: int, seconds: float, busy: float, memory: float) -> str:
        wanted = sessions * seconds / FRAME_S
        if len(self.run.up_ms) < 2 or len(self.run.down_ms) < 2:
            return f"nothing came ({len(self.run.up_ms)} up, {len(self.run.down_ms)} down)"
        told = min(len(self.run.up_ms), len(self.run.down_ms)) / wanted
        cells = [
            f"{statistics.median(found):6.2f} {statistics.quantiles(found, n=100)[98]:7.2f}"
            for found in (self.run.up_ms, self.run.down_ms)
        ]
        return f"{cells[0]}   {cells[1]}   {100 * busy:5.0f} %  {memory:6.0f} MB  {100 * told:4.0f} %"


def created() -> bytes:
    settings = initial_settings(Setup(model="gpt-realtime"), "sess_1", 0)
    frame = GA.encode(SessionCreated(event_id="event_1", session=settings))
    assert frame is not None
    return frame


def pin(core: int) -> None:
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > core:
        os.sched_setaffinity(0, {core})


def cpu_s(pid: int | None) -> float:
    if pid is None:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def louro(upstream: int) -> list[str]:
    url = f"http://127.0.0.1:{upstream}/v1"
    return [str(LOURO), "relay", "--upstream", url, "--port", "0", "--sessions", "1000"]


def node(upstream: int) -> list[str]:
    return ["node", str(NODE / "relay.mjs"), f"ws://127.0.0.1:{upstream}"]


def litellm(program: str, upstream: int) -> list[str]:
    """Beside a line of shell that says where it is once it answers, as the others do."""
    file = Path(tempfile.mkdtemp()) / "config.yaml"
    file.write_text(
        "model_list:\n- model_name: gpt-realtime\n  litellm_params:\n    model: openai/gpt-realtime\n"
        f"    api_base: http://127.0.0.1:{upstream}/v1\n    api_key: none\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    say = f"until curl -sf {address}/health/liveliness >/dev/null; do sleep 0.5; done; echo http://{address}"
    port = address.rpartition(":")[2]
    run = f"exec {program} --config {file} --host 127.0.0.1 --port {port} >/dev/null 2>&1"
    return ["bash", "-c", f"({say}) & {run}"]


async def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sessions", default="50,100,200")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--litellm", metavar="PROGRAM")
    plan = parser.parse_args()
    pin(1)
    load = Load()
    upstream = await load.serve()
    beta = "OpenAI-Beta: realtime=v1\r\n"
    rows: list[tuple[str, list[str] | None, str]] = [
        ("no relay", None, ""),
        ("louro relay", louro(upstream), ""),
        ("louro relay, 2024 to today", louro(upstream), beta),
    ]
    if shutil.which("node") and (NODE / "node_modules").is_dir():
        rows.append(("Node.js, ws, copies", node(upstream), ""))
    if plan.litellm:
        rows.append(("LiteLLM", litellm(plan.litellm, upstream), "Authorization: Bearer none\r\n"))
    print(f"{'':28} sessions   up p50     p99   down p50   p99    core   resident  arrived")
    for sessions in map(int, plan.sessions.split(",")):
        for name, command, header in rows:
            process, port = start(command) if command is not None else (None, upstream)
            try:
                pid = process.pid if process is not None else None
                row = await load.measure(port, sessions, plan.seconds, header, pid)
                print(f"{name:28} {sessions:8}  {row}", flush=True)
            finally:
                if process is not None:
                    process.kill()
                    process.wait()


def start(command: list[str]) -> tuple[subprocess.Popen[str], int]:
    open_to_all = {"LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true"}
    known = {**os.environ, **open_to_all, "OPENAI_API_KEY": "none"}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=known, preexec_fn=lambda: pin(0)
    )
    assert process.stdout is not None
    address = re.search(r"http://[\d.]+:(\d+)", process.stdout.readline())
    assert address is not None
    return process, int(address[1])


if __name__ == "__main__":
    asyncio.run(main())
