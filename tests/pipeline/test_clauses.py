"""Clauses, joined, are the text; a first one comes soon."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from louro.pipeline.clauses import LATEST_WORDS, MAX_CHARACTERS, ClauseSplitter

PROSE = st.lists(
    st.sampled_from(
        [
            "Hello",
            "there",
            "Dr.",
            "3.14",
            "1,000",
            "at 5:30",
            "e.g.",
            "yes!",
            "no?",
            "so,",
            "and;",
            "ok.",
            "\n",
            "你好。",
            "x" * 300,
            "...",
        ]
    ),
    max_size=40,
).map(" ".join)


def split(pieces: list[str]) -> list[str]:
    splitter = ClauseSplitter()
    return [clause for piece in pieces for clause in splitter.feed(piece)] + splitter.flush()


@given(PROSE)
def test_clauses_joined_are_the_text_and_none_is_endless(text: str) -> None:
    clauses = split([text])
    assert "".join(clauses) == text
    assert all(len(clause) <= MAX_CHARACTERS + 1 for clause in clauses[:-1])


@given(PROSE, st.integers(1, 30))
def test_small_pieces_lose_nothing(text: str, size: int) -> None:
    assert "".join(split([text[i : i + size] for i in range(0, len(text), size)])) == text


@given(PROSE)
def test_the_first_clauses_come_soon(text: str) -> None:
    for clause, most in zip(split([text]), LATEST_WORDS, strict=False):
        assert len(clause.split()) <= most


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("Paris is the capital. It is big. ", ["Paris is the capital. ", "It is big. "]),
        ("Well, I think so, yes it is.", ["Well, I think so, ", "yes it is."]),
        ("Ask Dr. Smith about 3.14 today. Now.", ["Ask Dr. Smith about 3.14 today. ", "Now."]),
        ("It costs 1,000 euros.", ["It costs 1,000 euros."]),
        (
            " ".join(["word"] * 30),
            [" ".join(["word"] * 6) + " ", " ".join(["word"] * 16) + " ", " ".join(["word"] * 8)],
        ),
        ("The capital of France is Paris.", ["The capital of France ", "is Paris."]),
        ("The capital of France isolates us.", ["The capital of France isolates us."]),
        ("", []),
    ],
)
def test_text_is_cut_where_one_would_breathe(text: str, clauses: list[str]) -> None:
    assert split(list(text)) == clauses
