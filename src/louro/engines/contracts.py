"""Whether an engine keeps what `louro.engines.base` promises in its name. For the tests of whoever writes one.

    async def test_my_voice_keeps_the_contract() -> None:
        await check_voice(MyVoice())

Each check uses the engine for real, some dozens of times, and raises `ContractBroken` at the first rule that does not
hold: which one, what was seen, and what to do about it. No test framework is needed, only an event loop.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TypeAlias, TypeVar, cast

import anyio
import anyio.lowlevel
from anyio.abc import TaskStatus

from louro.engines.base import (
    ArgumentsDelta,
    CallStarted,
    EngineError,
    Generated,
    Hints,
    LanguageModel,
    Manner,
    Message,
    Order,
    Prompt,
    Responder,
    Score,
    SpeechDetector,
    Spoken,
    Text,
    TextDelta,
    Tool,
    ToolCall,
    ToolResult,
    Transcriber,
    Voice,
    Word,
)

TICK_S = 0.005
TRIES = 3
"""How often the event loop must be held, in as many runs of a rule: a busy machine does it now and then by itself."""
AT_ONCE = 3
CANCEL_AFTER_S = (0.0, 0.001, 0.02, 0.1)
TOLERANCE_MS = 50
"""By which a word may miss the sound it is told with: voices know their words less well than their samples."""
SAME_SCORE = 0.001
"""A batch adds up in another order than a single window does."""
MISHEARD = 0.34
"""Of the words that were said, how many may be missed, wrong, or too many."""
BYTES_PER_MS = 48

T = TypeVar("T")
Rule: TypeAlias = Callable[[], Awaitable[None]]
Ask: TypeAlias = Callable[[Prompt], AsyncIterator[object]]


class ContractBroken(AssertionError):
    """The message says which rule, what was seen, and what to do."""


@dataclass(frozen=True)
class Bounds:
    """How long is too long. The defaults are for a slow machine with other work to do."""

    held_ms: float = 100
    """The longest time for which an engine may keep everybody else from running."""
    stop_s: float = 1.0
    """To return when cancelled or closed. The rule says a tenth; the rest is for the machine."""
    rule_s: float = 60.0
    """For everything that one rule asks of the engine."""


BOUNDS = Bounds()


async def check_detector(detector: SpeechDetector, speech_pcm: bytes, bounds: Bounds = BOUNDS) -> None:
    """*speech_pcm*: some seconds in which somebody speaks, 24 kHz mono int16."""
    _demand(
        isinstance(detector, SpeechDetector),
        "a detector has open()",
        type(detector).__name__,
        "Add the method.",
    )
    rules = (_scores_are_in_order, _chopping_changes_no_score, _streams_do_not_mix, _closing_twice_is_fine)
    for rule in (*rules, _speech_is_more_likely_than_silence, _a_cancelled_feed_returns):
        await _keep(partial(rule, detector, speech_pcm, bounds), bounds)


async def check_transcriber(
    transcriber: Transcriber, speech_pcm: bytes, expected_words: str, bounds: Bounds = BOUNDS
) -> None:
    """*expected_words*: all that is said in *speech_pcm*. A third of it may be misheard; case and marks are ignored."""
    _demand(
        isinstance(transcriber, Transcriber),
        "a transcriber has transcribe(pcm, hints)",
        type(transcriber).__name__,
        "Add the method.",
    )
    heard = _Hearing(transcriber, speech_pcm, expected_words, bounds)
    rules = (heard.silence_yields_nothing, heard.pieces_join_to_the_words, heard.hints_are_no_surprise)
    for rule in (*rules, heard.several_are_heard_at_once, heard.closing_early_stops, heard.cancelling_stops):
        await _keep(rule, bounds)


async def check_model(model: LanguageModel, bounds: Bounds = BOUNDS) -> None:
    """The model is asked in English, and offered two functions."""
    _demand(
        isinstance(model, LanguageModel),
        "a language model has sees_images, generate(), warm() and count_tokens()",
        type(model).__name__,
        "Add what is missing.",
    )
    await _keep(partial(_warming_changes_no_answer, model, bounds), bounds)
    await _keep(partial(_counting_is_pure, model, bounds), bounds)
    answers = _Answering(model.generate, bounds)
    for rule in answers.rules:
        await _keep(rule, bounds)


async def check_voice(voice: Voice, bounds: Bounds = BOUNDS) -> None:
    """The voice says a few short clauses of plain words; that it understands English is not asked."""
    _demand(
        isinstance(voice, Voice),
        "a voice has voices and speak()",
        type(voice).__name__,
        "Add what is missing.",
    )
    speaking = _Speaking(voice, bounds)
    for rule in speaking.rules:
        await _keep(rule, bounds)


async def check_responder(responder: Responder, bounds: Bounds = BOUNDS) -> None:
    """Asked like a language model, both in writing and aloud."""
    _demand(
        isinstance(responder, Responder),
        "a responder has respond()",
        type(responder).__name__,
        "Add the method.",
    )
    for speaks in (False, True):
        answers = _Answering(lambda prompt, speaks=speaks: responder.respond(Order(prompt, speaks)), bounds)  # type: ignore[misc]
        for rule in answers.rules:
            await _keep(rule, bounds)
    await _keep(partial(_a_written_answer_is_silent, responder), bounds)
    await _keep(partial(_a_spoken_answer_is_what_is_written, responder), bounds)


# How a rule is kept


def _demand(kept: bool, rule: str, seen: str, cure: str) -> None:
    if not kept:
        raise ContractBroken(f"Rule: {rule}. Seen: {seen}. {cure}")


async def _keep(rule: Rule, bounds: Bounds) -> None:
    """Run *rule* beside a clock that must not stop."""
    longest_ms = 0.0
    for _ in range(TRIES):
        longest_ms = await _held_ms(rule, bounds)
        if longest_ms <= bounds.held_ms:
            return
    _demand(
        False,
        "an engine never holds up the event loop",
        f"for {longest_ms:.0f} ms nothing else could run ({bounds.held_ms:.0f} ms are allowed)",
        "Run blocking work in a thread (louro.engines.workers.Workers) or a process.",
    )


async def _held_ms(rule: Rule, bounds: Bounds) -> float:
    longest_s = 0.0

    async def tick(*, task_status: TaskStatus[None]) -> None:
        nonlocal longest_s
        before = time.perf_counter()
        task_status.started()
        while True:
            try:
                await anyio.sleep(TICK_S)
            finally:
                # Also when cancelled: the loop may be held until the very end of the rule.
                longest_s = max(longest_s, time.perf_counter() - before - TICK_S)
            before = time.perf_counter()

    try:
        async with anyio.create_task_group() as tasks:
            await tasks.start(tick)
            with anyio.fail_after(bounds.rule_s):
                await rule()
            tasks.cancel_scope.cancel()
    except ExceptionGroup as group:
        raise _explained(_first(group), bounds) from _first(group)
    return longest_s * 1000


def _first(error: Exception) -> Exception:
    return _first(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


def _explained(error: Exception, bounds: Bounds) -> ContractBroken:
    match error:
        case ContractBroken():
            return error
        case TimeoutError():
            rule, cure = (
                f"work ends: in {bounds.rule_s:g} s",
                "Look for a lock or a slot that was not given back.",
            )
        case EngineError():
            rule, cure = "an engine can do the ordinary", "The message says what it could not do."
        case _:
            rule = "what fails in an engine is an EngineError"
            cure = "Map the exceptions of your libraries at the boundary of the adapter."
    return ContractBroken(f"Rule: {rule}. Seen: {type(error).__name__}: {error}. {cure}")


def _soon_enough(took_s: float, bounds: Bounds, what: str) -> None:
    _demand(
        took_s <= bounds.stop_s,
        f"{what} within a chunk of work",
        f"it took {took_s:.2f} s ({bounds.stop_s:g} s are allowed)",
        "Let cancellation through, and leave work in threads behind (abandon_on_cancel) with a flag that stops it.",
    )


def _opened(pieces: AsyncIterator[T], method: str) -> AsyncGenerator[T, None]:
    """*pieces* as what they should be: a stream that can be read, and closed early."""
    if isinstance(pieces, Coroutine):
        pieces.close()  # or it would complain that nobody awaited it
    _demand(
        hasattr(pieces, "__aiter__") and hasattr(pieces, "aclose"),
        f"{method} returns an async iterator that can be closed",
        f"it returned a '{type(pieces).__name__}'",
        "Write it as an async generator: async def with yield.",
    )
    return cast("AsyncGenerator[T, None]", pieces)


async def _all_of(pieces: AsyncIterator[T], method: str) -> list[T]:
    async with aclosing(_opened(pieces, method)) as opened:
        read: list[T] = []
        async for piece in opened:
            read.append(piece)
            await anyio.lowlevel.checkpoint()  # a quick engine need not wait for anything
        return read


async def _close_after_one(pieces: AsyncIterator[object], method: str, bounds: Bounds) -> None:
    opened = _opened(pieces, method)
    async for _ in opened:
        break
    begin = time.perf_counter()
    try:
        await opened.aclose()
    except BaseExceptionGroup as group:
        if group.split(GeneratorExit)[1] is not None:
            raise
        raise ContractBroken(
            f"Rule: the iterator of {method} can be closed early. Seen: a task group that answers with {group!r}. "
            "Where you yield inside a task group, catch GeneratorExit there, cancel the group, and return."
        ) from group
    _soon_enough(time.perf_counter() - begin, bounds, f"closing the iterator of {method} stops it")


async def _cancel(work: Rule, what: str, bounds: Bounds) -> None:
    """Early, and a little later: whatever it is doing by then. Work that is done before is not cancelled."""
    for after_s in CANCEL_AFTER_S:
        begin = time.perf_counter()
        with anyio.move_on_after(after_s) as scope:
            await work()
        if scope.cancel_called:
            _soon_enough(time.perf_counter() - begin - after_s, bounds, f"{what} can be cancelled")


async def _at_once(works: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    results: dict[int, T] = {}

    async def work_on(index: int) -> None:
        results[index] = await works[index]()

    async with anyio.create_task_group() as tasks:
        for index in range(len(works)):
            tasks.start_soon(work_on, index)
    return [results[index] for index in range(len(works))]


# Speech detection


async def _scores_of(detector: SpeechDetector, pcm: bytes, chunk_bytes: int) -> list[Score]:
    stream = detector.open()
    try:
        scores: list[Score] = []
        for start in range(0, len(pcm), chunk_bytes):
            scores += await stream.feed(pcm[start : start + chunk_bytes])
            await anyio.lowlevel.checkpoint()  # a quick engine need not wait for anything
        return scores
    finally:
        stream.close()


async def _scores_are_in_order(detector: SpeechDetector, pcm: bytes, bounds: Bounds) -> None:
    scores = await _scores_of(detector, pcm, 960)
    _demand(
        bool(scores),
        "speech is scored",
        f"no score for {len(pcm) // BYTES_PER_MS} ms",
        "Is the audio too short?",
    )
    odd = [score for score in scores if not 0 <= score.probability <= 1]
    _demand(not odd, "a probability is 0 to 1", f"{odd[:1]}", "Apply the sigmoid, or clip.")
    ends = [0.0, *(score.end_ms for score in scores)]
    steps = [later - earlier for earlier, later in pairwise(ends)]
    _demand(
        min(steps) > 0 and max(steps) - min(steps) < 0.01,
        "end_ms grows by one window each time",
        f"steps of {min(steps):g} to {max(steps):g} ms",
        "Count windows, and multiply.",
    )
    length_ms = len(pcm) / BYTES_PER_MS
    _demand(
        length_ms - steps[0] - TOLERANCE_MS <= ends[-1] <= length_ms,
        "feed scores every window that is complete, and none before",
        f"after {length_ms:.0f} ms of audio the last window ended at {ends[-1]:.0f} ms",
        "Is the stream resampled, and counted in 24 kHz samples?",
    )


async def _chopping_changes_no_score(detector: SpeechDetector, pcm: bytes, bounds: Bounds) -> None:
    whole = await _scores_of(detector, pcm, len(pcm))
    await _demand_same(whole, _scores_of(detector, pcm[:9_600], 2), "in single samples")
    for chunk_bytes in (478, 960, 9_602):
        await _demand_same(whole, _scores_of(detector, pcm, chunk_bytes), f"in chunks of {chunk_bytes} bytes")
    none = await detector.open().feed(b"")
    _demand(none == [], "no audio completes no window", f"{none}", "Return an empty list.")


async def _demand_same(whole: list[Score], chopped: Awaitable[list[Score]], how: str) -> None:
    scores = await chopped
    same = all(
        abs(one.probability - other.probability) <= SAME_SCORE and one.end_ms == other.end_ms
        for one, other in zip(whole, scores, strict=False)
    )
    _demand(
        same and (len(scores) == len(whole) or how == "in single samples"),
        "how the audio is chopped, and who else is heard, changes no score",
        f"{how}: {len(scores)} scores that differ from the {len(whole)} of the whole",
        "Keep in the stream what does not fill a window, and carry over every state.",
    )


async def _streams_do_not_mix(detector: SpeechDetector, pcm: bytes, bounds: Bounds) -> None:
    speech = await _scores_of(detector, pcm, 960)
    silence = await _scores_of(detector, bytes(len(pcm)), 960)
    works = [partial(_scores_of, detector, audio, 960) for audio in (pcm, bytes(len(pcm)), pcm)]
    for alone, together in zip((speech, silence, speech), await _at_once(works), strict=True):
        await _demand_same(alone, _ready(together), "beside two other streams")


async def _ready(value: T) -> T:
    return value


async def _closing_twice_is_fine(detector: SpeechDetector, pcm: bytes, bounds: Bounds) -> None:
    stream, other = detector.open(), detector.open()
    before = await other.feed(pcm[: len(pcm) // 4 * 2])
    await stream.feed(pcm[:960])
    stream.close()
    try:
        stream.close()
    except Exception as error:
        raise ContractBroken(
            f"Rule: close() is idempotent. Seen: {error!r}. Let the second do nothing."
        ) from error
    after = await other.feed(pcm[len(pcm) // 4 * 2 :])
    other.close()
    await _demand_same(
        await _scores_of(detector, pcm, len(pcm)), _ready(before + after), "after another was closed"
    )


async def _speech_is_more_likely_than_silence(detector: SpeechDetector, pcm: bytes, bounds: Bounds) -> None:
    speech = max(score.probability for score in await _scores_of(detector, pcm, 960))
    silence = max(score.probability for score in await _scores_of(detector, bytes(len(pcm)), 960))
    _demand(
        speech >= 0.5 > silence,
        "the probability is that the window holds speech",
        f"at most {speech:.2f} in speech, {silence:.2f} in silence",
        "Check scale and byte order: int16, little-endian, at 24 kHz.",
    )


async def _a_cancelled_feed_returns(detector: SpeechDetector, pcm: bytes, bounds: Bounds) -> None:
    async def work() -> None:
        await _scores_of(detector, pcm, len(pcm))

    await _cancel(work, "feed()", bounds)
    await work()


# Hearing


@dataclass(frozen=True)
class _Hearing:
    transcriber: Transcriber
    pcm: bytes
    expected: str
    bounds: Bounds

    async def _hear(self, pcm: bytes, hints: Hints | None = None) -> list[str]:
        return await _all_of(self.transcriber.transcribe(pcm, hints or Hints()), "transcribe()")

    async def silence_yields_nothing(self) -> None:
        for length_ms in (0, 20, 500, 3_000):
            heard = await self._hear(bytes(length_ms * BYTES_PER_MS))
            _demand(
                heard == [],
                "silence yields nothing",
                f"{heard} in {length_ms} ms of it",
                "Look at the loudness before you ask the model (louro.engines.pieces.is_silent).",
            )

    async def pieces_join_to_the_words(self) -> None:
        self._demand_words(await self._hear(self.pcm))

    def _demand_words(self, pieces: list[str]) -> None:
        expected, heard = _words_of(self.expected), _words_of("".join(pieces))
        _demand(
            _differing(expected, heard) <= MISHEARD * len(expected),
            "the pieces, joined, are the transcript",
            f"{pieces} for '{self.expected}'",
            "Every piece is what is new, with the white space that belongs before it.",
        )

    async def hints_are_no_surprise(self) -> None:
        self._demand_words(await self._hear(self.pcm, Hints(prompt="Louro, Dashwood")))
        for language in ("en", "zu"):
            with suppress(EngineError):  # it need not know the language, only say so
                await self._hear(self.pcm, Hints(language=language))

    async def several_are_heard_at_once(self) -> None:
        works = [partial(self._hear, audio) for audio in (self.pcm, bytes(len(self.pcm)), self.pcm)]
        first, silence, last = await _at_once(works)
        self._demand_words(first)
        self._demand_words(last)
        _demand(
            silence == [],
            "one engine serves all sessions",
            f"{silence} in silence beside speech",
            "Share no state.",
        )

    async def closing_early_stops(self) -> None:
        await _close_after_one(self.transcriber.transcribe(self.pcm, Hints()), "transcribe()", self.bounds)
        self._demand_words(await self._hear(self.pcm))

    async def cancelling_stops(self) -> None:
        async def work() -> None:
            await self._hear(self.pcm)

        await _cancel(work, "transcribe()", self.bounds)
        self._demand_words(await self._hear(self.pcm))


def _words_of(text: str) -> list[str]:
    return re.findall(r"[\w']+", text.lower())


def _differing(expected: Sequence[str], heard: Sequence[str]) -> int:
    """Levenshtein's distance, in words."""
    row = list(range(len(heard) + 1))
    for index, word in enumerate(expected, 1):
        previous, row[0] = row[0], index
        for place, other in enumerate(heard, 1):
            previous, row[place] = (
                row[place],
                min(row[place] + 1, row[place - 1] + 1, previous + (word != other)),
            )
    return row[-1]


