"""What the protocol itself costs: many sessions that stream speech in real time into one process on one core.

    python benchmarks/load.py [--sessions 200] [--seconds 60] [--frame-ms 20]

The engines are the scripted ones, so that nothing is measured but Louro. The server runs on the first core of the
machine, the callers on the second (Linux; elsewhere the system chooses). Each caller speaks 2.4 s and is silent for
5.6 s, over and over, and is answered by about 2 s of audio. Printed are, from the moment the frame that causes it was
written until its event is here: when speech was noticed, when the turn ended, when the answer's first audio came; apart
from that, how late the callers themselves were to write (who is late to write is late to read, by as much); what the
server's core was used while all callers were there; and the memory of the server, every ten seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import itertools
import json
import os
import random
import re
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

LOURO = Path(sys.executable).with_name("louro")
SPEECH_MS, CYCLE_MS = 2400, 8000
ONSET_MS, SILENCE_MS = 80, 200
"""Of audio that the scripted detector and the default turn detection need, in the detector's windows of 20 ms."""
CAUSES_MS = {
    "input_audio_buffer.speech_started": ONSET_MS,
    "input_audio_buffer.speech_stopped": SPEECH_MS + SILENCE_MS,
    "response.output_audio.delta": SPEECH_MS + SILENCE_MS,
}
"""How far into a cycle the sound is that an event waits for."""
NO_MASK = b"\x00\x00\x00\x00"
"""A mask of zeros: the client's masking must cost nothing here."""
PING = 9
ANSWER = "This is what the scripted model says."


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--frame-ms", type=int, default=20)
    plan = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server, port = start(plan.sessions, Path(folder))
        try:
            pin(1)
            asyncio.run(measure(plan, server.pid, port))
        finally:
            server.terminate()
            server.wait()


def start(sessions: int, folder: Path) -> tuple[subprocess.Popen[str], int]:
    config = folder / "louro.toml"
    config.write_text(
        f'port = 0\nsessions = {sessions}\nvad = "scripted"\nstt = "scripted"\ntts = "scripted"\n'
        f'llm = "scripted:text={ANSWER}"\n'
    )
    command = [LOURO, "serve", "--config", config]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: pin(0))
    assert server.stdout is not None
    address = re.search(r"http://[\d.]+:(\d+)", server.stdout.readline())
    assert address is not None
    return server, int(address[1])


def pin(core: int) -> None:
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > core:
        os.sched_setaffinity(0, {core})


async def measure(plan: argparse.Namespace, pid: int, port: int) -> None:
    figures: dict[str, list[float]] = defaultdict(list)
    loud, quiet = frames(plan.frame_ms)
    callers: list[Caller] = []
    loop = asyncio.get_running_loop()
    for _ in range(plan.sessions):
        _, caller = await loop.create_connection(lambda: Caller(figures), "127.0.0.1", port)
        await caller.opened
        callers.append(caller)
    print(f"{plan.sessions} sessions, frames of {plan.frame_ms} ms; resident {resident_mb(pid):.0f} MB")
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(watch_memory(pid))
        talk = Talk(plan.frame_ms, loud, quiet, time.perf_counter() + 0.5)
        speaking = [
            tasks.create_task(talk.run(caller, index / plan.sessions, plan.seconds))
            for index, caller in enumerate(callers)
        ]
        ramp_s = CYCLE_MS / 1000
        await asyncio.sleep(ramp_s + 1)
        began, used = time.perf_counter(), cpu_s(pid)
        await asyncio.sleep(plan.seconds - 1 - ramp_s)
        busy = (cpu_s(pid) - used) / (time.perf_counter() - began)
        await asyncio.wait(speaking)
        watching.cancel()
    print(f"server used {100 * busy:.0f} % of one core")
    report(figures)


