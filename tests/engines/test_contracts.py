"""Each rule of the contract can fail: one engine that breaks it, and no other."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import anyio
import anyio.lowlevel
import numpy as np
import pytest

from louro.engines.base import (
    AnswerPiece,
    ArgumentsDelta,
    CallStarted,
    EngineError,
    Generated,
    Hints,
    Manner,
    Order,
    Prompt,
    ResponsePiece,
    Score,
    Spoken,
    TextDelta,
    Word,
)
from louro.engines.contracts import (
    Bounds,
    ContractBroken,
    check_detector,
    check_model,
    check_responder,
    check_transcriber,
    check_voice,
)
from louro.engines.scripted import (
    LoudnessDetector,
    LoudnessStream,
    ScriptedModel,
    ScriptedTranscriber,
    ScriptedVoice,
)

pytestmark = pytest.mark.anyio

SAID = "one two three"
BOUNDS = Bounds(held_ms=200, stop_s=0.15, rule_s=2)
LOUD_PCM = (np.sin(np.arange(24_000) / 10) * 8_000).astype("<i2").tobytes()


def hold_everybody_up() -> None:
    until = time.perf_counter() + 0.4
    while time.perf_counter() < until:
        pass


# Speech detection


class Stream(LoudnessStream):
    """Breaks what its subclasses say."""


class Chopped(Stream):
    async def feed(self, pcm: bytes) -> list[Score]:
        self._pending = b""
        return await super().feed(pcm)


class Rewound(Stream):
    async def feed(self, pcm: bytes) -> list[Score]:
        return [Score(score.probability, 20.0) for score in await super().feed(pcm)]


class Late(Stream):
    async def feed(self, pcm: bytes) -> list[Score]:
        return [Score(score.probability, score.end_ms * 3) for score in await super().feed(pcm)]


class Certain(Stream):
    async def feed(self, pcm: bytes) -> list[Score]:
        return [Score(2.0, score.end_ms) for score in await super().feed(pcm)]


class Deaf(Stream):
    async def feed(self, pcm: bytes) -> list[Score]:
        return [Score(0.1, score.end_ms) for score in await super().feed(pcm)]


class ClosedOnce(Stream):
    is_closed = False

    def close(self) -> None:
        assert not self.is_closed
        self.is_closed = True


class Forgetful(Stream):
    """All streams remember in one place."""

    level: float = 0.0

    async def feed(self, pcm: bytes) -> list[Score]:
        await anyio.lowlevel.checkpoint()
        scores = await super().feed(pcm)
        for score in scores:
            Forgetful.level = score.probability
        await anyio.lowlevel.checkpoint()
        return [Score(Forgetful.level, score.end_ms) for score in scores]


class BlockingEar(Stream):
    async def feed(self, pcm: bytes) -> list[Score]:
        if len(pcm) > 48_000:
            hold_everybody_up()
        return await super().feed(pcm)


class Stubborn(Stream):
    async def feed(self, pcm: bytes) -> list[Score]:
        if len(pcm) == len(LOUD_PCM):
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.3)
        return await super().feed(pcm)


class Detector(LoudnessDetector):
    def __init__(self, stream: type[LoudnessStream]) -> None:
        self._stream = stream

    def open(self) -> LoudnessStream:
        return self._stream()


@pytest.mark.parametrize(
    ("stream", "rule"),
    [
        (Chopped, "chopped"),
        (Rewound, "grows by one window"),
        (Late, "every window that is complete"),
        (Certain, "0 to 1"),
        (Deaf, "holds speech"),
        (ClosedOnce, "idempotent"),
        (Forgetful, "who else is heard"),
        (BlockingEar, "never holds up the event loop"),
        (Stubborn, "can be cancelled"),
    ],
)
async def test_a_broken_detector_is_told_which_rule(stream: type[LoudnessStream], rule: str) -> None:
    pcm = LOUD_PCM * 2 if stream is BlockingEar else LOUD_PCM
    with anyio.fail_after(20), pytest.raises(ContractBroken, match=rule):
        await check_detector(Detector(stream), pcm, BOUNDS)


# Hearing


class Hallucinating(ScriptedTranscriber):
    async def transcribe(self, pcm: bytes, hints: Hints) -> AsyncIterator[str]:
        yield SAID


class Glued(ScriptedTranscriber):
    async def transcribe(self, pcm: bytes, hints: Hints) -> AsyncIterator[str]:
        async for piece in super().transcribe(pcm, hints):
            yield piece.strip()


class Repeating(ScriptedTranscriber):
    async def transcribe(self, pcm: bytes, hints: Hints) -> AsyncIterator[str]:
        whole = ""
        async for piece in super().transcribe(pcm, hints):
            whole += piece
            yield whole


class NoGenerator(ScriptedTranscriber):
    async def transcribe(self, pcm: bytes, hints: Hints) -> list[str]:  # type: ignore[override]
        return [SAID] if any(pcm) else []


class OwnError(ScriptedTranscriber):
    async def transcribe(self, pcm: bytes, hints: Hints) -> AsyncIterator[str]:
        if hints.language == "zu":
            raise KeyError("zu")
        async for piece in super().transcribe(pcm, hints):
            yield piece


class Refusing(ScriptedTranscriber):
    async def transcribe(self, pcm: bytes, hints: Hints) -> AsyncIterator[str]:
        if hints.prompt:
            raise EngineError("I take no prompt.")
        async for piece in super().transcribe(pcm, hints):
            yield piece


class OneAtATime(ScriptedTranscriber):
    """Does not give back what it took when it is closed early."""

    is_taken = False

    async def transcribe(self, pcm: bytes, hints: Hints) -> AsyncIterator[str]:
        while self.is_taken:  # noqa: ASYNC110 - broken on purpose
            await anyio.sleep(0.01)
        self.is_taken = True
        async for piece in super().transcribe(pcm, hints):
            yield piece
        self.is_taken = False


class SharedEar(ScriptedTranscriber):
    heard = b""

    async def transcribe(self, pcm: bytes, hints: Hints) -> AsyncIterator[str]:
        self.heard = pcm
        await anyio.sleep(0.01)
        async for piece in super().transcribe(self.heard, hints):
            yield piece


class SlowToClose(ScriptedTranscriber):
    async def transcribe(self, pcm: bytes, hints: Hints) -> AsyncIterator[str]:
        try:
            async for piece in super().transcribe(pcm, hints):
                yield piece
        except GeneratorExit:
            await anyio.sleep(0.3)
            raise


class SlowToCancel(ScriptedTranscriber):
    async def transcribe(self, pcm: bytes, hints: Hints) -> AsyncIterator[str]:
        if any(pcm):
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.3)
        async for piece in super().transcribe(pcm, hints):
            yield piece


@pytest.mark.parametrize(
    ("transcriber", "rule"),
    [
        (Hallucinating, "silence yields nothing"),
        (Glued, "joined, are the transcript"),
        (Repeating, "joined, are the transcript"),
        (NoGenerator, "async iterator"),
        (OwnError, "is an EngineError"),
        (Refusing, "do the ordinary"),
        (OneAtATime, "work ends"),
        (SharedEar, "joined, are the transcript|serves all sessions"),
        (SlowToClose, "closing the iterator"),
        (SlowToCancel, "can be cancelled"),
    ],
)
async def test_a_broken_transcriber_is_told_which_rule(
    transcriber: type[ScriptedTranscriber], rule: str
) -> None:
    with anyio.fail_after(20), pytest.raises(ContractBroken, match=rule):
        await check_transcriber(transcriber(SAID), LOUD_PCM, SAID, BOUNDS)


# Thinking

Change = Callable[[Prompt, list[AnswerPiece]], list[AnswerPiece]]


class Model(ScriptedModel):
    """Answers as the scripted model does, changed."""

    def __init__(self, change: Change) -> None:
        super().__init__("Hello, my friend.")
        self._change = change

    async def generate(self, prompt: Prompt) -> AsyncIterator[AnswerPiece]:
        pieces = [piece async for piece in super().generate(prompt)]
        for piece in self._change(prompt, pieces):
            yield piece


def never_ends(prompt: Prompt, pieces: list[AnswerPiece]) -> list[AnswerPiece]:
    return pieces[:-1] or [TextDelta("")]


def ends_twice(prompt: Prompt, pieces: list[AnswerPiece]) -> list[AnswerPiece]:
    return [*pieces, Generated()]


def goes_on(prompt: Prompt, pieces: list[AnswerPiece]) -> list[AnswerPiece]:
    return [*pieces, TextDelta("more")]


def says_nothing(prompt: Prompt, pieces: list[AnswerPiece]) -> list[AnswerPiece]:
    return [Generated()]


def calls_always(prompt: Prompt, pieces: list[AnswerPiece]) -> list[AnswerPiece]:
    call: list[AnswerPiece] = [CallStarted("set_timer"), ArgumentsDelta('{"minutes": 7}')]
    return [*call, Generated()] if prompt.tools else pieces


def calls_the_first(prompt: Prompt, pieces: list[AnswerPiece]) -> list[AnswerPiece]:
    if prompt.tools and prompt.tool_choice != "none":
        return [CallStarted("add_numbers"), ArgumentsDelta('{"first": 1, "second": 2}'), Generated()]
    return pieces


def breaks_json(prompt: Prompt, pieces: list[AnswerPiece]) -> list[AnswerPiece]:
    return [ArgumentsDelta("{") if isinstance(piece, ArgumentsDelta) else piece for piece in pieces]


def forgets_arguments(prompt: Prompt, pieces: list[AnswerPiece]) -> list[AnswerPiece]:
    return [
        ArgumentsDelta(json.dumps({})) if isinstance(piece, ArgumentsDelta) else piece for piece in pieces
    ]


def argues_first(prompt: Prompt, pieces: list[AnswerPiece]) -> list[AnswerPiece]:
    return [ArgumentsDelta("{}"), *pieces]


def talks_beside(prompt: Prompt, pieces: list[AnswerPiece]) -> list[AnswerPiece]:
    return [*pieces[:-1], TextDelta("Done."), pieces[-1]]


def never_calls(prompt: Prompt, pieces: list[AnswerPiece]) -> list[AnswerPiece]:
    return [TextDelta("Hello."), Generated()]


def invents(prompt: Prompt, pieces: list[AnswerPiece]) -> list[AnswerPiece]:
    return [CallStarted("fly"), ArgumentsDelta("{}"), Generated()] if not prompt.tools else pieces


def miscounts(prompt: Prompt, pieces: list[AnswerPiece]) -> list[AnswerPiece]:
    return [*pieces[:-1], Generated("stop", 1, 2, 3)]


def babbles(prompt: Prompt, pieces: list[AnswerPiece]) -> list[AnswerPiece]:
    babble: list[AnswerPiece] = [*[TextDelta("word ")] * 50, Generated("stop", 1, 0, 50)]
    return babble if prompt.max_tokens == 3 else pieces


def ignores_results(prompt: Prompt, pieces: list[AnswerPiece]) -> list[AnswerPiece]:
    return pieces if len(prompt.turns) == 1 else [Generated()]


MODEL_CHANGES: list[tuple[Change, str]] = [
    (never_ends, "Generated comes once"),
    (ends_twice, "Generated comes once"),
    (goes_on, "Generated comes once"),
    (says_nothing, "a question is answered"),
    (calls_always, "must be called|may be called|allows no call"),
    (calls_the_first, "may be called"),
    (breaks_json, "JSON object that fits"),
    (forgets_arguments, "JSON object that fits"),
    (argues_first, "arguments follow"),
    (talks_beside, "text comes before calls"),
    (never_calls, "must be called"),
    (invents, "only tools that are offered|a question is answered"),
    (miscounts, "cached tokens"),
    (babbles, "max_tokens bounds"),
    (ignores_results, "a result is answered"),
]


@pytest.mark.parametrize(("change", "rule"), MODEL_CHANGES, ids=lambda value: getattr(value, "__name__", ""))
async def test_a_broken_model_is_told_which_rule(change: Change, rule: str) -> None:
    with anyio.fail_after(20), pytest.raises(ContractBroken, match=rule):
        await check_model(Model(change), BOUNDS)


class Random(ScriptedModel):
    counted = 0

    def count_tokens(self, text: str) -> int:
        self.counted += 1
        return self.counted


class Mixing(ScriptedModel):
    last: Prompt | None = None

    async def generate(self, prompt: Prompt) -> AsyncIterator[AnswerPiece]:
        self.last = prompt
        await anyio.sleep(0.01)
        async for piece in super().generate(self.last):
            yield piece


class Groups(ScriptedModel):
    async def generate(self, prompt: Prompt) -> AsyncIterator[AnswerPiece]:
        async with anyio.create_task_group():
            async for piece in super().generate(prompt):
                yield piece


class Thinker(ScriptedModel):
    async def warm(self, prompt: Prompt) -> None:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(0.3)


@pytest.mark.parametrize(
    ("model", "rule"),
    [
        (Random(), "count_tokens is a pure count"),
        (Mixing(), "must be called|may be called|do not mix"),
        (Groups(), "can be closed early"),
        (Thinker(), r"warm\(\) can be cancelled"),
        (ScriptedModel(delay_s=5), "work ends"),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_model_that_misbehaves_is_told_which_rule(model: ScriptedModel, rule: str) -> None:
    with anyio.fail_after(20), pytest.raises(ContractBroken, match=rule):
        await check_model(model, BOUNDS)


# Speaking

Speech = Callable[[list[Spoken]], list[Spoken]]


class ChangedVoice(ScriptedVoice):
    def __init__(self, change: Speech) -> None:
        super().__init__()
        self._change = change

    async def speak(self, clause: str, manner: Manner) -> AsyncIterator[Spoken]:
        for chunk in self._change([chunk async for chunk in super().speak(clause, manner)]):
            yield chunk


def half_samples(chunks: list[Spoken]) -> list[Spoken]:
    return [Spoken(chunk.pcm + b"\0", chunk.words) for chunk in chunks]


def no_sound(chunks: list[Spoken]) -> list[Spoken]:
    return [Spoken(b"", tuple(Word(word.text, 0) for word in chunk.words)) for chunk in chunks]


def silence(chunks: list[Spoken]) -> list[Spoken]:
    return [Spoken(bytes(len(chunk.pcm)), chunk.words) for chunk in chunks]


def stripped(chunks: list[Spoken]) -> list[Spoken]:
    return [Spoken(c.pcm, tuple(Word(w.text.strip(), w.end_ms) for w in c.words)) for c in chunks]


def backwards(chunks: list[Spoken]) -> list[Spoken]:
    return [Spoken(c.pcm, tuple(Word(w.text, -w.end_ms) for w in c.words)) for c in chunks]


def too_late(chunks: list[Spoken]) -> list[Spoken]:
    return [Spoken(c.pcm, tuple(Word(w.text, w.end_ms + 500) for w in c.words)) for c in chunks]


def all_at_once(chunks: list[Spoken]) -> list[Spoken]:
    words = [word for chunk in chunks for word in chunk.words]
    whole = Word("".join(word.text for word in words), words[-1].end_ms)
    return [Spoken(b"".join(chunk.pcm for chunk in chunks), (whole,))]


def said_twice(chunks: list[Spoken]) -> list[Spoken]:
    return [Spoken(chunk.pcm, chunk.words * 2) for chunk in chunks]


def drops_what_has_no_sound(chunks: list[Spoken]) -> list[Spoken]:
    words = [word for chunk in chunks for word in chunk.words]
    return chunks if any(letter.isalnum() for word in words for letter in word.text) else []


VOICE_CHANGES: list[tuple[Speech, str]] = [
    (half_samples, "whole samples"),
    (no_sound, "has a sound"),
    (silence, "has a sound"),
    (stripped, "every word is told once"),
    (backwards, "never decreases"),
    (too_late, "no word ends after the audio"),
    (all_at_once, "one word"),
    (said_twice, "every word is told once"),
    (drops_what_has_no_sound, "nothing can be said"),
]


@pytest.mark.parametrize(("change", "rule"), VOICE_CHANGES, ids=lambda value: getattr(value, "__name__", ""))
async def test_a_broken_voice_is_told_which_rule(change: Speech, rule: str) -> None:
    with anyio.fail_after(20), pytest.raises(ContractBroken, match=rule):
        await check_voice(ChangedVoice(change), BOUNDS)


class Nameless(ScriptedVoice):
    @property
    def voices(self) -> Sequence[str]:
        return ()


class OneSpeed(ScriptedVoice):
    async def speak(self, clause: str, manner: Manner) -> AsyncIterator[Spoken]:
        async for chunk in super().speak(clause, Manner()):
            yield chunk


class Particular(ScriptedVoice):
    async def speak(self, clause: str, manner: Manner) -> AsyncIterator[Spoken]:
        if manner.voice not in ("", "hum"):
            raise EngineError("I know no such voice.")
        async for chunk in super().speak(clause, manner):
            yield chunk


class HoldingVoice(ScriptedVoice):
    async def speak(self, clause: str, manner: Manner) -> AsyncIterator[Spoken]:
        hold_everybody_up()
        async for chunk in super().speak(clause, manner):
            yield chunk


@pytest.mark.parametrize(
    ("voice", "rule"),
    [
        (Nameless, "voices are names"),
        (OneSpeed, "speed is obeyed"),
        (Particular, "do the ordinary"),
        (HoldingVoice, "never holds up the event loop"),
    ],
)
async def test_a_voice_that_misbehaves_is_told_which_rule(voice: type[ScriptedVoice], rule: str) -> None:
    with anyio.fail_after(20), pytest.raises(ContractBroken, match=rule):
        await check_voice(voice(), BOUNDS)


# Answering as a whole


class Whole:
    """A responder that hums what the scripted model writes, both changed by the one flag that is set."""

    def __init__(self, fault: str) -> None:
        self._fault = fault

    async def respond(self, order: Order) -> AsyncIterator[ResponsePiece]:
        said_ms = 0
        async for piece in ScriptedModel().generate(order.prompt):
            yield piece
            if isinstance(piece, TextDelta) and (order.speaks or self._fault == "speaks always"):
                async for chunk in ScriptedVoice().speak(piece.text, Manner()):
                    yield self._placed(chunk, said_ms)
                    said_ms += len(chunk.pcm) // 48

    def _placed(self, chunk: Spoken, begin_ms: int) -> Spoken:
        if self._fault == "counts from the clause":
            return chunk
        words = tuple(Word(word.text, word.end_ms + begin_ms) for word in chunk.words)
        pcm = bytes(len(chunk.pcm)) if self._fault == "is silent" else chunk.pcm
        return Spoken(pcm, () if self._fault == "tells no words" else words)


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ("speaks always", "not spoken has no audio"),
        ("counts from the clause", "never decreases"),
        ("is silent", "is heard"),
        ("tells no words", "TextDelta is the transcript"),
    ],
)
async def test_a_broken_responder_is_told_which_rule(fault: str, rule: str) -> None:
    with anyio.fail_after(20), pytest.raises(ContractBroken, match=rule):
        await check_responder(Whole(fault), BOUNDS)


async def test_a_responder_without_fault_keeps_the_contract() -> None:
    with anyio.fail_after(20):
        await check_responder(Whole(""), BOUNDS)


# Any


@pytest.mark.parametrize(
    "check",
    [
        lambda: check_detector(object(), LOUD_PCM),  # type: ignore[arg-type]
        lambda: check_transcriber(object(), LOUD_PCM, SAID),  # type: ignore[arg-type]
        lambda: check_model(object()),  # type: ignore[arg-type]
        lambda: check_voice(object()),  # type: ignore[arg-type]
        lambda: check_responder(object()),  # type: ignore[arg-type]
    ],
)
async def test_what_is_no_engine_at_all_is_told_what_it_lacks(check: Callable[[], Awaitable[None]]) -> None:
    with pytest.raises(ContractBroken, match="Seen: object"):
        await check()
