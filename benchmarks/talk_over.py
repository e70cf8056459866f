"""Whether a user is heard over the assistant, in a closed loop: the answer stops when the ear hears somebody.

    python benchmarks/talk_over.py [--minutes 3]

The loudspeaker reads answers in a simulated room (see self_answer.py); into every second one a user asks something,
some seconds after its beginning. Counted is how many were heard before they had finished, how long it took (median, from
the first voiced sample of the user), and how often nobody had spoken.
"""

from __future__ import annotations

import argparse
import base64
import itertools
from dataclasses import dataclass, field

import anyio
import numpy as np
import soundfile
from self_answer import DELAY_MS, NOISE_DBFS, RATE_HZ, SPEECH, Sound, pcm_of

from louro.client.echo import WebRtcEchoCanceller
from louro.engines.registry import EngineSettings
from louro.engines.silero import load as load_silero
from louro.pipeline.machine import Machine
from louro.protocol.server_events import InputAudioBufferSpeechStarted
from louro.protocol.wire import GA
from louro.session import actions, reports
from louro.session.setup import Setup

CHUNK = RATE_HZ // 50
STOP = RATE_HZ * 60 // 1000
"""From the server's notice to the silence of the loudspeaker."""
PAUSE = 2 * RATE_HZ
SCENES = (
    ("small, T60 0.2 s", 0.2, -10),
    ("living room, T60 0.4 s", 0.4, -10),
    ("bare room, T60 0.8 s", 0.8, -10),
)
FULL = ("bare room, full volume", 0.8, 0)
VOICED = 0.04
"""Of a recording's peak."""
VOICES_DBFS = (-20, -26, None)


