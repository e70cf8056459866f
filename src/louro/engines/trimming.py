"""The silence around a voice, cut to what suits a conversation while the sound is still being made."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAD_MS = 20
"""Silence left before the first sound of a clause; the voice makes up to a tenth of a second, and it is waited for."""
TRAIL_MS = {",": 120, ";": 150, ":": 150, ".": 250, "!": 250, "?": 250}
"""Pause left after a clause, by how it ends."""
SHORT_TRAIL_MS = 40
QUIET = 0.01
"""Of full scale: below it a sample is silence."""

Floats = NDArray[np.float32]


class Trimmer:
    """However the sound is chopped, the joined output is the same: a lead, the voice, and a pause after it."""

    def __init__(self, rate_hz: int, said: str) -> None:
        """*said* ends as the clause does."""
        self._lead = LEAD_MS * rate_hz // 1000
        self._pause = TRAIL_MS.get(said[-1:], SHORT_TRAIL_MS) * rate_hz // 1000
        self._pause_left = self._pause
        """Of the pause after the last sound, what is not out yet."""
        self._waiting = np.zeros(0, np.float32)
        """Silence that is left out, unless a sound follows it."""
        self._is_begun = False
        self.skipped = 0
        """Samples left out at the beginning."""

    def feed(self, samples: Floats) -> Floats:
        waiting = np.concatenate([self._waiting, samples])
        loud = np.flatnonzero(np.abs(waiting) > QUIET)
        if not self._is_begun:
            self._is_begun = len(loud) > 0
            silence = int(loud[0]) if self._is_begun else len(waiting)
            skipped = max(silence - self._lead, 0)
            self.skipped += skipped
            waiting, loud = waiting[skipped:], loud - skipped
        if not self._is_begun:
            self._waiting = waiting
            return waiting[:0]
        voice = int(loud[-1]) if len(loud) else 0
        self._pause_left = self._pause if len(loud) else self._pause_left
        ready = min(voice + self._pause_left, len(waiting))
        self._pause_left -= ready - voice
        self._waiting = waiting[ready:]
        return waiting[:ready]

    def flush(self) -> Floats:
        """Return what is missing of the pause."""
        return np.zeros(self._pause_left, np.float32)
