"""What the user has said and no item holds yet: a new connection must be told it again."""

from __future__ import annotations

from louro.audio.pcm import BYTES_PER_MS, bytes_of_ms

SILENT_MS = 1_000
"""Kept while nobody is known to speak: the beginning of a word may be in it."""
SPEAKING_MS = 60_000
"""Kept of a turn that is under way, 3 MB; of a longer one the beginning is lost with the connection."""


class RecentSound:
    def __init__(self, speaking_ms: int = SPEAKING_MS) -> None:
        self._most = bytes_of_ms(speaking_ms)
        self._pcm = bytearray()
        self._length = 0
        self.speaking = False

    @property
    def ms(self) -> int:
        """How much was said since the last turn ended, kept or not."""
        return self._length // BYTES_PER_MS

    def add(self, pcm: bytes) -> None:
        self._pcm += pcm
        self._length += len(pcm)
        extra = len(self._pcm) - self._most
        if extra > 0:
            del self._pcm[:extra]

    def kept(self) -> bytes:
        return bytes(self._pcm if self.speaking else self._pcm[-bytes_of_ms(SILENT_MS) :])

    def clear(self) -> None:
        self._pcm.clear()
        self._length = 0
        self.speaking = False
