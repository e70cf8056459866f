"""A bare session on the workbench: no loop, no clock, no models."""

from __future__ import annotations

import itertools
import math
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from louro.protocol import client_events as ce
from louro.protocol import server_events as ev
from louro.protocol.items import InputText, MessageItem
from louro.protocol.session import (
    AudioInputPatch,
    RealtimeAudioPatch,
    RealtimeSessionPatch,
    ServerVad,
    TurnDetection,
)
from louro.protocol.wire import BETA, GA
from louro.session import actions, reports
from louro.session.session import Session
from louro.session.setup import Setup

WINDOW_MS = 20


def tone(length_ms: int) -> bytes:
    return array("h", (int(8_000 * math.sin(n * 0.2)) for n in range(length_ms * 24))).tobytes()


def silence(length_ms: int) -> bytes:
    return bytes(length_ms * 48)


def counting_ids() -> Callable[[str], str]:
    counter = itertools.count()
    return lambda prefix: f"{prefix}_{next(counter)}"


def name(event: ev.AnyServerEvent) -> str:
    return str(event.__struct_config__.tag)


@dataclass
class Bench:
    """Plays the driver: scores audio by loudness at once, keeps everything else that the session asks for."""

    setup: Setup = field(default_factory=Setup)
    now: float = 1_000.0

    def __post_init__(self) -> None:
        self.session = Session(
            self.setup, new_id=counting_ids(), count_tokens=lambda text: len(text.split()), now=self.now
        )
        self.sent: list[ev.AnyServerEvent] = []
        self.asked: list[actions.Action] = []
        self._ear = b""
        self._scored = 0
        self.collect()

    # Inputs

    def say(self, *events: ce.AnyClientEvent) -> list[ev.AnyServerEvent]:
        before = len(self.sent)
        for event in events:
            self.session.receive_event(event, self.now)
            self.collect()
        return self.sent[before:]

    def report(self, *told: reports.Report) -> list[ev.AnyServerEvent]:
        before = len(self.sent)
        for report in told:
            self.session.receive_report(report, self.now)
            self.collect()
        return self.sent[before:]

    def wait(self, seconds: float) -> list[ev.AnyServerEvent]:
        before = len(self.sent)
        self.now += seconds
        self.session.handle_timer(self.now)
        self.collect()
        return self.sent[before:]

    def hear(self, pcm: bytes, chunk_bytes: int = 960) -> list[ev.AnyServerEvent]:
        before = len(self.sent)
        for start in range(0, len(pcm), chunk_bytes):
            self.say(ce.InputAudioBufferAppend(audio=pcm[start : start + chunk_bytes]))
        return self.sent[before:]

    def collect(self) -> None:
        events = self.session.events_to_send()
        for event in events:
            # As tests/conftest.py has it: what is written is held against the official SDK.
            GA.encode(event)
            BETA.encode(event)
        self.sent += events
        for action in self.session.actions_to_start():
            if isinstance(action, actions.Detect):
                self._detect(action)
            else:
                self.asked.append(action)

    def _detect(self, action: actions.Detect) -> None:
        if action.fresh:
            self._ear, self._scored = b"", 0
        self._ear += action.pcm
        size = WINDOW_MS * 48
        while len(self._ear) >= size:
            window, self._ear = self._ear[:size], self._ear[size:]
            self._scored += 1
            loud = max(array("h", window), key=abs, default=0)
            score = reports.SpeechScored(((1.0 if abs(loud) > 1_000 else 0.0, self._scored * WINDOW_MS),))
            self.session.receive_report(score, self.now)
            self.collect()

    # What a test asks about

    def names(self) -> list[str]:
        return [name(event) for event in self.sent]

    def last(self, kind: type[actions.Respond]) -> actions.Respond:
        found = [action for action in self.asked if isinstance(action, kind)]
        return found[-1]

    def transcribe(self, text: str) -> list[ev.AnyServerEvent]:
        """Answer every open request for a transcript."""
        before = len(self.sent)
        stopped = {a.hearing for a in self.asked if isinstance(a, actions.StopTranscribing)}
        for action in [a for a in self.asked if isinstance(a, actions.Transcribe)]:
            if action.hearing not in stopped:
                told = [reports.TranscriptProduced(action.hearing, text)] if text else []
                self.report(*told, reports.TranscriptFinished(action.hearing))
        self.asked = [a for a in self.asked if not isinstance(a, actions.Transcribe)]
        return self.sent[before:]

    def turn(self, text: str = "Hello there.", length_ms: int = 600) -> None:
        """Somebody says something, is silent, and is understood."""
        self.hear(tone(length_ms) + silence(700))
        self.transcribe(text)

    def speak(self, response_id: str, text: str = "Good day.", audio_ms: int = 200) -> None:
        self.report(
            reports.TextProduced(response_id, text),
            reports.AudioProduced(response_id, tone(audio_ms), ((text, audio_ms),)),
        )


def turn_detection(detection: TurnDetection | None) -> ce.SessionUpdate:
    heard = AudioInputPatch(turn_detection=detection)
    return ce.SessionUpdate(session=RealtimeSessionPatch(audio=RealtimeAudioPatch(input=heard)))


def update(patch: RealtimeSessionPatch) -> ce.SessionUpdate:
    return ce.SessionUpdate(session=patch)


def user_text(text: str, item_id: str | None = None) -> ce.ConversationItemCreate:
    return ce.ConversationItemCreate(item=MessageItem(id=item_id, role="user", content=(InputText(text),)))


def by_hand(setup: Setup | None = None) -> Bench:
    """A session whose turns the client ends."""
    bench = Bench(setup or Setup())
    bench.say(turn_detection(None))
    bench.sent.clear()
    bench.asked.clear()
    return bench


def with_vad(vad: ServerVad | None = None, setup: Setup | None = None) -> Bench:
    bench = Bench(setup or Setup(pause_ms=160))
    bench.say(turn_detection(vad or ServerVad(silence_duration_ms=500)))
    bench.sent.clear()
    bench.asked.clear()
    return bench


def of(kind: type[ev.ServerEvent], events: Iterable[ev.AnyServerEvent]) -> Sequence[ev.ServerEvent]:
    return [event for event in events if isinstance(event, kind)]
