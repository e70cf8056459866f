"""Silero on recorded and made-up audio: the real model, the real thread."""

from __future__ import annotations

from pathlib import Path

import anyio
import numpy as np
import pytest
import soundfile

from louro.engines.base import EngineError, Score, SpeechDetector
from louro.engines.registry import EngineSettings
from louro.engines.silero import WINDOW_MS, SileroDetector, load

pytestmark = pytest.mark.models

SPEECH = Path(__file__).parent.parent / "speech"
WINDOW_BYTES = 768 * 2
"""32 ms at 24 kHz."""


@pytest.fixture(scope="module")
def detector() -> SileroDetector:
    return load("", EngineSettings())


def recording(name: str) -> bytes:
    samples, rate_hz = soundfile.read(SPEECH / f"{name}.flac", dtype="int16")
    assert rate_hz == 24_000
    return bytes(samples.tobytes())


async def listen(detector: SileroDetector, pcm: bytes, chunk_bytes: int) -> list[Score]:
    stream = detector.open()
    scores: list[Score] = []
    for start in range(0, len(pcm), chunk_bytes):
        scores += await stream.feed(pcm[start : start + chunk_bytes])
    stream.close()
    return scores


def test_it_is_a_speech_detector(detector: SileroDetector) -> None:
    assert isinstance(detector, SpeechDetector)


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["human", "capital", "sum", "sum_7_5", "story", "how"])
async def test_speech_is_heard_and_silence_is_not(detector: SileroDetector, name: str) -> None:
    with anyio.fail_after(5):
        speech = await listen(detector, recording(name), 960)
        silence = await listen(detector, bytes(48_000), 960)
    assert max(score.probability for score in speech) > 0.9
    assert max(score.probability for score in silence) < 0.1


@pytest.mark.anyio
async def test_noise_is_not_taken_for_speech(detector: SileroDetector) -> None:
    noise = np.random.default_rng(1).normal(0, 1000, 72_000).astype("<i2").tobytes()
    with anyio.fail_after(5):
        scores = await listen(detector, noise, 960)
    assert max(score.probability for score in scores) < 0.5


@pytest.mark.anyio
@pytest.mark.parametrize("chunk_bytes", [2, 34, 960, 9602, 10_000_000])
async def test_chopping_changes_no_score(detector: SileroDetector, chunk_bytes: int) -> None:
    pcm = recording("how")[: 48_000 if chunk_bytes > 2 else 6_000]
    with anyio.fail_after(5):
        assert await listen(detector, pcm, chunk_bytes) == await listen(detector, pcm, 480)


@pytest.mark.anyio
async def test_windows_end_every_32_ms(detector: SileroDetector) -> None:
    with anyio.fail_after(5):
        scores = await listen(detector, bytes(WINDOW_BYTES * 10), 700)
    assert [score.end_ms for score in scores] == [(index + 1) * WINDOW_MS for index in range(len(scores))]
    # What the resampler withholds is less than a window.
    assert len(scores) in (9, 10)


@pytest.mark.anyio
async def test_positions_are_where_the_speech_is(detector: SileroDetector) -> None:
    """Speech that is moved by ten windows is scored ten windows later."""
    pcm = recording("capital")
    with anyio.fail_after(5):
        here = await listen(detector, bytes(WINDOW_BYTES * 20) + pcm, 960)
        later = await listen(detector, bytes(WINDOW_BYTES * 30) + pcm, 960)
    starts = [next(score.end_ms for score in scores if score.probability > 0.5) for scores in (here, later)]
    assert starts[1] - starts[0] == 10 * WINDOW_MS


@pytest.mark.anyio
async def test_streams_heard_together_score_as_if_alone(detector: SileroDetector) -> None:
    recordings = [recording(name) for name in ("human", "capital", "sum", "how")]
    together: list[list[Score]] = [[] for _ in recordings]

    async def hear(index: int) -> None:
        together[index] = await listen(detector, recordings[index], 9_600)

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            for index in range(len(recordings)):
                tasks.start_soon(hear, index)
        alone = [await listen(detector, pcm, 9_600) for pcm in recordings]
    for mixed, single in zip(together, alone, strict=True):
        assert [score.end_ms for score in mixed] == [score.end_ms for score in single]
        # A batch adds up in another order than a single window: equal to the sixth place.
        np.testing.assert_allclose(
            [score.probability for score in mixed], [score.probability for score in single], atol=1e-3
        )


@pytest.mark.anyio
async def test_a_feed_that_completes_no_window_needs_no_thread() -> None:
    detector = load("", EngineSettings())
    assert await detector.open().feed(bytes(400)) == []
    assert detector._thread is None


@pytest.mark.anyio
async def test_a_cancelled_feed_loses_no_window_of_the_stream(detector: SileroDetector) -> None:
    pcm = recording("capital")
    stream = detector.open()
    half = WINDOW_BYTES * 20
    with anyio.fail_after(5):
        with anyio.CancelScope() as scope:
            scope.cancel()
            await stream.feed(pcm[:half])
        rest = await stream.feed(pcm[half:])
        whole = await listen(detector, pcm, len(pcm))
    assert rest == whole[-len(rest) :]


def test_one_detector_serves_several_event_loops(detector: SileroDetector) -> None:
    async def hear() -> int:
        with anyio.fail_after(5):
            return len(await listen(detector, bytes(WINDOW_BYTES * 5), 960))

    assert anyio.run(hear) == anyio.run(hear) > 0


@pytest.mark.anyio
async def test_a_failing_model_fails_the_feed_and_not_the_ear() -> None:
    detector = load("", EngineSettings())
    model, detector._model = detector._model, BrokenModel()
    with anyio.fail_after(5):
        with pytest.raises(EngineError):
            await detector.open().feed(bytes(WINDOW_BYTES * 3))
        detector._model = model
        assert await detector.open().feed(bytes(WINDOW_BYTES * 3))


class BrokenModel:
    def run(self, *_: object) -> None:
        raise RuntimeError("out of order")
