"""Hearing by Whisper, through faster-whisper (the extra `whisper`). Many languages."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator

import numpy as np
import soxr
from faster_whisper import WhisperModel

from louro.engines import catalogue
from louro.engines.base import Hints
from louro.engines.registry import EngineSettings
from louro.engines.workers import Workers

RATE_HZ = 16_000
NO_SPEECH = 0.6
"""Above this probability of silence a segment is not believed. The model's own default."""


def load(argument: str, settings: EngineSettings) -> Whisper:
    """*argument*: `base` (default, many languages) or `tiny.en`."""
    name = argument or "base"
    settings.report(f"Whisper {name}, hearing")
    folder = catalogue.find(f"whisper-{name}").folder
    return Whisper(str(folder), settings.threads)


class Whisper:
    def __init__(self, folder: str, threads: int) -> None:
        self._model = WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=threads)
        self._workers = Workers(1)

    async def transcribe(self, pcm: bytes, hints: Hints) -> AsyncIterator[str]:
        text = await self._workers.run(lambda stop: self._hear(pcm, hints, stop))
        if text:
            yield text

    def _hear(self, pcm: bytes, hints: Hints, stop: threading.Event) -> str:
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 32_768
        if not len(samples):
            return ""
        audio = soxr.resample(samples, 24_000, RATE_HZ, quality="HQ").astype(np.float32)
        segments, _ = self._model.transcribe(
            audio,
            language=hints.language,
            initial_prompt=hints.prompt,
            beam_size=1,
            condition_on_previous_text=False,
            no_speech_threshold=NO_SPEECH,
        )
        said: list[str] = []
        for segment in segments:
            if stop.is_set():
                return ""
            if segment.no_speech_prob < NO_SPEECH:
                said.append(segment.text)
        return "".join(said).strip()