# Thinking


def _tool(name: str, description: str, *parameters: str) -> Tool:
    properties = {parameter: {"type": "number"} for parameter in parameters}
    schema = {"type": "object", "properties": properties, "required": list(parameters)}
    return Tool(name, description, json.dumps(schema))


TOOLS = (
    _tool("add_numbers", "Adds two numbers.", "first", "second"),
    _tool("set_timer", "Sets a timer.", "minutes"),
)
PARAMETERS = {"add_numbers": {"first", "second"}, "set_timer": {"minutes"}}
QUESTION = "Please add 7 and 5."


def _asked(text: str = QUESTION, tool_choice: str = "auto", tools: tuple[Tool, ...] = ()) -> Prompt:
    turn = Message("user", (Text(text),))
    return Prompt("You are a friendly assistant.", (turn,), tools, tool_choice, max_tokens=40)


@dataclass(frozen=True)
class _Answer:
    """The pieces of an answer, sorted."""

    pieces: list[object]

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces if isinstance(piece, TextDelta))

    @property
    def generated(self) -> Generated:
        return next(piece for piece in self.pieces if isinstance(piece, Generated))

    @property
    def calls(self) -> list[tuple[str, str]]:
        """Name and arguments of each."""
        calls: list[tuple[str, str]] = []
        for piece in self.pieces:
            if isinstance(piece, CallStarted):
                calls.append((piece.name, ""))
            elif isinstance(piece, ArgumentsDelta) and calls:
                calls[-1] = (calls[-1][0], calls[-1][1] + piece.text)
        return calls


