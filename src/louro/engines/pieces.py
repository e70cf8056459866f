"""What transcribers have in common: 16 kHz, pieces that a model can take, and an ear for silence."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from functools import partial

import numpy as np
import soxr
from numpy.typing import NDArray

from louro.engines.workers import Workers

RATE_HZ = 16_000
QUIET_SEARCH_S = 4
"""How far before the end of a piece a quiet place to cut is looked for."""
SILENCE_RMS = 0.0005
"""-66 dB: a muted microphone. Models hear words in it."""
SHORTEST_S = 0.1

Floats = NDArray[np.float32]


Hear = Callable[[Floats, threading.Event], str]
"""Blocks, and gives up when the event is set."""


async def heard(pcm: bytes, longest_s: int, hear: Hear, workers: Workers) -> AsyncIterator[str]:
    """The transcript of *pcm*, piece by piece, each of at most *longest_s*; joined, they are the whole."""
    gap = ""
    for piece in await workers.run(lambda _: cut_where_quiet(read_pcm(pcm), longest_s)):
        text = await workers.run(partial(hear, piece))
        if text:
            yield gap + text
            gap = " "


def read_pcm(pcm: bytes) -> Floats:
    """24 kHz int16 as 16 kHz from -1 to 1."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 32_768
    resampled: Floats = soxr.resample(samples, 24_000, RATE_HZ, quality="HQ").astype(np.float32)
    return resampled


def cut_where_quiet(audio: Floats, longest_s: int) -> list[Floats]:
    """Pieces of at most *longest_s*, without those in which there is nothing to be heard."""
    pieces: list[Floats] = []
    while len(audio) > longest_s * RATE_HZ:
        block = RATE_HZ // 20
        begin = (longest_s - QUIET_SEARCH_S) * RATE_HZ
        tail = audio[begin : longest_s * RATE_HZ].reshape(-1, block)
        cut = begin + int((tail**2).mean(axis=1).argmin()) * block + block // 2
        pieces.append(audio[:cut])
        audio = audio[cut:]
    return [piece for piece in [*pieces, audio] if not is_silent(piece)]


def is_silent(audio: Floats) -> bool:
    return len(audio) < SHORTEST_S * RATE_HZ or float(np.sqrt(np.mean(audio**2))) < SILENCE_RMS
