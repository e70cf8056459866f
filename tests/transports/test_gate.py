"""Room is shared fairly between those who want it."""

from __future__ import annotations

import anyio
import pytest

from louro.transports.door import Refusal
from louro.transports.gate import Gate

pytestmark = pytest.mark.anyio


class Crowd:
    """Everybody who comes to a gate, in tasks of their own."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.inside: list[str] = []
        self.refused: list[str] = []

    async def come(self, whose: str) -> None:
        try:
            await self.gate.enter(whose)
        except Refusal:
            self.refused.append(whose)
        else:
            self.inside.append(whose)

    def go(self, whose: str) -> None:
        self.inside.remove(whose)
        self.gate.leave(whose)


async def test_who_has_fewest_comes_in_next() -> None:
    crowd = Crowd(Gate(2, 8, 60))
    async with anyio.create_task_group() as tasks:
        for whose in ("greedy", "greedy", "greedy", "greedy", "modest"):
            tasks.start_soon(crowd.come, whose)
            await anyio.wait_all_tasks_blocked()
        assert crowd.inside == ["greedy", "greedy"]
        crowd.go("greedy")
        await anyio.wait_all_tasks_blocked()
        assert crowd.inside == ["greedy", "modest"]
        crowd.go("modest")
        await anyio.wait_all_tasks_blocked()
        assert crowd.inside == ["greedy", "greedy"]
        tasks.cancel_scope.cancel()


async def test_a_full_queue_makes_room_for_who_has_fewer_in_it() -> None:
    crowd = Crowd(Gate(1, 3, 60))
    async with anyio.create_task_group() as tasks:
        for whose in ("greedy", "greedy", "greedy", "greedy", "greedy"):
            tasks.start_soon(crowd.come, whose)
            await anyio.wait_all_tasks_blocked()
        assert crowd.refused == ["greedy"]
        for whose in ("modest", "modest", "modest"):
            tasks.start_soon(crowd.come, whose)
            await anyio.wait_all_tasks_blocked()
        assert crowd.refused == ["greedy", "greedy", "modest", "modest"]
        tasks.cancel_scope.cancel()


async def test_a_place_that_nobody_takes_goes_to_the_next() -> None:
    gate = Gate(1, 8, 60)
    crowd = Crowd(gate)
    async with anyio.create_task_group() as tasks:
        await crowd.come("a")
        async with anyio.create_task_group() as fleeting:
            fleeting.start_soon(crowd.come, "b")
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(crowd.come, "c")
            await anyio.wait_all_tasks_blocked()
            crowd.go("a")  # b is called, and gone before it can come in
            fleeting.cancel_scope.cancel()
        if "b" in crowd.inside:
            crowd.go("b")  # it had come in before it knew
        await anyio.wait_all_tasks_blocked()
        assert crowd.inside == ["c"]
        crowd.go("c")
        await crowd.come("d")
        assert crowd.inside == ["d"] and gate.open == 1


async def test_nobody_waits_for_ever() -> None:
    gate = Gate(1, 1, 0)
    await gate.enter("a")
    with pytest.raises(Refusal, match="All sessions"):
        await gate.enter("b")
    gate.leave("a")
    await gate.enter("b")


async def test_a_gate_that_is_to_close_lets_nobody_in() -> None:
    gate = Gate(1, 1, 0)
    gate.is_draining = True
    with pytest.raises(Refusal) as refused:
        await gate.enter()
    assert refused.value.code == "server_draining"
