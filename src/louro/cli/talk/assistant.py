"""The assistant behind both faces of `louro talk`: what it does, what state it is in, what it has cost."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from louro.cli.talk.recorder import Recorder
from louro.cli.talk.transcript import UNKNOWN_WORDS, Entry, entries
from louro.cli.talk.words import State
from louro.client import (
    Closed,
    ConnectionFailed,
    ItemAppended,
    RealtimeClient,
    RealtimeError,
    Reconnected,
    ToolFinished,
    ToolStarted,
)
from louro.client.voice import Voice
from louro.protocol import server_events as ev
from louro.protocol.response import ResponseError, Usage
from louro.store.notebook import tokens_of
from louro.store.prices import Price, cost

VOICE_ACTIVATED = {"type": "server_vad"}
QUIETEST_DBFS = -100.0


@dataclass
class Figures:
    price: Price
    """Of the model that answers; of one that runs here, what it would cost elsewhere."""
    latency_s: float | None = None
    """Of the last answer: from the end of the question (the user's last sound, or Enter) to the answer's first."""
    tokens: int = 0
    nanos: int = 0
    """Billionths of a US dollar."""

    def count(self, usage: Usage) -> None:
        self.tokens += usage.total_tokens
        self.nanos += cost(self.price, tokens_of(usage))


class Assistant:
    """*client* is connected; *voice* is None where there is no sound. *tell* is given what the user should notice."""

    def __init__(
        self,
        client: RealtimeClient,
        voice: Voice | None,
        recorder: Recorder,
        tell: Callable[[str], None],
        price: Price,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self.voice = voice
        self._recorder = recorder
        self._tell = tell
        self._clock = clock
        self.figures = Figures(price)
        self.is_pressed = False
        self.reconnected = 0
        self._running: set[str] = set()
        """Calls of tools under way."""
        self._asked_at: float | None = None
        self._over = anyio.Event()
        self._loss: ConnectionFailed | None = None
        self._sounding: set[str] = set()
        """Items that are being played, or are about to be."""

    @property
    def is_by_hand(self) -> bool:
        return self.voice is not None and self.voice.by_hand

    @property
    def is_muted(self) -> bool:
        return self.voice is not None and self.voice.sound.microphone.is_muted

    @property
    def state(self) -> State:
        if not self._client.is_connected:
            return "connecting"
        if self.is_pressed or self._client.is_user_speaking:
            return "hearing"
        if self._client.is_playing():
            return "speaking"
        if self._running:
            return "working"
        if self._client.is_answering:
            return "thinking"
        return "ready" if self.voice is None or self.is_by_hand or self.is_muted else "listening"

    @property
    def levels_dbfs(self) -> tuple[float, float]:
        """Microphone and loudspeaker."""
        if self.voice is None:
            return QUIETEST_DBFS, QUIETEST_DBFS
        sound = self.voice.sound
        heard = QUIETEST_DBFS if sound.microphone.is_muted else sound.microphone.level_dbfs
        return heard, sound.loudspeaker.level_dbfs

    def shown(self, latest: int | None = None) -> list[Entry]:
        """The conversation, or its *latest* items."""
        if not self._client.is_playing():
            self._sounding.clear()
        items = list(self._client.conversation)
        return entries(items if latest is None else items[-latest:], self._heard_ms)

    def _heard_ms(self, item_id: str) -> int | None:
        item = self._client.conversation.get(item_id)
        if self.voice is None or item is None:
            return None
        if item_id in self._sounding:
            return self.voice.playback.heard_ms(item_id)
        is_about_to_sound = bool(item.formatted.transcript) and not item.is_done
        return 0 if is_about_to_sound else None

    # What the user does

    async def say(self, text: str) -> None:
        if self.state == "speaking" or self._client.is_answering:
            await self.interrupt()
            await self._client.wait_until_quiet(with_tools=False)
        self._asked_at = self._clock()
        await self._client.send_user_message(text)

    async def press(self) -> None:
        """Push to talk: from here on the microphone is sent."""
        if self.voice is not None and self.is_by_hand and not self.is_pressed:
            self.is_pressed = True
            await self.voice.press()

    async def release(self) -> None:
        """The user has said it: ask for the answer."""
        if self.voice is not None and self.is_pressed:
            self.is_pressed = False
            self._asked_at = self._clock()
            await self.voice.release()

    async def interrupt(self) -> None:
        if self.voice is not None:
            await self.voice.interrupt()
        else:
            await self._client.cancel_response()

    def mute(self) -> None:
        """Or no longer."""
        if self.voice is not None:
            microphone = self.voice.sound.microphone
            microphone.is_muted = not microphone.is_muted

    async def set_by_hand(self, by_hand: bool) -> None:
        """Push to talk, or voice activated."""
        if self.voice is None:
            return
        await self._client.update_session(turn_detection=None if by_hand else VOICE_ACTIVATED)
        if by_hand:
            # What was heard before is no part of what the user will say; a typed message would send it along.
            await self._client.clear_input_audio()
        self.voice.by_hand = by_hand
        self.is_pressed = False

    def end(self) -> None:
        self._over.set()

    async def wait_over(self) -> None:
        """Return when the user has ended it.

        Raises:
            ConnectionFailed: the connection is over for good.
        """
        await self._over.wait()
        if self._loss is not None:
            raise self._loss

    def is_whole(self, entry: Entry) -> bool:
        """Whether nothing of it will change any more, as far as one can know."""
        item = self._client.conversation.get(entry.id)
        if item is None or entry.is_cut:
            return True
        return item.is_done and entry.id not in self._sounding and entry.heard != UNKNOWN_WORDS

    async def wait_until_answered(self) -> None:
        """Return when nobody speaks, no tool runs and nothing is being answered or played."""
        await self._client.wait_until_quiet()
        while self._running:
            await anyio.sleep(0.05)
            await self._client.wait_until_quiet()

    async def save(self, folder: Path) -> None:
        """Write the conversation, sound and words, into *folder*.

        Raises:
            ConfigProblem: the folder cannot be written.
        """
        cut_ms = {one.id: one.heard_ms for one in self._client.conversation if one.heard_ms is not None}
        await anyio.to_thread.run_sync(self._recorder.save, folder, self.shown(), cut_ms)

    # What the client tells

    def listen(self) -> None:
        """Follow the client's events, from now on."""
        for pattern, callback in self._callbacks().items():
            self._client.on(pattern, callback)

    def _callbacks(self) -> dict[str, Callable[[Any], None]]:
        return {
            "input_audio_buffer.speech_stopped": self._speech_stopped,
            "response.output_audio.delta": self._sounds,
            "response.output_text.delta": self._answers,
            "response.done": self._done,
            "conversation.item.appended": self._appended,
            "tool.started": self._tool_started,
            "tool.finished": self._tool_finished,
            "reconnected": self._back,
            "error": self._failed,
            "close": self._closed,
        }

    def _speech_stopped(self, _: ev.InputAudioBufferSpeechStopped) -> None:
        session = self._client.session
        detection = session.audio.input.turn_detection if session is not None else None
        silence_ms = getattr(detection, "silence_duration_ms", 0) or 0
        self._asked_at = self._clock() - silence_ms / 1000

    def _sounds(self, event: ev.ResponseOutputAudioDelta) -> None:
        self._recorder.add(event.item_id, event.delta)
        if self.voice is not None:
            self._sounding.add(event.item_id)
        self._answers(event)

    def _answers(self, _: object) -> None:
        if self._asked_at is not None:
            self.figures.latency_s = self._clock() - self._asked_at
            self._asked_at = None

    def _done(self, event: ev.ResponseDone) -> None:
        if event.response.usage is not None:
            self.figures.count(event.response.usage)
        details = event.response.status_details
        error = details.error if details is not None and event.response.status == "failed" else None
        if isinstance(error, ResponseError):
            self._tell(error.message or error.code or error.type)

    def _appended(self, event: ItemAppended) -> None:
        if event.item.role == "user" and event.item.formatted.audio:
            self._recorder.add(event.item.id, bytes(event.item.formatted.audio))

    def _tool_started(self, event: ToolStarted) -> None:
        self._running.add(event.call.call_id)

    def _tool_finished(self, event: ToolFinished) -> None:
        self._running.discard(event.call.call_id)

    def _back(self, _: Reconnected) -> None:
        self.reconnected += 1

    def _failed(self, error: RealtimeError) -> None:
        self._tell(str(error))
        if isinstance(error, ConnectionFailed):
            self._loss = error

    def _closed(self, event: Closed) -> None:
        reason = event.reason or f"closed with {event.code}"
        self._loss = self._loss or ConnectionFailed(f"The connection is over: {reason}.")
        self._over.set()
