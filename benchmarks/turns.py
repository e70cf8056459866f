"""Speech end to first audio, on the default engines: a server of its own, one session, then four at once.

    python benchmarks/turns.py [--turns N] [--memory]

Prints a markdown table. Run it on a quiet machine: it measures all of it. With --memory instead: what a fresh server
takes as four sessions come one by one, after the first turn of each and after its second; all of them stay.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import anyio

from louro import cli
from louro.cli.bench import ask
from louro.cli.caller import call
from louro.cli.sound import read_sound

LOURO = Path(sys.executable).with_name("louro")
QUESTION = Path(cli.__file__).with_name("question.flac")


def start() -> tuple[subprocess.Popen[str], str]:
    server = subprocess.Popen([LOURO, "serve", "--port", "0"], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    address = re.search(r"https?://[\d.:]+", server.stdout.readline())
    assert address is not None
    return server, address[0]


def resident_mb(pid: int) -> str:
    """Linux only; elsewhere a dash."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return "-"
    found = re.search(r"VmRSS:\s+(\d+)", status.read_text())
    return f"{int(found[1]) / 1000:.0f}" if found else "-"


def measure(address: str, sessions: int, turns: int) -> dict[str, dict[str, dict[str, int]]]:
    command = [
        LOURO,
        "bench",
        "turn",
        "--url",
        address,
        "--sessions",
        str(sessions),
        "--turns",
        str(turns),
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    for error in result["errors"]:
        print(f"error: {error}")
    print(
        f"stalls within an answer, {sessions} at once: {len(result['stalls_ms'])}, ms: {result['stalls_ms']}",
        file=sys.stderr,
    )
    figures: dict[str, dict[str, dict[str, int]]] = result["figures_ms"]
    return figures


async def one_by_one(address: str, pid: int) -> None:
    question = read_sound(QUESTION)
    print("| sessions | MB after the first turn of the last | after its second |")
    print("|---|---|---|")
    async with AsyncExitStack() as sessions:
        for number in range(1, 5):
            caller = await sessions.enter_async_context(call(address, "", "louro", "ga"))
            await caller.update(silence_ms=500, tools=[])
            resident = []
            for _ in range(2):
                turn = await ask(caller, question)
                assert turn.error is None, turn.error
                resident.append(resident_mb(pid))
            print(f"| {number} | {resident[0]} | {resident[1]} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=21)
    parser.add_argument(
        "--memory", action="store_true", help="how much a session more takes, and nothing else"
    )
    options = parser.parse_args()
    server, address = start()
    try:
        print(f"resident with all models: {resident_mb(server.pid)} MB")
        if options.memory:
            anyio.run(one_by_one, address, server.pid)
            return
        print("| sessions | stage | first turn p50 | p50 | p95 | max | warm turns |")
        print("|---|---|---|---|---|---|---|")
        for sessions, turns in ((1, options.turns), (4, max(options.turns // 3, 2))):
            figures = measure(address, sessions, turns)
            for stage, warm in figures["warm"].items():
                first = figures["first"].get(stage, {}).get("p50", "")
                print(
                    f"| {sessions} | {stage} | {first} | {warm['p50']} | {warm['p95']} | {warm['max']} | {warm['n']} |"
                )
            print(f"resident after {sessions} at once: {resident_mb(server.pid)} MB")
    finally:
        server.terminate()
        server.wait()


main()
