"""Every engine of ours keeps the contract that strangers' engines are held to."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
import soundfile

from louro.engines import registry
from louro.engines.base import LanguageModel, SpeechDetector, Transcriber, Voice
from louro.engines.contracts import (
    Bounds,
    check_detector,
    check_model,
    check_responder,
    check_transcriber,
    check_voice,
)
from louro.engines.registry import EngineSettings
from louro.pipeline.respond import Cascade

pytestmark = pytest.mark.anyio

SPEECH = Path(__file__).parent.parent / "speech"
SAID = "What is the capital of France?"
SETTINGS = EngineSettings(threads=2, sessions=2)
# An answer made on the loop would hold it for seconds; half of one is what a busy machine with two cores may take.
BOUNDS = Bounds(held_ms=500, stop_s=5.0, rule_s=120)
WAIT_S = 600


@pytest.fixture(scope="session")
def speech_pcm() -> bytes:
    samples, _ = soundfile.read(SPEECH / "capital.flac", dtype="int16")
    return bytes(samples.tobytes())


@pytest.fixture(scope="session")
def silero() -> SpeechDetector:
    return registry.load("vad", "silero", SpeechDetector, SETTINGS)


@pytest.fixture(scope="session")
def moonshine() -> Transcriber:
    return registry.load("stt", "moonshine", Transcriber, SETTINGS)


@pytest.fixture(scope="session")
def llama() -> LanguageModel:
    return registry.load("llm", "llama", LanguageModel, SETTINGS)


@pytest.fixture(scope="session")
def piper() -> Voice:
    return registry.load("tts", "piper", Voice, SETTINGS)


@pytest.fixture(params=["scripted", "scripted:text=A fixed answer, with a comma."])
def scripted_model(request: pytest.FixtureRequest) -> LanguageModel:
    return registry.load("llm", str(request.param), LanguageModel, SETTINGS)


@pytest.fixture
def scripted_voice() -> Voice:
    return registry.load("tts", "scripted", Voice, SETTINGS)


@pytest.fixture
def scripted_detector() -> SpeechDetector:
    return registry.load("vad", "scripted", SpeechDetector, SETTINGS)


@pytest.fixture
def scripted_transcriber() -> Transcriber:
    return registry.load("stt", f"scripted:{SAID}", Transcriber, SETTINGS)


async def test_the_scripted_detector_keeps_the_contract(
    scripted_detector: SpeechDetector, speech_pcm: bytes
) -> None:
    with anyio.fail_after(WAIT_S):
        await check_detector(scripted_detector, speech_pcm, BOUNDS)


async def test_the_scripted_transcriber_keeps_the_contract(
    scripted_transcriber: Transcriber, speech_pcm: bytes
) -> None:
    with anyio.fail_after(WAIT_S):
        await check_transcriber(scripted_transcriber, speech_pcm, SAID, BOUNDS)


async def test_the_scripted_model_keeps_the_contract(scripted_model: LanguageModel) -> None:
    with anyio.fail_after(WAIT_S):
        await check_model(scripted_model, BOUNDS)


async def test_the_scripted_voice_keeps_the_contract(scripted_voice: Voice) -> None:
    with anyio.fail_after(WAIT_S):
        await check_voice(scripted_voice, BOUNDS)


async def test_a_cascade_of_scripted_engines_keeps_the_contract(
    scripted_model: LanguageModel, scripted_voice: Voice
) -> None:
    with anyio.fail_after(WAIT_S):
        await check_responder(Cascade(scripted_model, scripted_voice), BOUNDS)


@pytest.mark.models
async def test_silero_keeps_the_contract(silero: SpeechDetector, speech_pcm: bytes) -> None:
    with anyio.fail_after(WAIT_S):
        await check_detector(silero, speech_pcm, BOUNDS)


@pytest.mark.models
async def test_moonshine_keeps_the_contract(moonshine: Transcriber, speech_pcm: bytes) -> None:
    with anyio.fail_after(WAIT_S):
        await check_transcriber(moonshine, speech_pcm, SAID, BOUNDS)


@pytest.mark.models
async def test_llama_keeps_the_contract(llama: LanguageModel) -> None:
    with anyio.fail_after(WAIT_S):
        await check_model(llama, BOUNDS)


@pytest.mark.models
async def test_piper_keeps_the_contract(piper: Voice) -> None:
    with anyio.fail_after(WAIT_S):
        await check_voice(piper, BOUNDS)


@pytest.mark.models
async def test_a_cascade_of_llama_and_piper_keeps_the_contract(llama: LanguageModel, piper: Voice) -> None:
    with anyio.fail_after(WAIT_S):
        await check_responder(Cascade(llama, piper), BOUNDS)