class _Answering:
    """The rules that a language model and a responder have in common."""

    def __init__(self, ask: Ask, bounds: Bounds) -> None:
        self._ask = ask
        self._bounds = bounds
        self.rules: tuple[Rule, ...] = (
            self._a_plain_answer_is_whole,
            self._a_function_is_called_when_it_must_be,
            self._no_function_is_called_when_it_must_not_be,
            self._a_result_is_answered,
            self._the_answer_is_bounded,
            self._several_are_answered_at_once,
            self._closing_early_stops,
            self._cancelling_stops,
        )

    async def _answer(self, prompt: Prompt) -> _Answer:
        pieces = await _all_of(self._ask(prompt), "the answer")
        _check_frame(pieces)
        return _Answer([piece for piece in pieces if not isinstance(piece, Spoken)])

    async def _a_plain_answer_is_whole(self) -> None:
        answer = await self._answer(_asked("Say hello to me."))
        _demand(bool(answer.text.strip()), "a question is answered", f"{answer.pieces}", "Yield TextDelta.")
        _demand(
            not answer.calls,
            "only tools that are offered are called",
            f"{answer.calls}",
            "Offer only `tools`.",
        )

    async def _a_function_is_called_when_it_must_be(self) -> None:
        for name in PARAMETERS:
            _check_calls(await self._answer(_asked(tool_choice=f"function:{name}", tools=TOOLS)), {name})
        _check_calls(await self._answer(_asked(tool_choice="required", tools=TOOLS)), set(PARAMETERS))

    async def _no_function_is_called_when_it_must_not_be(self) -> None:
        answer = await self._answer(_asked(tool_choice="none", tools=TOOLS))
        _demand(
            not answer.calls, "tool_choice none allows no call", f"{answer.calls}", "Leave the tools out."
        )
        answer = await self._answer(_asked(tools=TOOLS))
        if answer.calls:
            _check_calls(answer, set(PARAMETERS))

    async def _a_result_is_answered(self) -> None:
        call, result = (
            ToolCall("call_1", "add_numbers", '{"first": 7, "second": 5}'),
            ToolResult("call_1", "12"),
        )
        asked = _asked(tools=TOOLS)
        answer = await self._answer(replace(asked, turns=(*asked.turns, call, result)))
        _demand(
            bool(answer.text.strip() or answer.calls),
            "a result is answered",
            f"{answer.pieces}",
            "Render it.",
        )

    async def _the_answer_is_bounded(self) -> None:
        answer = await self._answer(replace(_asked("Count from one to fifty."), max_tokens=3))
        words = len(answer.text.split())
        _demand(
            answer.generated.output_tokens <= 3 and words <= 4,
            "max_tokens bounds the answer",
            f"with 3 allowed, {answer.generated.output_tokens} were counted: '{answer.text}'",
            "Pass it to the model.",
        )

    async def _several_are_answered_at_once(self) -> None:
        names = [*PARAMETERS] * AT_ONCE
        asked = [_asked(tool_choice=f"function:{name}", tools=TOOLS) for name in names[:AT_ONCE]]
        answers = await _at_once([partial(self._answer, prompt) for prompt in (*asked, _asked())])
        for name, answer in zip(names, answers[:-1], strict=False):
            _check_calls(answer, {name})
        _demand(
            not answers[-1].calls,
            "answers do not mix",
            f"{answers[-1].calls} without tools",
            "Share no state.",
        )

    async def _closing_early_stops(self) -> None:
        for _ in range(AT_ONCE):
            await _close_after_one(self._ask(_asked("Tell me a story.")), "the answer", self._bounds)
        await self._answer(_asked())

    async def _cancelling_stops(self) -> None:
        async def work() -> None:
            await self._answer(_asked("Tell me a story."))

        await _cancel(work, "the answer", self._bounds)
        await self._answer(_asked())


