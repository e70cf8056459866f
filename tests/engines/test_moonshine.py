"""Moonshine on recordings: the real model."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import anyio
import numpy as np
import pytest
import soundfile
import soxr

from louro.engines.base import EngineError, Hints, Transcriber
from louro.engines.moonshine import END, Moonshine, _read_vocabulary, is_of_noise, load
from louro.engines.pieces import RATE_HZ
from louro.engines.registry import EngineSettings

SPEECH = Path(__file__).parent.parent / "speech"
SAID = {
    "capital": "What is the capital of France?",
    "sum": "What is twelve plus thirty?",
    "sum_7_5": "Please calculate the sum of seven and five.",
    "memory": "Remember that my favorite color is blue.",
    "story": "Tell me a short story about a parrot.",
    "how": "How are you today?",
    "human": "And Mr. John Dashwood had then leisure to consider how much there might be prudently in his power "
    "to do for them.",
}


@pytest.fixture(scope="module")
def moonshine() -> Moonshine:
    return load("", EngineSettings())


def recording(name: str) -> bytes:
    samples, _ = soundfile.read(SPEECH / f"{name}.flac", dtype="int16")
    return bytes(samples.tobytes())


def words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


async def hear(moonshine: Moonshine, pcm: bytes, hints: Hints | None = None) -> str:
    with anyio.fail_after(10):
        return "".join([text async for text in moonshine.transcribe(pcm, hints or Hints())])


@pytest.mark.models
def test_it_is_a_transcriber(moonshine: Moonshine) -> None:
    assert isinstance(moonshine, Transcriber)


@pytest.mark.models
@pytest.mark.anyio
@pytest.mark.parametrize("name", SAID)
async def test_what_was_said_is_heard(moonshine: Moonshine, name: str) -> None:
    assert await hear(moonshine, recording(name)) == SAID[name]


@pytest.mark.models
@pytest.mark.anyio
@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.5, 3.0, 25.0])
async def test_silence_yields_nothing(moonshine: Moonshine, seconds: float) -> None:
    assert await hear(moonshine, bytes(int(seconds * 24_000) * 2)) == ""


@pytest.mark.models
@pytest.mark.anyio
@pytest.mark.parametrize("level", [30, 300, 3000])
@pytest.mark.parametrize("seconds", [0.3, 1.0, 3.0, 8.0])
async def test_noise_is_not_turned_into_words(moonshine: Moonshine, level: int, seconds: float) -> None:
    noise = np.random.default_rng(7).normal(0, level, int(seconds * 24_000)).astype("<i2").tobytes()
    assert await hear(moonshine, noise) == ""


@pytest.mark.parametrize(
    ("text", "tokens", "is_noise"),
    [
        (
            "The first is-2020-2020-2020-2020",
            [5, 6, 7, *[8, 9] * 20],
            True,
        ),  # round and round, until it was stopped
        ("No, no, no, no, no, no!", [*[5, 6] * 6, END], False),
        ("2-3ตวบ", [5, 6, 7, END], True),  # no English word has these letters
        ("Café tomorrow?", [5, 6, 7, END], False),
        ("You", [5, END], True),
    ],
)
def test_what_a_noise_makes_the_model_say_is_known(text: str, tokens: list[int], is_noise: bool) -> None:
    assert is_of_noise(text, tokens, [0.1] * len(tokens)) == is_noise


@pytest.mark.models
@pytest.mark.anyio
async def test_hum_and_tones_are_not_turned_into_words(moonshine: Moonshine) -> None:
    time_s = np.arange(48_000) / 24_000
    for frequency_hz in (50, 440):
        tone = (3000 * np.sin(2 * np.pi * frequency_hz * time_s)).astype("<i2").tobytes()
        assert await hear(moonshine, tone) == ""


@pytest.mark.models
@pytest.mark.parametrize("seconds", [9, 10, 15, 20])
def test_any_length_up_to_a_piece_is_heard(moonshine: Moonshine, seconds: int) -> None:
    samples, _ = soundfile.read(SPEECH / "human.flac", dtype="float32")
    speech = soxr.resample(samples, 24_000, RATE_HZ).astype(np.float32)
    audio = np.pad(speech, (0, seconds * RATE_HZ - len(speech)))
    assert moonshine._hear(audio, threading.Event()).startswith("And Mr. John Dashwood had then leisure")


@pytest.mark.models
@pytest.mark.anyio
async def test_long_audio_is_heard_in_pieces_and_whole(moonshine: Moonshine) -> None:
    pcm = (recording("human") + bytes(24_000)) * 4
    with anyio.fail_after(30):
        pieces = [text async for text in moonshine.transcribe(pcm, Hints())]
    assert len(pieces) == 2
    assert words("".join(pieces)) == words(SAID["human"]) * 4


@pytest.mark.models
@pytest.mark.anyio
async def test_another_language_is_refused(moonshine: Moonshine) -> None:
    with pytest.raises(EngineError, match="English only"):
        await hear(moonshine, recording("how"), Hints(language="pt"))
    assert await hear(moonshine, recording("how"), Hints(language="en-GB")) == SAID["how"]


@pytest.mark.models
def test_a_cancelled_transcription_stops_before_the_next_word(moonshine: Moonshine) -> None:
    stop = threading.Event()
    stop.set()
    assert moonshine._hear(np.full(RATE_HZ, 0.1, np.float32), stop) == ""


@pytest.mark.models
@pytest.mark.anyio
async def test_cancelling_returns_and_the_next_one_is_heard(moonshine: Moonshine) -> None:
    with anyio.move_on_after(0.01) as scope:
        await hear(moonshine, recording("human") * 2)
    assert scope.cancelled_caught
    assert await hear(moonshine, recording("sum")) == SAID["sum"]


def test_the_vocabulary_is_read_token_by_token() -> None:
    long_token = b"x" * 200
    raw = bytes([3]) + b"<s>" + bytes([2]) + b"ab" + bytes([200 - 128 + 128, 1]) + long_token
    assert _read_vocabulary(raw) == [b"", b"ab", long_token]
