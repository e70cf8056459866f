"""The tables against the arithmetic of the recommendation, written out the slow way."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from louro.audio import g711


def slow_ulaw(sample: int) -> int:
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), 32_635) + 0x84
    exponent = 7
    while exponent > 0 and not magnitude & (0x80 << exponent):
        exponent -= 1
    return ~(sign | (exponent << 4) | ((magnitude >> (exponent + 3)) & 15)) & 0xFF


def slow_alaw(sample: int) -> int:
    mask = 0xD5 if sample >= 0 else 0x55
    magnitude = (sample if sample >= 0 else -sample - 1) >> 3
    for segment, end in enumerate((0x1F, 0x3F, 0x7F, 0xFF, 0x1FF, 0x3FF, 0x7FF, 0xFFF)):
        if magnitude <= end:
            shift = 1 if segment < 2 else segment
            return ((segment << 4) | ((magnitude >> shift) & 15)) ^ mask
    raise AssertionError("out of range")


def test_every_sample_gets_the_code_of_the_recommendation() -> None:
    samples = np.arange(-32_768, 32_768, dtype=np.int32)
    pcm = samples.astype("<i2").tobytes()
    assert list(g711.ulaw_encode(pcm)) == [slow_ulaw(int(s)) for s in samples]
    assert list(g711.alaw_encode(pcm)) == [slow_alaw(int(s)) for s in samples]


def test_known_values_decode_as_published() -> None:
    assert np.frombuffer(g711.ulaw_decode(bytes([0x00, 0x80, 0xFF, 0x7F])), "<i2").tolist() == [
        -32124,
        32124,
        0,
        0,
    ]
    assert np.frombuffer(g711.alaw_decode(bytes([0x55, 0xD5, 0x2A, 0xAA])), "<i2").tolist() == [
        -8,
        8,
        -32256,
        32256,
    ]


@given(st.binary(max_size=256))
def test_what_was_coded_once_stays_as_it_is(codes: bytes) -> None:
    ulaw, alaw = g711.ulaw_decode(codes), g711.alaw_decode(codes)
    assert g711.ulaw_decode(g711.ulaw_encode(ulaw)) == ulaw
    assert g711.alaw_encode(alaw) == codes
