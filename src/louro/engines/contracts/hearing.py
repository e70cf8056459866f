"""What a `Transcriber` promises."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from louro.engines.base import EngineError, Hints, Transcriber
from louro.engines.contracts.rules import (
    BOUNDS,
    BYTES_PER_MS,
    Bounds,
    Rule,
    all_of,
    at_once,
    cancel,
    close_after_one,
    demand,
    demand_methods,
    keep_all,
)

MISHEARD = 0.34
"""Of the words that were said, how many may be missed, wrong, or too many."""


async def check_transcriber(
    transcriber: Transcriber, speech_pcm: bytes, expected_words: str, bounds: Bounds = BOUNDS
) -> None:
    """*expected_words*: all that is said in *speech_pcm*. A third of it may be misheard; case and marks are ignored."""
    demand_methods(
        isinstance(transcriber, Transcriber), "a transcriber has transcribe(pcm, hints)", transcriber
    )
    await keep_all(_Hearing(transcriber, speech_pcm, expected_words, bounds).rules, bounds)


@dataclass(frozen=True)
class _Hearing:
    transcriber: Transcriber
    pcm: bytes
    expected: str
    bounds: Bounds

    @property
    def rules(self) -> tuple[Rule, ...]:
        return (
            self._silence_yields_nothing,
            self._pieces_join_to_the_words,
            self._hints_are_no_surprise,
            self._several_are_heard_at_once,
            self._closing_early_stops,
            self._cancelling_stops,
        )

    async def _hear(self, pcm: bytes, hints: Hints | None = None) -> list[str]:
        return await all_of(self.transcriber.transcribe(pcm, hints or Hints()), "transcribe()")

    async def _silence_yields_nothing(self) -> None:
        for length_ms in (0, 20, 500, 3_000):
            heard = await self._hear(bytes(length_ms * BYTES_PER_MS))
            demand(
                heard == [],
                "silence yields nothing",
                f"{heard} in {length_ms} ms of it",
                "Look at the loudness before you ask the model (louro.engines.pieces.is_silent).",
            )

    async def _pieces_join_to_the_words(self) -> None:
        self._demand_words(await self._hear(self.pcm))

    def _demand_words(self, pieces: list[str]) -> None:
        expected, heard = _words_of(self.expected), _words_of("".join(pieces))
        demand(
            _differing(expected, heard) <= MISHEARD * len(expected),
            "the pieces, joined, are the transcript",
            f"{pieces} for '{self.expected}'",
            "Every piece is what is new, with the white space that belongs before it.",
        )

    async def _hints_are_no_surprise(self) -> None:
        self._demand_words(await self._hear(self.pcm, Hints(prompt="Louro, Dashwood")))
        for language in ("en", "zu"):
            with suppress(EngineError):  # it need not know the language, only say so
                await self._hear(self.pcm, Hints(language=language))

    async def _several_are_heard_at_once(self) -> None:
        works = [partial(self._hear, audio) for audio in (self.pcm, bytes(len(self.pcm)), self.pcm)]
        first, silence, last = await at_once(works)
        self._demand_words(first)
        self._demand_words(last)
        demand(
            silence == [],
            "one engine serves all sessions",
            f"{silence} in silence beside speech",
            "Share no state.",
        )

    async def _closing_early_stops(self) -> None:
        await close_after_one(self.transcriber.transcribe(self.pcm, Hints()), "transcribe()", self.bounds)
        self._demand_words(await self._hear(self.pcm))

    async def _cancelling_stops(self) -> None:
        async def work() -> None:
            await self._hear(self.pcm)

        await cancel(work, "transcribe()", self.bounds)
        self._demand_words(await self._hear(self.pcm))


def _words_of(text: str) -> list[str]:
    return re.findall(r"[\w']+", text.lower())


def _differing(expected: Sequence[str], heard: Sequence[str]) -> int:
    """Levenshtein's distance, in words."""
    row = list(range(len(heard) + 1))
    for index, word in enumerate(expected, 1):
        previous, row[0] = row[0], index
        for place, other in enumerate(heard, 1):
            previous, row[place] = (
                row[place],
                min(row[place] + 1, row[place - 1] + 1, previous + (word != other)),
            )
    return row[-1]
