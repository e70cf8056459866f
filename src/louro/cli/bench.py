"""How soon does a Realtime server answer? One recorded question, in real time, over and over."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass

import anyio
from rich.console import Console
from rich.table import Table

from louro.cli.caller import Caller, Stage, Turn, call
from louro.cli.sound import speech_end_ms
from louro.client.address import Dialect

STAGES: tuple[Stage, ...] = ("turn_end", "transcript", "first_token", "first_audio", "done")
TURN_TIMEOUT_S = 60.0
BETWEEN_TURNS_S = 0.7
LEAD_MS = 300
"""Silence before the question, as before any real one."""


@dataclass(frozen=True)
class BenchPlan:
    url: str
    key: str
    model: str
    dialect: Dialect
    sessions: int
    turns: int
    silence_ms: int
    pcm: bytes


async def bench_turns(plan: BenchPlan) -> list[list[Turn]]:
    """Run all sessions at once; return the turns of each."""
    sessions: list[list[Turn]] = [[] for _ in range(plan.sessions)]
    async with anyio.create_task_group() as tasks:
        for index, turns in enumerate(sessions):
            tasks.start_soon(_run_session, plan, turns, index)
    return sessions


async def _run_session(plan: BenchPlan, turns: list[Turn], index: int) -> None:
    # Callers do not begin in the same millisecond: spread them over one question.
    await anyio.sleep(index * len(plan.pcm) / 48_000 / max(plan.sessions, 1))
    async with call(plan.url, plan.key, plan.model, plan.dialect) as caller:
        await caller.update(silence_ms=plan.silence_ms, tools=[])
        for _ in range(plan.turns):
            turns.append(await ask(caller, plan.pcm))
            await anyio.sleep(BETWEEN_TURNS_S)


async def ask(caller: Caller, pcm: bytes) -> Turn:
    """One turn, in real time."""
    turn = Turn()
    sound = bytes(LEAD_MS * 48) + pcm
    with anyio.move_on_after(TURN_TIMEOUT_S) as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(caller.speak_in_real_time, sound, speech_end_ms(sound))
            await caller.listen(turn, lambda _: None, lambda _, __: "")
            tasks.cancel_scope.cancel()
    if scope.cancelled_caught:
        turn.error = f"no answer within {TURN_TIMEOUT_S:.0f} s"
    return turn


def report(sessions: list[list[Turn]], *, as_json: bool, console: Console) -> None:
    first = [turns[0] for turns in sessions if turns]
    warm = [turn for turns in sessions for turn in turns[1:]]
    errors = [turn.error for turns in sessions for turn in turns if turn.error]
    figures = {"first": _figures(first), "warm": _figures(warm)}
    stalled = [ms for turns in sessions for turn in turns for ms in turn.stalls_ms]
    if as_json:
        told = {
            "figures_ms": figures,
            "stalls_ms": stalled,
            "turns": len(warm) + len(first),
            "errors": errors,
        }
        console.out(json.dumps(told))
        return
    table = Table(title="milliseconds from the end of speech")
    for heading in ("stage", "first turn p50", "first max", "p50", "p95", "max", "turns"):
        table.add_column(heading, justify="left" if heading == "stage" else "right")
    for stage in STAGES:
        cold, hot = figures["first"].get(stage, {}), figures["warm"].get(stage, {})
        cells = [
            cold.get("p50"),
            cold.get("max"),
            hot.get("p50"),
            hot.get("p95"),
            hot.get("max"),
            hot.get("n"),
        ]
        table.add_row(stage, *("" if cell is None else str(cell) for cell in cells))
    console.print(table)
    longest = f", the longest {max(stalled)} ms" if stalled else ""
    console.print(
        f"times that an answer, played as it came, had to wait for its next word: {len(stalled)}{longest}"
    )
    for error in errors:
        console.print(f"[red]{error}")


def _figures(turns: list[Turn]) -> dict[Stage, dict[str, int]]:
    figures: dict[Stage, dict[str, int]] = {}
    for stage in STAGES:
        times = sorted(turn.timeline_ms[stage] for turn in turns if stage in turn.timeline_ms)
        if times:
            p95 = times[min(len(times) - 1, round(0.95 * (len(times) - 1)))]
            p50 = round(statistics.median(times))
            figures[stage] = {"n": len(times), "p50": p50, "p95": p95, "max": times[-1]}
    return figures