def _check_frame(pieces: Sequence[object]) -> None:
    known = TextDelta | CallStarted | ArgumentsDelta | Generated | Spoken
    odd = [piece for piece in pieces if not isinstance(piece, known)]
    _demand(
        not odd, "an answer is made of the pieces of louro.engines.base", f"{odd[:1]}", "Yield only those."
    )
    ends = [index for index, piece in enumerate(pieces) if isinstance(piece, Generated)]
    _demand(
        ends == [len(pieces) - 1],
        "Generated comes once, and last",
        f"{len(ends)} of them in {len(pieces)} pieces, at {ends}",
        "Yield it when everything else is out.",
    )
    counts = cast(Generated, pieces[-1])
    _demand(
        0 <= counts.cached_tokens <= counts.input_tokens and counts.output_tokens >= 0,
        "cached tokens are some of the input's, and no count is negative",
        f"{counts}",
        "Count the whole prompt as input.",
    )
    _check_order([piece for piece in pieces if not isinstance(piece, Spoken)])


def _check_order(pieces: Sequence[object]) -> None:
    for before, piece in pairwise([None, *pieces]):
        _demand(
            not isinstance(piece, ArgumentsDelta) or isinstance(before, CallStarted | ArgumentsDelta),
            "arguments follow the call that they belong to",
            f"{piece} after {before}",
            "Yield CallStarted first, and nothing between.",
        )
        _demand(
            not isinstance(piece, TextDelta) or isinstance(before, TextDelta | None),
            "text comes before calls",
            f"{piece} after {before}",
            "Leave out what the model writes beside a call.",
        )


