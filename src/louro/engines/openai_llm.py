"""Thinking by any server that speaks OpenAI's chat completions: vLLM, Ollama, llama-server, OpenAI itself.

Source: https://platform.openai.com/docs/api-reference/chat/streaming
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Literal, cast
from urllib.parse import urlsplit

import httpx

from louro.engines.base import (
    AnswerPiece,
    ArgumentsDelta,
    CallStarted,
    EngineError,
    Generated,
    Image,
    Message,
    Prompt,
    Text,
    TextDelta,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)
from louro.engines.openai_server import (
    THINKS,
    Connections,
    JsonObject,
    Server,
    json_object,
    read_server,
    reason,
)
from louro.engines.registry import EngineSettings
from louro.engines.tokens import estimate_tokens

NO_RESULT = "The tool has not answered."
FINISHES: dict[object, Literal["length", "content_filter"]] = {
    "length": "length",
    "content_filter": "content_filter",
}


def load(argument: str, settings: EngineSettings) -> OpenAiModel:
    """*argument*: `URL#MODEL`, the URL up to and with `/v1`. The key is LOURO_LLM_API_KEY, else OPENAI_API_KEY."""
    server = read_server(argument, THINKS)
    settings.report(f"{server.model} at {urlsplit(server.url).hostname}, thinking")
    return OpenAiModel(server)


class OpenAiModel:
    sees_images = True

    def __init__(self, server: Server, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._server = server
        self._connections = Connections(server, THINKS, transport)

    def count_tokens(self, text: str) -> int:
        """An estimate, from words, digits and punctuation: the model's own tokenizer is out of reach."""
        return estimate_tokens(text)

    async def warm(self, prompt: Prompt) -> None:
        """Have the server read the prompt, where it asks for no key: with one, each reading may cost money."""
        if self._server.key is not None or not _messages(prompt):
            return
        body = {**request_body(prompt, self._server), "max_tokens": 1}
        with suppress(EngineError):  # whoever generates will be told
            async with aclosing(self._stream(body)) as events:
                async for _ in events:
                    pass

    async def generate(self, prompt: Prompt) -> AsyncGenerator[AnswerPiece, None]:
        reader = AnswerReader()
        async with aclosing(self._stream(request_body(prompt, self._server))) as events:
            async for event in events:
                for piece in reader.read(event):
                    yield piece
        for piece in reader.finish():
            yield piece

    async def close(self) -> None:
        """Close the connections that this event loop opened."""
        await self._connections.close()

    async def _stream(self, body: JsonObject) -> AsyncGenerator[JsonObject, None]:
        """The events of one answer."""
        async with self._connections.ask(json=body) as answer:
            async for line in answer.aiter_lines():
                event = parse_line(line)
                if event is not None:
                    yield event


def parse_line(line: str) -> JsonObject | None:
    """One line of server-sent events; None for comments, blank lines and the end.

    Raises:
        EngineError: it is no JSON object.
    """
    field_name, _, value = line.partition(":")
    value = value.strip()
    if field_name != "data" or value in ("", "[DONE]"):
        return None
    try:
        event = json.loads(value)
    except ValueError as error:
        raise EngineError("The language model server sent something that is not JSON.") from error
    if not isinstance(event, dict):
        raise EngineError("The language model server sent something that is not an event.")
    return event


# The question


def request_body(prompt: Prompt, server: Server) -> JsonObject:
    body: JsonObject = {
        "model": server.model,
        "messages": _messages(prompt),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if prompt.tools:
        body["tools"] = [_tool(tool) for tool in prompt.tools]
        body["tool_choice"] = _tool_choice(prompt)
    if prompt.max_tokens is not None:
        # OpenAI's newer models refuse the old name, many other servers do not know the new one.
        is_openai = urlsplit(server.url).hostname == "api.openai.com"
        body["max_completion_tokens" if is_openai else "max_tokens"] = prompt.max_tokens
    if prompt.temperature is not None:
        body["temperature"] = prompt.temperature
    return body


def _tool(tool: Tool) -> JsonObject:
    schema = json_object(tool.parameters) or {"type": "object", "properties": {}}
    function = {"name": tool.name, "description": tool.description, "parameters": schema}
    return {"type": "function", "function": function}


def _tool_choice(prompt: Prompt) -> object:
    kind, _, name = prompt.tool_choice.partition(":")
    if kind != "function":
        return prompt.tool_choice
    if name not in {tool.name for tool in prompt.tools}:
        raise EngineError(f"The tool '{name}' that tool_choice names is not among the tools.")
    return {"type": "function", "function": {"name": name}}


def _messages(prompt: Prompt) -> list[JsonObject]:
    messages: list[JsonObject] = []
    if prompt.instructions:
        messages.append({"role": "system", "content": prompt.instructions})
    calls: list[ToolCall] = []
    called = {turn.call_id for turn in prompt.turns if isinstance(turn, ToolCall)}
    for turn in prompt.turns:
        if isinstance(turn, ToolCall):
            calls.append(turn)
            continue
        if isinstance(turn, ToolResult) and turn.call_id in called:
            continue
        messages += _calls(calls, prompt.turns)
        calls = []
        messages.append(_message(turn))
    return messages + _calls(calls, prompt.turns)


def _calls(calls: Sequence[ToolCall], turns: Sequence[Turn]) -> list[JsonObject]:
    """Calls in a row, then a result for each of them, wherever it came: servers refuse any other order."""
    if not calls:
        return []
    results = {turn.call_id: turn.output for turn in turns if isinstance(turn, ToolResult)}
    functions = [
        {
            "id": call.call_id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments or "{}"},
        }
        for call in calls
    ]
    answers: list[JsonObject] = [
        {"role": "tool", "tool_call_id": call.call_id, "content": results.get(call.call_id, NO_RESULT)}
        for call in calls
    ]
    return [{"role": "assistant", "content": None, "tool_calls": functions}, *answers]


