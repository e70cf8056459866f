"""What is being transcribed, for which item, and whether the client is told."""

from __future__ import annotations

from dataclasses import dataclass

from louro.audio.pcm import duration_ms
from louro.protocol import server_events as ev
from louro.protocol.errors import ClientError
from louro.protocol.session import Transcription
from louro.session.actions import StopTranscribing, Transcribe
from louro.session.conversation import Entry
from louro.session.outgoing import Outgoing
from louro.session.reports import HearingReport, TranscriptionFailed, TranscriptProduced


@dataclass
class Hearing:
    number: int
    entry: Entry
    index: int
    """Of the content part."""
    seconds: float
    text: str = ""
    is_done: bool = False
    failure: str | None = None
    told: bool = False
    """Whether the client asked for transcripts, and knows the item."""


class Hearings:
    def __init__(self, out: Outgoing) -> None:
        self._out = out
        self._count = 0
        self._pending: dict[int, Hearing] = {}
        self._early: Hearing | None = None

    def listen(self, entry: Entry, index: int, pcm: bytes, wish: Transcription | None) -> None:
        """Transcribe one audio part of an item; the client is not told."""
        self._start(entry, index, pcm, wish)

    def listen_early(self, entry: Entry, pcm: bytes, wish: Transcription | None) -> None:
        """Transcribe a turn that may not be over. `adopt` makes it count, `drop_early` ends it."""
        self.drop_early()
        self._early = self._start(entry, 0, pcm, wish)

    def early_entry(self) -> Entry | None:
        return self._early.entry if self._early else None

    def drop_early(self) -> None:
        early, self._early = self._early, None
        if early is not None and self._pending.pop(early.number, None) is not None:
            self._out.start(StopTranscribing(early.number))

    def hear_turn(self, entry: Entry, pcm: bytes, wish: Transcription | None) -> None:
        """Transcribe the committed turn *entry*, or go on with the early hearing of it."""
        early, self._early = self._early, None
        hearing = early or self._start(entry, 0, pcm, wish)
        hearing.told = wish is not None
        if not hearing.told:
            return
        if hearing.text:
            self._say(hearing, hearing.text)
        if hearing.is_done:
            self._say_done(hearing)

    def refuse_turn(self, entry: Entry, refusal: ClientError) -> None:
        """The committed turn *entry* is not transcribed, and the client is told why."""
        self.drop_early()
        entry.hear(0, "")
        error = ev.TranscriptionError(
            type="invalid_request_error", code=refusal.code or "", message=refusal.message
        )
        self._say_failed(entry, 0, error)

    def receive(self, report: HearingReport) -> Hearing | None:
        """Take one report; return the hearing if it is over now."""
        hearing = self._pending.get(report.hearing)
        if hearing is None:
            return None
        if isinstance(report, TranscriptProduced):
            hearing.text += report.text
            if hearing.told:
                self._say(hearing, report.text)
            return None
        if isinstance(report, TranscriptionFailed):
            hearing.failure = report.message
        del self._pending[hearing.number]
        hearing.is_done = True
        hearing.entry.hear(hearing.index, hearing.text.strip())
        if hearing.told:
            self._say_done(hearing)
        return hearing

    def _start(self, entry: Entry, index: int, pcm: bytes, wish: Transcription | None) -> Hearing:
        self._count += 1
        hearing = Hearing(self._count, entry, index, duration_ms(pcm) / 1000)
        entry.hear(index, None)
        self._pending[hearing.number] = hearing
        language, prompt = (wish.language, wish.prompt) if wish else (None, None)
        self._out.start(Transcribe(hearing.number, pcm, language, prompt))
        return hearing

    def _say(self, hearing: Hearing, text: str) -> None:
        self._out.send(
            ev.InputAudioTranscriptionDelta(
                event_id=self._out.event_id(),
                item_id=hearing.entry.id,
                content_index=hearing.index,
                delta=text,
            )
        )

    def _say_done(self, hearing: Hearing) -> None:
        if hearing.failure is not None:
            error = ev.TranscriptionError(
                type="server_error", code="transcription_failed", message=hearing.failure
            )
            self._say_failed(hearing.entry, hearing.index, error)
            return
        self._out.send(
            ev.InputAudioTranscriptionCompleted(
                event_id=self._out.event_id(),
                item_id=hearing.entry.id,
                content_index=hearing.index,
                transcript=hearing.text,
                usage=ev.TranscriptionDuration(seconds=hearing.seconds),
            )
        )

    def _say_failed(self, entry: Entry, index: int, error: ev.TranscriptionError) -> None:
        self._out.send(
            ev.InputAudioTranscriptionFailed(
                event_id=self._out.event_id(), item_id=entry.id, content_index=index, error=error
            )
        )
