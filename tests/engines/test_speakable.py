"""Text, and how it is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from louro.engines.speakable import said_words


def said(text: str) -> str:
    return " ".join(word.said for word in said_words(text) if word.said)


@given(st.text())
def test_the_originals_joined_are_the_text(text: str) -> None:
    assert "".join(word.original for word in said_words(text)) == text


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("384 people", "three hundred and eighty-four people"),
        ("at 5:30", "at five thirty"),
        ("at 9:05", "at nine oh five"),
        ("at 10:00", "at ten o'clock"),
        ("in 1984", "in nineteen eighty-four"),
        ("in 2000", "in two thousand"),
        ("the 3rd", "the third"),
        ("$5", "five dollars"),
        ("12%", "twelve percent"),
        ("-4", "minus four"),
        ("3.5 km", "three point five kilometers"),
        ("Dr. Smith & Mr. Jones", "doctor Smith and mister Jones"),
        ("**bold** `code`", "bold code"),
        ("1,234", "one thousand two hundred and thirty-four"),
    ],
)
def test_numbers_and_marks_are_written_out(text: str, spoken: str) -> None:
    assert said(text).replace(",", "") == spoken


def test_a_number_too_long_to_be_a_quantity_is_said_digit_by_digit() -> None:
    assert said("1" * 20) == " ".join(["one"] * 20)


def test_what_has_no_sound_keeps_its_place() -> None:
    words = said_words("*** yes")
    assert [(word.original, word.said) for word in words] == [("***", ""), (" yes", "yes")]


def test_white_space_alone_is_one_silent_word() -> None:
    (word,) = said_words("  ")
    assert (word.original, word.said) == ("  ", "")
