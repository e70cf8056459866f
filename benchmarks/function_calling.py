"""How often does a language model call the right tool, and leave the tools alone when none is needed?

    python benchmarks/function_calling.py [--llm SPEC] [--show] [--json]

Development prompts (NEED and NONE) were looked at while the demonstrations in the model's prompt were chosen; the
held-out ones were not, and are reported apart. The demonstrations' own tools (a clock, a timer) are not offered here.
"""

from __future__ import annotations

import argparse
import json
import time

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


def tool(name: str, description: str, **properties: str) -> Tool:
    schema = {
        "type": "object",
        "properties": {k: {"type": v} for k, v in properties.items()},
        "required": list(properties),
    }
    return Tool(name, description, json.dumps(schema))


TOOLS = (
    tool("calculate_sum", "Adds two numbers.", a="number", b="number"),
    tool("get_weather", "Says what the weather is like at a place.", location="string"),
    tool("set_memory", "Remembers something about the user.", key="string", value="string"),
)
NEED: list[tuple[str, str, dict[str, object]]] = [
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
HELD_OUT_NEED: list[tuple[str, str, dict[str, object]]] = [
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


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--llm", default="llama")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    model = load("llm", options.llm, LanguageModel, EngineSettings(sessions=1))
    for label, need, none in (("development", NEED, NONE), ("held out", HELD_OUT_NEED, HELD_OUT_NONE)):
        result = {"llm": options.llm, "set": label, **await rate(model, need, none, show=options.show)}
        print(json.dumps(result) if options.json else " | ".join(f"{k}: {v}" for k, v in result.items()))


async def rate(
    model: LanguageModel, need: list[tuple[str, str, dict[str, object]]], none: list[str], *, show: bool
) -> dict[str, object]:
    right_tool = right_arguments = refused = 0
    begin = time.perf_counter()
    for question, name, wanted in need:
        called, arguments, text = await ask(model, question)
        right_tool += called == name
        right_arguments += called == name and matches(arguments, wanted)
        if show:
            print("need", question, "->", called, arguments, text)
    for question in none:
        called, arguments, text = await ask(model, question)
        refused += called is None
        if show:
            print("none", question, "->", called, arguments, text)
    seconds = (time.perf_counter() - begin) / (len(need) + len(none))
    return {
        "right_tool": f"{right_tool}/{len(need)}",
        "right_arguments": f"{right_arguments}/{len(need)}",
        "right_refusals": f"{refused}/{len(none)}",
        "seconds_each": round(seconds, 2),
    }


anyio.run(main)
