"""The whole pipeline in memory: real loop, scripted engines, no socket."""

from __future__ import annotations

import io
import json
import math
import time
from collections.abc import AsyncIterator
from typing import Any, Literal

import anyio
import anyio.to_thread
import pytest

from louro.engines.base import EngineError, Hints, Message, Order, Prompt, ResponsePiece, Spoken, TextDelta
from louro.engines.scripted import LoudnessDetector, ScriptedModel, ScriptedTranscriber, ScriptedVoice
from louro.pipeline import outbox
from louro.pipeline.driver import Driver, Engines
from louro.pipeline.machine import FileLog, Machine, ReplayDiffers, replay
from louro.pipeline.respond import Cascade
from louro.protocol.wire import BETA, GA, Dialect
from louro.session.setup import Setup
from louro.transports.memory import MemoryClient, memory_pair

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(30)]

SPEECH = (b"\x00\x20" * 12 + b"\x00\xe0" * 12) * 600
SILENCE = bytes(48 * 900)


def engines(model: ScriptedModel | None = None, **changes: Any) -> Engines:
    model = model or ScriptedModel("One, two. Three.")
    parts: dict[str, Any] = {
        "detector": LoudnessDetector(),
        "transcriber": ScriptedTranscriber("What is it?"),
        "model": model,
        "responder": Cascade(model, ScriptedVoice(5)),
    }
    return Engines(**{**parts, **changes})


class Conversation:
    def __init__(self, client: MemoryClient) -> None:
        self.client = client
        self.events: list[dict[str, Any]] = []

    async def send(self, **event: Any) -> None:
        await self.client.send(json.dumps(event))

    async def until(self, kind: str) -> dict[str, Any]:
        with anyio.fail_after(5):
            while True:
                event: dict[str, Any] = json.loads(await self.client.receive())
                self.events.append(event)
                if event["type"] == kind:
                    return event

    async def say(self, pcm: bytes) -> None:
        import base64  # noqa: PLC0415

        for start in range(0, len(pcm), 4_800):
            audio = base64.b64encode(pcm[start : start + 4_800]).decode()
            await self.send(type="input_audio_buffer.append", audio=audio)


class Session:
    """A driver at work on one end, a conversation at the other."""

    def __init__(
        self,
        parts: Engines,
        dialect: Dialect = GA,
        log: io.BytesIO | None = None,
        idle_s: float = math.inf,
        **setup: Any,
    ) -> None:
        self.connection, client = memory_pair()
        self.log = FileLog(log) if log is not None else None
        self.conversation = Conversation(client)
        machine = Machine(
            Setup(**{"pause_ms": 160, **setup}),
            dialect,
            seed=7,
            count_tokens=lambda text: len(text.split()),
            now=time.monotonic(),
            log=self.log,
        )
        self.driver = Driver(machine, parts, time.monotonic, idle_s=idle_s)

    async def __aenter__(self) -> Conversation:
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        self._tasks.start_soon(self.driver.run, self.connection)
        await self.conversation.until("session.created")
        return self.conversation

    async def __aexit__(self, *error: Any) -> None:
        await self.conversation.client.close()
        await self._tasks.__aexit__(*error)
        await self.connection.close(1000, "")
        if self.log is not None:
            await anyio.to_thread.run_sync(self.log.close)


async def test_a_spoken_question_is_answered_in_speech() -> None:
    async with Session(engines()) as talk:
        await talk.say(SPEECH + SILENCE)
        done = await talk.until("response.done")
        assert done["response"]["output"][0]["content"][0]["transcript"] == "One, two. Three."
        assert [e for e in talk.events if e["type"] == "response.output_audio.delta"]


@pytest.mark.parametrize("dialect", [GA, BETA])
async def test_a_log_replays_to_the_same_bytes(dialect: Dialect) -> None:
    log = io.BytesIO()
    async with Session(engines(), dialect, log) as talk:
        await talk.say(SPEECH + SILENCE)
        await talk.until("response.done")
        await talk.client.send("{")
        await talk.client.send(b"\x00")
        await talk.until("error")
        await talk.until("error")
    lines = log.getvalue().splitlines()
    assert replay(iter(lines)) == len([line for line in lines if line.startswith(b'["sent"')])
    changed = [line.replace(b"One", b"Won") if line.startswith(b'["report"') else line for line in lines]
    with pytest.raises(ReplayDiffers):
        replay(iter(changed))
    with pytest.raises(ReplayDiffers):
        replay(iter([*lines, b'["sent","more"]']))


class Eager(ScriptedTranscriber):
    overhears: Literal[True] = True


class Reading(ScriptedModel):
    """Keeps what it was told to read beforehand."""

    def __init__(self) -> None:
        super().__init__("One.")
        self.read: list[str] = []
        self.has_read = anyio.Event()

    async def warm(self, prompt: Prompt) -> None:
        if prompt.turns:
            self.read += [turn.text for turn in prompt.turns if isinstance(turn, Message)]
            self.has_read.set()


async def test_the_model_reads_along_while_the_user_speaks() -> None:
    model = Reading()
    parts = engines(model, transcriber=Eager("What is it?"))
    async with Session(parts) as talk:
        await talk.say(SPEECH)
        with anyio.fail_after(5):
            await model.has_read.wait()
    assert model.read == ["What is"]


