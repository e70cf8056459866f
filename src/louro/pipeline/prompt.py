"""From what the session asks for, in the protocol's words, to what an engine is asked, in its own."""

from __future__ import annotations

import msgspec

from louro.engines.base import Image, Manner, Message, Order, Prompt, Text, Tool, ToolCall, ToolResult, Turn
from louro.protocol.items import (
    ContentPart,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputAudio,
    InputImage,
    InputText,
    KeptItem,
    MessageItem,
    OutputAudio,
    OutputText,
)
from louro.protocol.session import FunctionChoice, FunctionTool, McpChoice, ToolChoice
from louro.session.actions import Respond, Warm


def order_of(action: Respond) -> Order:
    prompt = Prompt(
        instructions=action.instructions,
        turns=_turns(action.context),
        tools=tuple(map(_tool, action.tools)),
        tool_choice=_choice(action.tool_choice),
        max_tokens=action.max_tokens,
        temperature=action.temperature,
    )
    manner = Manner(voice=action.voice, speed=action.speed, language=action.language)
    return Order(prompt, action.speaks, manner)


def beginning_of(action: Warm) -> Prompt:
    return Prompt(
        action.instructions,
        _turns(action.context),
        tools=tuple(map(_tool, action.tools)),
        tool_choice=_choice(action.tool_choice),
    )


def _turns(context: tuple[KeptItem, ...]) -> tuple[Turn, ...]:
    return tuple(turn for item in context if (turn := _turn(item)) is not None)


def _turn(item: KeptItem) -> Turn | None:
    match item:
        case FunctionCallItem(name=name, arguments=arguments, call_id=call_id):
            return ToolCall(call_id or "", name, arguments)
        case FunctionCallOutputItem(output=output, call_id=call_id):
            return ToolResult(call_id or "", output)
        case MessageItem(role=role, content=content):
            parts = tuple(part for part in map(_part, content) if part is not None)
            return Message(role, parts) if parts else None


def _part(part: ContentPart) -> Text | Image | None:
    match part:
        case InputText(text=text) | OutputText(text=text):
            return Text(text)
        case InputAudio(transcript=transcript) | OutputAudio(transcript=transcript):
            return Text(transcript) if transcript else None
        case InputImage(image_url=uri, detail=detail):
            return Image(uri, detail or "auto")
        case _:
            return None


def _tool(tool: FunctionTool) -> Tool:
    schema = msgspec.json.encode(tool.parameters).decode() if tool.parameters else ""
    return Tool(tool.name, tool.description or "", schema)


def _choice(choice: ToolChoice) -> str:
    match choice:
        case FunctionChoice(name=name):
            return f"function:{name}"
        case McpChoice():
            return "auto"
        case _:
            return choice