def _check_calls(answer: _Answer, allowed: set[str]) -> None:
    _demand(
        bool(answer.calls),
        f"one of {sorted(allowed)} must be called",
        f"{answer.pieces}",
        "Obey tool_choice.",
    )
    for name, text in answer.calls:
        _demand(name in allowed, f"only {sorted(allowed)} may be called", f"'{name}'", "Obey tool_choice.")
        try:
            arguments = json.loads(text)
        except ValueError:
            arguments = None
        fits = isinstance(arguments, dict) and arguments.keys() == PARAMETERS[name]
        _demand(
            fits and all(isinstance(value, int | float) for value in arguments.values()),
            "arguments, joined, are a JSON object that fits the tool's parameters",
            f"{text!r} for {name}({', '.join(sorted(PARAMETERS[name]))})",
            "Constrain the model by the schema, or raise EngineError.",
        )


async def _warming_changes_no_answer(model: LanguageModel, bounds: Bounds) -> None:
    async def work() -> None:
        await model.warm(_asked(tools=TOOLS))

    await _cancel(work, "warm()", bounds)
    await work()
    await work()
    _check_frame(await _all_of(model.generate(_asked(tools=TOOLS)), "generate()"))


async def _counting_is_pure(model: LanguageModel, bounds: Bounds) -> None:
    texts = ("", "Hello", "Hello there, how are you?", "olá, tudo bem? \U0001f99c", QUESTION * 50)
    counts = [model.count_tokens(text) for text in texts]
    await anyio.lowlevel.checkpoint()
    again = [model.count_tokens(text) for text in texts]
    _demand(
        counts == again and counts[0] == 0 and 0 < counts[1] < counts[2] < counts[4],
        "count_tokens is a pure count: none for nothing, more for more",
        f"{counts}, then {again}",
        "Use louro.engines.tokens.estimate_tokens where the tokenizer is out of reach.",
    )