@dataclass
class Talk:
    frame_ms: int
    loud: bytes
    quiet: bytes
    begins: float

    async def run(self, caller: Caller, phase: float, seconds: float) -> None:
        """Speak in real time."""
        begin = self.begins + phase * CYCLE_MS / 1000 + random.random() * self.frame_ms / 1000
        for number in itertools.count():
            due = begin + (number + 1) * self.frame_ms / 1000
            if due > begin + seconds:
                return
            await asyncio.sleep(due - time.perf_counter())
            now = time.perf_counter()
            caller.figures["callers' own delay"].append((now - due) * 1000)
            at_ms = number * self.frame_ms % CYCLE_MS
            caller.speaks(at_ms, at_ms + self.frame_ms, now)
            caller.transport.write(self.loud if at_ms < SPEECH_MS else self.quiet)


class Caller(asyncio.Protocol):
    """A lean WebSocket client: it looks at the type of each event and at the time, and at nothing else."""

    def __init__(self, figures: dict[str, list[float]]) -> None:
        self.figures = figures
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._buffer = bytearray()
        self._written: dict[str, float] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET /v1/realtime?model=louro HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def speaks(self, from_ms: int, to_ms: int, now: float) -> None:
        for kind, cause_ms in CAUSES_MS.items():
            if from_ms < cause_ms <= to_ms:
                self._written[kind] = now

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        now = time.perf_counter()
        if not self.opened.done():
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            assert b" 101 " in head
            self._buffer = rest
            self.opened.set_result(None)
        while (size := whole_frame(self._buffer)) is not None:
            head, total = size
            if self._buffer[0] & 15 == PING:
                payload = bytes(self._buffer[head:total])
                self.transport.write(bytes([0x8A, 0x80 | len(payload)]) + NO_MASK + payload)
            else:
                self._seen(bytes(self._buffer[head : min(head + 60, total)]), now)
            del self._buffer[:total]

    def _seen(self, beginning: bytes, now: float) -> None:
        found = re.match(rb'\{"type":"([^"]+)"', beginning)
        kind = found[1].decode() if found else "?"
        written = self._written.pop(kind, None)
        if written is not None:
            self.figures[kind].append((now - written) * 1000)
        if kind in ("error", "?"):
            self.figures["errors"].append(0)


def whole_frame(buffer: bytearray) -> tuple[int, int] | None:
    """Length of the head, and of the whole frame; None while it is not all here."""
    if len(buffer) < 2:
        return None
    length = buffer[1] & 127
    head = {126: 4, 127: 10}.get(length, 2)
    if len(buffer) < head:
        return None
    if length >= 126:
        length = int.from_bytes(buffer[2:head], "big")
    return (head, head + length) if len(buffer) >= head + length else None


def frames(frame_ms: int) -> tuple[bytes, bytes]:
    samples = frame_ms * 24
    loud = struct.pack(f"<{samples}h", *(8000 if n // 24 % 2 else -8000 for n in range(samples)))
    return masked(loud), masked(bytes(2 * samples))


def masked(pcm: bytes) -> bytes:
    event = {"type": "input_audio_buffer.append", "audio": base64.b64encode(pcm).decode()}
    body = json.dumps(event).encode()
    length = struct.pack(">BH", 0xFE, len(body)) if len(body) > 125 else struct.pack(">B", 0x80 | len(body))
    return b"\x81" + length + NO_MASK + body


async def watch_memory(pid: int) -> None:
    began = time.perf_counter()
    while True:
        await asyncio.sleep(10)
        print(f"  after {time.perf_counter() - began:4.0f} s: resident {resident_mb(pid):.1f} MB", flush=True)


def resident_mb(pid: int) -> float:
    """Linux only; elsewhere 0."""
    status = Path(f"/proc/{pid}/status")
    found = re.search(r"VmRSS:\s+(\d+)", status.read_text()) if status.exists() else None
    return int(found[1]) / 1000 if found else 0.0


def cpu_s(pid: int) -> float:
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    user, system = stat.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def report(figures: dict[str, list[float]]) -> None:
    print("| milliseconds late | n | p50 | p99 | max |")
    print("|---|---|---|---|---|")
    for name, times in figures.items():
        times.sort()
        p99 = times[min(len(times) - 1, int(0.99 * len(times)))]
        print(f"| {name} | {len(times)} | {statistics.median(times):.1f} | {p99:.1f} | {times[-1]:.1f} |")


main()
