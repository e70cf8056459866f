"""G.711 in both laws. Source: ITU-T G.711; the arithmetic of the reference implementation, as tables."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BIAS = 0x84
_CLIP = 32_635


def _ulaw_samples() -> NDArray[np.int16]:
    code = ~np.arange(256, dtype=np.uint8)
    exponent = ((code >> 4) & 7).astype(np.int32)
    magnitude = (((code & 15).astype(np.int32) << 3) + _BIAS << exponent) - _BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _alaw_samples() -> NDArray[np.int16]:
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    exponent = ((code >> 4) & 7).astype(np.int32)
    mantissa = (code & 15).astype(np.int32) << 4
    magnitude = np.where(exponent == 0, mantissa + 8, mantissa + 0x108 << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _ulaw_codes() -> NDArray[np.uint8]:
    sample = np.arange(-32_768, 32_768, dtype=np.int32)
    magnitude = np.minimum(np.abs(sample), _CLIP) + _BIAS
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 15
    code = ~((exponent << 4) | mantissa) & 0xFF
    codes: NDArray[np.uint8] = np.where(sample < 0, code & 0x7F, code | 0x80).astype(np.uint8)
    return codes


def _alaw_codes() -> NDArray[np.uint8]:
    sample = np.arange(-32_768, 32_768, dtype=np.int32)
    magnitude = np.where(sample < 0, -sample - 1, sample) >> 3
    segment = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32) - 4, 0)
    mantissa = (magnitude >> np.maximum(segment, 1)) & 15
    code = (segment << 4) | mantissa
    codes: NDArray[np.uint8] = np.where(sample < 0, code ^ 0x55, code ^ 0xD5).astype(np.uint8)
    return codes


_ULAW_SAMPLES, _ALAW_SAMPLES = _ulaw_samples(), _alaw_samples()
_ULAW_CODES, _ALAW_CODES = _ulaw_codes(), _alaw_codes()


def ulaw_decode(codes: bytes) -> bytes:
    return _ULAW_SAMPLES[np.frombuffer(codes, np.uint8)].astype("<i2").tobytes()


def alaw_decode(codes: bytes) -> bytes:
    return _ALAW_SAMPLES[np.frombuffer(codes, np.uint8)].astype("<i2").tobytes()


def ulaw_encode(pcm: bytes) -> bytes:
    """*pcm* is int16, whole samples, at the rate of the codes."""
    return _ULAW_CODES[np.frombuffer(pcm, "<i2").astype(np.int32) + 32_768].tobytes()


def alaw_encode(pcm: bytes) -> bytes:
    """*pcm* is int16, whole samples, at the rate of the codes."""
    return _ALAW_CODES[np.frombuffer(pcm, "<i2").astype(np.int32) + 32_768].tobytes()
