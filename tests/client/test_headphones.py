"""Whether there is an echo, told from what is played and what is heard."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.client.test_echo import echo_of, pcm_of, spoken

from louro.client.headphones import FRAME, Headphones

Sound = NDArray[np.float64]
SECOND = 24_000
FAR = spoken("story", "capital", "human", "sum_7_5")


def noise(dbfs: float) -> Sound:
    return np.random.default_rng(1).standard_normal(len(FAR)) * 10 ** (dbfs / 20)


def known(headphones: Headphones, played: Sound, heard: Sound) -> list[bool]:
    """Whether they are on, after every 10 ms."""
    far, near = pcm_of(played), pcm_of(heard)
    told = []
    for at in range(0, len(near) - FRAME * 2 + 1, FRAME * 2):
        headphones.listen(far[at : at + FRAME * 2], near[at : at + FRAME * 2])
        told.append(headphones.are_on)
    return told


def test_a_silent_microphone_is_known_after_a_second_and_a_half() -> None:
    told = known(Headphones(), FAR, np.zeros(len(FAR)))
    assert not any(told[:90])
    assert all(told[150:])


def test_so_is_one_in_a_room_with_some_noise() -> None:
    assert all(known(Headphones(), FAR, noise(-50))[150:])


@pytest.mark.parametrize("delay_ms", [20, 120, 400])
@pytest.mark.parametrize("echo_db", [0, -20, -35])
def test_an_echo_is_never_missed(delay_ms: int, echo_db: float) -> None:
    heard = echo_of(FAR, delay_ms) * 10 ** (echo_db / 20) + noise(-65)
    assert not any(known(Headphones(), FAR, heard))


def test_nothing_is_known_before_something_was_played() -> None:
    assert not any(known(Headphones(), np.zeros(len(FAR)), noise(-65)))


def test_under_a_voice_no_echo_is_looked_for() -> None:
    voice = np.roll(FAR, 5 * SECOND)
    assert not any(known(Headphones(), FAR[:SECOND], voice[:SECOND]))


def test_who_speaks_over_the_loudspeaker_does_not_take_them_off() -> None:
    headphones = Headphones()
    known(headphones, FAR, noise(-65))
    user = spoken("human")[: 4 * SECOND]
    assert all(known(headphones, FAR[: len(user)], user))


@pytest.mark.parametrize("delay_ms", [20, 120, 400])
def test_once_they_are_taken_off_the_echo_is_found_within_300_ms_of_sound(delay_ms: int) -> None:
    headphones = Headphones()
    known(headphones, FAR, noise(-65))
    told = known(headphones, FAR, echo_of(FAR, delay_ms) + noise(-65))
    sounding = int(np.flatnonzero(np.abs(FAR) > 0.02)[0]) // FRAME
    assert not any(told[sounding + delay_ms // 10 + 30 : sounding + 100])
