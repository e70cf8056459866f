import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from louro.audio.resample import Resampler

RATES = [
    (8_000, 24_000),
    (24_000, 8_000),
    (16_000, 24_000),
    (24_000, 16_000),
    (48_000, 24_000),
    (22_050, 24_000),
]
NOISE = np.random.default_rng(1).integers(-32_768, 32_768, 30_000).astype("<i2")


def tone(frequency_hz: float, rate_hz: int) -> bytes:
    return (np.sin(np.arange(rate_hz) * 2 * np.pi * frequency_hz / rate_hz) * 20_000).astype("<i2").tobytes()


def resampled(pcm: bytes, from_hz: int, to_hz: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    resampler = Resampler(from_hz, to_hz)
    return np.frombuffer(resampler.feed(pcm) + resampler.flush(), "<i2").astype(np.float64)


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 3_000), max_size=30))
def test_chopping_changes_no_bit(from_hz: int, to_hz: int, cuts: list[int]) -> None:
    noise = NOISE[:3_000]
    whole, pieces = Resampler(from_hz, to_hz), Resampler(from_hz, to_hz)
    edges = [0, *sorted(cuts), len(noise)]
    joined = (
        b"".join(pieces.feed(noise[a:b].tobytes()) for a, b in itertools.pairwise(edges)) + pieces.flush()
    )
    assert joined == whole.feed(noise.tobytes()) + whole.flush()


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_a_long_piece_is_worth_as_much_as_many_short_ones(from_hz: int, to_hz: int) -> None:
    whole, pieces = Resampler(from_hz, to_hz), Resampler(from_hz, to_hz)
    short = b"".join(pieces.feed(NOISE[at : at + 441].tobytes()) for at in range(0, len(NOISE), 441))
    assert short + pieces.flush() == whole.feed(NOISE.tobytes()) + whole.flush()


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_no_sample_is_lost_or_added(from_hz: int, to_hz: int) -> None:
    assert len(resampled(bytes(2 * from_hz), from_hz, to_hz)) == to_hz


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_at_most_eight_milliseconds_are_withheld(from_hz: int, to_hz: int) -> None:
    resampler, came, went = Resampler(from_hz, to_hz), 0, 0
    for at in range(0, 8_000, 100):
        came += 100
        went += len(resampler.feed(NOISE[at : at + 100].tobytes())) // 2
        assert came / from_hz - went / to_hz <= 0.008


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_a_tone_keeps_its_place_and_its_loudness(from_hz: int, to_hz: int) -> None:
    expected = np.frombuffer(tone(3_000, to_hz), "<i2").astype(np.float64)
    error = (resampled(tone(3_000, from_hz), from_hz, to_hz) - expected)[to_hz // 10 : -to_hz // 10]
    assert np.max(np.abs(error)) < 4


def test_what_the_lower_rate_cannot_hold_is_gone() -> None:
    assert np.max(np.abs(resampled(tone(4_200, 24_000), 24_000, 8_000)[800:-800])) <= 4


def test_full_scale_is_clipped_and_does_not_wrap() -> None:
    square = np.where(np.arange(4_000) // 40 % 2, 32_767, -32_768).astype("<i2")
    out = resampled(square.tobytes(), 16_000, 24_000)
    assert out.max() == 32_767
    assert out.min() == -32_768
    assert np.all(out[2:58] < 0)
    assert np.all(out[62:118] > 0)


def test_after_a_flush_it_starts_anew() -> None:
    resampler = Resampler(8_000, 24_000)
    first = resampler.feed(NOISE.tobytes()) + resampler.flush()
    assert resampler.feed(NOISE.tobytes()) + resampler.flush() == first
    assert resampler.flush() == b""


def test_equal_rates_pass_through_untouched() -> None:
    resampler = Resampler(24_000, 24_000)
    assert resampler.feed(NOISE.tobytes()) == NOISE.tobytes()
    assert resampler.flush() == b""
