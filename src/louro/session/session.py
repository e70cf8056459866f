"""The Realtime session as a state machine: no sockets, no clock, no models.

Feed it client events, engine reports and the time; after each call fetch `events_to_send()` and
`actions_to_start()`, and call `handle_timer()` when `next_timer()` has come.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from louro.audio.pcm import duration_ms
from louro.protocol import client_events as ce
from louro.protocol import server_events as ev
from louro.protocol.errors import ClientError
from louro.protocol.items import InputAudio, MessageItem
from louro.protocol.session import (
    AudioInput,
    RealtimeSession,
    ServerVad,
    SessionPatch,
    TranscriptionSession,
)
from louro.session import actions, reports
from louro.session.accounting import CountTokens
from louro.session.answer import Trigger
from louro.session.conversation import Conversation, Entry
from louro.session.formats import decoder_for
from louro.session.hearing import Hearings
from louro.session.input_audio import InputAudioBuffer
from louro.session.items import Items
from louro.session.limits import MAX_INPUT_BUFFER_MS, MIN_COMMIT_MS
from louro.session.outgoing import Outgoing
from louro.session.responses import Responses
from louro.session.setup import Setup, initial_settings, updated_settings
from louro.session.turns import Paused, Resumed, Started, Stopped, TurnDetector, WentOn, timing_of

EAR_LAG_MS = 1_000
"""Audio kept beyond the prefix padding while nobody speaks: how late a score may come."""

SPOKEN = (InputAudio(),)
"""What is in every turn."""


class Session:
    """One conversation with one client.

    *new_id* makes an id from a prefix; *count_tokens* says how many tokens a text is. Both are injected, so that the
    session is a function of its inputs. *now* is in seconds, on a clock that only moves forward, the same in every
    call; `expires_at` is told on it, so it should be Unix time.
    """

    def __init__(
        self, setup: Setup, *, new_id: Callable[[str], str], count_tokens: CountTokens, now: float
    ) -> None:
        self._setup = setup
        self._out = Outgoing(new_id)
        self._expires_at = now + setup.max_duration_s
        self.settings = initial_settings(setup, new_id("sess"), int(self._expires_at))
        self._hearings = Hearings(self._out)
        self._items = Items(setup, Conversation(int(setup.kept_audio_s * 1000)), self._hearings, self._out)
        self._responses = Responses(setup, self._items, self._hearings, self._out, count_tokens)
        self._buffer = InputAudioBuffer()
        self._decoder = decoder_for(self._input.format, setup.input_rate_hz)
        self._turns = self._new_turns()
        self._ear_is_fresh = True
        self._ear_base_ms = 0.0
        """Where in the session's audio the detector's stream began."""
        self._turn_start_ms = 0
        self._next_item_id = new_id("item")
        """The item that the next turn will be: speech_started already names it."""
        self._may_idle = False
        """An answer was given, and nobody has spoken since."""
        self._is_over = False
        self._out.send(ev.SessionCreated(event_id=self._out.event_id(), session=self.settings))

    # What comes in

    def receive_event(self, event: ce.AnyClientEvent, now: float) -> None:
        """The client said. What is wrong with it becomes an `error` event, and nothing else changes."""
        if self._is_over:
            return
        if not isinstance(event, ce.InputAudioBufferAppend):
            self._responses.drop_draft()
        try:
            self._obey(event, now)
        except ClientError as error:
            error.event_id = event.event_id
            self.receive_refusal(error)

    def receive_refusal(self, error: ClientError) -> None:
        """The client said something that is no event, or not now."""
        if self._is_over:
            return
        detail = ev.ErrorDetail(
            code=error.code, message=error.message, param=error.param, event_id=error.event_id
        )
        self._out.send(ev.Error(event_id=self._out.event_id(), error=detail))

    def receive_report(self, report: reports.Report, now: float) -> None:
        """An engine said. Reports about what is over are ignored: they were on their way when it ended."""
        if self._is_over:
            return
        match report:
            case reports.SpeechScored(windows=windows):
                for probability, end_ms in windows:
                    self._score(probability, self._ear_base_ms + end_ms, now)
            case reports.TranscriptProduced() | reports.TranscriptFinished() | reports.TranscriptionFailed():
                finished = self._hearings.receive(report)
                if finished is not None:
                    self._responses.heard(finished, now)
            case reports.Overheard(item_id=item_id, text=text):
                if item_id == self._next_item_id:
                    self._read_along(text)
            case reports.AllowanceChanged():
                self._responses.allow(report)
            case _:
                self._responses.receive(report, now)

    def handle_timer(self, now: float) -> None:
        """Time passed. Harmless when nothing is due."""
        if self._is_over:
            return
        if now >= self._expires_at:
            self._expire(now)
        elif (idle_at := self._idle_at()) is not None and now >= idle_at:
            self._time_out(now)

    # What goes out

    def events_to_send(self) -> list[ev.AnyServerEvent]:
        return self._out.take_events()

    def actions_to_start(self) -> list[actions.Action]:
        return self._out.take_actions()

    def next_timer(self) -> float | None:
        """When `handle_timer` wants to be called; None: never again."""
        if self._is_over:
            return None
        idle_at = self._idle_at()
        return self._expires_at if idle_at is None else min(idle_at, self._expires_at)

    @property
    def input_ms(self) -> int:
        """How much sound has come in, ever."""
        return self._buffer.end_ms

    # Client events

    def _obey(self, event: ce.AnyClientEvent, now: float) -> None:  # noqa: C901 - one arm an event, nothing else
        match event:
            case ce.InputAudioBufferAppend(audio=audio):
                self._append(audio, now)
            case ce.InputAudioBufferCommit():
                self._commit_by_hand(now)
            case ce.InputAudioBufferClear():
                self._clear()
            case ce.SessionUpdate(session=patch):
                self._update(patch)
            case ce.ConversationItemCreate(item=item, previous_item_id=after):
                self._items.create(item, after, self._input.format)
            case ce.ConversationItemRetrieve(item_id=item_id):
                self._items.retrieve(item_id)
            case ce.ConversationItemTruncate():
                self._items.truncate(event)
            case ce.ConversationItemDelete(item_id=item_id):
                self._items.delete(item_id)
                self._responses.start_those_that_can(now)
            case ce.ResponseCreate(response=params):
                self._responses.create(self._realtime(), params, self._input.format, now)
                self._may_idle = True
            case ce.ResponseCancel(response_id=response_id):
                self._responses.cancel(response_id, now)
            case _:
                assert_never(event)

    @property
    def _input(self) -> AudioInput:
        return self.settings.audio.input

    def _realtime(self) -> RealtimeSession:
        if isinstance(self.settings, RealtimeSession):
            return self.settings
        raise ClientError("invalid_value", "A transcription session makes no responses.", param="type")

    def _update(self, patch: SessionPatch) -> None:
        before = self._input
        has_spoken = self._responses.has_spoken
        self.settings = updated_settings(self.settings, patch, self._setup, has_spoken=has_spoken)
        if self._input.format != before.format:
            self._buffer.append(self._decoder.flush())
            self._decoder = decoder_for(self._input.format, self._setup.input_rate_hz)
        if self._input.turn_detection != before.turn_detection:
            self._change_turns()
        self._out.send(ev.SessionUpdated(event_id=self._out.event_id(), session=self.settings))
        if isinstance(self.settings, RealtimeSession):
            self._responses.warm(self.settings)

    # Input audio

    def _append(self, audio: bytes, now: float) -> None:
        pcm = self._decoder.feed(audio)
        if self._buffer.has_no_room_for(pcm):
            self._relieve(now)
        if self._ear_is_fresh:
            self._ear_base_ms = float(self._buffer.end_ms)
        self._buffer.append(pcm)
        if self._turns is None or not pcm:
            return
        self._out.start(actions.Detect(pcm, self._ear_is_fresh))
        self._ear_is_fresh = False

    def _relieve(self, now: float) -> None:
        """The buffer is full: end the turn that fills it, or refuse what comes."""
        if self._turns is not None and self._turns.speaking:
            self._end_turn(self._turns.stop(self._buffer.end_ms), now)
            return
        raise ClientError(
            "input_audio_buffer_full",
            f"The input audio buffer holds at most {MAX_INPUT_BUFFER_MS // 60_000} minutes of audio. "
            "Commit or clear it first.",
            param="audio",
        )

    def _commit_by_hand(self, now: float) -> None:
        self._buffer.append(self._decoder.flush())
        length_ms = self._buffer.length_ms
        if length_ms < MIN_COMMIT_MS:
            raise ClientError(
                "input_audio_buffer_commit_empty",
                f"Error committing input audio buffer: buffer too small. Expected at least {MIN_COMMIT_MS}ms of "
                f"audio, but buffer only has {length_ms:.2f}ms of audio.",
            )
        self._leave_turn()
        self._commit(self._buffer.take_all(), now)
        self._restart_ear()

    def _clear(self) -> None:
        self._decoder.flush()
        self._leave_turn()
        self._buffer.take_all()
        self._restart_ear()
        self._out.send(ev.InputAudioBufferCleared(event_id=self._out.event_id()))

    def _commit(self, pcm: bytes, now: float) -> Entry:
        """Make a user item of *pcm*; its transcript is there or on its way when this returns."""
        entry = self._hearings.early_entry() or self._next_entry()
        entry.keep({0: pcm})
        self._items.add_committed(entry)
        refusal = self._unpaid(now)
        if refusal is None:
            self._hearings.hear_turn(entry, pcm, self._input.transcription)
        else:
            self._hearings.refuse_turn(entry, refusal)
        self._next_item_id = self._out.new_id("item")
        self._may_idle = False
        return entry

    def _unpaid(self, now: float) -> ClientError | None:
        """Why this turn is not transcribed, in a session that does nothing else."""
        return self._responses.refusal(now) if isinstance(self.settings, TranscriptionSession) else None

    def _next_entry(self) -> Entry:
        item = MessageItem(id=self._next_item_id, role="user", content=SPOKEN, status="completed")
        return Entry(self._next_item_id, item)

    # Turns

    def _new_turns(self) -> TurnDetector | None:
        detection = self._input.turn_detection
        if detection is None:
            return None
        return TurnDetector(timing_of(detection, self._setup.pause_ms), self._buffer.end_ms)

    def _restart_ear(self) -> None:
        self._turns = self._new_turns()
        self._ear_is_fresh = True

    def _change_turns(self) -> None:
        detection = self._input.turn_detection
        if self._turns is not None and detection is not None:
            self._turns.timing = timing_of(detection, self._setup.pause_ms)
            return
        self._leave_turn()
        self._restart_ear()

    def _leave_turn(self) -> None:
        """The client takes the turn into its own hands: whoever was speaking has stopped."""
        self._hearings.drop_early()
        if self._turns is not None and self._turns.speaking:
            self._say_stopped(self._turns.stop(self._buffer.end_ms))

    def _score(self, probability: float, end_ms: float, now: float) -> None:
        if self._turns is None:
            return
        change = self._turns.score(probability, end_ms)
        match change:
            case None:
                self._trim(self._turns, end_ms)
            case Started(start_ms=start_ms):
                self._begin_turn(start_ms, now)
            case WentOn():
                self._overhear(int(end_ms))
            case Paused():
                self._pause(now)
            case Resumed():
                self._responses.drop_draft()
                self._hearings.drop_early()
            case Stopped():
                self._end_turn(change, now)
            case _:
                assert_never(change)

    def _trim(self, turns: TurnDetector, heard_ms: float) -> None:
        if not turns.speaking:
            self._buffer.drop_before(int(heard_ms) - turns.timing.prefix_padding_ms - EAR_LAG_MS)

    def _begin_turn(self, start_ms: int, now: float) -> None:
        self._turn_start_ms = max(start_ms, self._buffer.start_ms)
        self._may_idle = False
        self._out.send(
            ev.InputAudioBufferSpeechStarted(
                event_id=self._out.event_id(), audio_start_ms=self._turn_start_ms, item_id=self._next_item_id
            )
        )
        detection = self._input.turn_detection
        if detection is not None and detection.interrupt_response is not False:
            self._responses.interrupt(now)
        self._read_along("")

    def _overhear(self, end_ms: int) -> None:
        if not self._answers_turns():
            return
        wish = self._input.transcription
        language, prompt = (wish.language, wish.prompt) if wish else (None, None)
        pcm = self._buffer.read(self._turn_start_ms, end_ms)
        self._out.start(actions.Overhear(self._next_item_id, pcm, language, prompt))

    def _read_along(self, words: str) -> None:
        """Have the model read what it knows already, while the user goes on speaking."""
        if self._turns is None or self._turns.timing.pause_ms is None or not self._turns.speaking:
            return
        if isinstance(self.settings, RealtimeSession) and self._answers_turns():
            self._responses.read_along(self.settings, words)

    def _pause(self, now: float) -> None:
        """The speaker is silent for a moment: hear what there is, and draft an answer to it."""
        if self._unpaid(now) is not None:
            return
        pcm = self._buffer.read(self._turn_start_ms, self._buffer.end_ms)
        entry = self._next_entry()
        entry.audio_ms = duration_ms(pcm)
        self._hearings.listen_early(entry, pcm, self._input.transcription)
        if isinstance(self.settings, RealtimeSession) and self._answers_turns():
            self._responses.draft(self.settings, self._input.format, entry, now)

    def _end_turn(self, stopped: Stopped, now: float) -> None:
        self._say_stopped(stopped)
        pcm = self._buffer.read(self._turn_start_ms, stopped.end_ms)
        self._buffer.drop_before(stopped.end_ms)
        self._answer(self._commit(pcm, now), "turn", now)

    def _answer(self, entry: Entry, trigger: Trigger, now: float) -> None:
        """Answer a turn that the session itself ended, if it is to."""
        if not isinstance(self.settings, RealtimeSession) or not self._answers_turns():
            self._responses.drop_draft()
            return
        try:
            self._responses.answer_turn(self.settings, self._input.format, entry, trigger, now)
            self._may_idle = True
        except ClientError as error:
            self.receive_refusal(error)

    def _say_stopped(self, stopped: Stopped) -> None:
        self._out.send(
            ev.InputAudioBufferSpeechStopped(
                event_id=self._out.event_id(), audio_end_ms=stopped.end_ms, item_id=self._next_item_id
            )
        )

    def _answers_turns(self) -> bool:
        detection = self._input.turn_detection
        return detection is not None and detection.create_response is not False

    # Time

    def _idle_at(self) -> float | None:
        """When the user will have been silent for too long after an answer."""
        detection = self._input.turn_detection
        if self._turns is None or not isinstance(detection, ServerVad) or not detection.idle_timeout_ms:
            return None
        if self._turns.speaking or not self._may_idle or self._responses.is_answering:
            return None
        return self._responses.played_until + detection.idle_timeout_ms / 1000

    def _time_out(self, now: float) -> None:
        self._out.send(
            ev.InputAudioBufferTimeoutTriggered(
                event_id=self._out.event_id(),
                audio_start_ms=self._buffer.start_ms,
                audio_end_ms=self._buffer.end_ms,
                item_id=self._next_item_id,
            )
        )
        entry = self._commit(self._buffer.take_all(), now)
        self._restart_ear()
        self._answer(entry, "idle", now)

    def _expire(self, now: float) -> None:
        minutes = self._setup.max_duration_s / 60
        message = f"Your session hit the maximum duration of {minutes:g} minutes."
        self._responses.end_all(message, now)
        self.receive_refusal(ClientError("session_expired", message))
        self._is_over = True
        self._out.start(actions.Close(1001, message))
