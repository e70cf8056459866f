"""Drives one session: a reader, a timer, a writer, and one task for each piece of work that the machine asks for."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import anyio
from anyio.abc import TaskGroup

from louro.engines.base import (
    ArgumentsDelta,
    CallStarted,
    EngineError,
    Generated,
    Hints,
    LanguageModel,
    Overhearer,
    Responder,
    ResponsePiece,
    SpeechDetector,
    SpeechStream,
    Spoken,
    TextDelta,
    Transcriber,
)
from louro.pipeline.machine import Machine
from louro.pipeline.outbox import Connection, Outbox
from louro.pipeline.prompt import beginning_of, order_of
from louro.protocol.server_events import AnyServerEvent
from louro.session import actions, reports

logger = logging.getLogger(__name__)

IDLE_CLOSE = 1001
DRAFTS = 1
"""Drafts are made, and people listened in on, only while fewer answers than this are being made: it is all a bet, and the
first to go."""


class Meter(Protocol):
    """Told how long each stage took."""

    def observe(self, stage: str, seconds: float) -> None: ...


class Account(Protocol):
    """Keeps the books of one session."""

    def observe(self, event: AnyServerEvent, now: float, input_ms: int) -> bool:
        """Told each event before it is sent, and how much sound the client has sent by then; whether it may leave only
        when `settle` has returned."""
        ...

    async def settle(self) -> reports.AllowanceChanged:
        """Write down what was observed; return what is allowed from here on."""
        ...

    def news(self) -> reports.AllowanceChanged | None:
        """What is allowed, if that has changed since it was said last."""
        ...


class NoMeter:
    def observe(self, stage: str, seconds: float) -> None:
        pass


@dataclass
class Engines:
    """One copy of each, for all sessions."""

    detector: SpeechDetector
    transcriber: Transcriber
    model: LanguageModel
    responder: Responder
    answering: int = 0
    """Answers being made at this moment, for all sessions."""


@dataclass
class _Work:
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    confirmed: anyio.Event = field(default_factory=anyio.Event)


class Driver:
    """*clock* gives Unix time in seconds; every input of the machine carries its reading.

    A client that says nothing for *idle_s* is closed before that time has passed twice.
    """

    def __init__(
        self,
        machine: Machine,
        engines: Engines,
        clock: Callable[[], float],
        *,
        idle_s: float = math.inf,
        meter: Meter | None = None,
        account: Account | None = None,
    ) -> None:
        self._machine = machine
        self._account = account
        self._engines = engines
        self._clock = clock
        self._idle_s = idle_s
        self._meter = meter or NoMeter()
        self._received = 0
        """Frames of the client, ever."""
        self._outbox = Outbox()
        self._ear: SpeechStream | None = None
        self._answers: dict[str, _Work] = {}
        self._hearings: dict[int, _Work] = {}
        self._warming = self._overhearing = anyio.CancelScope()
        self._to_detect: list[actions.Detect] = []
        self._timer: float | None = None
        self._timer_moved = anyio.Event()

    async def run(self, connection: Connection) -> None:
        """Run until the client has gone or the session is over. Everything it started ends with it."""
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._outbox.write_to, connection)
                tasks.start_soon(self._keep_time, tasks)
                tasks.start_soon(self._outbox.watch)
                tasks.start_soon(self._watch)
                self._flush(tasks)
                await self._read(connection, tasks)
        except* (anyio.EndOfStream, anyio.BrokenResourceError):
            logger.debug("the client has gone")
        finally:
            if self._ear is not None:
                self._ear.close()

    async def _read(self, connection: Connection, tasks: TaskGroup) -> None:
        while True:
            frame = await connection.receive()
            self._received += 1
            self._tell_news()
            self._machine.receive_frame(frame, self._clock())
            self._flush(tasks)
            await self._detect(tasks)
            if self._outbox.is_full:
                await self._outbox.settle()

    async def _keep_time(self, tasks: TaskGroup) -> None:
        while True:
            self._timer_moved = anyio.Event()
            delay_s = float("inf") if self._timer is None else max(self._timer - self._clock(), 0)
            with anyio.move_on_after(delay_s):
                await self._timer_moved.wait()
                continue
            self._machine.handle_timer(self._clock())
            self._flush(tasks)

    async def _watch(self) -> None:
        """Close on a client that says nothing. One look now and then: a timer for every frame costs more than the frame."""
        received = -1
        while received != self._received:
            received = self._received
            await anyio.sleep(self._idle_s)
        self._outbox.close(IDLE_CLOSE, "Nothing was heard from the client for too long.")

    # The machine's wishes

    def _flush(self, tasks: TaskGroup) -> None:
        """Hand on what the machine has to say, and start what it asks for. Never waits."""
        if self._account is not None:
            self._post_and_account(self._account, tasks)
        elif frames := self._machine.frames_to_send():
            self._outbox.post(frames)
        for action in self._machine.actions_to_start():
            self._start(action, tasks)
        timer = self._machine.session.next_timer()
        if timer != self._timer:
            self._timer = timer
            self._timer_moved.set()

    def _post_and_account(self, account: Account, tasks: TaskGroup) -> None:
        for event, frame in self._machine.told():
            if account.observe(event, self._clock(), self._machine.session.input_ms):
                self._outbox.post_errand(partial(self._settle, account, tasks))
            if frame is not None:
                self._outbox.post([frame])

    def _tell_news(self) -> None:
        """Before anything that may begin an answer: another session may have used what was left."""
        if self._account is not None and (news := self._account.news()) is not None:
            self._machine.receive_report(news, self._clock())

    async def _settle(self, account: Account, tasks: TaskGroup) -> None:
        self._machine.receive_report(await account.settle(), self._clock())
        self._flush(tasks)

    def _start(self, action: actions.Action, tasks: TaskGroup) -> None:
        match action:
            case actions.Detect():
                self._to_detect.append(action)
            case actions.Transcribe(hearing=hearing):
                self._overhearing.cancel()
                self._hearings[hearing] = work = _Work()
                tasks.start_soon(self._transcribe, action, work, tasks)
            case actions.Respond(response_id=response_id):
                self._answers[response_id] = work = _Work()
                if not action.draft:
                    work.confirmed.set()
                tasks.start_soon(self._respond, action, work, tasks)
            case actions.Warm():
                tasks.start_soon(self._warm, action)
            case actions.Overhear():
                tasks.start_soon(self._overhear, action, tasks)
            case _:
                self._end(action)

    def _end(self, action: actions.StopTranscribing | actions.Confirm | actions.Stop | actions.Close) -> None:
        match action:
            case actions.StopTranscribing(hearing=hearing):
                if hearing in self._hearings:
                    self._hearings[hearing].scope.cancel()
            case actions.Confirm(response_id=response_id):
                if response_id in self._answers:
                    self._answers[response_id].confirmed.set()
            case actions.Stop(response_id=response_id):
                if response_id in self._answers:
                    self._answers[response_id].scope.cancel()
            case actions.Close(code=code, reason=reason):
                self._outbox.close(code, reason)

    # Engines at work

    async def _detect(self, tasks: TaskGroup) -> None:
        """Score what was said. In the reader's own task: nothing that the client says later is looked at before."""
        while self._to_detect:
            action = self._to_detect.pop(0)
            if action.fresh or self._ear is None:
                if self._ear is not None:
                    self._ear.close()
                self._ear = self._engines.detector.open()
            if scores := await self._ear.feed(action.pcm):
                self._tell_news()
                self._machine.receive_report(reports.SpeechScored(tuple(scores)), self._clock())
                self._flush(tasks)

    async def _report(self, report: reports.Report, tasks: TaskGroup) -> None:
        self._machine.receive_report(report, self._clock())
        self._flush(tasks)
        if self._outbox.is_full:
            await self._outbox.settle()

    async def _transcribe(self, action: actions.Transcribe, work: _Work, tasks: TaskGroup) -> None:
        begun = self._clock()
        hints = Hints(action.language, action.prompt)
        with work.scope:
            try:
                async with aclosing(self._engines.transcriber.transcribe(action.pcm, hints)) as pieces:  # type: ignore[type-var]
                    async for text in pieces:
                        await self._report(reports.TranscriptProduced(action.hearing, text), tasks)
            except Exception as error:  # noqa: BLE001 - a boundary: an engine broke, the session lives
                failed = reports.TranscriptionFailed(action.hearing, _message_of(error))
                await self._report(failed, tasks)
            else:
                self._meter.observe("transcript", self._clock() - begun)
                await self._report(reports.TranscriptFinished(action.hearing), tasks)
        self._hearings.pop(action.hearing, None)

    async def _overhear(self, action: actions.Overhear, tasks: TaskGroup) -> None:
        ear = self._engines.transcriber
        if not isinstance(ear, Overhearer) or self._engines.answering >= DRAFTS:
            return
        self._overhearing.cancel()
        hints = Hints(action.language, action.prompt)
        with anyio.CancelScope() as self._overhearing:
            try:
                async with aclosing(ear.transcribe(action.pcm, hints)) as pieces:  # type: ignore[type-var]
                    text = "".join([piece async for piece in pieces])
            except Exception as error:  # noqa: BLE001 - a boundary: the hearing of the whole turn will tell the client
                logger.info("listening in failed: %s", _message_of(error))
                return
            await self._report(reports.Overheard(action.item_id, text), tasks)

    async def _respond(self, action: actions.Respond, work: _Work, tasks: TaskGroup) -> None:
        with work.scope:
            if self._engines.answering >= DRAFTS:
                await work.confirmed.wait()
            self._engines.answering += 1
            self._warming.cancel()
            try:
                await self._answer(action, tasks)
            except Exception as error:  # noqa: BLE001 - a boundary: an engine broke, the session lives
                await self._report(reports.ResponseFailed(action.response_id, _message_of(error)), tasks)
            finally:
                self._engines.answering -= 1
        self._answers.pop(action.response_id, None)

    async def _answer(self, action: actions.Respond, tasks: TaskGroup) -> None:
        begun = self._clock()
        seen: set[str] = set()
        async with aclosing(self._engines.responder.respond(order_of(action))) as pieces:  # type: ignore[type-var]
            async for piece in pieces:
                stage = "first_audio" if isinstance(piece, Spoken) else "first_token"
                if stage not in seen and not isinstance(piece, Generated):
                    seen.add(stage)
                    self._meter.observe(stage, self._clock() - begun)
                await self._report(_report_of(action.response_id, piece), tasks)
        self._meter.observe("done", self._clock() - begun)

    async def _warm(self, action: actions.Warm) -> None:
        """Only the latest beginning is worth it, and only before the answer has begun."""
        if action.context and self._engines.answering >= DRAFTS:
            return
        self._warming.cancel()
        with anyio.CancelScope() as self._warming:
            try:
                await self._engines.model.warm(beginning_of(action))
            except EngineError as error:
                logger.info("warming up failed: %s", error)


def _report_of(response_id: str, piece: ResponsePiece) -> reports.ResponseReport:
    match piece:
        case TextDelta(text=text):
            return reports.TextProduced(response_id, text)
        case Spoken(pcm=pcm, words=words):
            return reports.AudioProduced(response_id, pcm, tuple((word.text, word.end_ms) for word in words))
        case CallStarted(name=name):
            return reports.CallStarted(response_id, name)
        case ArgumentsDelta(text=text):
            return reports.ArgumentsProduced(response_id, text)
        case Generated(stop=stop, input_tokens=taken, cached_tokens=cached):
            return reports.ResponseFinished(response_id, stop, taken, cached)


def _message_of(error: Exception) -> str:
    """What the client may know. Of a group, the first; of a bug, nothing but that there was one."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, EngineError):
        return str(error)
    logger.error("an engine failed", exc_info=error)
    return "An engine failed. The server's log says more."
