"""What the voices here have in common: parts of a clause, its chunks, and where each word lies in them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import soxr
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidGraph, RuntimeException

from louro.engines.base import EngineError, Spoken, Word
from louro.engines.speakable import SaidWord
from louro.engines.trimming import QUIET, Floats, Trimmer
from louro.engines.workers import Workers

RATE_HZ = 24_000
BYTES_PER_MS = RATE_HZ * 2 // 1000
CHUNK_MS = 200
MAX_WORDS = 24
"""Spoken in one go; what is longer is cut at a word, so that stopping stays quick."""


REFUSALS = (Fail, InvalidArgument, InvalidGraph, RuntimeException)
"""What onnxruntime says when it cannot open or run a model."""


@dataclass(frozen=True)
class Utterance:
    """Words that are being said."""

    rate_hz: int
    windows: Iterator[Floats]
    """The sound in pieces, from -1 to 1. Each step blocks while the next is made."""
    words: Sequence[Word]
    """Where they end, in the sound as it is made."""


Say = Callable[[Sequence[SaidWord], onnxruntime.RunOptions], Utterance]
"""Blocks. It and its windows fail when the options tell them to terminate."""


def open_voice(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Without an arena every step has its memory from the system and gives it back: 24,000 pages for a clause of four
    # words, and a sixth of its time or more (docs/decisions/0018). See `run_options` for what becomes of it.
    options.enable_cpu_mem_arena = True
    # A plan for each length of a clause would be made once, kept for ever, and have more memory at a time.
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run_options() -> onnxruntime.RunOptions:
    options = onnxruntime.RunOptions()
    # By itself an arena keeps what the longest clause took.
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


def run(
    model: onnxruntime.InferenceSession, inputs: dict[str, NDArray[Any]], options: onnxruntime.RunOptions
) -> list[NDArray[Any]]:
    """The model's outputs. Fails also where *options* told it to terminate: then nobody waits for them."""
    try:
        return list(model.run(None, inputs, options))
    except REFUSALS as error:
        raise EngineError("The voice failed.") from error


async def speak_words(words: Sequence[SaidWord], say: Say, workers: Workers) -> AsyncIterator[Spoken]:
    said_bytes = 0
    heard_s = time.monotonic()
    """Until when somebody who listens has something to hear."""
    for start in range(0, len(words), MAX_WORDS):
        options = run_options()
        windows = _windows(words[start : start + MAX_WORDS], say, options)
        begin_ms = said_bytes // BYTES_PER_MS
        try:
            # Between two windows it is the turn of whoever runs out of sound first.
            while (chunks := await workers.run(partial(_next, windows), heard_s)) is not None:
                for chunk in chunks:
                    said_bytes += len(chunk.pcm)
                    yield Spoken(
                        chunk.pcm, tuple(Word(text, begin_ms + end_ms) for text, end_ms in chunk.words)
                    )
                    heard_s = max(heard_s, time.monotonic()) + len(chunk.pcm) / BYTES_PER_MS / 1000
        finally:
            options.terminate = True  # when cancelled: the model stops within one of its steps


def _next(windows: Iterator[list[Spoken]], stop: threading.Event) -> list[Spoken] | None:
    return next(windows, None)


def _windows(words: Sequence[SaidWord], say: Say, options: onnxruntime.RunOptions) -> Iterator[list[Spoken]]:
    """The chunks of each window of a sound as it is made; their words count from its beginning."""
    said = said_text(words)
    if not any(letter.isalnum() for letter in said):
        yield [Spoken(b"", tuple(Word(word.original, 0) for word in words))]
        return
    utterance = say(words, options)
    trimmer = Trimmer(utterance.rate_hz, said)
    resampler = soxr.ResampleStream(utterance.rate_hz, RATE_HZ, 1, dtype="float32", quality="HQ")
    telling = Telling(utterance.words)
    for window in utterance.windows:
        voiced = trimmer.feed(window)
        telling.skipped_ms = trimmer.skipped * 1000 / utterance.rate_hz
        yield telling.chunks(_pcm(resampler.resample_chunk(voiced)))
    yield telling.last_chunks(_pcm(resampler.resample_chunk(trimmer.flush(), last=True)))


def said_text(words: Sequence[SaidWord]) -> str:
    return " ".join(word.said for word in words if word.said)


def _pcm(samples: Floats) -> bytes:
    return np.clip(np.rint(samples * 32_767), -32_768, 32_767).astype("<i2").tobytes()


class Telling:
    """Which words end in which chunk of a sound."""

    def __init__(self, words: Sequence[Word]) -> None:
        self._words = deque(words)
        self._told_bytes = 0
        self.skipped_ms = 0.0
        """By which the words were said earlier than their voice means: silence that was cut off."""

    def chunks(self, pcm: bytes) -> list[Spoken]:
        size = CHUNK_MS * BYTES_PER_MS
        return [self._chunk(pcm[start : start + size]) for start in range(0, len(pcm), size)]

    def last_chunks(self, pcm: bytes) -> list[Spoken]:
        """All words have ended when the sound has."""
        chunks = self.chunks(pcm)
        rest = tuple(Word(word.text, self._told_ms) for word in self._words)
        return [*chunks, Spoken(b"", rest)] if rest else chunks

    @property
    def _told_ms(self) -> int:
        return self._told_bytes // BYTES_PER_MS

    def _chunk(self, pcm: bytes) -> Spoken:
        self._told_bytes += len(pcm)
        ended: list[Word] = []
        while self._words and self._end_ms(self._words[0]) <= self._told_ms:
            word = self._words.popleft()
            ended.append(Word(word.text, self._end_ms(word)))
        return Spoken(pcm, tuple(ended))

    def _end_ms(self, word: Word) -> int:
        return max(int(word.end_ms - self.skipped_ms), 0)


def voiced(samples: Floats) -> tuple[int, int]:
    """The first and the last sample that can be heard; all of them where none can."""
    loud = np.flatnonzero(np.abs(samples) > QUIET)
    return (int(loud[0]), int(loud[-1])) if len(loud) else (0, len(samples))


def said_at_once(words: Sequence[SaidWord], samples: Floats, rate_hz: int) -> Utterance:
    """Of a voice that gives all of the sound, and does not say where its words lie."""
    begin, end = voiced(samples)
    return Utterance(rate_hz, iter([samples]), timed(words, begin * 1000 / rate_hz, end * 1000 / rate_hz))


def timed(words: Sequence[SaidWord], begin_ms: float, end_ms: float) -> list[Word]:
    """Spread the words over the voiced part by how long they are to say: letters, and a pause after punctuation."""
    weights = [len(word.said) + (1.0 if word.said else 0.0) + _pause(word.said) for word in words]
    total = sum(weights) or 1.0
    marks: list[Word] = []
    passed = 0.0
    for word, weight in zip(words, weights, strict=True):
        passed += weight
        marks.append(Word(word.original, int(begin_ms + (end_ms - begin_ms) * passed / total)))
    return marks


def _pause(said: str) -> float:
    return 4.0 if said.endswith((",", ";", ":", ".", "!", "?")) else 0.0
