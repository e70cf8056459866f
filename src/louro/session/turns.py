"""When does a turn begin and end? Pure policy over speech scores, in milliseconds of audio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from louro.protocol.session import ServerVad, TurnDetection

ONSET_MS = 64
"""Voice must last this long to count: two windows of the detector. A click is one."""

HYSTERESIS = 0.15
"""A voice that is on stays on down to this far below the threshold. Source: Silero's own iterator."""

SEMANTIC_SILENCE_MS = {"low": 800, "medium": 500, "auto": 500, "high": 300}
"""semantic_vad has no judge here yet: eagerness chooses a length of silence (docs/protocol.md)."""


OVERHEAR_MS = 400
"""What was said so far is heard again after so much more of it, or after a quarter more, whichever is longer."""
OVERHEARD_MS = 15_000
"""Nobody is listened in on for longer: hearing all of it again takes ever longer, and its beginning has been read."""


@dataclass(frozen=True)
class Started:
    start_ms: int


@dataclass(frozen=True)
class WentOn:
    """Still speaking, and there is more to hear than last time."""


@dataclass(frozen=True)
class Paused:
    """Silent for a moment; the turn may be over soon."""


@dataclass(frozen=True)
class Resumed:
    """It was not over."""


@dataclass(frozen=True)
class Stopped:
    end_ms: int


Change: TypeAlias = Started | WentOn | Paused | Resumed | Stopped


@dataclass(frozen=True)
class Timing:
    threshold: float
    prefix_padding_ms: int
    silence_ms: int
    pause_ms: int | None
    """Silence after which `Paused` is said; None: never."""


def timing_of(detection: TurnDetection, pause_ms: int | None) -> Timing:
    match detection:
        case ServerVad(threshold=threshold, prefix_padding_ms=prefix, silence_duration_ms=silence):
            return Timing(threshold, prefix, silence, pause_ms)
        case _:
            return Timing(0.5, 300, SEMANTIC_SILENCE_MS[detection.eagerness], pause_ms)


class TurnDetector:
    """Feed it every score in order; it says what changed."""

    def __init__(self, timing: Timing, floor_ms: float = 0) -> None:
        self.timing = timing
        self.speaking = False
        self._paused = False
        self._floor_ms = floor_ms
        """No turn begins before this: the audio before it belongs to an earlier one."""
        self._heard_ms = floor_ms
        self._onset_ms: float | None = None
        self._voice_end_ms = floor_ms
        self._begin_ms = self._overheard_ms = 0.0

    def score(self, probability: float, end_ms: float) -> Change | None:
        """Judge one window that ends at *end_ms*; it begins where the last one ended."""
        begin_ms, self._heard_ms = self._heard_ms, end_ms
        if self.speaking:
            return self._while_speaking(probability, end_ms)
        if probability < self.timing.threshold:
            self._onset_ms = None
            return None
        if self._onset_ms is None:
            self._onset_ms = begin_ms
        if end_ms - self._onset_ms < ONSET_MS:
            return None
        self.speaking, self._paused, self._voice_end_ms = True, False, end_ms
        self._begin_ms = self._overheard_ms = self._onset_ms
        start_ms = max(self._onset_ms - self.timing.prefix_padding_ms, self._floor_ms)
        self._onset_ms = None
        return Started(int(start_ms))

    def _while_speaking(self, probability: float, end_ms: float) -> Change | None:
        if probability >= max(self.timing.threshold - HYSTERESIS, 0.01):
            self._voice_end_ms = end_ms
            resumed, self._paused = self._paused, False
            return Resumed() if resumed else self._went_on(end_ms)
        silent_ms = end_ms - self._voice_end_ms
        if silent_ms >= self.timing.silence_ms:
            return self.stop(self._voice_end_ms + self.timing.silence_ms)
        if self.timing.pause_ms is not None and not self._paused and silent_ms >= self.timing.pause_ms:
            self._paused = True
            return Paused()
        return None

    def _went_on(self, end_ms: float) -> WentOn | None:
        said_ms, more_ms = end_ms - self._begin_ms, end_ms - self._overheard_ms
        if self.timing.pause_ms is None or said_ms > OVERHEARD_MS or more_ms < max(OVERHEAR_MS, said_ms / 5):
            return None
        self._overheard_ms = end_ms
        return WentOn()

    def stop(self, end_ms: float) -> Stopped:
        """End the turn at *end_ms*, whatever the voice does."""
        self.speaking = self._paused = False
        self._onset_ms = None
        self._floor_ms = int(end_ms)
        return Stopped(int(end_ms))
