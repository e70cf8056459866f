"""The functions that the model may call, and the calls that run beside the conversation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from louro.client.answers import Answer, Answers
from louro.client.emitter import Emitter
from louro.client.errors import ConnectionFailed, RealtimeError
from louro.client.events import ToolFinished, ToolProgress, ToolStarted
from louro.client.tools import Outcome, Tool, ToolCall, check_name, run_tool
from louro.protocol import server_events as ev
from louro.protocol.items import FunctionCallItem, FunctionCallOutputItem, InputText, KeptItem, MessageItem
from louro.protocol.session import RealtimeSessionPatch


class Floor(Protocol):
    """Where tools are offered and their results told: the client, as its calls know it."""

    async def update_session(self, patch: RealtimeSessionPatch) -> object: ...
    async def create_item(self, item: KeptItem) -> object: ...
    async def create_response(self) -> None: ...
    async def wait_until_quiet(self) -> None: ...


class Toolbox:
    """*start* runs a call as a task, and tells what the server refuses of it."""

    def __init__(
        self, floor: Floor, answers: Answers, emitter: Emitter, start: Callable[[Awaitable[None]], None]
    ) -> None:
        self._floor = floor
        self._answers = answers
        self._emitter = emitter
        self._start = start
        self._tools: dict[str, Tool] = {}

    async def add(self, tools: Sequence[Tool]) -> None:
        """All of them, or none. Raises RealtimeError: a name is taken, or the server refuses."""
        before = dict(self._tools)
        try:
            for tool in tools:
                check_name(tool.definition.name, set(self._tools))
                self._tools[tool.definition.name] = tool
            await self._tell()
        except RealtimeError:
            self._tools = before
            raise

    async def remove(self, name: str) -> None:
        if self._tools.pop(name, None) is None:
            raise RealtimeError(f"There is no tool '{name}'.", code="tool_not_found", param="name")
        await self._tell()

    async def _tell(self) -> None:
        definitions = tuple(tool.definition for tool in self._tools.values())
        await self._floor.update_session(RealtimeSessionPatch(tools=definitions))

    def receive(self, event: ev.AnyServerEvent) -> None:
        match event:
            case ev.ResponseOutputItemDone(item=FunctionCallItem() as item):
                tool = self._tools.get(item.name)
                if tool is not None and item.status != "incomplete":
                    call = ToolCall(item.name, item.arguments, item.call_id or "")
                    self._start(self._run(tool, call, self._answers.call()))
            case ev.SessionCreated() | ev.ResponseDone():
                self._start(self._go_on(self._answers.latest))
            case _:
                return

    async def _run(self, tool: Tool, call: ToolCall, answer: Answer) -> None:
        self._emitter.emit("tool.started", ToolStarted(call))
        if tool.slow:
            running = Outcome('{"status": "This takes a while. The result will follow."}')
            await self._answer(call, running, answer)
        outcome = await run_tool(
            tool, call, lambda message: self._emitter.emit("tool.progress", ToolProgress(call, message))
        )
        self._emitter.emit("tool.finished", ToolFinished(call, outcome))
        try:
            await (self._answer_later(call, outcome) if tool.slow else self._answer(call, outcome, answer))
        except ConnectionFailed as lost:
            message = f"The result of {call.name} is dropped. {lost.message}"
            raise ConnectionFailed(message, code=lost.code) from None

    async def _answer(self, call: ToolCall, outcome: Outcome, answer: Answer) -> None:
        is_told = False
        try:
            await self._floor.create_item(FunctionCallOutputItem(call_id=call.call_id, output=outcome.output))
            is_told = True
        finally:
            self._answers.call_ended(answer, is_told=is_told)
        await self._go_on(answer)

    async def _answer_later(self, call: ToolCall, outcome: Outcome) -> None:
        """When nobody is speaking."""
        await self._floor.wait_until_quiet()
        told = f"The tool {call.name}, called earlier with {call.arguments}, is done. Its result: {outcome.output}"
        await self._floor.create_item(MessageItem(role="system", content=(InputText(told),)))
        await self._floor.wait_until_quiet()
        await self._floor.create_response()

    async def _go_on(self, answer: Answer) -> None:
        if self._answers.goes_on(answer):
            await self._floor.create_response()
