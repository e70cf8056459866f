"""What is promised of an answer, by whomever: a `LanguageModel`, or a `Responder`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TypeAlias, cast

from louro.engines.base import (
    ArgumentsDelta,
    CallStarted,
    Generated,
    Message,
    Prompt,
    Spoken,
    Text,
    TextDelta,
    Tool,
    ToolCall,
    ToolResult,
)
from louro.engines.contracts.rules import (
    AT_ONCE,
    Bounds,
    Rule,
    all_of,
    at_once,
    cancel,
    close_after_one,
    demand,
)

Ask: TypeAlias = Callable[[Prompt], AsyncIterator[object]]


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


def asked(text: str = QUESTION, tool_choice: str = "auto", tools: tuple[Tool, ...] = ()) -> Prompt:
    turn = Message("user", (Text(text),))
    return Prompt("You are a friendly assistant.", (turn,), tools, tool_choice, max_tokens=40)


@dataclass(frozen=True)
class Answer:
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


class Answering:
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

    async def _answer(self, prompt: Prompt) -> Answer:
        pieces = await all_of(self._ask(prompt), "the answer")
        check_frame(pieces)
        return Answer([piece for piece in pieces if not isinstance(piece, Spoken)])

    async def _a_plain_answer_is_whole(self) -> None:
        answer = await self._answer(asked("Say hello to me."))
        demand(bool(answer.text.strip()), "a question is answered", f"{answer.pieces}", "Yield TextDelta.")
        demand(
            not answer.calls,
            "only tools that are offered are called",
            f"{answer.calls}",
            "Offer only `tools`.",
        )

    async def _a_function_is_called_when_it_must_be(self) -> None:
        for name in PARAMETERS:
            _check_calls(await self._answer(asked(tool_choice=f"function:{name}", tools=TOOLS)), {name})
        _check_calls(await self._answer(asked(tool_choice="required", tools=TOOLS)), set(PARAMETERS))

    async def _no_function_is_called_when_it_must_not_be(self) -> None:
        answer = await self._answer(asked(tool_choice="none", tools=TOOLS))
        demand(not answer.calls, "tool_choice none allows no call", f"{answer.calls}", "Leave the tools out.")
        answer = await self._answer(asked(tools=TOOLS))
        if answer.calls:
            _check_calls(answer, set(PARAMETERS))

    async def _a_result_is_answered(self) -> None:
        call, result = (
            ToolCall("call_1", "add_numbers", '{"first": 7, "second": 5}'),
            ToolResult("call_1", "12"),
        )
        prompt = asked(tools=TOOLS)
        answer = await self._answer(replace(prompt, turns=(*prompt.turns, call, result)))
        demand(
            bool(answer.text.strip() or answer.calls),
            "a result is answered",
            f"{answer.pieces}",
            "Render it.",
        )

    async def _the_answer_is_bounded(self) -> None:
        answer = await self._answer(replace(asked("Count from one to fifty."), max_tokens=3))
        words = len(answer.text.split())
        demand(
            answer.generated.output_tokens <= 3 and words <= 4,
            "max_tokens bounds the answer",
            f"with 3 allowed, {answer.generated.output_tokens} were counted: '{answer.text}'",
            "Pass it to the model.",
        )

    async def _several_are_answered_at_once(self) -> None:
        names = [*PARAMETERS] * AT_ONCE
        prompts = [asked(tool_choice=f"function:{name}", tools=TOOLS) for name in names[:AT_ONCE]]
        answers = await at_once([partial(self._answer, prompt) for prompt in (*prompts, asked())])
        for name, answer in zip(names, answers[:-1], strict=False):
            _check_calls(answer, {name})
        demand(
            not answers[-1].calls,
            "answers do not mix",
            f"{answers[-1].calls} without tools",
            "Share no state.",
        )

    async def _closing_early_stops(self) -> None:
        for _ in range(AT_ONCE):
            await close_after_one(self._ask(asked("Tell me a story.")), "the answer", self._bounds)
        await self._answer(asked())

    async def _cancelling_stops(self) -> None:
        async def work() -> None:
            await self._answer(asked("Tell me a story."))

        await cancel(work, "the answer", self._bounds)
        await self._answer(asked())


def check_frame(pieces: Sequence[object]) -> None:
    known = TextDelta | CallStarted | ArgumentsDelta | Generated | Spoken
    odd = [piece for piece in pieces if not isinstance(piece, known)]
    demand(
        not odd, "an answer is made of the pieces of louro.engines.base", f"{odd[:1]}", "Yield only those."
    )
    ends = [index for index, piece in enumerate(pieces) if isinstance(piece, Generated)]
    demand(
        ends == [len(pieces) - 1],
        "Generated comes once, and last",
        f"{len(ends)} of them in {len(pieces)} pieces, at {ends}",
        "Yield it when everything else is out.",
    )
    counts = cast(Generated, pieces[-1])
    demand(
        0 <= counts.cached_tokens <= counts.input_tokens and counts.output_tokens >= 0,
        "cached tokens are some of the input's, and no count is negative",
        f"{counts}",
        "Count the whole prompt as input.",
    )
    _check_order([piece for piece in pieces if not isinstance(piece, Spoken)])


def _check_order(pieces: Sequence[object]) -> None:
    for before, piece in pairwise([None, *pieces]):
        demand(
            not isinstance(piece, ArgumentsDelta) or isinstance(before, CallStarted | ArgumentsDelta),
            "arguments follow the call that they belong to",
            f"{piece} after {before}",
            "Yield CallStarted first, and nothing between.",
        )
        demand(
            not isinstance(piece, TextDelta) or isinstance(before, TextDelta | None),
            "text comes before calls",
            f"{piece} after {before}",
            "Leave out what the model writes beside a call.",
        )


def _check_calls(answer: Answer, allowed: set[str]) -> None:
    demand(
        bool(answer.calls),
        f"one of {sorted(allowed)} must be called",
        f"{answer.pieces}",
        "Obey tool_choice.",
    )
    for name, text in answer.calls:
        demand(name in allowed, f"only {sorted(allowed)} may be called", f"'{name}'", "Obey tool_choice.")
        try:
            arguments = json.loads(text)
        except ValueError:
            arguments = None
        fits = isinstance(arguments, dict) and arguments.keys() == PARAMETERS[name]
        demand(
            fits and all(isinstance(value, int | float) for value in arguments.values()),
            "arguments, joined, are a JSON object that fits the tool's parameters",
            f"{text!r} for {name}({', '.join(sorted(PARAMETERS[name]))})",
            "Constrain the model by the schema, or raise EngineError.",
        )
