"""`pytest` in this folder, after `pip install -e .`: the contract, and what is this engine's own."""

from __future__ import annotations

import shutil

import louro_espeak
import pytest

from louro.engines import registry
from louro.engines.base import ConfigError, EngineError, Manner, Voice
from louro.engines.contracts import check_voice
from louro.engines.registry import EngineSettings

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def voice() -> Voice:
    return registry.load("tts", "espeak:pt", Voice, EngineSettings())


@needs_espeak
@pytest.mark.anyio
async def test_it_keeps_the_contract(voice: Voice) -> None:
    await check_voice(voice)


@needs_espeak
def test_the_language_of_the_argument_is_the_default_voice(voice: Voice) -> None:
    assert voice.voices[0] == "pt"
    assert "de" in voice.voices


@needs_espeak
@pytest.mark.anyio
async def test_a_language_is_spoken_or_refused(voice: Voice) -> None:
    assert [chunk async for chunk in voice.speak("Guten Tag", Manner(language="de"))]
    with pytest.raises(EngineError, match="xx"):
        [chunk async for chunk in voice.speak("Hello", Manner(language="xx"))]


@needs_espeak
def test_an_unknown_language_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="does not speak 'klingon'"):
        louro_espeak.load("klingon", EngineSettings())


def test_a_missing_program_is_told_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match="apt install espeak-ng"):
        louro_espeak.load("", EngineSettings())
