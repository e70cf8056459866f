"""A session in its dialect: frames in, frames out; and its log, from which it can be run again."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from queue import SimpleQueue
from typing import IO, Protocol

import msgspec

from louro.protocol.errors import ClientError
from louro.protocol.server_events import AnyServerEvent
from louro.protocol.wire import BETA, GA, Dialect
from louro.session.actions import Action
from louro.session.reports import Report
from louro.session.session import Session
from louro.session.setup import Setup

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LENGTH = 21


def ids_from(seed: int) -> Callable[[str], str]:
    """Ids as the protocol's look, unique for all practical purposes; the same seed gives the same ids."""
    choices = random.Random(seed).choices
    return lambda prefix: f"{prefix}_{''.join(choices(_ALPHABET, k=_ID_LENGTH))}"


class Log(Protocol):
    """Told everything that goes into a session and comes out of it, in order."""

    def write(self, kind: str, value: object) -> None: ...


class FileLog:
    """One JSON array a line: what it is, and its value. The first line says how the session began.

    A thread of its own does the writing, so that no session waits for a disk.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._lines: SimpleQueue[bytes | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._write_out, name="log", daemon=True)
        self._thread.start()

    def write(self, kind: str, value: object) -> None:
        self._lines.put(msgspec.json.encode([kind, value]) + b"\n")

    def close(self) -> None:
        """Return when everything is written. Blocks. Idempotent."""
        self._lines.put(None)
        self._thread.join()

    def _write_out(self) -> None:
        while (line := self._lines.get()) is not None:
            self._file.write(line)
            if self._lines.empty():
                self._file.flush()


class NoLog:
    def write(self, kind: str, value: object) -> None:
        pass


class Machine:
    """Drives a `Session` with frames. Its ids and its token counts come from outside, and are logged as inputs are."""

    def __init__(
        self,
        setup: Setup,
        dialect: Dialect,
        *,
        seed: int,
        count_tokens: Callable[[str], int],
        now: float,
        log: Log | None = None,
    ) -> None:
        self._dialect = dialect
        self._log = log or NoLog()
        self._count_tokens = count_tokens
        start = {"setup": asdict(setup), "dialect": dialect.name, "seed": seed, "now": now}
        self._log.write("start", start)
        self.session = Session(setup, new_id=ids_from(seed), count_tokens=self._count, now=now)

    def receive_frame(self, frame: str | bytes, now: float) -> None:
        """A text frame came in, or the bytes of a binary one."""
        self._log.write("frame", [now, frame if isinstance(frame, str) else None])
        try:
            if not isinstance(frame, str):
                raise ClientError("invalid_event", "Expected a text WebSocket message; got a binary one.")
            event = self._dialect.decode(frame)
        except ClientError as error:
            self.session.receive_refusal(error)
        else:
            self.session.receive_event(event, now)

    def receive_report(self, report: Report, now: float) -> None:
        self._log.write("report", [now, report])
        self.session.receive_report(report, now)

    def handle_timer(self, now: float) -> None:
        self._log.write("timer", now)
        self.session.handle_timer(now)

    def frames_to_send(self) -> list[bytes]:
        return [frame for _, frame in self.told() if frame is not None]

    def told(self) -> list[tuple[AnyServerEvent, bytes | None]]:
        """What is to be sent: each event, and its frame if the dialect has one for it."""
        told = [(event, self._dialect.encode(event)) for event in self.session.events_to_send()]
        for _, frame in told:
            if frame is not None:
                self._log.write("sent", frame.decode())
        return told

    def actions_to_start(self) -> list[Action]:
        return self.session.actions_to_start()

    def _count(self, text: str) -> int:
        count = self._count_tokens(text)
        self._log.write("tokens", count)
        return count


class ReplayDiffers(Exception):
    """The same inputs gave something else than they did when the log was made."""


def replay(lines: Iterator[bytes]) -> int:
    """Run a logged session again; return how many frames came out the same, byte for byte.

    Raises:
        ReplayDiffers: one did not.
        msgspec.MsgspecError: the log is not one.
    """
    entries = [msgspec.json.decode(line, type=tuple[str, msgspec.Raw]) for line in lines]
    counts = iter([msgspec.json.decode(raw, type=int) for kind, raw in entries if kind == "tokens"])
    expected = iter([msgspec.json.decode(raw, type=str) for kind, raw in entries if kind == "sent"])
    if not entries:
        raise msgspec.ValidationError("it is empty")
    (_, raw), *rest = entries
    start = msgspec.json.decode(raw, type=_Start)
    dialect = BETA if start.dialect == "beta" else GA
    machine = Machine(
        start.setup, dialect, seed=start.seed, count_tokens=lambda _: next(counts), now=start.now
    )
    same = _compare(machine, expected)
    for kind, raw in rest:
        _feed(machine, kind, raw)
        same += _compare(machine, expected)
        machine.actions_to_start()
    if next(expected, None) is not None:
        raise ReplayDiffers(f"after {same} frames nothing more came, though the log has more")
    return same


class _Start(msgspec.Struct):
    setup: Setup
    dialect: str
    seed: int
    now: float


def _feed(machine: Machine, kind: str, raw: msgspec.Raw) -> None:
    match kind:
        case "frame":
            now, frame = msgspec.json.decode(raw, type=tuple[float, str | None])
            machine.receive_frame(b"" if frame is None else frame, now)
        case "report":
            now, report = msgspec.json.decode(raw, type=tuple[float, Report])
            machine.receive_report(report, now)
        case "timer":
            machine.handle_timer(msgspec.json.decode(raw, type=float))


def _compare(machine: Machine, expected: Iterator[str]) -> int:
    frames = machine.frames_to_send()
    for number, frame in enumerate(frames):
        wanted = next(expected, None)
        if frame.decode() != wanted:
            raise ReplayDiffers(f"frame {number} of a step:\n  then: {wanted}\n  now:  {frame.decode()}")
    return len(frames)
