"""Tools that run in the relay: upstream knows of them, the app does not."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import anyio
from msgspec import structs

from louro.client.tools import Tool, ToolCall, run_tool
from louro.protocol import client_events as ce
from louro.protocol import server_events as ev
from louro.protocol.items import FunctionCallItem, FunctionCallOutputItem, Item
from louro.protocol.session import FunctionTool, RealtimeSession

logger = logging.getLogger(__name__)

RESULT = "louro_"
"""How the ids of results begin."""
MAX_CALLS = 16
"""Of one answer; what is beyond them is refused."""


class OwnTools:
    """One session's."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools = {tool.definition.name: tool for tool in tools}
        self._hidden: set[str] = set()
        """Items of this answer that the app does not see."""
        self._results = 0

    @property
    def definitions(self) -> tuple[FunctionTool, ...]:
        return tuple(tool.definition for tool in self._tools.values())

    def told(self, event: ev.AnyServerEvent) -> ev.AnyServerEvent | None:
        """The event as the app may see it; None: not at all."""
        match event:
            case ev.SessionCreated(session=RealtimeSession() as session):
                return structs.replace(event, session=self._without(session))
            case ev.SessionUpdated(session=RealtimeSession() as session):
                return structs.replace(event, session=self._without(session))
            case ev.ResponseDone(response=response):
                output = tuple(item for item in response.output if not self._is_own(item))
                return structs.replace(event, response=structs.replace(response, output=output))
            case (
                ev.ConversationItemAdded(item=item)
                | ev.ConversationItemDone(item=item)
                | ev.ResponseOutputItemAdded(item=item)
                | ev.ResponseOutputItemDone(item=item)
            ):
                return None if self._hides(item) else event
            case (
                ev.ResponseFunctionCallArgumentsDelta(item_id=item_id)
                | ev.ResponseFunctionCallArgumentsDone(item_id=item_id)
            ):
                return None if item_id in self._hidden else event
            case _:
                return event

    async def answer(self, event: ev.ResponseDone) -> list[ce.AnyClientEvent]:
        """Run what the answer calls for, all at once; return what upstream is to hear of it.

        Where the app has to answer a call too, it is the app that asks for the next answer.
        """
        calls = [item for item in event.response.output if isinstance(item, FunctionCallItem)]
        own = [call for call in calls if call.name in self._tools]
        self._hidden.clear()
        outputs: dict[int, str] = {}

        async def run(number: int, call: FunctionCallItem) -> None:
            asked = ToolCall(call.name, call.arguments, call.call_id or "")
            outputs[number] = (await run_tool(self._tools[call.name], asked, logger.info)).output

        async with anyio.create_task_group() as tasks:
            for number, call in enumerate(own[:MAX_CALLS]):
                tasks.start_soon(run, number, call)
        told: list[ce.AnyClientEvent] = []
        for number, call in enumerate(own):
            self._results += 1
            output = outputs.get(number, '{"error": "Too many calls at once."}')
            result = FunctionCallOutputItem(
                id=f"{RESULT}{self._results}_{(call.call_id or '')[-16:]}",
                call_id=call.call_id,
                output=output,
            )
            told.append(ce.ConversationItemCreate(item=result))
        if own and len(own) == len(calls):
            told.append(ce.ResponseCreate())
        return told

    def _hides(self, item: Item) -> bool:
        if not self._is_own(item):
            return False
        if isinstance(item, FunctionCallItem) and item.id is not None:
            self._hidden.add(item.id)
        return True

    def _is_own(self, item: Item) -> bool:
        if isinstance(item, FunctionCallItem):
            return item.name in self._tools
        return isinstance(item, FunctionCallOutputItem) and (item.id or "").startswith(RESULT)

    def _without(self, session: RealtimeSession) -> RealtimeSession:
        shown = tuple(tool for tool in session.tools if getattr(tool, "name", None) not in self._tools)
        return structs.replace(session, tools=shown)
