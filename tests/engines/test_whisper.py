"""Whisper on recordings: the real models, where the extra is installed."""

from __future__ import annotations

import re
from pathlib import Path

import anyio
import numpy as np
import pytest
import soundfile

from louro.engines.base import EngineError, Hints, Transcriber
from louro.engines.catalogue import is_here, model
from louro.engines.registry import EngineSettings

pytest.importorskip("faster_whisper")

from louro.engines.whisper import Whisper, load, without_repetition

SPEECH = Path(__file__).parent.parent / "speech"
DASHWOOD = "and mr john dashwood had then leisure to consider how much there might be prudently in his power to do for them"
TIMES = 1000
"""Where timestamps begin in made-up tokens."""


@pytest.fixture(scope="module", params=["base", "tiny.en"])
def whisper(request: pytest.FixtureRequest) -> Whisper:
    name: str = request.param
    if not is_here(model(f"whisper-{name}")):
        pytest.skip(f"needs `louro models get whisper-{name}`")
    return load(name, EngineSettings())


async def hear(whisper: Whisper, pcm: bytes, hints: Hints | None = None) -> list[str]:
    with anyio.fail_after(30):
        text = "".join([text async for text in whisper.transcribe(pcm, hints or Hints())])
    return re.findall(r"\w+", text.lower())


def recording(name: str) -> bytes:
    samples, _ = soundfile.read(SPEECH / f"{name}.flac", dtype="int16")
    return bytes(samples.tobytes())


@pytest.mark.models
def test_it_is_a_transcriber(whisper: Whisper) -> None:
    assert isinstance(whisper, Transcriber)


@pytest.mark.models
@pytest.mark.anyio
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("capital", "what is the capital of france"),
        ("sum", "what is 12 plus 30"),
        ("sum_7_5", "please calculate the sum of 7 and 5"),
        ("story", "tell me a short story about a parrot"),
        ("human", DASHWOOD),
    ],
)
async def test_what_was_said_is_heard_once(whisper: Whisper, name: str, said: str) -> None:
    assert await hear(whisper, recording(name)) == said.split()


@pytest.mark.models
@pytest.mark.anyio
async def test_silence_and_noise_yield_nothing(whisper: Whisper) -> None:
    assert await hear(whisper, bytes(48_000)) == []
    noise = np.random.default_rng(3).normal(0, 400, 48_000).astype("<i2").tobytes()
    assert await hear(whisper, noise) == []


@pytest.mark.models
@pytest.mark.anyio
async def test_a_language_and_a_prompt_may_be_given(whisper: Whisper) -> None:
    hints = Hints(language="en-US", prompt="Countries and capitals.")
    assert await hear(whisper, recording("capital"), hints) == re.findall(
        r"\w+", "what is the capital of france"
    )
    with pytest.raises(EngineError, match="tlh"):
        await hear(whisper, recording("capital"), Hints(language="tlh"))


def test_a_segment_that_begins_at_the_end_is_a_repetition() -> None:
    tokens = [TIMES, 1, 2, TIMES + 100, TIMES + 100, 1, 2]
    assert without_repetition(tokens, TIMES, 1.5) == [TIMES, 1, 2]


def test_segments_in_the_middle_are_kept() -> None:
    tokens = [TIMES, 1, TIMES + 50, TIMES + 50, 2, TIMES + 150]
    assert without_repetition(tokens, TIMES, 2.5) == tokens[:-1]


def test_the_first_segment_is_kept_however_short_the_audio() -> None:
    tokens = [TIMES + 10, 1, TIMES + 30]
    assert without_repetition(tokens, TIMES, -0.2) == tokens[:2]
