"""What the tools gave and nobody has told yet, as a small model can tell it (docs/decisions/0017)."""

from __future__ import annotations

import json
from contextlib import suppress

from louro.engines.base import Message, ToolCall, ToolResult, Turn


class Results:
    """A bare result stands beside what it is the result of: with 12 alone, the sum of 7 and 5 is told to be 17. Several
    stand together, by the names of their tools: of those that came one by one only the last is told."""

    def __init__(self) -> None:
        self._calls: dict[str, ToolCall] = {}
        self._given: list[tuple[str, str]] = []

    def hear(self, turn: Turn) -> None:
        match turn:
            case Message(role="user" | "assistant"):
                self._given.clear()
            case ToolCall(call_id=call_id):
                self._calls[call_id] = turn
            case ToolResult(call_id=call_id, output=output):
                call = self._calls.get(call_id) or ToolCall(call_id, "result", "")
                self._given.append((call.name, _in_full(output, call.arguments)))

    @property
    def last(self) -> str:
        return self._given[-1][1]

    @property
    def all(self) -> str:
        if len(self._given) == 1:
            return self.last
        return "{" + ", ".join(f"{json.dumps(name)}: {_as_json(given)}" for name, given in self._given) + "}"


def _in_full(output: str, arguments: str) -> str:
    try:
        result = json.loads(output)
    except ValueError:
        return output
    if isinstance(result, dict):
        return output
    return json.dumps({**_object(arguments), "result": result}, ensure_ascii=False)


def _object(text: str) -> dict[str, object]:
    with suppress(ValueError):
        parsed = json.loads(text)
        if isinstance(parsed, dict):
            return parsed
    return {}


def _as_json(text: str) -> str:
    try:
        json.loads(text)
    except ValueError:
        return json.dumps(text, ensure_ascii=False)
    return text
