"""What a `SpeechDetector` promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import anyio.lowlevel

from louro.engines.base import Score, SpeechDetector
from louro.engines.contracts.rules import (
    BOUNDS,
    BYTES_PER_MS,
    TOLERANCE_MS,
    Bounds,
    ContractBroken,
    Rule,
    at_once,
    cancel,
    demand,
    demand_methods,
    keep_all,
)

FRAME_BYTES = 20 * BYTES_PER_MS
SAME_SCORE = 0.001
"""A batch adds up in another order than a single window does."""


async def check_detector(detector: SpeechDetector, speech_pcm: bytes, bounds: Bounds = BOUNDS) -> None:
    """*speech_pcm*: some seconds in which somebody speaks, 24 kHz mono int16."""
    demand_methods(isinstance(detector, SpeechDetector), "a detector has open()", detector)
    await keep_all(_Detecting(detector, speech_pcm, bounds).rules, bounds)


@dataclass(frozen=True)
class _Detecting:
    detector: SpeechDetector
    pcm: bytes
    bounds: Bounds

    @property
    def rules(self) -> tuple[Rule, ...]:
        return (
            self._scores_are_in_order,
            self._chopping_changes_no_score,
            self._streams_do_not_mix,
            self._closing_twice_is_fine,
            self._speech_is_more_likely_than_silence,
            self._a_cancelled_feed_returns,
        )

    @property
    def _silence(self) -> bytes:
        return bytes(len(self.pcm))

    async def _score(self, pcm: bytes, chunk_bytes: int = FRAME_BYTES) -> list[Score]:
        stream = self.detector.open()
        try:
            scores: list[Score] = []
            for start in range(0, len(pcm), chunk_bytes):
                scores += await stream.feed(pcm[start : start + chunk_bytes])
                await anyio.lowlevel.checkpoint()  # a quick engine need not wait for anything
            return scores
        finally:
            stream.close()

    async def _scores_are_in_order(self) -> None:
        scores = await self._score(self.pcm)
        length_ms = len(self.pcm) / BYTES_PER_MS
        demand(
            bool(scores), "speech is scored", f"no score for {length_ms:.0f} ms", "Is the audio too short?"
        )
        odd = [score for score in scores if not 0 <= score.probability <= 1]
        demand(not odd, "a probability is 0 to 1", f"{odd[:1]}", "Apply the sigmoid, or clip.")
        ends = [0.0, *(score.end_ms for score in scores)]
        steps = [later - earlier for earlier, later in pairwise(ends)]
        demand(
            min(steps) > 0 and max(steps) - min(steps) < 0.01,
            "end_ms grows by one window each time",
            f"steps of {min(steps):g} to {max(steps):g} ms",
            "Count windows, and multiply.",
        )
        demand(
            length_ms - steps[0] - TOLERANCE_MS <= ends[-1] <= length_ms,
            "feed scores every window that is complete, and none before",
            f"after {length_ms:.0f} ms of audio the last window ended at {ends[-1]:.0f} ms",
            "Is the stream resampled, and counted in 24 kHz samples?",
        )

    async def _chopping_changes_no_score(self) -> None:
        whole = await self._score(self.pcm, len(self.pcm))
        beginning = await self._score(self.pcm[:9_600], 2)
        _demand_same(whole[: len(beginning)], beginning, "in single samples")
        for chunk_bytes in (478, 960, 9_602):
            chopped = await self._score(self.pcm, chunk_bytes)
            _demand_same(whole, chopped, f"in chunks of {chunk_bytes} bytes")
        none = await self.detector.open().feed(b"")
        demand(none == [], "no audio completes no window", f"{none}", "Return an empty list.")

    async def _streams_do_not_mix(self) -> None:
        sounds = (self.pcm, self._silence, self.pcm)
        alone = [await self._score(sound) for sound in sounds]
        together = await at_once([partial(self._score, sound) for sound in sounds])
        for before, beside in zip(alone, together, strict=True):
            _demand_same(before, beside, "beside two other streams")

    async def _closing_twice_is_fine(self) -> None:
        middle = len(self.pcm) // 4 * 2
        closed, other = self.detector.open(), self.detector.open()
        scores = await other.feed(self.pcm[:middle])
        await closed.feed(self.pcm[:FRAME_BYTES])
        closed.close()
        try:
            closed.close()
        except Exception as error:
            raise ContractBroken(
                f"Rule: close() is idempotent. Seen: {error!r}. Let the second do nothing."
            ) from error
        scores += await other.feed(self.pcm[middle:])
        other.close()
        whole = await self._score(self.pcm, len(self.pcm))
        _demand_same(whole, scores, "after another was closed")

    async def _speech_is_more_likely_than_silence(self) -> None:
        speech = max(score.probability for score in await self._score(self.pcm))
        silence = max(score.probability for score in await self._score(self._silence))
        demand(
            speech >= 0.5 > silence,
            "the probability is that the window holds speech",
            f"at most {speech:.2f} in speech, {silence:.2f} in silence",
            "Check scale and byte order: int16, little-endian, at 24 kHz.",
        )

    async def _a_cancelled_feed_returns(self) -> None:
        async def work() -> None:
            await self._score(self.pcm, len(self.pcm))

        await cancel(work, "feed()", self.bounds)
        await work()


def _demand_same(whole: Sequence[Score], scores: Sequence[Score], how: str) -> None:
    same = len(scores) == len(whole) and all(
        abs(one.probability - other.probability) <= SAME_SCORE and one.end_ms == other.end_ms
        for one, other in zip(whole, scores, strict=True)
    )
    demand(
        same,
        "how the audio is chopped, and who else is heard, changes no score",
        f"{how}: {len(scores)} scores that differ from the {len(whole)} of the whole",
        "Keep in the stream what does not fill a window, and carry over every state.",
    )
