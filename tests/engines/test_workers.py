"""Whose turn it is."""

from __future__ import annotations

import threading

import anyio
import pytest

from louro.engines.workers import Workers

pytestmark = pytest.mark.anyio

WAIT_S = 10


async def waits_for(
    limit: int, workers: Workers, dues: list[float], dropped: tuple[float, ...] = ()
) -> list[float]:
    """In which order work is done that is *due* then, asked for while all the workers had their hands full."""
    done: list[float] = []
    go = threading.Event()

    async def ask(due: float, scope: anyio.CancelScope) -> None:
        with scope:
            await workers.run(lambda stop: done.append(due), due)

    with anyio.fail_after(WAIT_S):
        async with anyio.create_task_group() as tasks:
            for _ in range(limit):
                tasks.start_soon(workers.run, lambda stop: go.wait())
            scopes = {due: anyio.CancelScope() for due in dues}
            await anyio.wait_all_tasks_blocked()
            for due, scope in scopes.items():
                tasks.start_soon(ask, due, scope)
                await anyio.wait_all_tasks_blocked()
            for due in dropped:
                scopes[due].cancel()
            await anyio.wait_all_tasks_blocked()
            go.set()
    return done


async def test_what_is_due_first_comes_first() -> None:
    assert await waits_for(1, Workers(1), [3.0, 1.0, 2.0]) == [1.0, 2.0, 3.0]


async def test_who_waits_no_more_holds_up_nobody() -> None:
    workers = Workers(1)
    assert await waits_for(1, workers, [3.0, 1.0, 2.0], dropped=(1.0, 3.0)) == [2.0]
    assert await waits_for(1, workers, [2.0, 1.0]) == [1.0, 2.0]


async def test_as_many_work_at_once_as_there_are_workers() -> None:
    workers = Workers(3)
    together = threading.Barrier(3, timeout=WAIT_S)
    with anyio.fail_after(WAIT_S):
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(workers.run, lambda stop: together.wait())


async def test_work_that_fails_gives_its_place_back() -> None:
    workers = Workers(1)

    def fail(stop: threading.Event) -> None:
        raise ValueError

    for _ in range(2):
        with anyio.fail_after(WAIT_S), pytest.raises(ValueError):
            await workers.run(fail)


async def test_cancelled_work_is_told_so_and_leaves_its_place_at_once() -> None:
    workers = Workers(1)
    told = threading.Event()
    begun = threading.Event()

    def work(stop: threading.Event) -> None:
        begun.set()
        if stop.wait(WAIT_S):
            told.set()

    with anyio.fail_after(WAIT_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(workers.run, work)
            await anyio.to_thread.run_sync(begun.wait)
            tasks.cancel_scope.cancel()
        assert await workers.run(lambda stop: "next") == "next"
    assert told.wait(WAIT_S)


async def test_a_turn_that_comes_while_one_gives_up_goes_to_the_next() -> None:
    workers = Workers(1)
    queue = workers._queues.get()
    order: list[str] = []

    async def wait(name: str, scope: anyio.CancelScope) -> None:
        with scope:
            async with queue.turn(0.0):
                order.append(name)

    first, second = anyio.CancelScope(), anyio.CancelScope()
    with anyio.fail_after(WAIT_S):
        async with anyio.create_task_group() as tasks, queue.turn(0.0):
            tasks.start_soon(wait, "first", first)
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(wait, "second", second)
            await anyio.wait_all_tasks_blocked()
            first.cancel()  # and has the turn before it can say that it does not want it
    assert order == ["second"]
