"""From one sample rate to another, as the audio comes."""

from __future__ import annotations

from functools import lru_cache
from math import ceil, gcd

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

LOBES = 32
"""Zero crossings of the sinc on either side, at the lower of the rates. Measured with it: 4 ms withheld where that rate
is 8 kHz and 2 ms where it is 16 kHz; flat to 3.3 of 4 kHz, 80 dB down from 4 kHz on. libsoxr was tried and withholds
40 (LQ) to 75 ms (MQ, HQ) at 8 kHz, because it works block by block."""
_ROLLOFF = 0.92
_KAISER_BETA = 8.0
_UNIT = 1 << 20
_PIECE = 24_000
"""Samples at a time: an hour in one piece would need gigabytes of windows."""


class Resampler:
    """Mono int16 in, mono int16 out. However the input is chopped, the joined output is the same.

    The filter's coefficients are integers, small enough that float64 adds their products exactly: neither the
    order of the additions nor the length of a piece can change a bit.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        common = gcd(from_hz, to_hz)
        self._up = to_hz // common
        self._down = from_hz // common
        self._filters = _filters(self._up, self._down)
        self._start()

    def feed(self, pcm: bytes) -> bytes:
        """*pcm* is whole samples, any number of them."""
        if self._up == self._down:
            return pcm
        heard = np.frombuffer(pcm, "<i2")
        pieces = range(0, len(heard), _PIECE)
        return b"".join(self._resample(heard[start : start + _PIECE]) for start in pieces)

    def flush(self) -> bytes:
        """Return what was withheld, and start anew."""
        if self._up == self._down:
            return b""
        rest = self._resample(np.zeros(self._filters.shape[1] // 2, np.int16))
        self._start()
        return rest

    def _start(self) -> None:
        self._waiting = np.zeros(self._filters.shape[1] // 2 - 1)
        self._next = 0
        """Where the next output's window begins in what waits, in parts of 1/up of an input sample."""

    def _resample(self, heard: NDArray[np.int16]) -> bytes:
        waiting = np.concatenate((self._waiting, heard))
        taps = self._filters.shape[1]
        ready = max(0, ((len(waiting) - taps + 1) * self._up - 1 - self._next) // self._down + 1)
        if not ready:
            self._waiting = waiting
            return b""
        sums = self._few_places(waiting, ready) if self._up <= 8 else self._many_places(waiting, ready)
        used, self._next = divmod(self._next + self._down * ready, self._up)
        self._waiting = waiting[used:]
        sums /= _UNIT
        sums += 0.5
        np.floor(sums, out=sums)
        np.maximum(np.minimum(sums, 32_767, out=sums), -32_768, out=sums)
        return sums.astype("<i2").tobytes()

    def _few_places(self, waiting: NDArray[np.float64], ready: int) -> NDArray[np.float64]:
        """Every up-th output sits at the same place between its neighbours and shares its filter. Of that, and of
        what waits, every down-th belong together: so nothing is computed that is not wanted."""
        sums = np.zeros(ready)
        for first in range(min(self._up, ready)):
            begin, place = divmod(self._next + self._down * first, self._up)
            same = sums[first :: self._up]
            for part in range(self._down):
                taps = self._filters[place, part :: self._down]
                same += np.correlate(waiting[begin + part :: self._down], taps, "valid")[: len(same)]
        return sums

    def _many_places(self, waiting: NDArray[np.float64], ready: int) -> NDArray[np.float64]:
        windows = sliding_window_view(waiting, self._filters.shape[1])
        begin, place = np.divmod(self._next + self._down * np.arange(ready), self._up)
        sums: NDArray[np.float64] = np.einsum("nk,nk->n", windows[begin], self._filters[place])
        return sums


@lru_cache(maxsize=32)
def _filters(up: int, down: int) -> NDArray[np.float64]:
    """One row of coefficients for each of the *up* places that an output can have between two input samples."""
    scale = min(1.0, up / down)
    half = ceil(LOBES / scale)
    place = np.arange(up)[:, None] / up
    distance = (np.arange(1 - half, half + 1)[None, :] - place) * scale
    inside = np.clip(1 - (distance / LOBES) ** 2, 0, None)
    rows = np.sinc(distance * _ROLLOFF) * np.i0(_KAISER_BETA * np.sqrt(inside))
    scaled: NDArray[np.float64] = np.rint(rows / rows.sum(axis=1, keepdims=True) * _UNIT)
    return scaled
