"""The whole client in a room: what is said into its microphone is answered by its loudspeaker (see `virtual_sound`)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.lowlevel
import anyio.to_thread
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from tests.client.virtual_sound import RATE_HZ, VirtualSound, is_available, virtual_sound
from tests.conformance.conftest import SCRIPTED, Serving

from louro.client import RealtimeClient
from louro.client.conversation import ConversationItem, Interrupted
from louro.client.voice import Voice, voice
from louro.config import Settings
from louro.engines.base import Hints, Manner, Spoken, Word
from louro.engines.moonshine import load as load_moonshine
from louro.engines.registry import EngineSettings
from louro.pipeline.respond import Cascade
from louro.protocol import client_events as ce
from louro.protocol.items import MessageItem, OutputAudio
from louro.server import load_engines

pytestmark = [pytest.mark.sound, pytest.mark.anyio, pytest.mark.timeout(120)]
SPEECH = Path(__file__).parent.parent / "speech"
LONG_ANSWER = (
    "And Mr. John Dashwood had then leisure to consider how much there might be prudently in his power to do for them."
)
FRAME_MS = 20


@pytest.fixture(scope="module")
def card() -> Iterator[VirtualSound]:
    if not is_available():
        pytest.skip(
            "needs PulseAudio: apt install pulseaudio pulseaudio-utils libportaudio2 libasound2-plugins"
        )
    try:
        import sounddevice  # noqa: PLC0415 - needs PortAudio
    except OSError:
        pytest.skip("needs PortAudio: apt install libportaudio2")
    # PortAudio looked for devices when it was imported, before this one was there.
    sounddevice._terminate()
    with virtual_sound() as card:
        sounddevice._initialize()
        yield card
        sounddevice._terminate()
    sounddevice._initialize()


@pytest.fixture(scope="module")
def humming() -> Iterator[Serving]:
    """Answers with 220 Hz, for some seven seconds."""
    settings = replace_llm(f"scripted:text={LONG_ANSWER}")
    with Serving(settings, load_engines(settings, lambda _: None)) as serving:
        yield serving


@pytest.fixture(scope="module")
def reading() -> Iterator[Serving]:
    """Answers with a recorded voice: an echo that is like speech, without a model."""
    settings = replace_llm(f"scripted:text={LONG_ANSWER}")
    engines = load_engines(settings, lambda _: None)
    engines = replace(engines, responder=Cascade(engines.model, RecordedVoice()))
    with Serving(settings, engines) as serving:
        yield serving


@pytest.fixture(scope="module")
def embedded() -> Iterator[Serving]:
    settings = Settings(port=0)
    with Serving(settings, load_engines(settings, lambda _: None)) as serving:
        yield serving


@pytest.fixture(scope="module")
def spoken() -> Iterator[Serving]:
    """The default ear and voice around a model that always says the same."""
    settings = Settings(port=0, stt="scripted", llm=f"scripted:text={LONG_ANSWER}")
    with Serving(settings, load_engines(settings, lambda _: None)) as serving:
        yield serving


def replace_llm(llm: str) -> Settings:
    return Settings(port=0, vad=SCRIPTED.vad, stt=SCRIPTED.stt, llm=llm, tts=SCRIPTED.tts)


class RecordedVoice:
    """Reads the same sentence for every clause; its words are spread over it by their length."""

    def __init__(self) -> None:
        self._pcm = soundfile.read(SPEECH / "human.flac", dtype="int16")[0].tobytes()

    @property
    def voices(self) -> Sequence[str]:
        return ("reader",)

    async def speak(self, clause: str, manner: Manner) -> AsyncIterator[Spoken]:
        await anyio.lowlevel.checkpoint()
        length_ms = len(self._pcm) // 48
        words = re.findall(r"\s*\S+", clause)
        ends = np.cumsum([len(word) for word in words]) * length_ms // max(1, len(clause))
        yield Spoken(self._pcm, tuple(Word(word, int(end)) for word, end in zip(words, ends, strict=True)))


def recorded(name: str) -> NDArray[np.float64]:
    """As the sound card takes it."""
    samples, rate_hz = soundfile.read(SPEECH / name, dtype="float64")
    at = np.arange(len(samples) * RATE_HZ // rate_hz) * rate_hz / RATE_HZ
    return np.interp(at, np.arange(len(samples)), samples)


def voiced_part(sound: NDArray[np.float64], level: float = 0.03) -> tuple[int, int]:
    """First and last sample above *level* of full scale."""
    loud = np.flatnonzero(np.abs(sound) > level)
    assert len(loud), "nothing was heard"
    return int(loud[0]), int(loud[-1])


def loudest_hz(sound: NDArray[np.float64]) -> float:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(spectrum) * RATE_HZ / len(sound))


class Room:
    """A client that talks, and a log of the turns that its server saw."""

    def __init__(self, client: RealtimeClient, voice: Voice) -> None:
        self.client = client
        self.voice = voice
        self.turns: list[str] = []
        self.while_speaking: list[str] = []
        """Turns that the server saw begin while the loudspeaker had something to say."""
        for name in ("input_audio_buffer.speech_started", "response.created", "response.done"):
            client.on(name, self._log)
        client.on("error", self.errors_are_failures)

    def _log(self, event: object) -> None:
        self.turns.append(type(event).__name__)
        if type(event).__name__ == "InputAudioBufferSpeechStarted" and self.voice.playback.is_playing:
            self.while_speaking.append(type(event).__name__)

    def errors_are_failures(self, error: Exception) -> None:
        raise error

    async def listened(self, ms: int) -> None:
        """Return when so much more has been sent. The microphone is the clock."""
        events = self.client.events("realtime.event")
        left = ms // FRAME_MS
        async for _, event in events:
            left -= isinstance(event.event, ce.InputAudioBufferAppend)
            if left <= 0:
                return

    async def answered(self) -> ConversationItem:
        """Return the next answer, when it has been heard to its end."""
        while True:
            item = await self.client.wait_for_next_completed_item()
            if item.role == "assistant":
                await self.voice.playback.wait_finished()
                return item

    async def playing(self, ms: int) -> str:
        """Return the id of the answer of which so much has been heard."""
        async for _, event in self.client.events("realtime.event"):
            if isinstance(event.event, ce.InputAudioBufferAppend):
                for item in self.client.conversation:
                    if item.role == "assistant" and self.voice.playback.heard_ms(item.id) >= ms:
                        return item.id
        raise AssertionError("the connection is over")

    async def transcript(self, item_id: str) -> str:
        """What the server has kept of it."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.client.send, ce.ConversationItemRetrieve(item_id=item_id))
            told = await self.client.wait_for_next("conversation.item.retrieved")
        assert isinstance(told.item, MessageItem)
        part = told.item.content[0]
        assert isinstance(part, OutputAudio)
        return part.transcript or ""


