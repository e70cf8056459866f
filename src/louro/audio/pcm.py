"""How long, how many bytes."""

from __future__ import annotations

SAMPLE_RATE_HZ = 24_000
BYTES_PER_MS = 48


def duration_ms(pcm: bytes | bytearray) -> int:
    """Whole milliseconds of 24 kHz int16."""
    return len(pcm) // BYTES_PER_MS
