"""What an echo canceller leaves of the loudspeaker in a room with much reverberation, kept from being taken for a user.

A filter as long as the room's echo would cancel that too, and no library has one: what comes back after some 100 ms is
only estimated, and when an answer ends a tail of it, like speech, is left. But it is never much louder than it was
before, compared with what is played. So that is learned, and what does not stand out from it becomes silence. In a room
where little is left nothing is ever withheld.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.int16]
"""10 ms at 24 kHz."""

AUDIBLE_FRAMES = 40
"""What is played is heard in the room for so long after, at its full level: the devices' delay, and the first echoes."""
DECAY_DB = 0.4
"""A frame; after that: a reverberation of a second and a half."""
SILENT_DBFS = -60.0
"""An ear does not mind what is below: neither as something played, nor as something left."""
FIRST_LEAK_DB = -20.0
"""What is left, against what is played, until it is known: in its first second the canceller takes out some 25 dB."""
NOTHING_DB, MOST_LEAK_DB = -100.0, -12.0
BLOCK_FRAMES = 150
SHARE_BELOW = 0.99
BLOCKS = 7
"""The leak is what so many of a block's frames stay below, in the middle one of so many blocks: a user who speaks into
less than half of them is not taken for the room."""
MARGIN_DB = 9.0
OPEN_AFTER, CLOSE_AFTER = 7, 20
"""Frames that stand out before any passes, and that pass after the last: what is left comes in bursts, words do not."""
HELD_FRAMES = 8
"""Withheld frames that are given out when it turns out that somebody speaks: a word has its beginning, and the ear, which
takes some 100 ms of a voice to notice it, notices it no later than if nothing had been withheld."""


class ResidueGate:
    """For one canceller. Give it all frames, in order, while anything is played or was a second ago."""

    def __init__(self) -> None:
        self.leak_db = FIRST_LEAK_DB
        self._played: deque[float] = deque(maxlen=AUDIBLE_FRAMES)
        self._audible_dbfs = NOTHING_DB
        self._block: list[float] = []
        self._leaks_db = deque([FIRST_LEAK_DB], BLOCKS)
        self._standing_out = 0
        self._open_for = 0
        self._held: list[Frame] = []

    def sift(self, played: Frame, cleaned: Frame) -> Frame:
        """Return *cleaned*, or silence instead of it.

        Silence comes `HELD_FRAMES` late: when it begins nothing comes back for so long, and when it ends all of that.
        """
        self._played.append(_dbfs(played))
        self._audible_dbfs = max(*self._played, self._audible_dbfs - DECAY_DB)
        expected_dbfs = self._audible_dbfs + self.leak_db + MARGIN_DB
        level_dbfs = _dbfs(cleaned)
        if self._audible_dbfs > SILENT_DBFS:
            self._learn(level_dbfs)
        if expected_dbfs < SILENT_DBFS:
            self._held = [np.zeros_like(held) for held in self._held]
        elif not self._stands_out(level_dbfs > expected_dbfs):
            return self._hold(cleaned)
        return np.concatenate((*self._given_out(), cleaned)) if self._held else cleaned

    def release(self) -> bytes:
        """What is held back, where nothing is to be sifted any more."""
        return b"".join(frame.tobytes() for frame in self._given_out())

    def _given_out(self) -> list[Frame]:
        held, self._held = self._held, []
        return held

    def _hold(self, cleaned: Frame) -> Frame:
        self._held.append(cleaned)
        if len(self._held) <= HELD_FRAMES:
            return cleaned[:0]
        return np.zeros_like(self._held.pop(0))

    def _learn(self, level_dbfs: float) -> None:
        is_something = level_dbfs > SILENT_DBFS
        self._block.append(level_dbfs - self._audible_dbfs if is_something else NOTHING_DB)
        if len(self._block) < BLOCK_FRAMES:
            return
        self._leaks_db.append(sorted(self._block)[int(SHARE_BELOW * BLOCK_FRAMES)])
        self._block.clear()
        self.leak_db = min(sorted(self._leaks_db)[len(self._leaks_db) // 2], MOST_LEAK_DB)

    def _stands_out(self, is_louder: bool) -> bool:
        """Whether somebody speaks, by this frame and those before."""
        self._standing_out = self._standing_out + 1 if is_louder else max(0, self._standing_out - 1)
        if self._standing_out >= OPEN_AFTER:
            self._open_for = CLOSE_AFTER
        self._open_for = max(0, self._open_for - 1)
        return self._open_for > 0


def _dbfs(frame: Frame) -> float:
    samples = frame.astype(np.float32)
    power = float(np.dot(samples, samples)) / len(samples) / 32_768**2
    return 10 * math.log10(power) if power else -100.0
