"""Speech detection by Silero VAD, through onnxruntime. Source: silero-vad 6 (512 samples at 16 kHz, 64 of context).

All sessions share one worker thread, and windows that wait at the same moment are scored in one run: the ear is never
late because a model is busy.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime
import soxr
from numpy.typing import NDArray

from louro.engines import catalogue
from louro.engines.base import Score
from louro.engines.registry import EngineSettings

RATE_HZ = 16_000
WINDOW = 512
CONTEXT = 64
WINDOW_MS = WINDOW * 1000 / RATE_HZ
MAX_BATCH = 64
"""Beyond it a batch costs as much per window as two."""

Floats = NDArray[np.float32]


def load(argument: str, settings: EngineSettings) -> SileroDetector:
    """*argument*: a path to the weights, or empty for those of the catalogue."""
    settings.report("Silero, speech detection")
    return SileroDetector(argument or str(catalogue.find("silero-vad").path("silero_vad.onnx")))


@dataclass
class _Request:
    """Windows of one stream, to be scored in order."""

    stream: SileroStream
    windows: deque[Floats]
    done: asyncio.Event
    loop: asyncio.AbstractEventLoop
    probabilities: list[float]


class SileroDetector:
    def __init__(self, path: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._model = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._waiting: deque[_Request] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def open(self) -> SileroStream:
        return SileroStream(self)

    async def score(self, stream: SileroStream, windows: Sequence[Floats]) -> list[float]:
        request = _Request(stream, deque(windows), asyncio.Event(), asyncio.get_running_loop(), [])
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="silero", daemon=True)
                self._thread.start()
            self._waiting.append(request)
            self._changed.notify()
        await request.done.wait()
        return request.probabilities

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_BATCH))]
            self._score_batch(batch)
            for request in batch:
                if request.windows:
                    with self._changed:
                        self._waiting.append(request)
                else:
                    _tell(request)

    def _score_batch(self, batch: list[_Request]) -> None:
        """Score the next window of every request."""
        audio = np.stack([np.concatenate([request.stream.context, request.windows[0]]) for request in batch])
        state = np.concatenate([request.stream.state for request in batch], axis=1)
        scores, state = self._model.run(
            None, {"input": audio, "state": state, "sr": np.array(RATE_HZ, np.int64)}
        )
        for index, request in enumerate(batch):
            window = request.windows.popleft()
            request.stream.context = window[-CONTEXT:]
            request.stream.state = state[:, index : index + 1]
            request.probabilities.append(float(scores[index, 0]))


def _tell(request: _Request) -> None:
    try:
        request.loop.call_soon_threadsafe(request.done.set)
    except RuntimeError:
        return  # its event loop has ended: nobody waits any more


class SileroStream:
    def __init__(self, detector: SileroDetector) -> None:
        self._detector = detector
        # LQ withholds 6 ms, HQ 21; the detector does not hear the difference.
        self._resampler = soxr.ResampleStream(24_000, RATE_HZ, 1, dtype="float32", quality="LQ")
        self._pending: Floats = np.zeros(0, np.float32)
        self._scored = 0
        self.context: Floats = np.zeros(CONTEXT, np.float32)
        self.state: Floats = np.zeros((2, 1, 128), np.float32)

    async def feed(self, pcm: bytes) -> list[Score]:
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 32_768
        pending = np.concatenate([self._pending, self._resampler.resample_chunk(samples)])
        count = len(pending) // WINDOW
        self._pending = pending[count * WINDOW :]
        if not count:
            return []
        windows = [pending[index * WINDOW : (index + 1) * WINDOW] for index in range(count)]
        probabilities = await self._detector.score(self, windows)
        first, self._scored = self._scored, self._scored + count
        return [
            Score(probability, (first + index + 1) * WINDOW_MS)
            for index, probability in enumerate(probabilities)
        ]

    def close(self) -> None:
        self._pending = np.zeros(0, np.float32)
