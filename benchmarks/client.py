"""What the client costs: of one core, in percent, while it listens and while it speaks, echo cancellation included.

    python benchmarks/client.py [--seconds 20] [--no-cancel-echo]

A client with microphone and loudspeaker on a virtual sound card (PulseAudio), in a process of its own; a server of
scripted engines in another. Processor time is read from
/proc: Linux only. Listening is silence that is sent;
speaking is a hum that is received and played, and that the microphone hears: without its echo the canceller would rest,
as it does for a user with headphones. Beside them stands what the sound system takes for the same two streams when
nothing is done with them. A stream that ran dry stands still for some seconds: such a run is told of, and is to be
repeated.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import anyio

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.client.virtual_sound import virtual_sound  # noqa: E402 - found from the repository's root

LOURO = Path(sys.executable).with_name("louro")
SETTLE_S = 8.0
"""The loudspeaker rests after five."""
LONG_ANSWER = "one two three four five six seven eight nine ten " * 60


def cpu_s(pid: int) -> float:
    """Of all its threads that still run."""
    told = [file.read_text().split()[0] for file in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(map(int, told)) / 1e9


def measure(pid: int, seconds: float) -> str:
    """Percent of one core, second by second: the least is what the client needs. A neighbour who takes the core while
    a thread of the client wakes up is counted as the client's, so the rest is the machine's."""
    shares: list[float] = []
    for _ in range(round(seconds)):
        before, begun = cpu_s(pid), time.monotonic()
        time.sleep(1)
        shares.append(100 * (cpu_s(pid) - before) / (time.monotonic() - begun))
    least, middle = min(shares), sorted(shares)[len(shares) // 2]
    return f"{least:5.1f} {middle:5.1f}"


async def converse(url: str, *, cancel_echo: bool) -> None:
    """The client: listen until a line comes, then speak until the next."""
    from louro.client import RealtimeClient  # noqa: PLC0415 - PortAudio must load where the card is there
    from louro.client.voice import voice  # noqa: PLC0415

    async with (
        RealtimeClient(url, env_file=None) as client,
        voice(client, cancel_echo=cancel_echo) as talking,
    ):
        print("listening", flush=True)
        await anyio.to_thread.run_sync(sys.stdin.readline)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.send_user_message, "Speak.")
            await client.wait_for_next("response.output_audio.delta")
        print("speaking", flush=True)
        await anyio.to_thread.run_sync(sys.stdin.readline)
        if glitches := talking.sound.loudspeaker.glitches + talking.sound.microphone.glitches:
            print(f"The streams ran dry {glitches} times: repeat this run.", file=sys.stderr)


def bare() -> None:
    """Both directions, as the client opens them, with callbacks that do nothing; until a line comes."""
    import sounddevice  # noqa: PLC0415 - PortAudio must load where the card is there

    from louro.client.sound import BLOCK_MS, LATENCY_S, RATES_HZ, Direction  # noqa: PLC0415

    def form(direction: Direction) -> dict[str, Any]:
        rate_hz = RATES_HZ[direction][0]
        block = rate_hz * BLOCK_MS // 1000
        return {
            "samplerate": rate_hz,
            "blocksize": block,
            "channels": 1,
            "dtype": "int16",
            "latency": LATENCY_S,
        }

    with (
        sounddevice.RawOutputStream(callback=lambda *_: None, **form("loudspeaker")),
        sounddevice.RawInputStream(callback=lambda *_: None, **form("microphone")),
    ):
        print("bare", flush=True)
        sys.stdin.readline()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--no-cancel-echo", action="store_true")
    parser.add_argument("--url", help=argparse.SUPPRESS)
    plan = parser.parse_args()
    if plan.url == "bare":
        bare()
        return
    if plan.url:
        anyio.run(lambda: converse(plan.url, cancel_echo=not plan.no_cancel_echo))
        return
    engines = ["--vad=scripted", "--stt=scripted", f"--llm=scripted:text={LONG_ANSWER}", "--tts=scripted"]
    serving = subprocess.Popen(
        [LOURO, "serve", "--port", "0", *engines], stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert serving.stdout is not None
    found = re.search(r"http://\S+", serving.stdout.readline())
    assert found, "the server did not start"
    print("           least median")
    with virtual_sound() as card, card.loopback():
        for url, goals in (("bare", ("",)), (found[0], ("(goal 2)", "(goal 5)"))):
            command = [sys.executable, __file__, "--url", url, *sys.argv[1:]]
            client = subprocess.Popen(
                command, env=card.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            assert client.stdin is not None
            assert client.stdout is not None
            for goal in goals:
                doing = client.stdout.readline().strip()
                time.sleep(SETTLE_S)
                print(f"{doing:10} {measure(client.pid, plan.seconds)} % of a core {goal}", flush=True)
                client.stdin.write("\n")
                client.stdin.flush()
            client.wait(10)
    serving.terminate()
    serving.wait(10)


if __name__ == "__main__":
    main()
