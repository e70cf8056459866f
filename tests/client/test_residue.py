"""What is left of the loudspeaker, told apart from a user by its level."""

from __future__ import annotations

import numpy as np

from louro.client.residue import BLOCK_FRAMES, BLOCKS, HELD_FRAMES, OPEN_AFTER, Frame, ResidueGate

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


def test_a_user_who_stands_out_is_heard_from_the_first_frame_on() -> None:
    gate = ResidueGate()
    sifted(gate, -14, -36, 20 * SECOND)
    user = [noise(-20) for _ in range(SECOND)]
    passed = [gate.sift(noise(-14), frame) for frame in user]
    assert not any(frame.any() for frame in passed[: OPEN_AFTER - 1])
    said = np.concatenate(passed[OPEN_AFTER - 1 :])
    assert np.array_equal(said[-len(user) * FRAME :], np.concatenate(user))


def test_silence_comes_late_and_is_made_up_for() -> None:
    gate = ResidueGate()
    passed = [len(gate.sift(noise(-14), noise(-36))) for _ in range(SECOND)]
    assert passed == [0] * HELD_FRAMES + [FRAME] * (SECOND - HELD_FRAMES)
    passed = [len(gate.sift(noise(-14), noise(-20))) for _ in range(SECOND)]
    assert sum(passed) == (SECOND + HELD_FRAMES) * FRAME


def test_what_is_held_back_is_given_out_when_asked_for_and_only_once() -> None:
    gate = ResidueGate()
    sifted(gate, -14, -36, SECOND)
    assert len(gate.release()) == HELD_FRAMES * FRAME * 2
    assert gate.release() == b""


def test_what_was_withheld_of_the_room_stays_withheld_when_nothing_is_played_any_more() -> None:
    gate = ResidueGate()
    sifted(gate, -14, -36, 10 * SECOND)
    passed = [gate.sift(QUIET, noise(-60)) for _ in range(3 * SECOND)]
    opened = next(at for at, frame in enumerate(passed) if frame.any())
    assert len(passed[opened]) == (HELD_FRAMES + 1) * FRAME
    assert not passed[opened][:-FRAME].any()
    assert all(frame.any() for frame in passed[opened:])


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
