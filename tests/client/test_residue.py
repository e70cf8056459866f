"""What is left of the loudspeaker, told apart from a user by its level."""

from __future__ import annotations

import numpy as np

from louro.client.residue import BLOCK_FRAMES, BLOCKS, OPEN_AFTER, Frame, ResidueGate

FRAME = 240
QUIET = np.zeros(FRAME, np.int16)
CHANCE = np.random.default_rng(1)
SECOND = 100


def noise(dbfs: float) -> Frame:
    """Of that level, give or take a few tenths of a decibel."""
    return (CHANCE.standard_normal(FRAME) * 32_768 * 10 ** (dbfs / 20)).astype(np.int16)


def sifted(gate: ResidueGate, played_dbfs: float, left_dbfs: float, frames: int) -> int:
    """How many of so many frames pass."""
    return sum(bool(gate.sift(noise(played_dbfs), noise(left_dbfs)).any()) for _ in range(frames))


def test_where_little_is_left_nothing_is_withheld() -> None:
    gate = ResidueGate()
    sifted(gate, -20, -70, 8 * SECOND)
    assert sifted(gate, -20, -70, SECOND) == SECOND
    user = noise(-35)
    assert gate.sift(noise(-20), user) is user


def test_what_is_left_in_a_room_with_much_reverberation_is_silenced() -> None:
    gate = ResidueGate()
    assert sifted(gate, -14, -36, 20 * SECOND) == 0


def test_a_tail_of_it_when_the_answer_has_ended_is_silenced_too() -> None:
    gate = ResidueGate()
    sifted(gate, -14, -36, 10 * SECOND)
    passed = [gate.sift(QUIET, noise(-36 - 0.5 * frame)).any() for frame in range(SECOND)]
    assert not any(passed)


def test_a_user_who_stands_out_is_heard_after_40_ms() -> None:
    gate = ResidueGate()
    sifted(gate, -14, -36, 20 * SECOND)
    user = [gate.sift(noise(-14), noise(-20)).any() for _ in range(SECOND)]
    assert user == [False] * (OPEN_AFTER - 1) + [True] * (SECOND - OPEN_AFTER + 1)


def test_a_burst_of_what_is_left_is_no_user() -> None:
    gate = ResidueGate()
    sifted(gate, -14, -36, 20 * SECOND)
    assert sifted(gate, -14, -20, OPEN_AFTER - 1) == 0
    assert sifted(gate, -14, -36, OPEN_AFTER) == 0


def test_a_user_who_speaks_now_and_then_is_not_taken_for_the_room() -> None:
    gate = ResidueGate()
    for block in range(4 * BLOCKS):
        left_dbfs = -20 if block % 3 == 2 else -40
        sifted(gate, -14, left_dbfs, BLOCK_FRAMES)
    assert -28 < gate.leak_db < -22


def test_where_nothing_was_played_nothing_is_withheld() -> None:
    gate = ResidueGate()
    assert all(gate.sift(QUIET, noise(-50)).any() for _ in range(SECOND))
