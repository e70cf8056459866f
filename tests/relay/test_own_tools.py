"""Tools that run in the relay: upstream is offered them, the app never hears of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.relay.conftest import Relaying
from tests.relay.test_relay import upstream
from tests.relay.test_reopening import Talk
from tests.serving import Serving
from websockets.asyncio.client import connect

from louro.client.tools import make_tool
from louro.relay.policy import Policy

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]
asked: list[tuple[float, float]] = []


async def look_up(a: float, b: float) -> dict[str, float]:
    """What stands in the till, that nobody outside may read."""
    asked.append((a, b))
    return {"till": a + b}


async def break_down(a: float) -> str:
    """Never works."""
    raise RuntimeError(f"no {a:g}")


TOOLS = (make_tool(look_up), make_tool(break_down))
APPS_OWN = {"type": "function", "name": "calculate_sum", "parameters": {"type": "object", "properties": {}}}


@pytest.mark.parametrize("dialect", ["ga", "beta"])
async def test_a_call_is_answered_here_and_never_shown(behind: Serving, dialect: str) -> None:
    asked.clear()
    headers = {"OpenAI-Beta": "realtime=v1"} if dialect == "beta" else {}
    with Relaying(upstream(behind), tools=TOOLS) as relay:
        async with connect(f"{relay.websocket}/v1/realtime?model=m", additional_headers=headers) as socket:
            told = Talk(socket)
            await told.until("session.created")
            session: dict[str, Any] = {"tools": [APPS_OWN], "instructions": "Be brief."}
            if dialect == "ga":
                session |= {"type": "realtime", "output_modalities": ["text"]}
            else:
                session |= {"modalities": ["text"]}
            await told.send("session.update", session=session)
            shown = (await told.until("session.updated"))["session"]
            assert [tool["name"] for tool in shown["tools"]] == ["calculate_sum"]
            first = await told.ask("look_up 2 and 3")
            assert (first["status"], first["output"]) == ("completed", [])
            second = (await told.until("response.done"))["response"]
            assert asked == [(2.0, 3.0)]
            assert "5" in json.dumps(second["output"])
            assert not any("function_call" in json.dumps(event) for event in told.events)
            third = await told.ask("break_down 7")
            assert third["output"] == []
            last = (await told.until("response.done"))["response"]
            assert "no 7" in json.dumps(last["output"])


async def test_the_app_answers_what_is_its_own(behind: Serving) -> None:
    with Relaying(upstream(behind), tools=TOOLS) as relay:
        async with connect(f"{relay.websocket}/v1/realtime?model=m") as socket:
            told = Talk(socket)
            await told.until("session.created")
            parameters = {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]}
            session = {"type": "realtime", "tools": [{**APPS_OWN, "name": "mine", "parameters": parameters}]}
            await told.send("session.update", session=session)
            done = await told.ask("mine 4")
            (call,) = done["output"]
            assert (call["type"], call["name"]) == ("function_call", "mine")
            item = {"type": "function_call_output", "call_id": call["call_id"], "output": "44"}
            await told.send("conversation.item.create", item=item)
            await told.send("response.create")
            assert "44" in json.dumps((await told.until("response.done"))["response"]["output"])


async def test_what_the_operator_says_comes_first_where_it_is_merged(behind: Serving) -> None:
    policy = Policy(instructions="Sell parrots.", merges=True)
    with Relaying(upstream(behind), policy, tools=TOOLS) as relay:
        async with connect(f"{relay.websocket}/v1/realtime?model=m") as socket:
            told = Talk(socket)
            shown = (await told.until("session.created"))["session"]
            assert shown["instructions"] == ""
            await told.send("session.update", session={"type": "realtime", "output_modalities": ["text"]})
            await told.until("session.updated")
            assert (await told.ask("look_up 1 and 1"))["output"] == [], "the tools are still offered"


async def test_events_can_be_refused_and_hidden(behind: Serving) -> None:
    policy = Policy(refused=("conversation.item.delete", "session.*"), hidden=("rate_limits.*",))
    with Relaying(upstream(behind), policy) as relay:
        async with connect(f"{relay.websocket}/v1/realtime?model=m") as socket:
            told = Talk(socket)
            await told.until("session.created")
            await told.send("session.update", session={"type": "realtime"}, event_id="mine")
            error = (await told.until("error"))["error"]
            assert (error["code"], error["event_id"]) == ("event_not_allowed", "mine")
            await told.ask("Hello")
            await told.ask("And again")
            assert "rate_limits.updated" not in told.names


async def test_a_session_goes_on_no_longer_than_the_operator_says(behind: Serving) -> None:
    with Relaying(upstream(behind), Policy(max_session_s=0.5)) as relay:
        async with connect(f"{relay.websocket}/v1/realtime?model=m") as socket:
            told = Talk(socket)
            error = (await told.until("error"))["error"]
            assert error["code"] == "session_expired"
