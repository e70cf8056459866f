"""Piper: what it says is heard by Moonshine."""

from __future__ import annotations

import json
import multiprocessing
import re
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import aclosing
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from numpy.typing import NDArray

from louro import memory
from louro.engines import catalogue, moonshine, piper
from louro.engines.base import EngineError, Hints, Manner, Spoken
from louro.engines.registry import EngineSettings
from louro.engines.spoken_words import run

pytestmark = [pytest.mark.models, pytest.mark.anyio]

WAIT_S = 30


@pytest.fixture(scope="module")
def voice() -> piper.Piper:
    return piper.load("", EngineSettings())


@pytest.fixture(scope="module")
def ear() -> moonshine.Moonshine:
    return moonshine.load("", EngineSettings())


async def say(voice: piper.Piper, clause: str, manner: Manner | None = None) -> list[Spoken]:
    with anyio.fail_after(WAIT_S):
        return [chunk async for chunk in voice.speak(clause, manner or Manner())]


SENTENCES = (
    "What is the capital of France?",
    "The quick brown fox jumps over the lazy dog.",
    "Sure, I can help you with that.",
    "The weather in London is cloudy today with a little rain.",
)


async def test_what_it_says_is_heard(voice: piper.Piper, ear: moonshine.Moonshine) -> None:
    meant: list[str] = []
    heard: list[str] = []
    for sentence in SENTENCES:
        pcm = b"".join(chunk.pcm for chunk in await say(voice, sentence))
        with anyio.fail_after(WAIT_S):
            transcript = "".join([piece async for piece in ear.transcribe(pcm, Hints())])
        meant += re.findall(r"\w+", sentence.lower())
        heard += re.findall(r"\w+", transcript.lower())
    right = sum(block.size for block in SequenceMatcher(None, meant, heard).get_matching_blocks())
    # The voice never says a sentence twice alike, and the ear is a small one: "is cloudy" may be "this cloudy".
    assert right >= len(meant) * 0.8, heard
    assert len(heard) <= len(meant) * 1.2, heard


async def test_the_first_sound_is_there_before_the_rest_is_made(
    voice: piper.Piper, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[object] = []

    def count(*arguments: Any) -> list[NDArray[Any]]:
        runs.append(arguments)
        return run(*arguments)

    monkeypatch.setattr("louro.engines.vits.run", count)
    with anyio.fail_after(WAIT_S):
        async with aclosing(voice.speak(SENTENCES[-1], Manner())) as chunks:  # type: ignore[type-var]
            first = await anext(chunks)
    assert any(first.pcm)
    assert len(runs) == 2  # what makes frames of phonemes, and the first window


async def test_a_word_has_ended_where_its_mark_makes_a_pause(voice: piper.Piper) -> None:
    chunks = await say(voice, "Well, you may come in, or stay outside.")
    samples = np.abs(np.frombuffer(b"".join(chunk.pcm for chunk in chunks), "<i2").astype(float))
    ends = {word.text.strip(): word.end_ms for chunk in chunks for word in chunk.words}
    loudness = samples.mean()
    for word in ("Well,", "in,", "outside."):
        end = ends[word] * 24
        assert samples[end + 80 * 24 : end + 120 * 24].mean() < loudness / 20, word
        assert samples[end - 200 * 24 : end].mean() > loudness / 4, word


async def test_another_language_is_refused(voice: piper.Piper) -> None:
    with pytest.raises(EngineError, match="English only"):
        await say(voice, "Bom dia.", Manner(language="pt"))
    assert await say(voice, "Good morning.", Manner(language="en-GB"))


async def test_a_cancelled_clause_makes_the_next_one_wait_for_nothing(voice: piper.Piper) -> None:
    long = "This is a very long sentence that nobody wants to hear any more of at all, " * 3
    with anyio.move_on_after(0.03) as scope:
        await say(voice, long)
    assert scope.cancelled_caught
    assert "".join(word.text for chunk in await say(voice, "Yes.") for word in chunk.words) == "Yes."


@pytest.fixture
def own_voices(tmp_path: Path) -> list[piper.Piper]:
    """Joe as ann: as he is, at half the rate, and at half the pace; without the chance that is in every voice."""
    joe = catalogue.find("piper-joe").path("en_US-joe-medium.onnx")
    (tmp_path / "ann.onnx").symlink_to(joe)
    card = json.loads(joe.with_suffix(".onnx.json").read_bytes())
    voices: list[piper.Piper] = []
    for rate_hz, length_scale in ((22_050, 1.0), (11_025, 1.0), (22_050, 2.0)):
        inference = {"noise_scale": 0.0, "noise_w": 0.0, "length_scale": length_scale}
        own = {"dataset": "ann", "audio": {"sample_rate": rate_hz}, "inference": inference}
        (tmp_path / "ann.onnx.json").write_text(json.dumps({**card, **own}))
        voices.append(piper.load(str(tmp_path / "ann.onnx"), EngineSettings()))
    return voices


async def test_a_voice_of_ones_own_sounds_as_its_card_says(own_voices: list[piper.Piper]) -> None:
    usual, deep, slow = [sum(len(chunk.pcm) for chunk in await say(ann, SENTENCES[0])) for ann in own_voices]
    assert 1.7 < deep / usual < 2.1
    assert 1.6 < slow / usual < 2.2
    assert own_voices[0].voices == ("ann",)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, and counts page faults")
def test_a_clause_has_little_memory_from_the_system_and_keeps_none() -> None:
    """Of four words: with memory from the system for every step, 24,000 pages; an arena that keeps it would hold what
    the longest clause took."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as other:
        pages, kept_bytes = other.submit(memory_of_clauses).result()
    assert pages < 12_000
    assert kept_bytes < 12_000_000


LONG_CLAUSE = "and when it was over all the people of the town went home again and told their children what they had seen there."


def memory_of_clauses() -> tuple[int, int]:
    """Run in a process of its own, as the server's is: the pages that a short clause had, and what a long one kept."""
    resource = pytest.importorskip("resource")
    memory.share_one_heap()
    voice = piper.load("", EngineSettings())
    before = resident_bytes()
    anyio.run(say, voice, LONG_CLAUSE)
    kept = resident_bytes() - before
    pages = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    anyio.run(say, voice, "The capital of France")
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - pages, kept


def resident_bytes() -> int:
    found = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024
