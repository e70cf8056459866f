"""Where words lie in a sound, without any voice."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from louro.engines.base import Spoken
from louro.engines.speakable import said_words
from louro.engines.spoken_words import CHUNK_MS, MAX_WORDS, Sound, chunks, speak_words, timed, trimmed, voiced
from louro.engines.workers import Workers

TONE = np.full(24_000, 0.5, np.float32)


def silence(length_ms: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.zeros(length_ms * 24, np.float32)


def test_silence_around_the_voice_is_cut_to_what_suits_its_end() -> None:
    sound = trimmed(np.concatenate([silence(500), TONE, silence(900)]), 24_000, "Yes.")
    assert sound.begin_s == 0.02
    assert round(sound.end_s, 3) == 1.02
    assert round(len(sound.samples) / 24_000, 3) == 1.27


def test_a_sound_that_ends_too_soon_is_given_its_pause() -> None:
    assert round(len(trimmed(TONE, 24_000, "Yes.").samples) / 24_000, 3) == 1.25


def test_what_is_silent_throughout_is_kept_as_it_is() -> None:
    assert voiced(silence(10)) == (0, 240)


def test_longer_words_take_longer_and_the_last_ends_with_the_voice() -> None:
    ends = [word.end_ms for word in timed(said_words("I understand you"), 100, 1100)]
    assert ends[0] - 100 < ends[2] - ends[1] < ends[1] - ends[0]
    assert ends[2] == 1100


def test_a_chunk_has_the_words_that_end_in_it() -> None:
    words = timed(said_words("one two three"), 0, 500)
    cut = chunks(bytes(500 * 48), words, 0)
    assert [len(chunk.pcm) // 48 for chunk in cut] == [CHUNK_MS, CHUNK_MS, 100]
    assert [[word.text for word in chunk.words] for chunk in cut] == [["one"], [" two"], [" three"]]


def test_no_sound_still_tells_its_words() -> None:
    words = timed(said_words("..."), 0, 0)
    assert chunks(b"", words, 0) == [Spoken(b"", tuple(words))]


@pytest.mark.anyio
async def test_what_is_long_is_said_in_parts_whose_words_count_on() -> None:
    said: list[str] = []

    def say(text: str, options: onnxruntime.RunOptions) -> Sound:
        said.append(text)
        return Sound(TONE, 0.0, 1.0)

    words = said_words("word " * (MAX_WORDS + 1))
    spoken = [chunk async for chunk in speak_words(words, say, Workers(1))]
    assert [len(text.split()) for text in said] == [MAX_WORDS, 1]
    ends = [word.end_ms for chunk in spoken for word in chunk.words]
    assert len(ends) == MAX_WORDS + 1
    assert ends == sorted(ends)
    assert ends[-1] == 2000