# Speaking


PLAIN = "Hello there, my friend."
LONGER = "The parrot sat on the old oak tree, and looked at the sea."
UNSPEAKABLE = ("...", "\U0001f99c", " \u2026 ", "\U0001f99c \U0001f44b !", "*** ---")
AWKWARD = (
    "It is 5:30, Mr. Smith!",
    " Leading and  double  spaces ",
    "Ol\u00e1, tudo bem?",
    '"Well \u2014 yes," she said.',
)


@dataclass(frozen=True)
class _Speaking:
    voice: Voice
    bounds: Bounds

    @property
    def rules(self) -> tuple[Rule, ...]:
        return (
            self._the_voices_have_names,
            self._plain_words_are_heard,
            self._every_clause_keeps_its_words,
            self._manners_are_obeyed_or_refused,
            self._several_speak_at_once,
            self._closing_early_stops,
            self._cancelling_stops,
        )

    async def _say(self, clause: str, manner: Manner | None = None) -> bytes:
        spoken = await _all_of(self.voice.speak(clause, manner or Manner()), "speak()")
        _check_spoken(spoken, f"'{clause}'")
        _check_words(spoken, clause)
        return b"".join(chunk.pcm for chunk in spoken)

    async def _the_voices_have_names(self) -> None:
        names = list(self.voice.voices)
        _demand(
            bool(names)
            and all(isinstance(name, str) and name for name in names)
            and not isinstance(names, str),
            "voices are names, the default first",
            f"{names}",
            "Return at least one.",
        )

    async def _plain_words_are_heard(self) -> None:
        pcm = await self._say(PLAIN)
        _demand(
            len(pcm) > 200 * BYTES_PER_MS and any(pcm),
            "a clause of plain words has a sound",
            f"{len(pcm) // BYTES_PER_MS} ms, {'some' if any(pcm) else 'no'} sound for '{PLAIN}'",
            "Audio is 24 kHz mono int16.",
        )

    async def _every_clause_keeps_its_words(self) -> None:
        for clause in (LONGER, *UNSPEAKABLE, *AWKWARD):
            await self._say(clause)

    async def _manners_are_obeyed_or_refused(self) -> None:
        await self._say(PLAIN, Manner(voice="nobody of this name"))
        await self._say(PLAIN, Manner(voice=self.voice.voices[-1]))
        slow, quick = [len(await self._say(PLAIN, Manner(speed=speed))) for speed in (0.25, 1.5)]
        _demand(
            slow > quick,
            "speed is obeyed: 0.25 is slow, 1.5 is quick",
            f"{slow // BYTES_PER_MS} ms and {quick // BYTES_PER_MS} ms for '{PLAIN}'",
            "Pass it on; many models want its inverse.",
        )
        for language in ("en", "zu"):
            with suppress(EngineError):  # it need not speak the language, only say so
                await self._say(PLAIN, Manner(language=language))

    async def _several_speak_at_once(self) -> None:
        await _at_once([partial(self._say, clause) for clause in (PLAIN, LONGER, *AWKWARD[:1])])

    async def _closing_early_stops(self) -> None:
        for _ in range(AT_ONCE):
            await _close_after_one(self.voice.speak(LONGER, Manner()), "speak()", self.bounds)
        await self._say(PLAIN)

    async def _cancelling_stops(self) -> None:
        async def work() -> None:
            await self._say(LONGER)

        await _cancel(work, "speak()", self.bounds)
        await self._say(PLAIN)


