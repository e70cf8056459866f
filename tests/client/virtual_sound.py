"""A sound card that is not there: a private PulseAudio with a loudspeaker and a microphone made of nothing.

PortAudio reaches it through ALSA's `pulse` plug-in, so the whole way from Python to the sound system is the real one.
Debian: pulseaudio pulseaudio-utils libportaudio2 libasound2-plugins. Importing this module starts nothing.
"""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 48_000
TOOLS = ("pulseaudio", "pactl", "pacat", "parec")
ALSA = "pcm.!default { type pulse }\nctl.!default { type pulse }\n"


def is_available() -> bool:
    return all(shutil.which(tool) for tool in TOOLS)


@dataclass(frozen=True)
class VirtualSound:
    """What a person in the room could do. Sound here is 48 kHz mono, -1 to 1."""

    environment: dict[str, str]
    """For every program that shall find these devices."""

    def play_into_microphone(self, sound: NDArray[np.float64]) -> subprocess.Popen[bytes]:
        """Start to speak; what is returned ends when it has been said. The device is exact to some 50 ms."""
        pcm = (np.clip(sound, -1, 1) * 32_767).astype("<i2").tobytes()
        player = self._start(
            "pacat", "--playback", "--device=microphone", "--latency-msec=200", stdin=subprocess.PIPE
        )
        assert player.stdin is not None
        player.stdin.write(pcm)
        player.stdin.close()
        return player

    @contextmanager
    def recording(self, source: str = "speaker.monitor") -> Iterator[Recording]:
        """Record from here to the end of the block what *source* sounds."""
        recording = Recording(
            self._start(
                "parec", "--record", f"--device={source}", "--latency-msec=10", stdout=subprocess.PIPE
            )
        )
        try:
            recording.wait_started()
            yield recording
        finally:
            recording.stop()

    @contextmanager
    def loopback(self, latency_ms: int = 60) -> Iterator[None]:
        """Until the end of the block the microphone hears the loudspeaker."""
        arguments = ("source=speaker.monitor", "sink=microphone", f"latency_msec={latency_ms}")
        module = self.control("load-module", "module-loopback", *arguments).strip()
        try:
            yield
        finally:
            self.control("unload-module", module)

    def control(self, *arguments: str) -> str:
        command = ["pactl", *arguments]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=True, timeout=10
        )
        return done.stdout

    def _start(
        self, program: str, *arguments: str, stdin: int | None = None, stdout: int | None = None
    ) -> subprocess.Popen[bytes]:
        form = ("--raw", f"--rate={RATE_HZ}", "--channels=1", "--format=s16le")
        return subprocess.Popen(
            [program, *arguments, *form], env=self.environment, stdin=stdin, stdout=stdout, bufsize=0
        )


class Recording:
    """What a source sounds, from now on, and when."""

    def __init__(self, recorder: subprocess.Popen[bytes]) -> None:
        self._recorder = recorder
        self._pieces: list[tuple[float, bytes]] = []
        """Each with the time.monotonic at which it came."""
        self._started = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_started(self) -> None:
        if not self._started.wait(10):
            raise TimeoutError("The virtual sound card records nothing.")

    def stop(self) -> None:
        self._recorder.terminate()
        self._reader.join(10)
        assert self._recorder.stdout is not None
        self._recorder.stdout.close()
        self._recorder.wait(10)

    @property
    def sound(self) -> NDArray[np.float64]:
        """All of it, once stopped."""
        pcm = b"".join(piece for _, piece in self._pieces)
        return np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2") / 32_768

    def sounded_s(self, sample: int) -> float:
        """When a sample of `sound` was sounded, by time.monotonic; late by the recorder's own 10 to 20 ms.

        The source's samples are the clock: by the piece that came soonest, so a reader that was held up does not count.
        """
        if not 0 <= sample < self.frames:
            raise IndexError(sample)
        begun_s, end = math.inf, 0
        for came_s, piece in self._pieces:
            end += len(piece) // 2
            begun_s = min(begun_s, came_s - end / RATE_HZ)
        return begun_s + sample / RATE_HZ

    @property
    def frames(self) -> int:
        """So far."""
        return sum(len(piece) for _, piece in self._pieces) // 2

    def _read(self) -> None:
        assert self._recorder.stdout is not None
        while piece := self._recorder.stdout.read(RATE_HZ // 100 * 2):
            self._pieces.append((time.monotonic(), piece))
            self._started.set()


@contextmanager
def virtual_sound() -> Iterator[VirtualSound]:
    """Run the sound card until the end of the block, with two sinks: `speaker`, and `microphone`, whose monitor is
    what programs record. `ALSA_CONFIG_PATH` and `PULSE_SERVER` of this process point there: PortAudio reads them when
    it is loaded, so it must not have been."""
    with tempfile.TemporaryDirectory(prefix="sound") as folder:
        home = Path(folder)
        (home / "alsa.conf").write_text(ALSA)
        server = home / "native"
        private = {
            "PULSE_SERVER": f"unix:{server}",
            "ALSA_CONFIG_PATH": str(home / "alsa.conf"),
            "XDG_RUNTIME_DIR": folder,
            "HOME": folder,
            "PULSE_COOKIE": str(home / "cookie"),
        }
        card = VirtualSound({**os.environ, **private})
        daemon = subprocess.Popen(_daemon(server), env=card.environment, stderr=subprocess.DEVNULL)
        before = {name: os.environ.get(name) for name in private}
        try:
            _wait_until_ready(card)
            os.environ |= private
            yield card
        finally:
            daemon.terminate()
            daemon.wait(10)
            _restore(before)


def _daemon(server: Path) -> list[str]:
    modules = (
        f"module-native-protocol-unix socket={server} auth-anonymous=1",
        f"module-null-sink sink_name=speaker rate={RATE_HZ} channels=1",
        f"module-null-sink sink_name=microphone rate={RATE_HZ} channels=1",
    )
    options = ("-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes")
    return ["pulseaudio", *options, "--log-level=error", *(f"--load={module}" for module in modules)]


def _wait_until_ready(card: VirtualSound) -> None:
    # pactl waits by itself for a server that is starting, but only once its socket is there.
    retry = ["timeout", "10", "sh", "-c", "until pactl info >/dev/null 2>&1; do sleep 0.05; done"]
    subprocess.run(retry, env=card.environment, check=True)
    card.control("set-default-sink", "speaker")
    card.control("set-default-source", "microphone.monitor")


def _restore(before: dict[str, str | None]) -> None:
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value
