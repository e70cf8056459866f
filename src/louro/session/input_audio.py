"""Audio that has been said and not yet committed."""

from __future__ import annotations

from louro.audio.pcm import BYTES_PER_MS
from louro.session.limits import MAX_INPUT_BUFFER_MS


class InputAudioBuffer:
    """24 kHz PCM with its place in the session: positions count all audio ever appended, in milliseconds."""

    def __init__(self) -> None:
        self._pcm = bytearray()
        self._start_bytes = 0

    @property
    def start_ms(self) -> int:
        return self._start_bytes // BYTES_PER_MS

    @property
    def end_ms(self) -> int:
        return (self._start_bytes + len(self._pcm)) // BYTES_PER_MS

    @property
    def length_ms(self) -> float:
        return len(self._pcm) / BYTES_PER_MS

    def has_no_room_for(self, pcm: bytes) -> bool:
        return len(self._pcm) + len(pcm) > MAX_INPUT_BUFFER_MS * BYTES_PER_MS

    def append(self, pcm: bytes) -> None:
        self._pcm += pcm

    def read(self, from_ms: int, to_ms: int) -> bytes:
        begin = max(from_ms * BYTES_PER_MS - self._start_bytes, 0)
        return bytes(self._pcm[begin : max(to_ms * BYTES_PER_MS - self._start_bytes, 0)])

    def drop_before(self, at_ms: int) -> None:
        size = min(max(at_ms * BYTES_PER_MS - self._start_bytes, 0), len(self._pcm))
        del self._pcm[:size]
        self._start_bytes += size

    def take_all(self) -> bytes:
        pcm = bytes(self._pcm)
        self._start_bytes += len(pcm)
        self._pcm.clear()
        return pcm