@asynccontextmanager
async def room(serving: Serving, *, cancel_echo: bool = False) -> AsyncIterator[Room]:
    async with (
        RealtimeClient(serving.address, env_file=None) as client,
        voice(client, cancel_echo=cancel_echo) as talking,
    ):
        yield Room(client, talking)


async def test_a_question_into_the_microphone_is_answered_by_the_loudspeaker(
    card: VirtualSound, humming: Serving
) -> None:
    with anyio.fail_after(40), card.recording() as recording:
        async with room(humming) as talk:
            card.play_into_microphone(recorded("capital.flac"))
            answer = await talk.answered()
    assert answer.words == LONG_ANSWER
    first, last = voiced_part(recording.sound)
    assert (last - first) / RATE_HZ * 1000 == pytest.approx(answer.audio_ms, rel=0.02)
    assert loudest_hz(recording.sound[first:last]) == pytest.approx(220, abs=2)
    assert talk.turns == ["InputAudioBufferSpeechStarted", "ResponseCreated", "ResponseDone"]


async def test_by_hand_only_what_is_said_while_the_key_is_down_is_sent(
    card: VirtualSound, humming: Serving
) -> None:
    sent: list[ce.InputAudioBufferAppend] = []
    with anyio.fail_after(40):
        async with room(humming) as talk:
            await talk.client.update_session(turn_detection=None)
            talk.client.on(
                "realtime.event",
                lambda e: sent.append(e.event) if isinstance(e.event, ce.InputAudioBufferAppend) else None,
            )
            talk.voice.by_hand = True
            sent.clear()
            speaker = card.play_into_microphone(recorded("capital.flac"))
            await anyio.to_thread.run_sync(speaker.wait)
            assert sent == []
            await talk.voice.press()
            card.play_into_microphone(recorded("capital.flac"))
            await talk.listened(1_000)
            await talk.voice.release()
            assert (await talk.answered()).words == LONG_ANSWER
            assert 900 <= sum(len(event.audio) for event in sent) // 48 <= 1_400


