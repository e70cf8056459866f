"""Whether the microphone hears the loudspeaker at all.

With headphones on it does not, and then there is nothing to be cancelled. A canceller that has never seen an echo does
not know that: it takes the user's voice for one, and in the first seconds of an answer all of it.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""1 is full scale."""

RATE_HZ = 24_000
FRAME = RATE_HZ // 100
SILENCE = bytes(FRAME * 2)
LAG_FRAMES = 50
"""From what is played to its echo, at most."""
WINDOW_FRAMES = 80
"""Of the microphone, compared with what was played. An echo 15 dB weaker than all else is found in it. A shorter one finds
an echo no sooner (100 to 150 ms after its beginning), and takes a user for one more often."""
SOUNDING_FRAMES = 90
"""Of the last 130: so much of what is compared must be something played, to find that there is no echo."""
JUDGE_EVERY, GLANCE_EVERY = 25, 5
"""Frames: to find that there is no echo, and that there is one again."""
LOUDER = 4.0
"""Than the middle of the window, in power: then something begins, and is looked at sooner than after `JUDGE_EVERY`."""
AUDIBLE_DBFS = -45.0
"""Of what is played."""
NOBODY_DBFS = -45.0
"""A microphone that is louder hears something. Under a voice an echo of this level would not be found."""
STILL_DBFS = -75.0
"""A microphone that is quieter hears nothing. The ear hears a voice at -60."""
NO_ECHO, AN_ECHO = 8.0, 10.0
"""How far the likeness at one lag stands out from that at all lags. Of 100 windows with an echo 95 come to 11 and more,
most to 20 and more; a user over the loudspeaker comes to 10 in 4 windows of 1000."""
LOW_HZ, HIGH_HZ = 200, 3_400
WHITENING = 0.7
"""1 makes all frequencies count the same, 0 none but the loudest: of two voices those are alike."""


class Headphones:
    """For one microphone and one loudspeaker. Give it all frames of 10 ms, in order."""

    def __init__(self) -> None:
        self.are_on = False
        """Until they are known to be there, they are not."""
        self._played = deque([SILENCE] * (WINDOW_FRAMES + LAG_FRAMES), WINDOW_FRAMES + LAG_FRAMES)
        self._heard = deque([SILENCE] * WINDOW_FRAMES, WINDOW_FRAMES)
        self._frames = 0

    def listen(self, played: bytes, heard: bytes) -> None:
        self._played.append(played)
        self._heard.append(heard)
        self._frames += 1
        if self._frames % (GLANCE_EVERY if self.are_on else JUDGE_EVERY) == 0:
            self.are_on = not self._is_echo() if self.are_on else self._is_no_echo()

    def _is_no_echo(self) -> bool:
        played, heard = _samples(self._played), _samples(self._heard)
        if np.count_nonzero(_powers(played) > 10 ** (AUDIBLE_DBFS / 10)) < SOUNDING_FRAMES:
            return False
        level_dbfs = _dbfs(heard)
        return level_dbfs < STILL_DBFS or (level_dbfs < NOBODY_DBFS and likeness(played, heard) < NO_ECHO)

    def _is_echo(self) -> bool:
        heard = _samples(self._heard)
        powers = _powers(heard)
        is_still = _dbfs(heard) < STILL_DBFS
        is_calm = np.max(powers[-GLANCE_EVERY:]) < LOUDER * np.median(powers)
        if is_still or (is_calm and self._frames % JUDGE_EVERY):
            return False
        return likeness(_samples(self._played), heard) > AN_ECHO


def likeness(played: Samples, heard: Samples) -> float:
    """How far *heard* is like some part of *played* and unlike the others. Both end at the same moment."""
    size = 1 << (len(played) - 1).bit_length()
    band = slice(LOW_HZ * size // RATE_HZ, HIGH_HZ * size // RATE_HZ)
    product = np.conj(np.fft.rfft(heard, size)[band]) * np.fft.rfft(played, size)[band]
    spectrum = np.zeros(size // 4 + 1, np.complex64)
    spectrum[band] = product * (np.abs(product) + 1e-9) ** -WHITENING
    lags = np.fft.irfft(spectrum)[: (len(played) - len(heard)) // 2]
    power = float(np.mean(np.square(lags)))
    return float(np.max(np.abs(lags))) / math.sqrt(power) if power else 0.0


def _samples(frames: deque[bytes]) -> Samples:
    return np.frombuffer(b"".join(frames), "<i2").astype(np.float32) / np.float32(32_768)


def _powers(sound: Samples) -> Samples:
    """Of each frame."""
    frames = sound.reshape(-1, FRAME)
    powers: Samples = np.einsum("ij,ij->i", frames, frames) / np.float32(FRAME)
    return powers


def _dbfs(sound: Samples) -> float:
    return 10 * math.log10(float(np.mean(np.square(sound))) + 1e-12)
