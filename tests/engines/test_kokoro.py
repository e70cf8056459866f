"""Kokoro: what it says is heard by Moonshine. Choosing voices needs no weights."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import anyio
import numpy as np
import pytest

from louro.engines import catalogue, kokoro, moonshine
from louro.engines.base import ConfigError, EngineError, Hints, Manner, Spoken, Voice
from louro.engines.contracts import Bounds, check_voice
from louro.engines.registry import EngineSettings

WAIT_S = 300
SENTENCES = [
    "What is the capital of France?",
    "The quick brown fox jumps over the lazy dog.",
    "Sure, I can help you with that.",
    "The weather in London is cloudy today with a little rain.",
]
needs_espeak = pytest.mark.skipif(shutil.which(kokoro.ESPEAK) is None, reason="espeak-ng is not installed")


@pytest.fixture(scope="module")
def voice() -> kokoro.Kokoro:
    if not catalogue.is_here(catalogue.model("kokoro")):
        pytest.skip("Kokoro is not here: louro models get kokoro")
    return kokoro.load("", EngineSettings())


@pytest.fixture(scope="module")
def ear() -> moonshine.Moonshine:
    return moonshine.load("", EngineSettings())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("af_heart", "bf_emma", "pf_dora", "zf_xiaobei"):
        np.zeros((3, 1, kokoro.STYLE), "<f4").tofile(tmp_path / f"{name}.bin")
    return tmp_path


def without_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")


async def say(voice: Voice, clause: str, manner: Manner | None = None) -> list[Spoken]:
    with anyio.fail_after(WAIT_S):
        return [chunk async for chunk in voice.speak(clause, manner or Manner())]


def pcm_of(chunks: list[Spoken]) -> bytes:
    return b"".join(chunk.pcm for chunk in chunks)


def test_the_vocabulary_is_kokoros() -> None:
    assert {symbol: kokoro.IDS[symbol] for symbol in ";.— AOYaz"} == {
        ";": 1, ".": 4, "—": 9, " ": 16, "A": 24, "O": 31, "Y": 41, "a": 43, "z": 68,
    }  # fmt: skip
    assert [kokoro.IDS[symbol] for symbol in "ɑæɹʃʤʧʒˈˌːᵻ"] == [
        69,
        72,
        123,
        131,
        82,
        133,
        147,
        156,
        157,
        158,
        177,
    ]


def test_english_phonemes_are_all_in_the_vocabulary() -> None:
    phonemes = kokoro._english("The quick brown fox jumps over the lazy dog; zorblax, too!")
    assert set(phonemes) <= set(kokoro.IDS)


def test_the_default_voice_is_first_and_only_what_can_be_spoken_is_offered(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_programs(monkeypatch)
    assert list(kokoro._voices_in(folder, "bf_emma")) == ["bf_emma", "af_heart"]


def test_a_voice_without_its_program_is_told_with_its_cure(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_programs(monkeypatch)
    with pytest.raises(ConfigError, match="apt install espeak-ng"):
        kokoro._voices_in(folder, "pf_dora")


def test_an_unknown_voice_is_told_with_those_that_are_here(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"no voice 'nobody' here.*af_heart, bf_emma"):
        kokoro._voices_in(folder, "nobody")


@needs_espeak
def test_portuguese_phonemes_are_in_the_vocabulary() -> None:
    phonemes = kokoro._portuguese("Bom dia, tudo bem com você?")
    assert phonemes.endswith("?")
    assert len(kokoro._ids(phonemes)) > 0.9 * len(phonemes)


@pytest.mark.models
@pytest.mark.anyio
@pytest.mark.parametrize("name", ["af_heart", "am_michael", "bf_emma"])
@pytest.mark.parametrize("sentence", SENTENCES)
async def test_what_it_says_is_heard(
    voice: kokoro.Kokoro, ear: moonshine.Moonshine, sentence: str, name: str
) -> None:
    pcm = pcm_of(await say(voice, sentence, Manner(voice=name)))
    with anyio.fail_after(WAIT_S):
        heard = "".join([piece async for piece in ear.transcribe(pcm, Hints())])
    assert re.findall(r"\w+", heard.lower()) == re.findall(r"\w+", sentence.lower())


@pytest.mark.models
@pytest.mark.anyio
async def test_it_keeps_the_contract(voice: kokoro.Kokoro) -> None:
    with anyio.fail_after(WAIT_S):
        await check_voice(voice, Bounds(rule_s=WAIT_S))


@pytest.mark.models
@pytest.mark.anyio
async def test_the_silence_around_a_clause_is_cut(voice: kokoro.Kokoro) -> None:
    samples = np.frombuffer(pcm_of(await say(voice, "Hello there.")), "<i2")
    first, last = np.flatnonzero(np.abs(samples.astype(int)) > 400)[[0, -1]]
    assert first / 24 < 60
    assert (len(samples) - last) / 24 < 350


@pytest.mark.models
@pytest.mark.anyio
async def test_stopping_stops_the_model_too(voice: kokoro.Kokoro) -> None:
    """Otherwise the next clause would wait for the whole of the last one, some seconds of work."""
    long = "This is a very long sentence that nobody wants to hear any more of at all, " * 3
    with anyio.fail_after(WAIT_S):
        begin = anyio.current_time()
        await say(voice, long)
        whole_s = anyio.current_time() - begin
        with anyio.move_on_after(whole_s / 20) as scope:
            await say(voice, long)
        begin = anyio.current_time()
        await say(voice, "Yes.")
        next_s = anyio.current_time() - begin
    assert scope.cancelled_caught
    assert next_s < whole_s / 2


@pytest.mark.models
@pytest.mark.anyio
async def test_a_language_without_a_voice_is_refused(voice: kokoro.Kokoro) -> None:
    with pytest.raises(EngineError, match="'ja'"):
        await say(voice, "Konnichiwa.", Manner(language="ja"))


@needs_espeak
@pytest.mark.models
@pytest.mark.anyio
async def test_portuguese_is_spoken_by_a_voice_of_its_own(voice: kokoro.Kokoro) -> None:
    chunks = await say(voice, "Bom dia, tudo bem?", Manner(language="pt"))
    assert "".join(word.text for chunk in chunks for word in chunk.words) == "Bom dia, tudo bem?"
    assert len(pcm_of(chunks)) > 48 * 700
