"""How a rule is kept: what is demanded, in how much time, and beside whom."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeAlias, TypeVar, cast

import anyio
import anyio.lowlevel
from anyio.abc import TaskStatus

from louro.engines.base import EngineError

TICK_S = 0.005
TRIES = 3
"""How often the event loop must be held, in as many runs of a rule: a busy machine does it now and then by itself."""
AT_ONCE = 3
CANCEL_AFTER_S = (0.0, 0.001, 0.02, 0.1)
TOLERANCE_MS = 50
"""By which a word may miss the sound it is told with: voices know their words less well than their samples."""
BYTES_PER_MS = 48

T = TypeVar("T")
Rule: TypeAlias = Callable[[], Awaitable[None]]


class ContractBroken(AssertionError):
    """The message says which rule, what was seen, and what to do."""


@dataclass(frozen=True)
class Bounds:
    """How long is too long. The defaults are for a slow machine with other work to do."""

    held_ms: float = 100
    """The longest time for which an engine may keep everybody else from running."""
    stop_s: float = 1.0
    """To return when cancelled or closed. The rule says a tenth; the rest is for the machine."""
    rule_s: float = 60.0
    """For everything that one rule asks of the engine."""


BOUNDS = Bounds()


def demand(kept: bool, rule: str, seen: str, cure: str) -> None:
    if not kept:
        raise ContractBroken(f"Rule: {rule}. Seen: {seen}. {cure}")


def demand_methods(kept: bool, what: str, engine: object) -> None:
    """The first rule of each contract: the engine has the methods of its Protocol."""
    demand(kept, what, type(engine).__name__, "Add what is missing.")


async def keep_all(rules: Sequence[Rule], bounds: Bounds) -> None:
    for rule in rules:
        await keep(rule, bounds)


async def keep(rule: Rule, bounds: Bounds) -> None:
    """Run *rule* beside a clock that must not stop."""
    longest_ms = 0.0
    for _ in range(TRIES):
        longest_ms = await _held_ms(rule, bounds)
        if longest_ms <= bounds.held_ms:
            return
    demand(
        False,
        "an engine never holds up the event loop",
        f"for {longest_ms:.0f} ms nothing else could run ({bounds.held_ms:.0f} ms are allowed)",
        "Run blocking work in a thread (louro.engines.workers.Workers) or a process.",
    )


async def _held_ms(rule: Rule, bounds: Bounds) -> float:
    longest_s = 0.0

    async def tick(*, task_status: TaskStatus[None]) -> None:
        nonlocal longest_s
        before = time.perf_counter()
        task_status.started()
        while True:
            try:
                await anyio.sleep(TICK_S)
            finally:
                # Also when cancelled: the loop may be held until the very end of the rule.
                longest_s = max(longest_s, time.perf_counter() - before - TICK_S)
            before = time.perf_counter()

    try:
        async with anyio.create_task_group() as tasks:
            await tasks.start(tick)
            with anyio.fail_after(bounds.rule_s):
                await rule()
            tasks.cancel_scope.cancel()
    except ExceptionGroup as group:
        raise _explained(_first(group), bounds) from _first(group)
    return longest_s * 1000


def _first(error: Exception) -> Exception:
    return _first(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


def _explained(error: Exception, bounds: Bounds) -> ContractBroken:
    match error:
        case ContractBroken():
            return error
        case TimeoutError():
            rule, cure = (
                f"work ends: in {bounds.rule_s:g} s",
                "Look for a lock or a slot that was not given back.",
            )
        case EngineError():
            rule, cure = "an engine can do the ordinary", "The message says what it could not do."
        case _:
            rule = "what fails in an engine is an EngineError"
            cure = "Map the exceptions of your libraries at the boundary of the adapter."
    return ContractBroken(f"Rule: {rule}. Seen: {type(error).__name__}: {error}. {cure}")


def soon_enough(took_s: float, bounds: Bounds, what: str) -> None:
    demand(
        took_s <= bounds.stop_s,
        f"{what} within a chunk of work",
        f"it took {took_s:.2f} s ({bounds.stop_s:g} s are allowed)",
        "Let cancellation through, and leave work in threads behind (abandon_on_cancel) with a flag that stops it.",
    )


def opened(pieces: AsyncIterator[T], method: str) -> AsyncGenerator[T, None]:
    """*pieces* as what they should be: a stream that can be read, and closed early."""
    if isinstance(pieces, Coroutine):
        pieces.close()  # or it would complain that nobody awaited it
    demand(
        hasattr(pieces, "__aiter__") and hasattr(pieces, "aclose"),
        f"{method} returns an async iterator that can be closed",
        f"it returned a '{type(pieces).__name__}'",
        "Write it as an async generator: async def with yield.",
    )
    return cast("AsyncGenerator[T, None]", pieces)


async def all_of(pieces: AsyncIterator[T], method: str) -> list[T]:
    async with aclosing(opened(pieces, method)) as stream:
        read: list[T] = []
        async for piece in stream:
            read.append(piece)
            await anyio.lowlevel.checkpoint()  # a quick engine need not wait for anything
        return read


async def close_after_one(pieces: AsyncIterator[object], method: str, bounds: Bounds) -> None:
    stream = opened(pieces, method)
    async for _ in stream:
        break
    begin = time.perf_counter()
    try:
        await stream.aclose()
    except BaseExceptionGroup as group:
        if group.split(GeneratorExit)[1] is not None:
            raise
        raise ContractBroken(
            f"Rule: the iterator of {method} can be closed early. Seen: a task group that answers with {group!r}. "
            "Where you yield inside a task group, catch GeneratorExit there, cancel the group, and return."
        ) from group
    soon_enough(time.perf_counter() - begin, bounds, f"closing the iterator of {method} stops it")


async def cancel(work: Rule, what: str, bounds: Bounds) -> None:
    """Early, and a little later: whatever it is doing by then. Work that is done before is not cancelled."""
    for after_s in CANCEL_AFTER_S:
        begin = time.perf_counter()
        with anyio.move_on_after(after_s) as scope:
            await work()
        if scope.cancel_called:
            soon_enough(time.perf_counter() - begin - after_s, bounds, f"{what} can be cancelled")


async def at_once(works: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    results: dict[int, T] = {}

    async def work_on(index: int) -> None:
        results[index] = await works[index]()

    async with anyio.create_task_group() as tasks:
        for index in range(len(works)):
            tasks.start_soon(work_on, index)
    return [results[index] for index in range(len(works))]