async def test_the_assistant_does_not_hear_itself(card: VirtualSound, reading: Serving) -> None:
    with anyio.fail_after(60), card.loopback():
        async with room(reading, cancel_echo=True) as talk:
            card.play_into_microphone(recorded("capital.flac"))
            await talk.answered()
            await talk.listened(3_000)
    assert talk.while_speaking == []
    assert talk.turns == ["InputAudioBufferSpeechStarted", "ResponseCreated", "ResponseDone"]


async def test_without_echo_cancellation_the_assistant_interrupts_itself(
    card: VirtualSound, reading: Serving
) -> None:
    with anyio.fail_after(60), card.loopback():
        async with room(reading) as talk:
            interruptions = talk.client.events("conversation.interrupted")
            card.play_into_microphone(recorded("capital.flac"))
            async for _, interrupted in interruptions:
                if interrupted.item is not None:
                    break
    assert talk.while_speaking


async def test_the_user_is_heard_over_the_loudspeaker(card: VirtualSound, reading: Serving) -> None:
    with anyio.fail_after(60), card.loopback():
        async with room(reading, cancel_echo=True) as talk:
            card.play_into_microphone(recorded("capital.flac"))
            item_id = await talk.playing(3_000)
            interruptions = talk.client.events("conversation.interrupted")
            assert len(talk.while_speaking) == 0
            card.play_into_microphone(recorded("sum.flac"))
            item = await cut(interruptions)
            assert item.id == item_id
            assert item.heard_ms is not None and item.heard_ms >= 3_000


async def cut(interruptions: AsyncIterator[tuple[str, Interrupted]]) -> ConversationItem:
    """The next answer that is cut."""
    async for _, interrupted in interruptions:
        if interrupted.item is not None:
            return interrupted.item
    raise AssertionError("the connection is over")


async def test_speaking_into_an_answer_silences_it_and_the_item_holds_what_was_heard(
    card: VirtualSound, humming: Serving
) -> None:
    with (
        anyio.fail_after(60),
        card.recording() as out,
        card.recording("microphone.monitor") as said,
    ):
        async with room(humming) as talk:
            card.play_into_microphone(recorded("capital.flac"))
            item_id = await talk.playing(2_000)
            interruptions = talk.client.events("conversation.interrupted")
            before = len(b"".join(piece for _, piece in said._pieces)) // 2
            card.play_into_microphone(recorded("sum.flac"))
            item = await cut(interruptions)
            kept = await talk.transcript(item_id)
            await talk.voice.interrupt()
            await talk.voice.playback.wait_finished()
    print(item.heard_ms, item.audio_ms, repr(item.heard_words), repr(kept))
    began_s = said.sounded_s(before + voiced_part(said.sound[before:])[0])
    first = voiced_part(out.sound)[0]
    quiet = np.flatnonzero(np.abs(out.sound[first:]) > 0.03)
    ended = first + int(quiet[np.flatnonzero(np.diff(quiet) > RATE_HZ // 10)[0]] if np.any(np.diff(quiet) > RATE_HZ // 10) else quiet[-1])
    print("silent after", out.sounded_s(ended) - began_s, "sounded", (ended - first) / RATE_HZ)
