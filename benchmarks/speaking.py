"""How soon a clause is heard: Piper in windows, and all of a clause at once, in turn in one process.

    python benchmarks/speaking.py [--rounds N]

Prints a markdown table of the least of all rounds, which is what the machine can do while nobody disturbs it; and how
long those wait who speak at once, and whether any of them stalls.
"""

from __future__ import annotations

import argparse
import time
from contextlib import aclosing
from dataclasses import dataclass
from statistics import median

import anyio

from louro.engines import piper, vits
from louro.engines.base import Manner
from louro.engines.piper import Piper
from louro.engines.registry import EngineSettings

WORDS = "The old parrot sat on the tall oak tree and looked at the blue sea below, where a small boat was going home with fish"
LENGTHS = (4, 6, 10, 16, 24)
AT_ONCE = (6, 16, 16, 10)
WINDOWS = vits.WINDOWS
WHOLE = (1_000_000,)


@dataclass(frozen=True)
class Heard:
    first_ms: float
    cpu_ms: float
    stalled_ms: float
    """For how long somebody who listens would have heard nothing, in the middle of the clause."""


async def hear(voice: Piper, words: int) -> Heard:
    clause = " ".join(WORDS.split()[:words])
    begin, cpu, sound_ms = time.perf_counter(), time.process_time(), 0.0
    first_ms = stalled_ms = 0.0
    async with aclosing(voice.speak(clause, Manner())) as chunks:  # type: ignore[type-var]
        async for chunk in chunks:
            now_ms = (time.perf_counter() - begin) * 1000
            first_ms = first_ms or now_ms
            stalled_ms = max(stalled_ms, now_ms - first_ms - sound_ms)
            sound_ms += len(chunk.pcm) / 48
    return Heard(first_ms, (time.process_time() - cpu) * 1000, stalled_ms)


async def hear_together(voice: Piper) -> list[Heard]:
    heard: list[Heard] = []

    async def one(words: int) -> None:
        heard.append(await hear(voice, words))

    async with anyio.create_task_group() as tasks:
        for words in AT_ONCE:
            tasks.start_soon(one, words)
    return heard


async def main(rounds: int) -> None:
    voice = piper.load("", EngineSettings())
    alone: dict[tuple[int, tuple[int, ...]], list[Heard]] = {}
    together: dict[tuple[int, ...], list[Heard]] = {WINDOWS: [], WHOLE: []}
    for _ in range(rounds):
        for windows in (WINDOWS, WHOLE):
            vits.WINDOWS = windows
            for words in LENGTHS:
                alone.setdefault((words, windows), []).append(await hear(voice, words))
            together[windows] += await hear_together(voice)
    print("| words | first sound, ms | at once | processor, ms | at once |\n|---|---|---|---|---|")
    for words in LENGTHS:
        now, before = alone[words, WINDOWS], alone[words, WHOLE]
        cells = [min(heard.first_ms for heard in one) for one in (now, before)]
        cells += [min(heard.cpu_ms for heard in one) for one in (now, before)]
        print(f"| {words} | " + " | ".join(f"{cell:.0f}" for cell in cells) + " |")
    for name, windows in (("in windows", WINDOWS), ("at once", WHOLE)):
        firsts = [heard.first_ms for heard in together[windows]]
        print(
            f"\n{len(AT_ONCE)} clauses together, {name}: first sound p50 {median(firsts):.0f} ms, max {max(firsts):.0f};"
            f" longest stall {max(heard.stalled_ms for heard in together[windows]):.0f} ms"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    anyio.run(main, parser.parse_args().rounds)
