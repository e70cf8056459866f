"""The prompt of a small model, written out: ChatML, and a way of calling tools that it keeps to.

A small model that is only told of its tools either ignores them or calls them for everything. What works is one
grammar that lets it begin a call or a text, nothing in between, and a few turns that show when to do which.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from louro.engines.base import EngineError, Image, Message, Prompt, Tool, ToolCall, ToolResult, Turn

IDENTITY = "You are Louro, a voice assistant that runs on the user's own machine."
MANNER = (
    "Your answers are spoken aloud: answer in one or two short, friendly sentences, without lists or markup."
)
TOOL_RULES = (
    "You can use the tools below. To use one, answer with nothing but a JSON object with its name and its arguments. "
    "Use a tool only when the user asks for what it does. Otherwise answer in words."
)

_END = "<|im_end|>\n"
_DEMONSTRATIONS: tuple[tuple[str, str], ...] = (
    ("Hi there!", "Hello! What can I do for you?"),
    ("What time is it in Tokyo?", '{"name": "get_time", "arguments": {"city": "Tokyo"}}'),
    ("What is the tallest animal?", "The giraffe is the tallest animal."),
    ("Set a timer for ten minutes, please.", '{"name": "set_timer", "arguments": {"minutes": 10}}'),
    ("Sing me a little song.", "La la la, the sun is up, and so are you!"),
)
"""With tools that nobody offers, so that they lead to none of the user's. Mixed: calls alone make it call for
everything, texts alone for nothing."""


def render(prompt: Prompt) -> str:
    """The whole prompt as text, up to where the assistant begins to speak.

    Raises:
        EngineError: there is a picture in it.
    """
    return _told(prompt) + "<|im_start|>assistant\n"


def render_beginning(prompt: Prompt) -> str:
    """The prompt up to where the user goes on speaking, be it in the message that comes last.

    Raises:
        EngineError: there is a picture in it.
    """
    last = prompt.turns[-1] if prompt.turns else None
    if isinstance(last, Message) and last.role == "user":
        return _told(prompt).removesuffix(_END)
    return _told(prompt) + "<|im_start|>user\n"


def _told(prompt: Prompt) -> str:
    tools = offered(prompt)
    system = [IDENTITY, prompt.instructions or MANNER]
    if tools:
        system += [TOOL_RULES, *(_describe(tool) for tool in tools)]
    lines = [_say("system", "\n".join(system))]
    if tools:
        for question, answer in _DEMONSTRATIONS:
            lines += [_say("user", question), _say("assistant", answer)]
    lines += [_turn(turn) for turn in prompt.turns]
    return "".join(lines)


def offered(prompt: Prompt) -> Sequence[Tool]:
    return () if prompt.tool_choice == "none" else prompt.tools


def grammar(prompt: Prompt) -> str | None:
    """What the model may say, as an LLGuidance grammar; None where it may say anything.

    The first character tells a call from a text, so that a text can be spoken while it is written.
    """
    tools = offered(prompt)
    wanted = prompt.tool_choice.removeprefix("function:")
    if prompt.tool_choice.startswith("function:"):
        tools = [tool for tool in tools if tool.name == wanted]
        if not tools:
            raise EngineError(f"The tool '{wanted}' that tool_choice names is not among the tools.")
    must_call = prompt.tool_choice == "required" or prompt.tool_choice.startswith("function:")
    if not tools or (not must_call and _answers_a_tool(prompt)):
        return None
    schema = json.dumps({"anyOf": [_call_schema(tool) for tool in tools]})
    start = "call" if must_call else "call | TEXT"
    return f"%llguidance {{}}\nstart: {start}\ncall: %json {schema}\nTEXT: /[^{{<`\\s](.|\\n)*/\n"


def _answers_a_tool(prompt: Prompt) -> bool:
    """A result has come back: say it. Left to choose, a small model calls the same tool for ever."""
    return bool(prompt.turns) and isinstance(prompt.turns[-1], ToolResult)


def _call_schema(tool: Tool) -> dict[str, object]:
    schema: dict[str, object] = json.loads(tool.parameters) if tool.parameters else {}
    if schema.get("type") != "object" and "properties" not in schema:
        schema = {"type": "object"}
    return {
        "type": "object",
        "properties": {"name": {"const": tool.name}, "arguments": _closed(schema)},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def _closed(schema: dict[str, object]) -> dict[str, object]:
    """Nothing beyond what the schema names, unless it says so itself: a small model invents arguments."""
    return {"additionalProperties": False, **schema} if schema.get("properties") else schema


def _describe(tool: Tool) -> str:
    schema = json.loads(tool.parameters) if tool.parameters else {}
    about = {"name": tool.name, "description": tool.description, "parameters": schema}
    return json.dumps(about, ensure_ascii=False)


def _turn(turn: Turn) -> str:
    match turn:
        case Message(role=role):
            if any(isinstance(part, Image) for part in turn.content):
                raise EngineError("This model cannot see images.")
            return _say(role, turn.text)
        case ToolCall(name=name, arguments=arguments):
            return _say("assistant", f'{{"name": {json.dumps(name)}, "arguments": {arguments or "{}"}}}')
        case ToolResult(output=output):
            return _say("user", f"The tool answered: {output}\nTell me the result in words.")


def _say(role: str, text: str) -> str:
    clean = text.replace("<|im_start|>", "").replace("<|im_end|>", "")
    return f"<|im_start|>{role}\n{clean}{_END}"
