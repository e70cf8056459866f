"""`louro.client.bell`: rung from threads, heard on the loop."""

from __future__ import annotations

import asyncio

import anyio
import anyio.to_thread
import pytest

from louro.client.bell import Bell

pytestmark = pytest.mark.anyio


async def test_a_ring_from_another_thread_wakes_all_who_wait() -> None:
    bell = Bell()
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(bell.wait, bell.rings)
            await anyio.wait_all_tasks_blocked()
            await anyio.to_thread.run_sync(bell.ring)
    assert not bell._waiting


async def test_a_ring_between_the_look_and_the_wait_is_not_lost() -> None:
    bell = Bell()
    rings = bell.rings
    bell.ring()
    with anyio.fail_after(5):
        await bell.wait(rings)


async def test_who_has_stopped_waiting_is_forgotten_and_may_be_rung_for() -> None:
    bell = Bell()
    with anyio.move_on_after(0.01) as given_up:
        await bell.wait(bell.rings)
    assert given_up.cancelled_caught and not bell._waiting
    bell.ring()
    with anyio.move_on_after(0.01) as given_up:
        await bell.wait(bell.rings)
    assert given_up.cancelled_caught


async def test_a_ring_and_a_cancellation_in_the_same_moment_are_both_survived() -> None:
    bell = Bell()
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(bell.wait, bell.rings)
            await anyio.wait_all_tasks_blocked()
            bell.ring()
            tasks.cancel_scope.cancel()


def test_a_ring_for_a_loop_that_is_gone_is_for_nobody() -> None:
    bell = Bell()
    loop = asyncio.new_event_loop()
    bell._waiting.append((loop, loop.create_future()))
    loop.close()
    bell.ring()
    assert bell.rings == 1 and not bell._waiting
