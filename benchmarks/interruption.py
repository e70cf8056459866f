"""How soon the loudspeaker is silent when somebody speaks into an answer: the whole client over a virtual sound card.

    python benchmarks/interruption.py [--times 5] [--after-ms 3000]

A recorded voice is the answer, Silero the ear, and a second recorded voice interrupts the first answer. In milliseconds
of the sound card's own time, from the first voiced sample into the microphone to the last of the answer out of the
loudspeaker, least to most. Needs what `tests/client/virtual_sound.py` needs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import anyio
import sounddevice
from tests.client import test_voice as talk
from tests.client.virtual_sound import VirtualSound, virtual_sound
from tests.serving import Serving

from louro.config import Settings
from louro.pipeline.respond import Cascade
from louro.server import load_engines

Room = Callable[[VirtualSound], AbstractContextManager[None]]
ROOMS: dict[str, tuple[bool, Room]] = {
    "no canceller": (False, lambda _: nullcontext()),
    "canceller, the loudspeaker in the microphone at full volume": (True, lambda card: card.loopback()),
    "canceller, nothing of it in the microphone": (True, lambda _: nullcontext()),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--after-ms", type=int, default=3_000)
    arguments = parser.parse_args()
    settings = Settings(port=0, stt="scripted", tts="scripted", llm=f"scripted:text={talk.LONG_ANSWER}")
    engines = load_engines(settings, lambda _: None)
    engines = replace(engines, responder=Cascade(engines.model, talk.RecordedVoice()))
    print("| | until speech was noticed | until it was silent | all of these |\n|---|---|---|---|")
    # PortAudio looked for devices when it was imported, before this one was there.
    sounddevice._terminate()
    with virtual_sound() as card, Serving(settings, engines) as serving:
        sounddevice._initialize()
        for name, (cancel_echo, hearing) in ROOMS.items():
            took = [
                anyio.run(measured, card, serving, cancel_echo, hearing, arguments.after_ms)
                for _ in range(arguments.times)
            ]
            print(row(name, took), flush=True)
        sounddevice._terminate()


async def measured(
    card: VirtualSound, serving: Serving, cancel_echo: bool, hearing: Room, after_ms: int
) -> talk.Interruption | None:
    with anyio.move_on_after(30), hearing(card):
        return await talk.interruption(card, serving, cancel_echo=cancel_echo, after_ms=after_ms)
    return None


def row(name: str, all_of_them: list[talk.Interruption | None]) -> str:
    took = [each for each in all_of_them if each is not None]
    noticed = sorted(round(each.noticed_s * 1000) for each in took)
    silent = sorted(round(each.silent_s * 1000) for each in took)
    missed = len(all_of_them) - len(took)
    return (
        f"| {name} ({len(all_of_them)}) | {noticed[0]}-{noticed[-1]} | **{silent[0]}-{silent[-1]}**"
        f" | {', '.join(map(str, silent))}{f'; {missed} never' if missed else ''} |"
    )


main()
