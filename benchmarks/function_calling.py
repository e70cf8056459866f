"""How often does a language model call the right tool, and leave the tools alone when none is needed?

    python benchmarks/function_calling.py [--llm SPEC] [--set held-out|development] [--show] [--json]

The development prompts (NEED and NONE) were looked at while the demonstrations in the model's prompt were chosen. The
held-out ones were not: theirs are the figures to report. The demonstrations' own tools are not offered here.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass

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
)
from louro.engines.registry import EngineSettings, load

Needed = tuple[str, str, dict[str, object]]
"""A question, the tool that it needs, and what its arguments must hold."""


def tool(name: str, description: str, **properties: str) -> Tool:
    schema = {
        "type": "object",
        "properties": {k: {"type": v} for k, v in properties.items()},
        "required": list(properties),
    }
    return Tool(name, description, json.dumps(schema))


TOOLS = (
    tool("calculate_sum", "Adds two numbers.", a="number", b="number"),
    tool(
        "get_weather",
        "Says what the weather is like at a place, given by its name and about where it lies.",
        lat="number",
        lng="number",
        location="string",
    ),
    tool("set_memory", "Remembers something about the user.", key="string", value="string"),
)
NEED: list[Needed] = [
    ("What is twelve plus thirty?", "calculate_sum", {"a": 12, "b": 30}),
    ("Please calculate the sum of seven and five.", "calculate_sum", {"a": 7, "b": 5}),
    ("Add 19 and 23.", "calculate_sum", {"a": 19, "b": 23}),
    ("How much is 250 plus 125?", "calculate_sum", {"a": 250, "b": 125}),
    ("Can you sum up 3.5 and 4.5 for me?", "calculate_sum", {"a": 3.5, "b": 4.5}),
    ("I have 8 apples and buy 9 more. Use the calculator to add them.", "calculate_sum", {"a": 8, "b": 9}),
    ("What's the weather in Paris?", "get_weather", {"location": "Paris"}),
    ("Is it raining in London right now?", "get_weather", {"location": "London"}),
    ("How warm is it in Lisbon today?", "get_weather", {"location": "Lisbon"}),
    ("Tell me the weather in New York, please.", "get_weather", {"location": "New York"}),
    ("Do I need an umbrella in Berlin?", "get_weather", {"location": "Berlin"}),
    ("Check the weather for Tokyo.", "get_weather", {"location": "Tokyo"}),
    ("Remember that my favorite color is blue.", "set_memory", {"value": "blue"}),
    ("My name is Anna. Please remember it.", "set_memory", {"value": "Anna"}),
    ("Save that my dog is called Rex.", "set_memory", {"value": "Rex"}),
    ("Keep in mind that I am allergic to nuts.", "set_memory", {"value": "nuts"}),
    ("Please remember that my birthday is in May.", "set_memory", {"value": "May"}),
    ("Make a note that I live in Porto.", "set_memory", {"value": "Porto"}),
]
NONE = [
    "Hello, how are you?",
    "What is the capital of France?",
    "Tell me a joke.",
    "Who wrote Romeo and Juliet?",
    "What can you do?",
    "Why is the sky blue?",
    "Good night!",
    "Tell me a short story about a parrot.",
    "What color is grass?",
    "Do you like music?",
    "What is a computer?",
    "Say something nice.",
]
HELD_OUT_NEED: list[Needed] = [
    ("What do you get when you add sixteen and nine?", "calculate_sum", {"a": 16, "b": 9}),
    ("Sum 101 and 202, please.", "calculate_sum", {"a": 101, "b": 202}),
    ("Forty plus two?", "calculate_sum", {"a": 40, "b": 2}),
    ("Could you add 6 to 60?", "calculate_sum", {"a": 6, "b": 60}),
    ("What is the weather like in Rome?", "get_weather", {"location": "Rome"}),
    ("Will it snow in Oslo today?", "get_weather", {"location": "Oslo"}),
    ("Find out how hot it is in Madrid.", "get_weather", {"location": "Madrid"}),
    ("Weather in Chicago?", "get_weather", {"location": "Chicago"}),
    ("Remember that I like green tea.", "set_memory", {"value": "green tea"}),
    ("Please save that my sister is called Maria.", "set_memory", {"value": "Maria"}),
    ("Don't forget that my flight is on Friday.", "set_memory", {"value": "Friday"}),
    ("Memorize that my car is red.", "set_memory", {"value": "red"}),
    ("Work out 87 plus 14 for me.", "calculate_sum", {"a": 87, "b": 14}),
    ("Should I take a coat in Stockholm tonight?", "get_weather", {"location": "Stockholm"}),
    ("Note down that I work as a nurse.", "set_memory", {"value": "nurse"}),
    ("What would three hundred and one hundred make together?", "calculate_sum", {"a": 300, "b": 100}),
]
HELD_OUT_NONE = [
    "Tell me a riddle.",
    "Give me some advice.",
    "Describe the ocean.",
    "What are you good at?",
    "Wish me luck.",
    "Who was Napoleon?",
    "How do birds fly?",
    "Are you a robot?",
    "See you tomorrow!",
    "What is your favorite food?",
    "Why do cats purr?",
    "Explain gravity to a child.",
    "Thanks, that is all for now.",
    "How do you spell rhythm?",
]


async def ask(model: LanguageModel, question: str) -> tuple[str | None, dict[str, object], str]:
    name, arguments, text = None, "", ""
    async for piece in model.generate(Prompt("", (Message("user", (Text(question),)),), TOOLS)):
        match piece:
            case CallStarted(name=called):
                name = name or called
            case ArgumentsDelta(text=delta):
                arguments += delta
            case TextDelta(text=delta):
                text += delta
    return name, json.loads(arguments or "{}"), text


def matches(arguments: dict[str, object], wanted: dict[str, object]) -> bool:
    return all(
        str(value).lower() in str(arguments.get(key, "")).lower()
        if isinstance(value, str)
        else arguments.get(key) == value
        for key, value in wanted.items()
    )


@dataclass
class Score:
    right_tool: int = 0
    right_arguments: int = 0
    right_refusals: int = 0
    seconds: float = 0.0


async def rate(model: LanguageModel, needed: list[Needed], none: list[str], *, show: bool) -> Score:
    score, begin = Score(), time.perf_counter()
    for question, name, wanted in needed:
        called, arguments, text = await ask(model, question)
        score.right_tool += called == name
        score.right_arguments += called == name and matches(arguments, wanted)
        if show:
            print("need", question, "->", called, arguments, text)
    for question in none:
        called, arguments, text = await ask(model, question)
        score.right_refusals += called is None
        if show:
            print("none", question, "->", called, arguments, text)
    score.seconds = time.perf_counter() - begin
    return score


async def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--llm", default="llama")
    parser.add_argument("--set", choices=["held-out", "development"], default="held-out")
    parser.add_argument("--show", action="store_true", help="every answer")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    needed, none = (HELD_OUT_NEED, HELD_OUT_NONE) if options.set == "held-out" else (NEED, NONE)
    model = load("llm", options.llm, LanguageModel, EngineSettings(sessions=1))
    score = await rate(model, needed, none, show=options.show)
    row = {
        "llm": options.llm,
        "set": options.set,
        "right tool": f"{score.right_tool} of {len(needed)}",
        "right arguments": f"{score.right_arguments} of {len(needed)}",
        "right refusals": f"{score.right_refusals} of {len(none)}",
        "seconds each": round(score.seconds / (len(needed) + len(none)), 2),
    }
    if options.json:
        print(json.dumps(row))
        return
    for cells in (row.keys(), ["---"] * len(row), row.values()):
        print("| " + " | ".join(str(cell) for cell in cells) + " |")


if __name__ == "__main__":
    anyio.run(main)
