"""From what is on the wire to 24 kHz PCM, and back."""

from __future__ import annotations

from typing import Literal, TypeAlias

from louro.audio import g711
from louro.audio.pcm import SAMPLE_RATE_HZ
from louro.audio.resample import Resampler

Encoding: TypeAlias = Literal["pcm16", "g711_ulaw", "g711_alaw"]
G711_RATE_HZ = 8_000


class Decoder:
    """Wire audio to PCM. Half a sample at the end of a piece waits for the next one.

    *rate_hz* is that of pcm16; G.711 is at 8 kHz.
    """

    def __init__(self, encoding: Encoding, rate_hz: int = SAMPLE_RATE_HZ) -> None:
        self._encoding = encoding
        self._resampler = Resampler(rate_hz if encoding == "pcm16" else G711_RATE_HZ, SAMPLE_RATE_HZ)
        self._half = b""

    def feed(self, audio: bytes) -> bytes:
        if self._encoding == "pcm16":
            return self._resampler.feed(self._whole_samples(audio))
        decode = g711.ulaw_decode if self._encoding == "g711_ulaw" else g711.alaw_decode
        return self._resampler.feed(decode(audio))

    def flush(self) -> bytes:
        """Return what is still withheld, and start anew."""
        self._half = b""
        return self._resampler.flush()

    def _whole_samples(self, audio: bytes) -> bytes:
        if not self._half and not len(audio) & 1:
            return audio
        joined = self._half + audio
        size = len(joined) & ~1
        self._half = joined[size:]
        return joined[:size]


class Encoder:
    """PCM to wire audio, whole samples in, whole samples out."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._resampler = Resampler(SAMPLE_RATE_HZ, SAMPLE_RATE_HZ if encoding == "pcm16" else G711_RATE_HZ)

    def feed(self, pcm: bytes) -> bytes:
        return self._encode(self._resampler.feed(pcm))

    def flush(self) -> bytes:
        """Return what is still withheld, and start anew."""
        return self._encode(self._resampler.flush())

    def _encode(self, pcm: bytes) -> bytes:
        if self._encoding == "pcm16":
            return pcm
        return g711.ulaw_encode(pcm) if self._encoding == "g711_ulaw" else g711.alaw_encode(pcm)
