"""Whether the assistant answers itself: minutes of its voice at full volume in simulated rooms, through the client's
echo canceller, into the server's default ear.

    python benchmarks/self_answer.py [--minutes 10]

The loudspeaker reads recorded speech in answers of some seconds, with pauses; the microphone hears it as loud as it was
played (0 dB), 120 ms later, with the room's reverberation and a little noise, and nobody else speaks. Counted is how
often the session takes what is left for the user: each would be an answer to itself. Beside it the same without the
canceller, as a check that the rooms are loud enough. The second table is of rooms, delays and a voice (Piper's, the
default) that nothing in the client was tuned with.
"""

from __future__ import annotations

import argparse
import base64
from pathlib import Path

import anyio
import numpy as np
import soundfile
from numpy.typing import NDArray

from louro.client.echo import EchoCanceller, Passthrough, WebRtcEchoCanceller
from louro.engines.base import Manner
from louro.engines.piper import load as load_piper
from louro.engines.registry import EngineSettings
from louro.engines.silero import load as load_silero
from louro.pipeline.machine import Machine
from louro.protocol.server_events import InputAudioBufferSpeechStarted
from louro.protocol.wire import GA
from louro.session import actions, reports
from louro.session.setup import Setup

RATE_HZ = 24_000
SPEECH = Path(__file__).parents[1] / "tests" / "speech"
DELAY_MS = 120
PAUSE_S = 2.0
NOISE_DBFS = -65.0
ROOMS = {
    "small, T60 0.2 s": 0.2,
    "living room, T60 0.4 s": 0.4,
    "bare room, T60 0.8 s": 0.8,
    "hall, T60 1.2 s": 1.2,
}
UNSEEN = (
    ("read by the recordings, T60 0.6 s, 210 ms later", False, 0.6, 210, 0),
    ("read by Piper, T60 0.3 s, 60 ms later", True, 0.3, 60, 0),
    ("read by Piper, T60 0.7 s, 160 ms later", True, 0.7, 160, 0),
    ("read by Piper, T60 1.0 s, 90 ms later", True, 1.0, 90, 0),
    ("read by Piper, T60 0.5 s, 60 ms later, -30 dB", True, 0.5, 60, -30),
    ("read by Piper, T60 0.5 s, 60 ms later, -40 dB", True, 0.5, 60, -40),
    ("read by Piper, T60 0.5 s, 60 ms later, -45 dB", True, 0.5, 60, -45),
    ("read by Piper, T60 0.5 s, 60 ms later, -50 dB", True, 0.5, 60, -50),
)
ANSWERS = (
    "The capital of France is Paris, and some two million people live there.",
    "Once upon a time there was a parrot who knew the names of all the ships in the harbour.",
    "I am fine, thank you. What would you like to talk about today?",
    "Twelve plus thirty is forty two.",
    "Tomorrow it will rain in the morning, and in the afternoon the sun comes out. Take an umbrella with you.",
)
CHUNK = RATE_HZ // 50
Sound = NDArray[np.float64]


def recorded() -> list[Sound]:
    names = ("human", "story", "capital", "how", "sum")
    return [soundfile.read(SPEECH / f"{name}.flac")[0] for name in names]


async def read_by_piper() -> list[Sound]:
    voice = load_piper("", EngineSettings())
    answers = []
    for text in ANSWERS:
        pcm = b"".join([spoken.pcm async for spoken in voice.speak(text, Manner())])
        answers.append(np.frombuffer(pcm, "<i2") / 32_768)
    return answers


def spoken(minutes: float, answers: list[Sound]) -> Sound:
    """Answers one after the other, as loud as they go."""
    pieces: list[Sound] = [np.zeros(RATE_HZ)]
    while sum(map(len, pieces)) < minutes * 60 * RATE_HZ:
        answer = answers[len(pieces) // 2 % len(answers)]
        pieces += [answer * (0.9 / np.max(np.abs(answer))), np.zeros(int(PAUSE_S * RATE_HZ))]
    return np.concatenate(pieces)[: int(minutes * 60 * RATE_HZ) // CHUNK * CHUNK]


def heard_in(room_t60_s: float, far: Sound, delay_ms: int = DELAY_MS, echo_db: float = 0.0) -> Sound:
    """As the microphone hears it."""
    chance = np.random.default_rng(1)
    length = int(room_t60_s * RATE_HZ)
    echo = chance.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length) * 0.03
    echo[0] = 1.0
    size = 1 << 17
    spectrum = np.fft.rfft(echo, size)
    heard = np.zeros(len(far) + size)
    for at in range(0, len(far), size - length):
        block = far[at : at + size - length]
        heard[at : at + size] += np.fft.irfft(np.fft.rfft(block, size) * spectrum, size)
    late = np.concatenate((np.zeros(RATE_HZ * delay_ms // 1000), heard))[: len(far)]
    late *= np.sqrt(np.mean(far**2) / np.mean(late**2)) * 10 ** (echo_db / 20)
    return late + chance.standard_normal(len(far)) * 10 ** (NOISE_DBFS / 20)


def pcm_of(sound: Sound) -> bytes:
    return (np.clip(sound, -1, 1) * 32_767).astype("<i2").tobytes()


async def mistaken(far: bytes, near: bytes, canceller: EchoCanceller) -> int:
    """How often the session heard a user."""
    detector = load_silero("", EngineSettings())
    machine = Machine(Setup(model="m", pause_ms=160), GA, seed=1, count_tokens=len, now=0.0)
    ear = detector.open()
    count = 0
    for at in range(0, len(far), CHUNK * 2):
        canceller.play(far[at : at + CHUNK * 2])
        clean = canceller.clean(near[at : at + CHUNK * 2])
        if not clean:
            continue
        audio = base64.b64encode(clean).decode()
        machine.receive_frame(f'{{"type":"input_audio_buffer.append","audio":"{audio}"}}', at / RATE_HZ / 2)
        for action in machine.actions_to_start():
            if isinstance(action, actions.Detect):
                ear = detector.open() if action.fresh else ear
                if scores := await ear.feed(action.pcm):
                    machine.receive_report(reports.SpeechScored(tuple(scores)), at / RATE_HZ / 2)
        machine.actions_to_start()
        count += sum(isinstance(event, InputAudioBufferSpeechStarted) for event, _ in machine.told())
    return count


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10)
    minutes = parser.parse_args().minutes
    far = spoken(minutes, recorded())
    print(f"| {minutes:g} minutes at 0 dB | with the canceller | without |\n|---|---|---|")
    for name, t60_s in ROOMS.items():
        print(row(name, far, heard_in(t60_s, far)), flush=True)
    by_piper = spoken(minutes, anyio.run(read_by_piper))
    print("\n| not seen before | with the canceller | without |\n|---|---|---|")
    for name, is_piper, t60_s, delay_ms, echo_db in UNSEEN:
        played = by_piper if is_piper else far
        print(row(name, played, heard_in(t60_s, played, delay_ms, echo_db)), flush=True)


def row(name: str, far: Sound, heard: Sound) -> str:
    played, near = pcm_of(far), pcm_of(heard)
    with_it = anyio.run(mistaken, played, near, WebRtcEchoCanceller())
    without = anyio.run(mistaken, played, near, Passthrough())
    return f"| {name} | {with_it} | {without} |"


if __name__ == "__main__":
    main()
