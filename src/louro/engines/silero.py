"""Speech detection by Silero VAD, through onnxruntime. Source: silero-vad 6 (512 samples at 16 kHz, 64 of context).

All sessions share one worker thread, and windows that wait at the same moment are scored in one run: the ear is never
late because a model is busy.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import onnxruntime
import soxr
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, RuntimeException

from louro.engines import catalogue
from louro.engines.base import EngineError, Score
from louro.engines.registry import EngineSettings

RATE_HZ = 16_000
WINDOW = 512
CONTEXT = 64
WINDOW_MS = WINDOW * 1000 / RATE_HZ
MAX_BATCH = 64
"""Beyond it a batch costs as much per window as two."""

_log = logging.getLogger(__name__)

Floats = NDArray[np.float32]
_FAILURES = (Fail, InvalidArgument, RuntimeException, MemoryError, RuntimeError, ValueError)
"""What a run may raise. Whoever waits for it must be told, or it would wait for ever."""


def load(argument: str, settings: EngineSettings) -> SileroDetector:
    """*argument*: a path to the weights, or empty for those of the catalogue."""
    settings.report("Silero, speech detection")
    return SileroDetector(argument or str(catalogue.find("silero-vad").path("silero_vad.onnx")))


@dataclass
class _Request:
    """Windows of one stream that one call brought."""

    unscored: int
    loop: asyncio.AbstractEventLoop
    done: asyncio.Event = field(default_factory=asyncio.Event)
    probabilities: list[float] = field(default_factory=list)
    failed: bool = False

    def finish(self) -> None:
        try:
            self.loop.call_soon_threadsafe(self.done.set)
        except RuntimeError:
            return  # its event loop has ended: nobody waits any more


class SileroDetector:
    def __init__(self, path: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._model = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._ready: deque[SileroStream] = deque()
        """Streams with windows to score, each at most once."""
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def open(self) -> SileroStream:
        return SileroStream(self)

    async def score(self, stream: SileroStream, windows: Sequence[Floats]) -> list[float]:
        """Cancelling is safe: the windows are scored all the same, and the stream's next call comes after them."""
        request = _Request(len(windows), asyncio.get_running_loop())
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="silero", daemon=True)
                self._thread.start()
            if not stream.queue:
                self._ready.append(stream)
            stream.queue.extend((window, request) for window in windows)
            self._changed.notify()
        await request.done.wait()
        if request.failed:
            raise EngineError("Speech detection failed.")
        return request.probabilities

    def _work(self) -> None:
        while True:
            self._work_once()

    def _work_once(self) -> None:
        """In a method of its own, so that while it waits the thread holds on to no stream."""
        with self._changed:
            while not self._ready:
                self._changed.wait()
            batch = [self._ready.popleft() for _ in range(min(len(self._ready), MAX_BATCH))]
        try:
            probabilities = self._score_next(batch)
        except _FAILURES:
            _log.exception("Silero failed on a batch of %d", len(batch))
            probabilities = [None] * len(batch)
        self._deliver(batch, probabilities)

    def _score_next(self, batch: list[SileroStream]) -> list[float | None]:
        """Score the next window of every stream."""
        windows = [stream.queue[0][0] for stream in batch]
        audio = np.stack(
            [np.concatenate([stream.context, window]) for stream, window in zip(batch, windows, strict=True)]
        )
        state = np.concatenate([stream.state for stream in batch], axis=1)
        scores, state = self._model.run(
            None, {"input": audio, "state": state, "sr": np.array(RATE_HZ, np.int64)}
        )
        for index, (stream, window) in enumerate(zip(batch, windows, strict=True)):
            stream.context = window[-CONTEXT:]
            stream.state = state[:, index : index + 1]
        return [float(score) for score in scores[:, 0]]

    def _deliver(self, batch: list[SileroStream], probabilities: list[float | None]) -> None:
        for stream, probability in zip(batch, probabilities, strict=True):
            with self._changed:
                _, request = stream.queue.popleft()
                if stream.queue:
                    self._ready.append(stream)
            if probability is None:
                request.failed = True
            else:
                request.probabilities.append(probability)
            request.unscored -= 1
            if not request.unscored:
                request.finish()


class SileroStream:
    def __init__(self, detector: SileroDetector) -> None:
        self._detector = detector
        # LQ withholds 4 to 6 ms, HQ 21, and the detector does not hear the difference. What comes out is in time with
        # what went in, so that windows end where they say; joined, it is the same however the input is chopped.
        self._resampler = soxr.ResampleStream(24_000, RATE_HZ, 1, dtype="float32", quality="LQ")
        self._pending: Floats = np.zeros(0, np.float32)
        self._windows = 0
        self.queue: deque[tuple[Floats, _Request]] = deque()
        """Guarded by the detector's lock, like nothing else here: the rest belongs to one side only."""
        self.context: Floats = np.zeros(CONTEXT, np.float32)
        self.state: Floats = np.zeros((2, 1, 128), np.float32)

    async def feed(self, pcm: bytes) -> list[Score]:
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 32_768
        pending = np.concatenate([self._pending, self._resampler.resample_chunk(samples)])
        count = len(pending) // WINDOW
        self._pending = pending[count * WINDOW :]
        if not count:
            return []
        first, self._windows = self._windows, self._windows + count
        windows = pending[: count * WINDOW].reshape(count, WINDOW)
        probabilities = await self._detector.score(self, list(windows))
        return [
            Score(probability, (first + index + 1) * WINDOW_MS)
            for index, probability in enumerate(probabilities)
        ]

    def close(self) -> None:
        self._pending = np.zeros(0, np.float32)
