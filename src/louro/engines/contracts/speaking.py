"""What a `Voice` promises."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from louro.engines.base import EngineError, Manner, Spoken, Voice, Word
from louro.engines.contracts.rules import (
    AT_ONCE,
    BOUNDS,
    BYTES_PER_MS,
    TOLERANCE_MS,
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

PLAIN = "Hello there, my friend."
LONGER = "The parrot sat on the old oak tree, and looked at the sea."
UNSPEAKABLE = ("...", "\U0001f99c", " \u2026 ", "\U0001f99c \U0001f44b !", "*** ---")
AWKWARD = (
    "It is 5:30, Mr. Smith!",
    " Leading and  double  spaces ",
    "Ol\u00e1, tudo bem?",
    '"Well \u2014 yes," she said.',
)


async def check_voice(voice: Voice, bounds: Bounds = BOUNDS) -> None:
    """The voice says a few short clauses of plain words; that it understands English is not asked."""
    demand_methods(isinstance(voice, Voice), "a voice has voices and speak()", voice)
    await keep_all(_Speaking(voice, bounds).rules, bounds)


@dataclass(frozen=True)
class _Speaking:
    voice: Voice
    bounds: Bounds

    @property
    def rules(self) -> tuple[Rule, ...]:
        return (
            self._the_voices_have_names,
            self._plain_words_are_heard,
            self._every_clause_keeps_its_words,
            self._manners_are_obeyed_or_refused,
            self._several_speak_at_once,
            self._closing_early_stops,
            self._cancelling_stops,
        )

    async def _say(self, clause: str, manner: Manner | None = None) -> bytes:
        spoken = await all_of(self.voice.speak(clause, manner or Manner()), "speak()")
        check_spoken(spoken, f"'{clause}'")
        check_words(spoken, clause)
        return b"".join(chunk.pcm for chunk in spoken)

    async def _the_voices_have_names(self) -> None:
        names = list(self.voice.voices)
        demand(
            bool(names)
            and all(isinstance(name, str) and name for name in names)
            and not isinstance(names, str),
            "voices are names, the default first",
            f"{names}",
            "Return at least one.",
        )

    async def _plain_words_are_heard(self) -> None:
        pcm = await self._say(PLAIN)
        demand(
            len(pcm) > 200 * BYTES_PER_MS and any(pcm),
            "a clause of plain words has a sound",
            f"{len(pcm) // BYTES_PER_MS} ms, {'some' if any(pcm) else 'no'} sound for '{PLAIN}'",
            "Audio is 24 kHz mono int16.",
        )

    async def _every_clause_keeps_its_words(self) -> None:
        for clause in (LONGER, *UNSPEAKABLE, *AWKWARD):
            await self._say(clause)

    async def _manners_are_obeyed_or_refused(self) -> None:
        await self._say(PLAIN, Manner(voice="nobody of this name"))
        await self._say(PLAIN, Manner(voice=self.voice.voices[-1]))
        slow, quick = [len(await self._say(PLAIN, Manner(speed=speed))) for speed in (0.25, 1.5)]
        demand(
            slow > quick,
            "speed is obeyed: 0.25 is slow, 1.5 is quick",
            f"{slow // BYTES_PER_MS} ms and {quick // BYTES_PER_MS} ms for '{PLAIN}'",
            "Pass it on; many models want its inverse.",
        )
        for language in ("en", "zu"):
            with suppress(EngineError):  # it need not speak the language, only say so
                await self._say(PLAIN, Manner(language=language))

    async def _several_speak_at_once(self) -> None:
        await at_once([partial(self._say, clause) for clause in (PLAIN, LONGER, *AWKWARD[:1])])

    async def _closing_early_stops(self) -> None:
        for _ in range(AT_ONCE):
            await close_after_one(self.voice.speak(LONGER, Manner()), "speak()", self.bounds)
        await self._say(PLAIN)

    async def _cancelling_stops(self) -> None:
        async def work() -> None:
            await self._say(LONGER)

        await cancel(work, "speak()", self.bounds)
        await self._say(PLAIN)


def check_spoken(spoken: Sequence[Spoken], what: str) -> None:
    begin_ms = last_ms = 0.0
    for chunk in spoken:
        demand(
            len(chunk.pcm) % 2 == 0,
            "audio is whole samples",
            f"{len(chunk.pcm)} bytes",
            "Keep half a sample back.",
        )
        end_ms = begin_ms + len(chunk.pcm) / BYTES_PER_MS
        for word in chunk.words:
            demand(
                word.end_ms >= last_ms,
                "end_ms never decreases",
                f"{word} after {last_ms} ms in {what}",
                "Count on.",
            )
            demand(
                begin_ms - TOLERANCE_MS <= word.end_ms <= end_ms + TOLERANCE_MS,
                "a chunk has the words that end in it, and no word ends after the audio",
                f"{word} in a chunk from {begin_ms:.0f} to {end_ms:.0f} ms of {what}",
                "Tell a word with the chunk in which it ends, counted from the start of the whole.",
            )
            last_ms = word.end_ms
        begin_ms = end_ms


def check_words(spoken: Sequence[Spoken], clause: str) -> None:
    words: list[Word] = [word for chunk in spoken for word in chunk.words]
    demand(
        "".join(word.text for word in words) == clause,
        "every word is told once and in order: joined, they are the clause, also where nothing can be said",
        f"{[word.text for word in words]} for {clause!r}",
        "Keep white space and marks with the words (louro.engines.speakable.said_words).",
    )
    wide = [word.text for word in words if len(word.text.split()) > 1]
    demand(
        not wide, "a Word is one word", f"{wide[:1]}", "Tell each by itself, so that a cut loses no other."
    )
