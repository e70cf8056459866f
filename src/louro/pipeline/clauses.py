"""From the stream of a model's text to clauses that can be spoken."""

from __future__ import annotations

import re

LATEST_WORDS = (6, 16)
"""The first clauses are cut after so many words at the latest: the sooner the first is spoken, the better, and the
second must be ready before the first has been heard. Written and spoken on two cores, a word takes 60 to 80 ms, and
to be heard 350."""
BREATH_WORDS = (4, 10)
"""From so many words on they are cut before a word that begins a new part of the sentence."""
COMMA_WORDS = (3, 5)
"""A comma ends a first clause from this many words on."""
LONG_WORDS = 8
"""A comma ends a later clause from this many words on."""
MAX_CHARACTERS = 200
"""Of a clause without a mark to cut it at."""

_SENTENCE = re.compile(r"[.!?。！？…]+[\"')\]]*\s+|\n+|[。！？]+")
_COMMA = re.compile(r"[,;:—]\s+|[、，；]")
_WORD = re.compile(r"\S+\s+")
_BEGINS = re.compile(
    r"(?:and|or|but|nor|so|because|if|when|while|where|which|who|that|than|as|is|are|was|were|has|have|had|can|could|"
    r"will|would|should|may|might|do|does|did|in|on|at|to|of|for|from|with|without|by|about|into|through|between|"
    r"during|after|before|under|over|around)\s",
    re.IGNORECASE,
)
"""Words before which one may breathe. What follows must have begun: "in" may become "into"."""
_ABBREVIATION = re.compile(r"(?:^|\s)(?:[A-Za-z]|Dr|Mr|Mrs|Ms|St|vs|etc|e\.g|i\.e|approx|No)\.$")


class ClauseSplitter:
    """Feed it text as it comes. The clauses, joined, are the text; how it was chopped does not matter."""

    def __init__(self) -> None:
        self._text = ""
        self._count = 0
        """Clauses so far."""

    def feed(self, text: str) -> list[str]:
        self._text += text
        clauses: list[str] = []
        while (end := self._end()) is not None:
            clauses.append(self._text[:end])
            self._text = self._text[end:]
            self._count += 1
        return clauses

    def flush(self) -> list[str]:
        """Return what is left; the text is over."""
        rest, self._text, self._count = self._text, "", 0
        return [rest] if rest else []

    def _end(self) -> int | None:
        """Where the next clause ends, if that is certain already: what follows must have begun."""
        ends = [self._sentence_end(), self._comma_end(), self._breath()]
        if len(self._text) > MAX_CHARACTERS:
            space = self._text.rfind(" ", 1, MAX_CHARACTERS)
            ends.append(space + 1 if space > 0 else MAX_CHARACTERS)
        certain = [end for end in ends if end is not None]
        return min(certain, default=None)

    def _sentence_end(self) -> int | None:
        for match in _SENTENCE.finditer(self._text):
            if match.end() >= len(self._text) or not self._text[: match.start()].strip():
                continue
            if not _ABBREVIATION.search(self._text[: match.start() + 1]):
                return match.end()
        return None

    def _comma_end(self) -> int | None:
        least = COMMA_WORDS[self._count] if self._count < len(COMMA_WORDS) else LONG_WORDS
        for match in _COMMA.finditer(self._text):
            if match.end() < len(self._text) and len(self._text[: match.start()].split()) >= least:
                return match.end()
        return None

    def _breath(self) -> int | None:
        """Where one of the first clauses is cut that nothing else ends."""
        if self._count >= len(LATEST_WORDS):
            return None
        ends = [match.end() for match in _WORD.finditer(self._text)]
        for words, end in enumerate(ends[: LATEST_WORDS[self._count]], 1):
            is_latest = words == LATEST_WORDS[self._count] and end < len(self._text)
            if is_latest or (words >= BREATH_WORDS[self._count] and _BEGINS.match(self._text, end)):
                return end
        return None
