"""From the stream of a model's text to clauses that can be spoken."""

from __future__ import annotations

import re

FIRST_WORDS = 8
"""The first clause is cut after this many words at the latest: the sooner it is spoken, the better."""
MAX_CHARACTERS = 200
"""Of a clause without a mark to cut it at."""
SHORT_FIRST_WORDS = 3
"""A comma ends the first clause from this many words on."""
LONG_WORDS = 8
"""A comma ends a later clause from this many words on."""

_SENTENCE = re.compile(r"[.!?。！？…]+[\"')\]]*\s+|\n+|[。！？]+")
_COMMA = re.compile(r"[,;:—]\s+|[、，；]")
_ABBREVIATION = re.compile(r"(?:^|\s)(?:[A-Za-z]|Dr|Mr|Mrs|Ms|St|vs|etc|e\.g|i\.e|approx|No)\.$")


class ClauseSplitter:
    """Feed it text as it comes. The clauses, joined, are the text; how it was chopped does not matter."""

    def __init__(self) -> None:
        self._text = ""
        self._is_first = True

    def feed(self, text: str) -> list[str]:
        self._text += text
        clauses: list[str] = []
        while (end := self._end()) is not None:
            clauses.append(self._text[:end])
            self._text = self._text[end:]
            self._is_first = False
        return clauses

    def flush(self) -> list[str]:
        """Return what is left; the text is over."""
        rest, self._text, self._is_first = self._text, "", True
        return [rest] if rest else []

    def _end(self) -> int | None:
        """Where the first clause ends, if that is certain already: what follows must have begun."""
        ends = [self._sentence_end(), self._comma_end()]
        if self._is_first:
            ends.append(self._after_words(FIRST_WORDS))
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
        least = SHORT_FIRST_WORDS if self._is_first else LONG_WORDS
        for match in _COMMA.finditer(self._text):
            if match.end() < len(self._text) and len(self._text[: match.start()].split()) >= least:
                return match.end()
        return None

    def _after_words(self, count: int) -> int | None:
        words = list(re.finditer(r"\S+\s+", self._text))
        if len(words) < count or words[count - 1].end() >= len(self._text):
            return None
        return words[count - 1].end()
