"""How often does a language model tell what its tools gave, all of it, and no number of its own?

    python benchmarks/telling.py [--llm SPEC] [--sums N] [--seed N] [--show] [--json]

Sums, because a small model adds them up again, and wrongly, where it overlooks what the tool said; told as a tool of the
tutorial tells it, as a bare number, and drawn anew with each seed. And questions that need two tools, because of two
results it likes to tell one (function_calls/pairs.toml); those that are not called unseen were looked at while the
prompt was tuned. Each is asked at the beginning of a conversation and in the course of three others.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import anyio

from louro.engines.base import (
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

PAIRS = Path(__file__).parent / "function_calls" / "pairs.toml"
NUMBERS = '{"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}, "required": ["a", "b"]}'
SUM = Tool("calculate_sum", "Calculates the sum of two numbers.", NUMBERS)
PHRASES = (
    "Please calculate the sum of {a} and {b}.",
    "What is {a} plus {b}?",
    "How much is {a} and {b}?",
    "Add {a} and {b}, please.",
    "Calculate the sum of {a} and {b}.",
)
RANGES = ((2, 12), (2, 12), (2, 12), (10, 99), (100, 900))
"""The small ones are what it adds up itself; the larger it is glad to be told."""
CAPITAL = (("What is the capital of France?", "The capital of France is Paris."),)
TALKS = {
    "at first": (),
    "after a question": CAPITAL,
    "after a greeting": (("Hello!", "Hello! What can I do for you?"), *CAPITAL),
    "after a refusal": (*CAPITAL, ("How are you?", "I'm sorry, but I can't assist with that.")),
}


class Question(Protocol):
    @property
    def turns(self) -> tuple[Turn, ...]:
        """What was asked, and what the tools gave."""
        ...

    @property
    def tools(self) -> tuple[Tool, ...]: ...

    def is_told(self, answer: str) -> bool: ...


@dataclass(frozen=True)
class Sum:
    ask: str
    a: int
    b: int

    @property
    def turns(self) -> tuple[Turn, ...]:
        call = ToolCall("c1", SUM.name, json.dumps({"a": self.a, "b": self.b}))
        return _said("user", self.ask), call, ToolResult("c1", str(self.a + self.b))

    @property
    def tools(self) -> tuple[Tool, ...]:
        return (SUM,)

    def is_told(self, answer: str) -> bool:
        """The sum is among the numbers of *answer*, and all others are those that were to be added."""
        told = set(map(int, re.findall(r"\d+", answer.replace(",", ""))))
        return self.a + self.b in told and told <= {self.a, self.b, self.a + self.b}


@dataclass(frozen=True)
class Called:
    tool: str
    description: str
    arguments: dict[str, object]
    result: str
    says: list[str]


@dataclass(frozen=True)
class Pair:
    ask: str
    calls: tuple[Called, ...]

    @property
    def turns(self) -> tuple[Turn, ...]:
        done: list[Turn] = [_said("user", self.ask)]
        for number, call in enumerate(self.calls):
            call_id = f"c{number}"
            done += ToolCall(call_id, call.tool, json.dumps(call.arguments)), ToolResult(call_id, call.result)
        return tuple(done)

    @property
    def tools(self) -> tuple[Tool, ...]:
        return tuple(Tool(call.tool, call.description, _schema(call.arguments)) for call in self.calls)

    def is_told(self, answer: str) -> bool:
        return all(any(word in answer for word in call.says) for call in self.calls)


def _schema(arguments: dict[str, object]) -> str:
    kinds = {name: "string" if isinstance(value, str) else "number" for name, value in arguments.items()}
    return json.dumps(
        {"type": "object", "properties": {name: {"type": kind} for name, kind in kinds.items()}}
    )


def _said(role: str, text: str) -> Message:
    return Message("user" if role == "user" else "assistant", (Text(text),))


def sums(count: int, seed: int) -> Iterator[Sum]:
    draw = random.Random(seed)
    for number in range(count):
        least, most = RANGES[number % len(RANGES)]
        a, b = draw.randint(least, most), draw.randint(least, most)
        yield Sum(draw.choice(PHRASES).format(a=a, b=b), a, b)


def pairs(kind: str) -> Iterator[Pair]:
    for row in tomllib.loads(PAIRS.read_text("utf-8"))[kind]:
        yield Pair(row["ask"], tuple(Called(**call) for call in row["calls"]))


async def answer_to(model: LanguageModel, talk: str, asked: Question) -> str:
    before = tuple(
        _said(role, text)
        for pair in TALKS[talk]
        for role, text in zip(("user", "assistant"), pair, strict=True)
    )
    prompt = Prompt("", (*before, *asked.turns), asked.tools)
    pieces = [piece async for piece in model.generate(prompt)]
    return "".join(piece.text for piece in pieces if isinstance(piece, TextDelta))


async def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--llm", default="llama")
    parser.add_argument("--sums", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", action="store_true", help="every answer that is wrong")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    model = load("llm", options.llm, LanguageModel, EngineSettings(sessions=1))
    begin = time.perf_counter()
    questions: dict[str, list[Question]] = {
        "sums": list(sums(options.sums, options.seed)),
        "pairs of results": list(pairs("pair")),
        "unseen pairs of results": list(pairs("unseen")),
    }
    rows = []
    for kind, asked in questions.items():
        row = {"of what": f"{len(asked)} {kind}"}
        for talk in TALKS:
            right = 0
            for each in asked:
                answer = await answer_to(model, talk, each)
                right += each.is_told(answer)
                if options.show and not each.is_told(answer):
                    print("WRONG", talk, each.turns[0], answer, sep=" | ")
            row[talk] = str(right)
        rows.append(row)
    if options.json:
        print(json.dumps({"rows": rows, "seconds": round(time.perf_counter() - begin)}))
        return
    for cells in (rows[0].keys(), ["---"] * len(rows[0]), *(row.values() for row in rows)):
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    anyio.run(main)
