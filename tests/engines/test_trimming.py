"""The silence around a voice, without any voice."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from louro.engines.trimming import Floats, Trimmer

RATE_HZ = 1_000
"""A sample is a millisecond."""


def sound(*parts: int) -> Floats:
    """A tone for each positive length in milliseconds, silence for each negative one."""
    return np.concatenate([np.full(abs(part), 0.5 if part > 0 else 0.001, np.float32) for part in parts])


def trimmed(pieces: list[Floats], said: str) -> Floats:
    trimmer = Trimmer(RATE_HZ, said)
    return np.concatenate([*(trimmer.feed(piece) for piece in pieces), trimmer.flush()])


def lengths(samples: Floats) -> list[int]:
    """As `sound` is told them; what is left out counts as silence of the same kind."""
    edges = np.flatnonzero(np.diff(samples > 0.01)) + 1
    return [len(part) if part[0] > 0.01 else -len(part) for part in np.split(samples, edges)]


def test_silence_around_the_voice_is_cut_to_what_suits_its_end() -> None:
    assert lengths(trimmed([sound(-500, 1000, -900)], "Yes.")) == [-20, 1000, -249]
    assert lengths(trimmed([sound(-500, 1000, -900)], "yes")) == [-20, 1000, -39]


def test_a_sound_that_ends_too_soon_is_given_its_pause() -> None:
    assert lengths(trimmed([sound(100)], "Yes.")) == [100, -249]


def test_silence_within_the_voice_is_kept() -> None:
    assert lengths(trimmed([sound(-5, 100, -800, 100)], "Yes.")) == [-5, 100, -800, 100, -249]


def test_the_voice_goes_out_at_once_and_silence_once_it_is_known_to_be_a_pause() -> None:
    trimmer = Trimmer(RATE_HZ, "Yes,")
    assert len(trimmer.feed(sound(-300))) == 0
    assert len(trimmer.feed(sound(50))) == 70
    assert trimmer.skipped == 280
    assert len(trimmer.feed(sound(-500))) == 119
    assert len(trimmer.feed(sound(50))) == 431
    assert len(trimmer.flush()) == 119


def test_nothing_but_silence_is_a_pause() -> None:
    assert lengths(trimmed([sound(-300), sound(-300)], "Yes.")) == [-250]


@given(
    st.lists(st.integers(-400, 400).filter(bool), min_size=1, max_size=6),
    st.lists(st.integers(0, 2_400), max_size=6),
)
def test_chopping_changes_nothing(parts: list[int], cuts: list[int]) -> None:
    whole = sound(*parts)
    pieces = np.split(whole, sorted(min(cut, len(whole)) for cut in cuts))
    assert trimmed(pieces, "So,").tobytes() == trimmed([whole], "So,").tobytes()