def _message(turn: Message | ToolResult) -> JsonObject:
    if isinstance(turn, ToolResult):  # its call has been cut off the conversation
        return {"role": "user", "content": f"A tool answered: {turn.output}"}
    if not any(isinstance(part, Image) for part in turn.content):
        return {"role": turn.role, "content": turn.text}
    return {"role": turn.role, "content": [_part(part) for part in turn.content]}


def _part(part: Text | Image) -> JsonObject:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    return {"type": "image_url", "image_url": {"url": part.data_uri, "detail": part.detail}}


# The answer


@dataclass
class _Call:
    call_id: str
    name: str = ""
    arguments: str = ""


class AnswerReader:
    """From the events of an answer to its pieces: text at once, calls when all of them are whole."""

    def __init__(self) -> None:
        self._thoughts = _Thoughts()
        self._calls: dict[object, _Call] = {}
        self._finish: object = None
        self._usage: JsonObject = {}

    def read(self, event: JsonObject) -> list[AnswerPiece]:
        """Raises EngineError: the server says in the middle of its answer that it failed."""
        if event.get("error"):
            raise EngineError(f"The language model server failed: {reason(event)}")
        self._usage = _child(event, "usage") or self._usage
        pieces: list[AnswerPiece] = []
        for choice in _children(event, "choices"):
            self._finish = choice.get("finish_reason") or self._finish
            delta = _child(choice, "delta")
            text = self._thoughts.leave_out(str(delta.get("content") or ""))
            if text:
                pieces.append(TextDelta(text))
            for fragment in _children(delta, "tool_calls"):
                self._add(fragment)
        return pieces

    def finish(self) -> list[AnswerPiece]:
        """Raises EngineError: the answer broke off, or a call's arguments are not a JSON object."""
        if self._finish is None:
            raise EngineError("The language model server broke off its answer.")
        pieces: list[AnswerPiece] = []
        rest = self._thoughts.rest()
        if rest:
            pieces.append(TextDelta(rest))
        for call in self._calls.values():
            pieces += self._whole(call)
        return [*pieces, self._generated()]

    def _add(self, fragment: JsonObject) -> None:
        function = _child(fragment, "function")
        index, call_id = fragment.get("index", 0), str(fragment.get("id") or "")
        call = self._calls.get(index)
        if call is not None and call_id and call.call_id and call_id != call.call_id:
            # Some servers number every call 0; what tells them apart is the id.
            self._calls[call.call_id] = self._calls.pop(index)
            call = None
        if call is None:
            call = self._calls[index] = _Call(call_id)
        call.name += str(function.get("name") or "")
        call.arguments += str(function.get("arguments") or "")

    def _whole(self, call: _Call) -> Iterator[AnswerPiece]:
        arguments = call.arguments.strip() or "{}"
        if call.name and json_object(arguments) is not None:
            yield CallStarted(call.name)
            yield ArgumentsDelta(arguments)
        elif self._finish != "length":  # half a call is none
            raise EngineError(
                f"The language model called '{call.name}' with arguments that are not a JSON object."
            )

    def _generated(self) -> Generated:
        cached = _child(self._usage, "prompt_tokens_details").get("cached_tokens")
        return Generated(
            FINISHES.get(self._finish, "stop"),
            _count(self._usage.get("prompt_tokens")),
            _count(cached),
            _count(self._usage.get("completion_tokens")),
        )


class _Thoughts:
    """Leaves out what a model thinks aloud, `<think>...</think>` before its answer: it must not be spoken."""

    OPEN, CLOSE = "<think>", "</think>"

    def __init__(self) -> None:
        self._held = ""
        self._state: Literal["begin", "thinking", "answering"] = "begin"

    def leave_out(self, text: str) -> str:
        if self._state == "answering":
            return text
        self._held = (self._held + text).lstrip() if self._state == "begin" else self._held + text
        if self._state == "begin" and self._held.startswith(self.OPEN):
            self._state = "thinking"
        elif self._state == "begin" and not self.OPEN.startswith(self._held):
            return self.rest()
        if self._state == "thinking" and self.CLOSE in self._held:
            self._held = self._held.partition(self.CLOSE)[2].lstrip()
            self._state = "begin"
            return self.leave_out("") if self._held else ""
        return ""

    def rest(self) -> str:
        """What was held back and turned out to be no thought."""
        if self._state == "thinking":
            return ""
        self._state = "answering"
        held, self._held = self._held, ""
        return held


# Foreign JSON


def _child(parent: JsonObject, name: str) -> JsonObject:
    value = parent.get(name)
    return value if isinstance(value, dict) else {}


def _children(parent: JsonObject, name: str) -> list[JsonObject]:
    value = parent.get(name)
    return (
        [cast(JsonObject, child) for child in value if isinstance(child, dict)]
        if isinstance(value, list)
        else []
    )


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
