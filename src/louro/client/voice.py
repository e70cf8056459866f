"""Microphone and loudspeaker on a client: what is heard goes out, what is answered is played, and can be interrupted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import anyio.to_thread

from louro.audio.pcm import duration_ms
from louro.client.client import RealtimeClient
from louro.client.conversation import ConversationItem, Interrupted
from louro.client.errors import RealtimeError
from louro.protocol.server_events import InputAudioBufferSpeechStarted, ResponseOutputAudioDelta

try:
    from louro.client.playback import Playback
    from louro.client.sound import Choice, Sound, open_sound
except ModuleNotFoundError as error:
    if error.name != "numpy":
        raise
    raise ModuleNotFoundError("There is no sound here: install 'louro[audio]'.", name="numpy") from None

REST_AFTER_MS = 5_000
"""Of quiet: then the loudspeaker rests. It wakes when the user begins to speak or an answer is asked for: long before
there is something to play."""


class Voice:
    """The two ends of a spoken conversation. `voice` makes one."""

    def __init__(self, client: RealtimeClient, sound: Sound) -> None:
        self._client = client
        self.sound = sound
        self.by_hand = False
        """Push to talk: the microphone is sent only between `press` and `release`."""
        self._is_pressed = False
        self._quiet_ms = 0

    @property
    def playback(self) -> Playback:
        return self.sound.playback

    def play(self, event: ResponseOutputAudioDelta) -> None:
        self.playback.add(event.item_id, event.content_index, event.delta)

    async def speech_started(self, event: InputAudioBufferSpeechStarted) -> None:
        """The user speaks into the answer: the server stops making it, this stops playing it."""
        await self.silence()

    async def silence(self) -> ConversationItem | None:
        """Stop playing at once, and leave in the conversation only what was heard; return the item that was cut."""
        heard = self.playback.interrupt()
        if heard is None:
            return None
        try:
            await self._client.truncate_item(heard.item_id, heard.audio_end_ms)
        except RealtimeError as error:
            if error.code is None or "already" not in error.message:
                self._client.report_error(error)
        item = self._client.conversation.get(heard.item_id)
        if item is not None:
            self._client.report_interruption(Interrupted(item))
        return item

    async def interrupt(self) -> ConversationItem | None:
        """Stop the answer, in the making and in the air."""
        item = await self.silence()
        await self._client.cancel_response()
        return item

    async def press(self) -> None:
        """Push to talk: from here on the microphone is sent; what is being said is silenced."""
        await self.interrupt()
        self._is_pressed = True

    async def release(self) -> None:
        """The user has said it: ask for the answer."""
        self._is_pressed = False
        await self._client.create_response()

    async def listen(self) -> None:
        """Send the microphone until it is closed."""
        async for pcm in self.sound.microphone:
            await self._pace(duration_ms(pcm))
            if not self.by_hand or self._is_pressed:
                await self._client.append_input_audio(pcm)

    async def _pace(self, passed_ms: int) -> None:
        """Hurry while somebody speaks or is about to; otherwise spare the processor. The microphone is the clock."""
        client = self._client
        is_quiet = not (
            client.is_user_speaking or client.is_answering or self._is_pressed or self.playback.is_playing
        )
        self.sound.microphone.is_patient = is_quiet
        self._quiet_ms = self._quiet_ms + passed_ms if is_quiet else 0
        loudspeaker = self.sound.loudspeaker
        if loudspeaker.is_resting and not is_quiet:
            await anyio.to_thread.run_sync(loudspeaker.wake)
        elif not loudspeaker.is_resting and self._quiet_ms > REST_AFTER_MS:
            await anyio.to_thread.run_sync(loudspeaker.rest)


@asynccontextmanager
async def voice(
    client: RealtimeClient,
    *,
    microphone: Choice = None,
    loudspeaker: Choice = None,
    cancel_echo: bool = True,
) -> AsyncIterator[Voice]:
    """Give a connected client the devices of this machine, as long as the block lasts.

    Raises:
        SoundError: there is no sound, or a device is missing or busy. The message names the cure.
    """
    async with (
        open_sound(microphone, loudspeaker, cancel_echo=cancel_echo) as sound,
        join(client, sound) as talking,
    ):
        yield talking


@asynccontextmanager
async def join(client: RealtimeClient, sound: Sound) -> AsyncIterator[Voice]:
    """Let a client hear and speak through *sound*, which is open, as long as the block lasts.

    Raises:
        SoundError: a device stopped by itself.
    """
    talking = Voice(client, sound)
    client.on("response.output_audio.delta", talking.play)
    client.on("input_audio_buffer.speech_started", talking.speech_started)
    before, client.is_playing = client.is_playing, lambda: sound.playback.is_playing
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(talking.listen)
            tasks.start_soon(sound.loudspeaker.wait_lost)
            yield talking
            tasks.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        if len(group.exceptions) == 1:
            # As it was raised: in the block, or by a device that is lost.
            raise group.exceptions[0] from None
        raise
    finally:
        client.is_playing = before
        client.off("response.output_audio.delta", talking.play)
        client.off("input_audio_buffer.speech_started", talking.speech_started)
