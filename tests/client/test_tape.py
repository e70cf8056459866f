"""A tape is an array whose beginning is forgotten; only faster."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from louro.client.tape import SMALL_BYTES, Tape

MOST = 10_000
SIZES = st.lists(st.integers(0, 3 * SMALL_BYTES), max_size=20)


@given(SIZES, st.integers(-10, 80_000), st.integers(-10, 80_000))
def test_however_sound_is_cut_the_latest_is_kept(sizes: list[int], begin: int, end: int) -> None:
    tape, said = Tape(MOST), b""
    for number, size in enumerate(sizes):
        piece = bytes([number]) * size
        tape.add(piece)
        said += piece
    assert tape.end == len(said)
    assert tape.read(tape.start, tape.end) == said[-MOST:]
    assert len(tape) == min(len(said), MOST)
    inside = slice(max(begin, tape.start), max(end, tape.start))
    assert tape.read(begin, end) == said[inside]


@given(SIZES, st.integers(-10, 80_000))
def test_what_was_taken_is_forgotten_and_places_stay(sizes: list[int], at: int) -> None:
    tape, said = Tape(MOST), b""
    for number, size in enumerate(sizes):
        tape.add(bytes([number]) * size)
        said += bytes([number]) * size
    tape.drop_before(at)
    assert tape.start == min(max(at, len(said) - MOST, 0), len(said))
    assert tape.read(0, tape.end) == said[tape.start :]


def test_single_samples_do_not_become_as_many_pieces() -> None:
    tape = Tape(MOST)
    for _ in range(MOST):
        tape.add(b"xy")
    assert len(tape._pieces) <= 2 * MOST // SMALL_BYTES + 2


def test_a_tape_that_begins_again_counts_from_there() -> None:
    tape = Tape(MOST)
    tape.add(b"before")
    tape.restart()
    tape.add(b"after")
    assert (tape.start, tape.end, tape.read(0, 5)) == (0, 5, b"after")
