"""Hearing by Whisper, through faster-whisper (the extra `whisper`): many languages, slower than Moonshine.

The model is asked directly: faster-whisper's own `transcribe` pads every question to 30 s.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer

from louro.engines import catalogue
from louro.engines.base import ConfigError, EngineError, Hints
from louro.engines.pieces import RATE_HZ, Floats, heard
from louro.engines.registry import EngineSettings
from louro.engines.workers import Workers

PIECE_S = 28
WINDOW_FRAMES = 3000
"""30 s, for which the model was made."""
FRAMES_PER_S = 100
PADDING_S = 2
"""After a short window. With 0.5 s three of ten questions were repeated at their end, with 1 s one, with 2 s none."""
TOKENS_PER_S = 8
"""What repeats itself is stopped; other languages than English take more tokens for a word."""
TAIL_S = 0.5
"""What begins later than so long before the end is a repetition."""
TIMESTAMP_S = 0.02
PROMPT_TOKENS = 100
MAX_LENGTH = 448
"""Of the model, in tokens, prompt and all."""
NO_SPEECH = 0.4
UNLIKELY = -1.0
"""The log of the average token's probability. Noise: -1.6 to -1.9 at no-speech 0.57 to 0.72; speech: above -0.9."""


def load(argument: str, settings: EngineSettings) -> Whisper:
    """*argument*: `base` (the default), `tiny.en`, or a folder with weights for CTranslate2."""
    name = argument or "base"
    settings.report(f"Whisper {name}, hearing")
    folder = Path(name) if Path(name).is_dir() else catalogue.find(f"whisper-{name}").folder
    try:
        model = WhisperModel(str(folder), device="auto", compute_type="int8", cpu_threads=settings.threads)
    except (RuntimeError, ValueError) as error:
        raise ConfigError(f"Whisper could not be loaded: {error}") from error
    # tiny.en loops on a short window, base does not; others were not tried.
    return Whisper(model, short_window=name == "base")


class Whisper:
    def __init__(self, model: WhisperModel, short_window: bool) -> None:
        self._model = model
        self._short_window = short_window
        # One at a time: each uses all the threads that it is given.
        self._workers = Workers(1)
        self._hear("en", None, np.full(RATE_HZ, 0.01, np.float32), threading.Event())

    async def transcribe(self, pcm: bytes, hints: Hints) -> AsyncIterator[str]:
        """Cancelling returns at once; the model itself stops at the end of the piece that it is hearing."""
        hear = partial(self._hear, self._known(hints.language), hints.prompt)
        async with aclosing(heard(pcm, PIECE_S, hear, self._workers)) as texts:  # type: ignore[type-var]
            async for text in texts:
                yield text

    def _known(self, language: str | None) -> str | None:
        if not language:
            return None if self._model.model.is_multilingual else "en"
        code = language.split("-")[0].lower()
        if code not in self._model.supported_languages:
            raise EngineError(f"This server does not hear the language '{language}'.")
        return code

    def _hear(self, language: str | None, prompt: str | None, audio: Floats, stop: threading.Event) -> str:
        if stop.is_set():
            return ""
        try:
            encoded = self._model.encode(self._features(audio))
            if language is None:
                # "<|en|>", the likeliest first.
                language = self._model.model.detect_language(encoded)[0][0][0].strip("<|>")
            tokenizer = self._tokenizer(language)
            opening = self._prompt(tokenizer, prompt)
            (answer,) = self._model.model.generate(
                encoded,
                [opening],
                beam_size=1,
                max_length=min(MAX_LENGTH, len(opening) + 12 + int(len(audio) / RATE_HZ * TOKENS_PER_S)),
                return_scores=True,
                return_no_speech_prob=True,
            )
        except RuntimeError as error:
            raise EngineError("Hearing failed.") from error
        if answer.no_speech_prob > NO_SPEECH and answer.scores[0] < UNLIKELY:
            return ""
        kept = without_repetition(
            answer.sequences_ids[0], tokenizer.timestamp_begin, len(audio) / RATE_HZ - TAIL_S
        )
        return str(tokenizer.decode([token for token in kept if token < tokenizer.eot])).strip()

    def _features(self, audio: Floats) -> Floats:
        features: Floats = self._model.feature_extractor(audio, padding=PADDING_S * RATE_HZ)
        if not self._short_window:
            missing = max(0, WINDOW_FRAMES - features.shape[1])
            features = np.pad(features, ((0, 0), (0, missing)))
        # The first layer halves the frames.
        return np.ascontiguousarray(features[:, : min(WINDOW_FRAMES, features.shape[1] & ~1)])

    def _tokenizer(self, language: str) -> Tokenizer:
        multilingual = self._model.model.is_multilingual
        task = "transcribe" if multilingual else None
        return Tokenizer(self._model.hf_tokenizer, multilingual, task=task, language=language)

    def _prompt(self, tokenizer: Tokenizer, prompt: str | None) -> list[int]:
        before = [tokenizer.sot_prev, *tokenizer.encode(f" {prompt}")[-PROMPT_TOKENS:]] if prompt else []
        # A short window needs timestamps: without them it repeats itself.
        after = [] if self._short_window else [tokenizer.no_timestamps]
        return [*before, *tokenizer.sot_sequence, *after]


def without_repetition(tokens: Sequence[int], timestamp_begin: int, last_start_s: float) -> list[int]:
    """The tokens before the first segment, not counting the very first, that begins after *last_start_s*."""
    kept: list[int] = []
    for token in tokens:
        late = token >= timestamp_begin and (token - timestamp_begin) * TIMESTAMP_S > last_start_s
        if late and any(earlier < timestamp_begin for earlier in kept):
            return kept
        kept.append(token)
    return kept