def _check_spoken(spoken: Sequence[Spoken], what: str) -> None:
    begin_ms = last_ms = 0.0
    for chunk in spoken:
        _demand(
            len(chunk.pcm) % 2 == 0,
            "audio is whole samples",
            f"{len(chunk.pcm)} bytes",
            "Keep half a sample back.",
        )
        end_ms = begin_ms + len(chunk.pcm) / BYTES_PER_MS
        for word in chunk.words:
            _demand(
                word.end_ms >= last_ms,
                "end_ms never decreases",
                f"{word} after {last_ms} ms in {what}",
                "Count on.",
            )
            _demand(
                begin_ms - TOLERANCE_MS <= word.end_ms <= end_ms + TOLERANCE_MS,
                "a chunk has the words that end in it, and no word ends after the audio",
                f"{word} in a chunk from {begin_ms:.0f} to {end_ms:.0f} ms of {what}",
                "Tell a word with the chunk in which it ends, counted from the start of the whole.",
            )
            last_ms = word.end_ms
        begin_ms = end_ms


def _check_words(spoken: Sequence[Spoken], clause: str) -> None:
    words: list[Word] = [word for chunk in spoken for word in chunk.words]
    _demand(
        "".join(word.text for word in words) == clause,
        "every word is told once and in order: joined, they are the clause, also where nothing can be said",
        f"{[word.text for word in words]} for {clause!r}",
        "Keep white space and marks with the words (louro.engines.speakable.said_words).",
    )
    wide = [word.text for word in words if len(word.text.split()) > 1]
    _demand(
        not wide, "a Word is one word", f"{wide[:1]}", "Tell each by itself, so that a cut loses no other."
    )