def room(t60_s: float, seed: int, delay_ms: int) -> Sound:
    length = int(t60_s * RATE_HZ)
    chance = np.random.default_rng(seed)
    response = chance.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length) * 0.03
    response[0] = 1.0
    return np.concatenate((np.zeros(RATE_HZ * delay_ms // 1000), response))


def convolved(sound: Sound, response: Sound) -> Sound:
    length = len(sound) + len(response) - 1
    size = 1 << (length - 1).bit_length()
    return np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(response, size), size)[:length]


def recorded(name: str) -> Sound:
    return np.asarray(soundfile.read(SPEECH / f"{name}.flac")[0])


def voiced(sound: Sound) -> Sound:
    """From the first sample on that is no noise: what comes before it in a recording is nobody's speech."""
    return sound[np.flatnonzero(np.abs(sound) > VOICED * np.max(np.abs(sound)))[0] :]


def level(sound: Sound) -> float:
    """Root mean square of what is loud."""
    return float(np.sqrt(np.mean(sound[np.abs(sound) > 0.01 * np.max(np.abs(sound))] ** 2)))


class Ear:
    """The server's."""

    def __init__(self) -> None:
        self._detector = load_silero("", EngineSettings())
        self._stream = self._detector.open()
        self._machine = Machine(Setup(model="m", pause_ms=160), GA, seed=1, count_tokens=len, now=0.0)

    async def hears_somebody(self, pcm: bytes, now: float) -> bool:
        """Whether a user has begun to speak with this chunk."""
        audio = base64.b64encode(pcm).decode()
        self._machine.receive_frame(f'{{"type":"input_audio_buffer.append","audio":"{audio}"}}', now)
        for action in self._machine.actions_to_start():
            if isinstance(action, actions.Detect):
                self._stream = self._detector.open() if action.fresh else self._stream
                if scores := await self._stream.feed(action.pcm):
                    self._machine.receive_report(reports.SpeechScored(tuple(scores)), now)
        self._machine.actions_to_start()
        return any(isinstance(event, InputAudioBufferSpeechStarted) for event, _ in self._machine.told())


@dataclass
class Found:
    delays_ms: list[int] = field(default_factory=list)
    unheard: int = 0
    nobody: int = 0

    def __str__(self) -> str:
        asked = len(self.delays_ms) + self.unheard
        middle = f", {sorted(self.delays_ms)[len(self.delays_ms) // 2]} ms" if self.delays_ms else ""
        heard = f"{len(self.delays_ms)} of {asked}{middle}; " if asked else ""
        return f"{heard}nobody {self.nobody}"


class Scene:
    """What is played and what the microphone hears, made as it goes on."""

    def __init__(self, t60_s: float, echo_db: float, user_dbfs: float | None, length: int) -> None:
        names = ("human", "story", "capital", "how", "sum", "human")
        answers = [np.concatenate((recorded(a), recorded(b))) for a, b in itertools.pairwise(names)]
        self._answers = [answer * (0.9 / np.max(np.abs(answer))) for answer in answers]
        response, played = room(t60_s, 1, DELAY_MS), np.concatenate(self._answers)
        loss = np.sqrt(np.mean(played**2) / np.mean(convolved(played, response) ** 2))
        self._response = response * loss * 10 ** (echo_db / 20)
        user = convolved(voiced(recorded("sum_7_5")), room(t60_s, 8, 0))
        self.user = user * 10 ** (user_dbfs / 20) / level(user) if user_dbfs is not None else None
        self._chance = np.random.default_rng(3)
        noise = np.random.default_rng(2).standard_normal(length + 30 * RATE_HZ)
        self.far, self.near = np.zeros(length + 30 * RATE_HZ), noise * 10 ** (NOISE_DBFS / 20)
        self._count = 0
        self.answer: tuple[int, Sound] | None = None
        self.user_at: int | None = None

    def begin(self, at: int) -> None:
        """An answer, and in every second one the user."""
        answer = self._answers[self._count % len(self._answers)]
        self.answer, self.user_at = (at, answer), None
        self.far[at : at + len(answer)] += answer
        self._add(at, convolved(answer, self._response))
        self._count += 1
        if self.user is not None and self._count % 2 == 0:
            self.user_at = at + int(self._chance.uniform(1.5, 3.5) * RATE_HZ)
            self._add(self.user_at, self.user)

    def stop(self, at: int) -> None:
        """What was still to be played is not."""
        assert self.answer is not None
        begin, answer = self.answer
        rest = answer[max(0, at - begin) :].copy()
        if len(rest):
            self.far[at : at + len(rest)] -= rest
            self._add(at, -convolved(rest, self._response))
        self.answer = None

    def free_at(self, now: int) -> int:
        """When the next answer may begin."""
        spoken = self.user_at + len(self.user) if self.user_at is not None and self.user is not None else 0
        return max(now, spoken) + PAUSE

    def is_user_at(self, now: int) -> bool:
        if self.user_at is None or self.user is None:
            return False
        return self.user_at <= now <= self.user_at + len(self.user) + RATE_HZ // 2

    def _add(self, at: int, sound: Sound) -> None:
        self.near[at : at + len(sound)] += sound[: len(self.near) - at]


async def talk(t60_s: float, echo_db: float, user_dbfs: float | None, minutes: float) -> Found:
    length = int(minutes * 60 * RATE_HZ)
    scene, ear, canceller, found = (
        Scene(t60_s, echo_db, user_dbfs, length),
        Ear(),
        WebRtcEchoCanceller(),
        Found(),
    )
    free, waits = RATE_HZ, False
    for now in range(0, length, CHUNK):
        if scene.answer is None and now >= free:
            if waits:
                found.unheard += 1
            scene.begin(now)
            waits = scene.user_at is not None
        canceller.play(pcm_of(scene.far[now : now + CHUNK]))
        clean = canceller.clean(pcm_of(scene.near[now : now + CHUNK]))
        then = now + CHUNK
        if clean and await ear.hears_somebody(clean, then / RATE_HZ):
            if waits and scene.user_at is not None and scene.is_user_at(then):
                found.delays_ms.append((then - scene.user_at) * 1000 // RATE_HZ)
                waits = False
            elif not scene.is_user_at(then):
                found.nobody += 1
            if scene.answer is not None:
                scene.stop(then + STOP)
                free = scene.free_at(then)
        if scene.answer is not None and then >= scene.answer[0] + len(scene.answer[1]):
            scene.answer = None
            free = scene.free_at(then)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=3)
    minutes = parser.parse_args().minutes
    told = [f"user at {dbfs} dBFS" if dbfs is not None else "no user" for dbfs in VOICES_DBFS]
    print(f"| | {' | '.join(told)} |\n|---|{'---|' * len(told)}")
    for name, t60_s, echo_db in (*SCENES, FULL):
        cells = [str(anyio.run(talk, t60_s, echo_db, dbfs, minutes)) for dbfs in VOICES_DBFS]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
