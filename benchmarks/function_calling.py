"""How often does a language model call the right tool, leave the tools alone, say what came back, and go on to the next?

    python benchmarks/function_calling.py [--llm SPEC] [--set held-out|development|development-2] [--talk] [--show] [--json]

The questions are in function_calls/. The development ones may be looked at, answer by answer, while the model's prompt
is tuned; the held-out ones were written before and only their sums were seen: theirs are the figures to report. Once
looked at, a held-out set is spent, and tuned on from then on: that is what development-2 is. The tools that the prompt
itself shows are offered in none.
"""

from __future__ import annotations

import argparse
import json
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from louro.engines.base import (
    ArgumentsDelta,
    CallStarted,
    LanguageModel,
    Message,
    Prompt,
    Text,
    TextDelta,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)
from louro.engines.registry import EngineSettings, load

SETS = {
    name: Path(__file__).parent / "function_calls" / f"{name.replace('-', '_')}.toml"
    for name in ("held-out", "development", "development-2")
}
Arguments = dict[str, object]
Tools = tuple[Tool, ...]


TALK: tuple[Turn, ...] = tuple(
    Message(role, (Text(text),))
    for role, text in (
        ("user", "Hello!"),
        ("assistant", "Hello! What can I do for you?"),
        ("user", "What is the capital of France?"),
        ("assistant", "The capital of France is Paris."),
    )
)


@dataclass
class Answer:
    called: str | None = None
    arguments: str = ""
    text: str = ""

    @property
    def shown(self) -> str:
        return f"{self.called} {self.arguments}" if self.called else self.text


@dataclass
class Tally:
    right: int = 0
    of: int = 0

    def count(self, is_right: bool) -> None:
        self.right += is_right
        self.of += 1

    def __str__(self) -> str:
        return f"{self.right}/{self.of}"


@dataclass
class Score:
    right_tool: Tally = field(default_factory=Tally)
    right_arguments: Tally = field(default_factory=Tally)
    right_refusals: Tally = field(default_factory=Tally)
    results_told: Tally = field(default_factory=Tally)
    two_steps: Tally = field(default_factory=Tally)


class Examiner:
    def __init__(self, model: LanguageModel, questions: Path, before: Sequence[Turn], *, shows: bool) -> None:
        self._model = model
        self._before = before
        self._shows = shows
        self._set = tomllib.loads(questions.read_text("utf-8"))
        self._tools: dict[str, Tools] = {
            group["name"]: tuple(Tool(**tool) for tool in group["tools"]) for group in self._set["group"]
        }
        self.score = Score()

    async def examine(self) -> None:
        for group in self._set["group"]:
            for case in group["need"]:
                await self._calls(group["name"], **case)
            for none in self._set["none"]:
                if none["group"] == group["name"]:
                    for question in none["asks"]:
                        await self._refuses(group["name"], question)
        for case in self._set["told"]:
            await self._tells(**case)
        for case in self._set["steps"]:
            await self._goes_on(**case)

    async def _calls(self, group: str, ask: str, tool: str, arguments: Arguments) -> None:
        answer = await self._answer(group, _asked(ask))
        is_right = answer.called == tool
        self.score.right_tool.count(is_right)
        required = _required(next(each for each in self._tools[group] if each.name == tool))
        has_arguments = is_right and _matches(json.loads(answer.arguments), arguments, required)
        self.score.right_arguments.count(has_arguments)
        self._show("calls", has_arguments, ask, answer)

    async def _refuses(self, group: str, question: str) -> None:
        answer = await self._answer(group, _asked(question))
        self.score.right_refusals.count(answer.called is None)
        self._show("refuses", answer.called is None, question, answer)

    async def _tells(self, group: str, ask: str, call: Arguments, result: str, says: list[list[str]]) -> None:
        called = ToolCall("c1", str(call["name"]), json.dumps(call["arguments"]))
        answer = await self._answer(group, (*_asked(ask), called, ToolResult("c1", result)))
        is_told = answer.called is None and _tells(answer.text, says)
        self.score.results_told.count(is_told)
        self._show("tells", is_told, f"{ask} {result}", answer)

    async def _goes_on(self, group: str, ask: str, calls: list[dict[str, str]]) -> None:
        """Every tool once, each with a result, whatever its arguments are; then an answer in words."""
        results = {call["name"]: call["result"] for call in calls}
        turns, order = _asked(ask), []
        for step in range(len(calls) + 1):
            answer = await self._answer(group, turns)
            order.append(answer)
            if answer.called is None:
                break
            call_id = f"c{step}"
            result = results.get(answer.called, '{"ok": true}')
            turns = (*turns, ToolCall(call_id, answer.called, answer.arguments), ToolResult(call_id, result))
        is_right = {answer.called for answer in order} == {None, *results} and len(order) == len(calls) + 1
        self.score.two_steps.count(is_right)
        self._show("goes on", is_right, ask, *order)

    async def _answer(self, group: str, turns: tuple[Turn, ...]) -> Answer:
        answer = Answer()
        async for piece in self._model.generate(Prompt("", (*self._before, *turns), self._tools[group])):
            match piece:
                case CallStarted(name=called):
                    answer.called = answer.called or called
                case ArgumentsDelta(text=delta):
                    answer.arguments += delta
                case TextDelta(text=delta):
                    answer.text += delta
        return answer

    def _show(self, what: str, is_right: bool, question: str, *answers: Answer) -> None:
        if self._shows:
            print(
                "right" if is_right else "WRONG", what, question, *(each.shown for each in answers), sep=" | "
            )


def _asked(question: str) -> tuple[Turn, ...]:
    return (Message("user", (Text(question),)),)


def _required(tool: Tool) -> set[str]:
    return set(json.loads(tool.parameters).get("required", ()))


def _matches(arguments: Arguments, wanted: Arguments, required: set[str]) -> bool:
    """Whether all that was asked for is there, and of the optional ones nothing else."""
    is_there = all(
        isinstance(arguments.get(key), str) and value.lower() in str(arguments[key]).lower()
        if isinstance(value, str)
        else arguments.get(key) == value
        for key, value in wanted.items()
    )
    return is_there and set(arguments) <= required | set(wanted)


def _tells(text: str, says: list[list[str]]) -> bool:
    """Whether one word of each line is said, in a sentence that one would say: no JSON, no talk of tools."""
    spoken = text.lower()
    is_spoken = not set('{}[]_"') & set(spoken) and "tool" not in spoken and len(spoken.split()) > 2
    return is_spoken and all(any(word.lower() in spoken for word in words) for words in says)


async def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--llm", default="llama")
    parser.add_argument("--set", choices=list(SETS), default="held-out")
    parser.add_argument("--talk", action="store_true", help="in the course of a conversation")
    parser.add_argument("--show", action="store_true", help="every answer")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    model = load("llm", options.llm, LanguageModel, EngineSettings(sessions=1))
    examiner = Examiner(model, SETS[options.set], TALK if options.talk else (), shows=options.show)
    begin = time.perf_counter()
    await examiner.examine()
    row = {
        "set": options.set + (" after talk" if options.talk else ""),
        **{name.replace("_", " "): str(tally) for name, tally in vars(examiner.score).items()},
        "seconds": round(time.perf_counter() - begin),
    }
    if options.json:
        print(json.dumps(row))
        return
    for cells in (row.keys(), ["---"] * len(row), row.values()):
        print("| " + " | ".join(str(cell) for cell in cells) + " |")


if __name__ == "__main__":
    anyio.run(main)
