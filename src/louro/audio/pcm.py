"""How long, how many bytes."""

from __future__ import annotations

SAMPLE_RATE_HZ = 24_000
BYTES_PER_SAMPLE = 2
BYTES_PER_MS = 48


def duration_ms(pcm: bytes | bytearray | memoryview | int) -> int:
    """Whole milliseconds of 24 kHz int16, given as audio or as its number of bytes."""
    return (pcm if isinstance(pcm, int) else len(pcm)) // BYTES_PER_MS


def bytes_of_ms(ms: int) -> int:
    return ms * BYTES_PER_MS


def silence(ms: int) -> bytes:
    return bytes(bytes_of_ms(ms))
