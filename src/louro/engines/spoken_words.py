"""What voices have in common that give a clause at once: parts, silence, chunks, and where each word lies."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import Fail

from louro.engines.base import EngineError, Spoken, Word
from louro.engines.speakable import SaidWord
from louro.engines.workers import Workers

CHUNK_MS = 200
LEAD_MS = 20
"""Silence left before the first sound of a clause; the voice makes up to a tenth of a second, and it is waited for."""
TRAIL_MS = {",": 120, ";": 150, ":": 150, ".": 250, "!": 250, "?": 250}
"""Pause left after a clause, by how it ends."""
QUIET = 0.01
"""Of full scale: below it a sample is silence."""
MAX_WORDS = 24
"""Spoken in one go; what is longer is cut at a word, so that stopping stays quick."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Sound:
    samples: Floats
    """From -1 to 1."""
    begin_s: float
    """Where in them the voice begins."""
    end_s: float


Say = Callable[[str, onnxruntime.RunOptions], Sound]
"""Blocks. Ends early, with whatever sound, when the options tell it to terminate; 24 kHz."""


def open_voice(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # An arena never gives back what the longest clause took.
    options.enable_cpu_mem_arena = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run(
    model: onnxruntime.InferenceSession, inputs: dict[str, NDArray[Any]], options: onnxruntime.RunOptions
) -> Floats:
    """Return the samples; none where *options* told the model to terminate."""
    try:
        samples: Floats = model.run(None, inputs, options)[0].reshape(-1)
    except Fail as error:
        if not options.terminate:
            raise EngineError("The voice failed.") from error
        return np.zeros(0, np.float32)
    return samples


async def speak_words(words: Sequence[SaidWord], say: Say, workers: Workers) -> AsyncIterator[Spoken]:
    said_ms = 0
    for start in range(0, len(words), MAX_WORDS):
        options = onnxruntime.RunOptions()
        try:
            pcm, marks = await workers.run(partial(_speak, words[start : start + MAX_WORDS], say, options))
        finally:
            options.terminate = True  # when cancelled: the model stops within one of its steps
        marks = [Word(word.text, word.end_ms + said_ms) for word in marks]
        for chunk in chunks(pcm, marks, said_ms):
            yield chunk
        said_ms += len(pcm) // 48


def _speak(
    words: Sequence[SaidWord], say: Say, options: onnxruntime.RunOptions, stop: threading.Event
) -> tuple[bytes, list[Word]]:
    said = " ".join(word.said for word in words if word.said)
    if stop.is_set() or not any(letter.isalnum() for letter in said):
        return b"", [Word(word.original, 0) for word in words]
    sound = say(said, options)
    pcm = np.clip(np.rint(sound.samples * 32_767), -32_768, 32_767).astype("<i2").tobytes()
    return pcm, timed(words, sound.begin_s * 1000, sound.end_s * 1000)


def trimmed(samples: Floats, rate_hz: int, said: str) -> Sound:
    """Cut the silence around *samples* to what suits the end of what was said."""
    begin, end = voiced(samples)
    first = max(begin - LEAD_MS * rate_hz // 1000, 0)
    last = end + TRAIL_MS.get(said[-1], 40) * rate_hz // 1000
    kept = samples[first:last]
    if last > len(samples):
        kept = np.concatenate([kept, np.zeros(last - len(samples), np.float32)])
    return Sound(kept, (begin - first) / rate_hz, (end - first) / rate_hz)


def voiced(samples: Floats) -> tuple[int, int]:
    """The first and the last sample that can be heard; all of them where none can."""
    loud = np.flatnonzero(np.abs(samples) > QUIET)
    return (int(loud[0]), int(loud[-1])) if len(loud) else (0, len(samples))


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


def chunks(pcm: bytes, words: Sequence[Word], begin_ms: int) -> list[Spoken]:
    """Cut the sound of a clause, each chunk with the words that end in it. Words are told from the clause's start."""
    if not pcm:
        return [Spoken(b"", tuple(words))]
    size = CHUNK_MS * 48
    cut: list[Spoken] = []
    told = 0
    for start in range(0, len(pcm), size):
        is_last = start + size >= len(pcm)
        end_ms = begin_ms + (start + size) // 48
        count = sum(1 for word in words[told:] if is_last or word.end_ms <= end_ms)
        cut.append(Spoken(pcm[start : start + size], tuple(words[told : told + count])))
        told += count
    return cut
