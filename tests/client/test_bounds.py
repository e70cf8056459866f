"""A client that runs for hours is no larger than one that runs for minutes.

The link to the server is a stub here that swallows what is sent: an hour of sound is to take seconds.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import anyio
import anyio.lowlevel
import pytest
from msgspec import structs
from tests.serving import Serving

from louro.audio.pcm import bytes_of_ms, silence
from louro.client import RealtimeClient
from louro.client import client as client_module
from louro.client.conversation import KEPT_AUDIO_BYTES, KEPT_INPUT_BYTES, MAX_ITEMS
from louro.client.emitter import KEPT_EVENTS
from louro.client.link import Link, LinkClosed
from louro.client.playback import REMEMBERED, Playback
from louro.client.recent import SPEAKING_MS
from louro.protocol import client_events as ce
from louro.protocol import server_events as ev
from louro.protocol.items import InputAudio, MessageItem, OutputAudio
from louro.protocol.response import Response, ResponseAudio, ResponseAudioOutput
from louro.protocol.session import PcmFormat, Session

pytestmark = [pytest.mark.anyio, pytest.mark.slow, pytest.mark.timeout(180)]

FRAME_MS = 20
LOUD = b"\x00\x20\x00\xe0" * (bytes_of_ms(FRAME_MS) // 4)
SECOND = silence(1_000)
FRAMES_PER_MINUTE = 60_000 // FRAME_MS
VOICE = ResponseAudioOutput(format=PcmFormat(), voice="hum")


class SwallowingLink:
    """The stub: whatever is sent is gone; what the server says is put in by the test."""

    def __init__(self, session: Session) -> None:
        self._greeting: ev.AnyServerEvent | None = ev.SessionCreated(event_id="event_0", session=session)
        self._closed = anyio.Event()
        self.sent = 0

    async def send(self, event: ce.AnyClientEvent) -> None:
        self.sent += 1

    async def receive(self) -> ev.AnyServerEvent:
        if self._greeting is not None:
            greeting, self._greeting = self._greeting, None
            return greeting
        await self._closed.wait()
        raise LinkClosed(1000, "hung up")

    async def close(self) -> None:
        self._closed.set()


@pytest.fixture
async def session(scripted: Serving) -> Session:
    async with RealtimeClient(scripted.address, env_file=None) as client:
        return await client.wait_for_session_created()


@asynccontextmanager
async def stubbed(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[RealtimeClient, SwallowingLink]]:
    """A client that believes to be connected."""
    link = SwallowingLink(session)

    async def open_stub(*_: object) -> Link:
        return cast(Link, link)

    monkeypatch.setattr(client_module, "open_link", open_stub)
    async with RealtimeClient("http://127.0.0.1:1", env_file=None) as client:
        yield client, link


class Memory:
    """What Python has allocated since, sampled by the test."""

    def __init__(self) -> None:
        self.samples: list[int] = []

    def __enter__(self) -> Memory:
        tracemalloc.start()
        return self

    def __exit__(self, *_: object) -> None:
        tracemalloc.stop()

    def sample(self) -> None:
        self.samples.append(tracemalloc.get_traced_memory()[0])

    def is_flat(self) -> bool:
        """Whether the second half of the samples stays below the first: at its highest, for buffers breathe."""
        half = len(self.samples) // 2
        return max(self.samples[half:]) <= 1.02 * max(self.samples[:half])


async def test_an_hour_of_listening_keeps_a_minute(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stubbed(session, monkeypatch) as (client, link):
        for _ in range(50 * FRAMES_PER_MINUTE):
            await client.append_input_audio(LOUD)
        # Tracing takes four times as long as what it traces: the last ten minutes must do.
        with Memory() as memory:
            for sent in range(1, 10 * FRAMES_PER_MINUTE + 1):
                await client.append_input_audio(LOUD)
                if sent % 300 == 0:
                    memory.sample()
        assert link.sent == 60 * FRAMES_PER_MINUTE
        assert len(client.conversation._input) == KEPT_INPUT_BYTES
        assert len(client._dialogue.sound._tape) == bytes_of_ms(SPEAKING_MS)
        assert max(memory.samples) < 2 * (KEPT_INPUT_BYTES + bytes_of_ms(SPEAKING_MS))
        assert memory.is_flat()


def turn(number: int, client: RealtimeClient) -> list[ev.AnyServerEvent]:
    """What a server says of half a second of speech and a second of answer."""
    asked, said, answer = f"asked_{number}", f"said_{number}", f"resp_{number}"
    assert client.session is not None
    response = Response(id=answer, conversation_id="conv_1", audio=ResponseAudio(output=VOICE))
    question = MessageItem(id=asked, role="user", content=(InputAudio(),), status="completed")
    reply = MessageItem(id=said, role="assistant", content=(), status="in_progress")
    told = structs.replace(reply, status="completed", content=(OutputAudio(transcript="Paris."),))
    start_ms = number * 1_500
    return [
        ev.InputAudioBufferSpeechStarted(event_id="e", audio_start_ms=start_ms, item_id=asked),
        ev.InputAudioBufferSpeechStopped(event_id="e", audio_end_ms=start_ms + 500, item_id=asked),
        ev.InputAudioBufferCommitted(event_id="e", item_id=asked),
        ev.ConversationItemAdded(event_id="e", item=question),
        ev.ResponseCreated(event_id="e", response=response),
        ev.ConversationItemAdded(event_id="e", item=reply),
        ev.ResponseOutputAudioTranscriptDelta(
            event_id="e", delta="Paris.", response_id=answer, item_id=said, output_index=0, content_index=0
        ),
        ev.ResponseOutputAudioDelta(
            event_id="e", delta=SECOND, response_id=answer, item_id=said, output_index=0, content_index=0
        ),
        ev.ConversationItemDone(event_id="e", item=told),
        ev.ResponseDone(event_id="e", response=structs.replace(response, status="completed")),
    ]


async def test_thousands_of_turns_keep_the_newest_items_and_two_minutes_of_their_sound(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    playback = Playback()
    turns = MAX_ITEMS * 2
    async with stubbed(session, monkeypatch) as (client, _):
        client.on("response.output_audio.delta", lambda e: play(playback, e))
        unread = client.events("conversation.*")
        with Memory() as memory:
            for number in range(turns):
                for event in turn(number, client):
                    client._take(event)
                await client.append_input_audio(SECOND)
                await anyio.lowlevel.checkpoint()
                if number >= turns // 2 and number % 50 == 0:
                    memory.sample()
        assert len(client.conversation) == MAX_ITEMS == len(client.conversation._items)
        assert sum(len(item.formatted.audio) for item in client.conversation) <= KEPT_AUDIO_BYTES
        assert not client.conversation._speech and not client._requests and not client._answers.latest.calls
        assert len(unread._waiting) == KEPT_EVENTS and unread.missed
        assert memory.is_flat()
    assert len(playback._heard) == REMEMBERED == len(playback._silenced)
    assert not playback._stretches and not playback._waiting


def play(playback: Playback, event: ev.ResponseOutputAudioDelta) -> None:
    """Hear the half of it."""
    playback.add(event.item_id, event.content_index, event.delta)
    for _ in range(50):
        playback.take(240)
    playback.interrupt()
    playback.take(240)
