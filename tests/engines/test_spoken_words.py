"""Where words lie in a sound, without any voice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import aclosing

import numpy as np
import onnxruntime
import pytest

from louro.engines.base import Spoken, Word
from louro.engines.speakable import SaidWord, said_words
from louro.engines.spoken_words import (
    CHUNK_MS,
    MAX_WORDS,
    Say,
    Telling,
    Utterance,
    said_at_once,
    speak_words,
    timed,
)
from louro.engines.trimming import Floats
from louro.engines.workers import Workers

TONE = np.full(24_000, 0.5, np.float32)
SILENCE = np.zeros(12_000, np.float32)


def say_with(*windows: Floats) -> Say:
    """A voice whose words are half a second long, after half a second of silence."""

    def say(words: Sequence[SaidWord], options: onnxruntime.RunOptions) -> Utterance:
        ends = [Word(word.original, 1000 + 500 * index) for index, word in enumerate(words)]
        return Utterance(24_000, iter(windows), ends)

    return say


async def spoken(text: str, say: Say) -> list[Spoken]:
    return [chunk async for chunk in speak_words(said_words(text), say, Workers(1))]


def lengths_ms(chunks: list[Spoken]) -> list[int]:
    return [len(chunk.pcm) // 48 for chunk in chunks]


def words_of(chunks: list[Spoken]) -> list[Word]:
    return [word for chunk in chunks for word in chunk.words]


def test_longer_words_take_longer_and_the_last_ends_with_the_voice() -> None:
    ends = [word.end_ms for word in timed(said_words("I understand you"), 100, 1100)]
    assert ends[0] - 100 < ends[2] - ends[1] < ends[1] - ends[0]
    assert ends[2] == 1100


def test_a_voice_that_does_not_say_where_its_words_lie_has_them_where_it_is_heard() -> None:
    words = said_at_once(said_words("one two"), np.concatenate([SILENCE, TONE, SILENCE]), 24_000).words
    assert [word.end_ms for word in words] == [999, 1499]
    assert [word.end_ms for word in said_at_once(said_words("one two"), SILENCE, 24_000).words] == [250, 500]


def test_a_chunk_has_the_words_that_end_in_it() -> None:
    telling = Telling(timed(said_words("one two three"), 0, 500))
    cut = [*telling.chunks(bytes(300 * 48)), *telling.last_chunks(bytes(200 * 48))]
    assert lengths_ms(cut) == [CHUNK_MS, 100, CHUNK_MS]
    assert [[word.text for word in chunk.words] for chunk in cut] == [["one"], [" two"], [" three"]]


def test_a_word_that_the_sound_is_too_short_for_ends_with_it() -> None:
    telling = Telling([Word("one", 900)])
    assert telling.last_chunks(bytes(100 * 48))[-1].words == (Word("one", 100),)
    assert Telling([Word("one", 900)]).last_chunks(b"") == [Spoken(b"", (Word("one", 0),))]


@pytest.mark.anyio
async def test_what_has_no_sound_still_tells_its_words() -> None:
    chunks = await spoken("... !", say_with())
    assert chunks == [Spoken(b"", (Word("...", 0), Word(" !", 0)))]


@pytest.mark.anyio
async def test_windows_make_the_sound_that_they_make_joined() -> None:
    whole = np.concatenate([SILENCE, TONE, SILENCE])
    at_once = await spoken("one two.", say_with(whole))
    in_windows = await spoken("one two.", say_with(*np.split(whole, [700, 13_000, 13_100, 40_000])))
    assert b"".join(chunk.pcm for chunk in in_windows) == b"".join(chunk.pcm for chunk in at_once)
    assert words_of(in_windows) == words_of(at_once) == [Word("one", 520), Word(" two.", 1020)]
    assert sum(lengths_ms(at_once)) == 1269


@pytest.mark.anyio
async def test_a_window_is_made_when_the_one_before_has_been_taken() -> None:
    made: list[int] = []

    def windows() -> Iterator[Floats]:
        for number in range(3):
            made.append(number)
            yield TONE[:9_600]

    def say(words: Sequence[SaidWord], options: onnxruntime.RunOptions) -> Utterance:
        return Utterance(24_000, windows(), [])

    async with aclosing(speak_words(said_words("one"), say, Workers(1))) as chunks:  # type: ignore[type-var]
        await anext(chunks)
        assert made == [0]


@pytest.mark.anyio
async def test_closing_tells_the_model_to_stop() -> None:
    given: list[onnxruntime.RunOptions] = []

    def say(words: Sequence[SaidWord], options: onnxruntime.RunOptions) -> Utterance:
        given.append(options)
        return Utterance(24_000, iter([TONE]), [])

    async with aclosing(speak_words(said_words("one"), say, Workers(1))) as chunks:  # type: ignore[type-var]
        await anext(chunks)
        assert not given[0].terminate
    assert given[0].terminate


@pytest.mark.anyio
async def test_what_is_long_is_said_in_parts_whose_words_count_on() -> None:
    parts: list[int] = []

    def say(words: Sequence[SaidWord], options: onnxruntime.RunOptions) -> Utterance:
        parts.append(len(words))
        return said_at_once(words, TONE, 24_000)

    chunks = await spoken("word " * (MAX_WORDS + 1), say)
    assert parts == [MAX_WORDS, 1]
    ends = [word.end_ms for word in words_of(chunks)]
    assert len(ends) == MAX_WORDS + 1
    assert ends == sorted(ends)
    assert 2030 < ends[-1] < 2050  # a second, the pause after it, and another second
