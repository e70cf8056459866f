"""The prompt of a small model, written out: ChatML, and a way of calling tools that it keeps to.

A small model that is only told of its tools either ignores them or calls them for everything. What works is one
grammar that lets it begin a call or a text, nothing in between, and turns that show when to do which, with tools of
their own (docs/decisions/0017).
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from louro.engines.base import EngineError, Image, Message, Prompt, Text, Tool, ToolCall, ToolResult, Turn
from louro.engines.requests import Requests
from louro.engines.results import Results
from louro.engines.spoken_numbers import to_digits

IDENTITY = "You are Louro, a voice assistant that runs on the user's own machine."
MANNER = (
    "Your answers are spoken aloud: answer in one or two short, friendly sentences, without lists or markup."
)
TOOL_RULES = (
    "You have the tools below. When the user asks you to do what one of them does, answer with a JSON object with its "
    "name and its arguments, and nothing else. Talk, general questions and everything else you answer yourself, in words."
)
TOOLS_CHANGE = "Now you have these tools instead, and no others:"

CALL_BIAS = 1.25
"""What a call is given in advance of a text, in logits: the demonstrations make the model see the difference, not where
it lies. Best for the 194 development questions of benchmarks/function_calling.py, as is the next."""
NAMED_BIAS = 5.0
"""The same where the user says a word of a tool's name or description: the model can be told more of that than it sees.
What needs a tool is ahead with 4.75, but for one question, and what needs none still behind with 6.25, but for two."""
TALK_BIAS = 2.0
"""The same, on top of either, after an answer in words: the model goes on so."""
CLOSE_BIAS = 3.2
"""What the end of a call is given in advance of another argument. What the user has asked for is ahead by nearly four or
more, what the model would like to add by about three or less."""

_END = "<|im_end|>\n"


def _user(text: str) -> Message:
    return Message("user", (Text(text),))


def _louro(text: str) -> Message:
    return Message("assistant", (Text(text),))


_DEMONSTRATED = (
    Tool(
        "get_time",
        "Says what time it is in a city.",
        '{"type": "object", "properties": {"city": {"type": "string"}, "style": {"enum": ["12 hours", "24 hours"]}},'
        ' "required": ["city"]}',
    ),
    Tool(
        "set_timer",
        "Sets a timer.",
        '{"type": "object", "properties": {"minutes": {"type": "number"}, "label": {"type": "string"}},'
        ' "required": ["minutes"]}',
    ),
    Tool(
        "count_days",
        "Counts the days from one date to another.",
        '{"type": "object", "properties": {"start": {"type": "string"}, "end": {"type": "string"}},'
        ' "required": ["start", "end"]}',
    ),
)
_DEMONSTRATIONS: tuple[Turn, ...] = (
    _user("Set a timer for ten minutes for the eggs, and what time is it in Paris?"),
    ToolCall("", "set_timer", '{"minutes": 10, "label": "eggs"}'),
    ToolResult("", '{"ok": true}'),
    ToolCall("", "get_time", '{"city": "Paris"}'),
    ToolResult("", '{"time": "15:05"}'),
    _louro("Your timer for the eggs is set to 10 minutes, and it is 15:05 in Paris."),
    _user("Hi there, how is it going?"),
    _louro("Very well, thank you! What can I do for you?"),
    _user("What time is it in Tokyo?"),
    ToolCall("", "get_time", '{"city": "Tokyo"}'),
    ToolResult("", '{"error": "No connection"}'),
    _louro("I am sorry, I cannot tell the time in Tokyo: there is no connection."),
    _user("What is a time zone?"),
    _louro("It is a part of the world in which all clocks show the same time."),
    _user("How many days are there between the third of May and Christmas?"),
    ToolCall("", "count_days", '{"start": "May 3", "end": "December 25"}'),
    ToolResult("", "236"),
    _louro("There are 236 days between the third of May and Christmas."),
    _user("I had so little time today."),
    _louro("That sounds like a busy day. I hope that you can rest now."),
    _user("I need a timer for one hundred and forty minutes."),
    ToolCall("", "set_timer", '{"minutes": 140}'),
    ToolResult("", '{"ok": true}'),
    _louro("Done, your timer is set to 140 minutes."),
    _user("Sing me a little song."),
    _louro("La la la, the sun is up, and so are you!"),
    _user("Is it already dark in Sydney?"),
    ToolCall("", "get_time", '{"city": "Sydney"}'),
    ToolResult("", '{"time": "21:40"}'),
    _louro("Yes, it is 21:40 in Sydney."),
)
"""Of each what is near to it and is not it: a call, a word of thanks, a question about the same thing that needs none.
With tools that are withdrawn afterwards, so that they lead to none of the user's."""


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
    if not tools:
        beginning = _say("system", f"{IDENTITY}\n{prompt.instructions or MANNER}")
    else:
        change = "\n".join([prompt.instructions, TOOLS_CHANGE, *map(_describe, tools)]).lstrip()
        beginning = DEMONSTRATION + _say("system", change)
    return beginning + _dialogue(prompt.turns, tools)


def offered(prompt: Prompt) -> Sequence[Tool]:
    return () if prompt.tool_choice == "none" else prompt.tools


def grammar(prompt: Prompt) -> str | None:
    """What the model may say, as an LLGuidance grammar; None where it may only speak.

    The first character tells a call from a text, so that a text can be spoken while it is written.
    """
    must_call = prompt.tool_choice == "required" or prompt.tool_choice.startswith("function:")
    tools = _demanded(prompt) if must_call else callable_now(prompt)
    if not tools:
        return None
    schema = json.dumps({"anyOf": [_call_schema(tool) for tool in tools]})
    start = "call" if must_call else "call | TEXT"
    return f"%llguidance {{}}\nstart: {start}\ncall: %json {schema}\nTEXT: /[^{{<`*#\\s][^{{`*]*/\n"


