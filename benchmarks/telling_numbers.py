"""How often does a language model tell the number that a tool gave it, and not one of its own?

    python benchmarks/telling_numbers.py [--llm SPEC] [--sums N] [--seed N] [--show] [--json]

Sums, because a small model adds them up again, and wrongly, where it overlooks what the tool said. Each is asked at the
beginning of a conversation and in the course of three others, and told as a tool of the tutorial tells it: as a bare
number. The numbers and phrases are drawn anew with each seed.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Sum:
    ask: str
    a: int
    b: int

    @property
    def turns(self) -> tuple[Turn, ...]:
        call = ToolCall("c1", SUM.name, json.dumps({"a": self.a, "b": self.b}))
        return _said("user", self.ask), call, ToolResult("c1", str(self.a + self.b))

    def is_told(self, answer: str) -> bool:
        """The sum is among the numbers of *answer*, and all others are those that were to be added."""
        told = set(map(int, re.findall(r"\d+", answer.replace(",", ""))))
        return self.a + self.b in told and told <= {self.a, self.b, self.a + self.b}


def _said(role: str, text: str) -> Message:
    return Message("user" if role == "user" else "assistant", (Text(text),))


def sums(count: int, seed: int) -> Iterator[Sum]:
    draw = random.Random(seed)
    for number in range(count):
        least, most = RANGES[number % len(RANGES)]
        a, b = draw.randint(least, most), draw.randint(least, most)
        yield Sum(draw.choice(PHRASES).format(a=a, b=b), a, b)


async def answer_to(model: LanguageModel, talk: str, asked: Sum) -> str:
    before = tuple(
        _said(role, text)
        for pair in TALKS[talk]
        for role, text in zip(("user", "assistant"), pair, strict=True)
    )
    pieces = [piece async for piece in model.generate(Prompt("", (*before, *asked.turns), (SUM,)))]
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
    row = {}
    for talk in TALKS:
        right = 0
        for asked in sums(options.sums, options.seed):
            answer = await answer_to(model, talk, asked)
            right += asked.is_told(answer)
            if options.show and not asked.is_told(answer):
                print("WRONG", talk, asked.ask, answer, sep=" | ")
        row[talk] = f"{right}/{options.sums}"
    row["seconds"] = str(round(time.perf_counter() - begin))
    if options.json:
        print(json.dumps(row))
        return
    for cells in (row.keys(), ["---"] * len(row), row.values()):
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    anyio.run(main)