@pytest.mark.parametrize("ear", [ScriptedTranscriber("What is it?"), Eager("What is it?")])
async def test_nobody_is_listened_in_on_by_a_slow_ear_or_on_a_busy_machine(ear: ScriptedTranscriber) -> None:
    model = Reading()
    parts = engines(model, transcriber=ear)
    parts.answering = 1 if isinstance(ear, Eager) else 0
    async with Session(parts) as talk:
        await talk.say(SPEECH + SILENCE)
        await talk.until("response.done")
    assert model.read == []


class EagerBroken:
    overhears: Literal[True] = True

    def __init__(self) -> None:
        self.asked = 0

    async def transcribe(self, pcm: bytes, hints: Hints) -> AsyncIterator[str]:
        self.asked += 1
        if self.asked < 2:
            raise ZeroDivisionError
        yield "What is it?"


async def test_listening_in_may_fail_and_nobody_notices() -> None:
    ear = EagerBroken()
    async with Session(engines(transcriber=ear)) as talk:
        await talk.say(SPEECH + SILENCE)
        done = await talk.until("response.done")
    assert done["response"]["status"] == "completed"
    assert ear.asked == 2


class Unending:
    """Begins to answer and never ends; says when it was stopped."""

    def __init__(self) -> None:
        self.stopped = anyio.Event()

    async def respond(self, order: Order) -> AsyncIterator[ResponsePiece]:
        try:
            yield TextDelta("I ")
            yield Spoken(bytes(4_800), ())
            await anyio.sleep_forever()
        finally:
            self.stopped.set()


async def test_speaking_over_an_answer_stops_the_engine() -> None:
    responder = Unending()
    async with Session(engines(responder=responder)) as talk:
        await talk.say(SPEECH + SILENCE)
        await talk.until("response.output_audio.delta")
        await talk.say(SPEECH)
        done = await talk.until("response.done")
        assert done["response"]["status_details"]["reason"] == "turn_detected"
        with anyio.fail_after(5):
            await responder.stopped.wait()


async def test_a_client_that_vanishes_takes_its_work_along() -> None:
    responder = Unending()
    parts = engines(responder=responder)
    async with Session(parts) as talk:
        await talk.say(SPEECH + SILENCE)
        await talk.until("response.output_audio.delta")
    assert responder.stopped.is_set()
    assert parts.answering == 0


async def test_a_model_that_fails_fails_one_response() -> None:
    async with Session(engines(ScriptedModel(fails=True))) as talk:
        await talk.say(SPEECH + SILENCE)
        done = await talk.until("response.done")
        assert (
            done["response"]["status_details"]["error"]["message"] == "The scripted model was told to fail."
        )
        await talk.send(type="response.cancel")
        await talk.until("error")


class Deaf:
    async def transcribe(self, pcm: bytes, hints: Hints) -> AsyncIterator[str]:
        if pcm:
            raise EngineError("Deaf.")
        yield ""


class Broken:
    async def transcribe(self, pcm: bytes, hints: Hints) -> AsyncIterator[str]:
        if pcm:
            raise ZeroDivisionError("secret detail")
        yield ""


@pytest.mark.parametrize(
    ("ear", "message"), [(Deaf(), "Deaf."), (Broken(), "An engine failed. The server's log says more.")]
)
async def test_an_ear_that_fails_says_no_more_than_it_should(ear: Any, message: str) -> None:
    async with Session(engines(transcriber=ear)) as talk:
        await talk.say(SPEECH + SILENCE)
        done = await talk.until("response.done")
        assert done["response"]["status_details"]["error"]["message"] == message


async def test_a_session_expires_and_closes() -> None:
    session = Session(engines(), max_duration_s=0)
    async with session as talk:
        error = await talk.until("error")
        assert error["error"]["code"] == "session_expired"
        with anyio.fail_after(5), pytest.raises(anyio.EndOfStream):
            await talk.client.receive()
    assert session.connection.closed is not None
    assert session.connection.closed[0] == 1001


async def test_a_slow_client_slows_its_own_answer() -> None:
    async with Session(engines(ScriptedModel("word " * 5_000))) as talk:
        await talk.send(type="response.create")
        with anyio.fail_after(20):
            while talk.events[-1]["type"] != "response.done":
                await talk.until("response.output_audio.delta" if len(talk.events) < 50 else "response.done")
        assert sum(len(e.get("delta", "")) for e in talk.events) > 1_000_000


async def test_a_client_that_says_nothing_is_closed() -> None:
    session = Session(engines(), idle_s=0.01)
    async with session as talk:
        with anyio.fail_after(5), pytest.raises(anyio.EndOfStream):
            await talk.client.receive()
    assert session.connection.closed is not None
    assert session.connection.closed[0] == 1001


async def test_a_client_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "SEND_TIMEOUT_S", 0.01)
    connection, client = memory_pair(0)
    box = outbox.Outbox()
    box.post([b"{}"])
    with anyio.fail_after(5), pytest.RaisesGroup(anyio.BrokenResourceError):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(box.write_to, connection)
            tasks.start_soon(box.watch)
    await connection.close(1000, "")
    await client.close()