def bias(prompt: Prompt) -> Sequence[tuple[str, float]]:
    """What is added to the logits of some tokens, for where there is a `grammar`."""
    requests = _heard(prompt)
    head_start = (NAMED_BIAS if requests.named else CALL_BIAS) + TALK_BIAS * requests.is_in_talk
    return ('{"', head_start), ('"}}', CLOSE_BIAS), ("}}", CLOSE_BIAS)


def callable_now(prompt: Prompt) -> Sequence[Tool]:
    """Left to choose, a small model calls tool after tool: each once to a question, and only while more is asked for."""
    requests = _heard(prompt)
    if requests.has_result and not requests.next:
        return ()
    return (requests.is_single and requests.named) or requests.uncalled


def _heard(prompt: Prompt) -> Requests:
    requests = Requests(offered(prompt))
    for turn in map(_in_digits, prompt.turns):
        requests.hear(turn)
    return requests


def _demanded(prompt: Prompt) -> Sequence[Tool]:
    if prompt.tool_choice == "required":
        return prompt.tools
    wanted = prompt.tool_choice.removeprefix("function:")
    tools = [tool for tool in prompt.tools if tool.name == wanted]
    if not tools:
        raise EngineError(f"The tool '{wanted}' that tool_choice names is not among the tools.")
    return tools


def _call_schema(tool: Tool) -> dict[str, object]:
    return {
        "type": "object",
        "properties": {"name": {"const": tool.name}, "arguments": _closed(_schema(tool))},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def _schema(tool: Tool) -> dict[str, object]:
    schema: dict[str, object] = json.loads(tool.parameters) if tool.parameters else {}
    return schema if schema.get("type") == "object" or "properties" in schema else {"type": "object"}


def _closed(schema: dict[str, object]) -> dict[str, object]:
    """Nothing beyond what the schema names, unless it says so itself: a small model invents arguments."""
    return {"additionalProperties": False, **schema} if schema.get("properties") else schema


def _describe(tool: Tool) -> str:
    """As a signature: a third of the tokens of its schema, and understood as well."""
    return f"{tool.name}({_fields(_schema(tool))}): {tool.description}"


def _fields(schema: dict[str, object]) -> str:
    match schema:
        case {"properties": dict() as properties}:
            required = schema.get("required")
            names = required if isinstance(required, list) else []
            return ", ".join(
                f"{name}{'' if name in names else '?'}: {_kind(each)}" for name, each in properties.items()
            )
        case _:
            return ""


def _kind(schema: dict[str, object]) -> str:
    about = f" ({schema['description']})" if schema.get("description") else ""
    return _type(schema) + about


def _type(schema: dict[str, object]) -> str:
    match schema:
        case {"const": only}:
            return json.dumps(only, ensure_ascii=False)
        case {"enum": [*choices]}:
            return " | ".join(json.dumps(choice, ensure_ascii=False) for choice in choices)
        case {"anyOf": [*choices]}:
            return " | ".join(_type(choice) for choice in choices if isinstance(choice, dict))
        case {"type": "array", "items": dict() as each}:
            return f"[{_type(each)}]"
        case {"type": "object", "properties": dict()}:
            return f"{{{_fields(schema)}}}"
        case {"type": str(kind)}:
            return kind
        case _:
            return "any"


def _dialogue(turns: Sequence[Turn], tools: Sequence[Tool], *, tells_together: bool = True) -> str:
    """Each result is followed by what else was asked for; where nothing is left, all of them stand together."""
    requests, results, lines = Requests(tools), Results(), ""
    for turn in map(_in_digits, turns) if tools else turns:
        requests.hear(turn)
        results.hear(turn)
        match turn:
            case Message():
                lines += _message(turn)
            case ToolCall(name=name, arguments=arguments):
                lines += _say(
                    "assistant", f'{{"name": {json.dumps(name)}, "arguments": {arguments or "{}"}}}'
                )
            case ToolResult() if requests.next:
                lines += _say("user", f"{_response(results.last)}\n{requests.next}")
            case ToolResult():
                lines += _say("user", _response(results.all if tells_together else results.last))
    return lines


def _message(message: Message) -> str:
    if any(isinstance(part, Image) for part in message.content):
        raise EngineError("This model cannot see images.")
    return _say(message.role, message.text)


def _response(result: str) -> str:
    return f"<tool_response>\n{result}\n</tool_response>"


def _in_digits(turn: Turn) -> Turn:
    match turn:
        case Message(role="user", content=content):
            return Message(
                "user",
                tuple(Text(to_digits(part.text)) if isinstance(part, Text) else part for part in content),
            )
        case _:
            return turn


def _say(role: str, text: str) -> str:
    clean = text.replace("<|im_start|>", "").replace("<|im_end|>", "")
    return f"<|im_start|>{role}\n{clean}{_END}"


DEMONSTRATION = _say(
    "system", "\n".join([IDENTITY, MANNER, TOOL_RULES, *map(_describe, _DEMONSTRATED)])
) + _dialogue(_DEMONSTRATIONS, _DEMONSTRATED, tells_together=False)
"""What every prompt with tools begins with. Two results stand one by one in it: both of others are told as often, and of
the questions that need a tool and those that need none the model tells a few more apart."""