# Answering as a whole


async def _a_written_answer_is_silent(responder: Responder) -> None:
    pieces = await _all_of(responder.respond(Order(_asked(), speaks=False)), "respond()")
    spoken = [piece for piece in pieces if isinstance(piece, Spoken)]
    _demand(
        not spoken,
        "an answer that is not spoken has no audio",
        f"{len(spoken)} chunks",
        "Look at Order.speaks.",
    )


async def _a_spoken_answer_is_what_is_written(responder: Responder) -> None:
    pieces = await _all_of(responder.respond(Order(_asked("Say hello to me."), speaks=True)), "respond()")
    spoken = [piece for piece in pieces if isinstance(piece, Spoken)]
    _check_spoken(spoken, "the answer")
    _demand(
        any(any(chunk.pcm) for chunk in spoken),
        "a spoken answer is heard",
        f"{len(spoken)} chunks",
        "Speak it.",
    )
    written = "".join(piece.text for piece in pieces if isinstance(piece, TextDelta)).split()
    told = "".join(word.text for chunk in spoken for word in chunk.words).split()
    _demand(
        told == written,
        "TextDelta is the transcript: the words that are spoken are those that are written",
        f"'{' '.join(written)}' written, '{' '.join(told)}' told",
        "Tell every word once, with white space.",
    )
