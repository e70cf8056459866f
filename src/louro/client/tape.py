"""Sound as it comes, of which the latest is kept."""

from __future__ import annotations

from collections import deque

SMALL_BYTES = 4096
"""Pieces are put together up to so much: a sender of single samples must not make millions of them."""


class Tape:
    """Keeps the latest *most* bytes, at places counted from its beginning.

    A list of pieces, not one array: to forget the first 100 ms of a minute in an array, or to add to them, means to copy
    that minute every few seconds, half a millisecond each time.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._pieces: deque[bytes] = deque()
        self.start = self.end = 0

    def __len__(self) -> int:
        return self.end - self.start

    def add(self, pcm: bytes) -> None:
        if self._pieces and len(self._pieces[-1]) + len(pcm) <= SMALL_BYTES:
            self._pieces[-1] += pcm
        else:
            self._pieces.append(pcm)
        self.end += len(pcm)
        self.drop_before(self.end - self._most)

    def read(self, begin: int, end: int) -> bytes:
        """What is kept of it."""
        whole = b"".join(self._pieces)
        return whole[max(begin - self.start, 0) : max(end - self.start, 0)]

    def drop_before(self, at: int) -> None:
        while self.start < at and self._pieces:
            first = self._pieces.popleft()
            rest = first[at - self.start :]
            self.start += len(first) - len(rest)
            if rest:
                self._pieces.appendleft(rest)

    def restart(self) -> None:
        """Its beginning is here."""
        self._pieces.clear()
        self.start = self.end = 0
