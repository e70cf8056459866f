"""What the user has said and no item holds yet: a new connection must be told it again."""

from __future__ import annotations

from louro.audio.pcm import BYTES_PER_MS, bytes_of_ms
from louro.client.tape import Tape

SILENT_MS = 1_000
"""Kept while nobody is known to speak: the beginning of a word may be in it."""
SPEAKING_MS = 60_000
"""Kept of a turn that is under way, 3 MB; of a longer one the beginning is lost with the connection."""


class RecentSound:
    def __init__(self, speaking_ms: int = SPEAKING_MS) -> None:
        self._tape = Tape(bytes_of_ms(speaking_ms))
        self.speaking = False

    @property
    def ms(self) -> int:
        """How much was said since the last turn ended, kept or not."""
        return self._tape.end // BYTES_PER_MS

    def add(self, pcm: bytes) -> None:
        self._tape.add(pcm)

    def kept(self) -> bytes:
        begin = self._tape.start if self.speaking else self._tape.end - bytes_of_ms(SILENT_MS)
        return self._tape.read(begin, self._tape.end)

    def clear(self) -> None:
        self._tape.restart()
        self.speaking = False
