"""The same in both languages."""

from __future__ import annotations

import string
from typing import get_args

import pytest

from louro.cli.talk.words import ENGLISH, PORTUGUESE
from louro.client import sound_errors
from louro.client.sound_errors import SoundError, SoundProblem


def told(template: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(template) if field}


@pytest.mark.parametrize("problem", get_args(SoundProblem))
def test_what_is_wrong_with_a_device_is_told_in_portuguese_too(problem: SoundProblem) -> None:
    assert told(PORTUGUESE.sound_problems[problem]) == told(sound_errors.ENGLISH[problem])


def test_a_device_keeps_its_name_in_both() -> None:
    error = SoundError("no_such_device", "loudspeaker", "trombone", "0: Built-in")
    english = "No loudspeaker is called 'trombone'. Choose one of: 0: Built-in."
    assert ENGLISH.sound_problem(error) == str(error) == english
    assert (
        PORTUGUESE.sound_problem(error)
        == "Nenhum alto-falante se chama 'trombone'. Escolha um destes: 0: Built-in."
    )
