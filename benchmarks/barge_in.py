"""How soon an answer stops when the user speaks into it: a server of its own, scripted engines, defaults of the API.

    python benchmarks/barge_in.py [--turns 20]

Prints, from the moment the first voiced frame was sent: until speech was noticed, and until the last audio of the
answer had come.
"""

from __future__ import annotations

import argparse
import math
import re
import statistics
import struct
import subprocess
import sys
import time
from pathlib import Path

import anyio

from louro.client import RealtimeClient

LOURO = Path(sys.executable).with_name("louro")
FRAME_S = 0.02
VOICED = struct.pack("<480h", *(int(8_000 * math.sin(n * 0.2)) for n in range(480)))
SILENT = bytes(960)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=20)
    turns = parser.parse_args().turns
    answer = "--llm=scripted:words_per_s=50,text=" + "One. " * 300
    command = [
        str(LOURO),
        "serve",
        "--port",
        "0",
        "--vad=scripted",
        "--stt=scripted",
        "--tts=scripted",
        answer,
    ]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    address = re.search(r"http://[\d.:]+", server.stdout.readline())
    assert address is not None
    try:
        figures = anyio.run(measure, address[0], turns)
    finally:
        server.terminate()
        server.wait()
    print("| ms from the first voiced frame | p50 | max |")
    print("|---|---|---|")
    for name, times in figures.items():
        print(f"| {name} | {statistics.median(times):.0f} | {max(times):.0f} |")


async def measure(address: str, turns: int) -> dict[str, list[float]]:
    figures: dict[str, list[float]] = {"speech noticed": [], "last audio": []}
    for _ in range(turns):
        async with RealtimeClient(address, env_file=None) as client:
            seen: dict[str, float] = {}
            client.on(
                "input_audio_buffer.speech_started",
                lambda _, seen=seen: seen.update(noticed=time.perf_counter()),
            )
            client.on(
                "response.output_audio.delta", lambda _, seen=seen: seen.update(audio=time.perf_counter())
            )
            await client.send_user_message("Tell me a long story.")
            await speak(client, SILENT, 1.0)
            began = time.perf_counter()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(speak, client, VOICED, 1.0)
                done = await client.wait_for_next("response.done")
            assert done.response.status == "cancelled"
            figures["speech noticed"].append((seen["noticed"] - began) * 1000)
            figures["last audio"].append(max(seen["audio"] - began, 0) * 1000)
    return figures


async def speak(client: RealtimeClient, frame: bytes, seconds: float) -> None:
    begin = time.perf_counter()
    for number in range(int(seconds / FRAME_S)):
        await anyio.sleep(max(begin + number * FRAME_S - time.perf_counter(), 0))
        await client.append_input_audio(frame)


main()
