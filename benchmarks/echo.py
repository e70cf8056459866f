"""How much of the loudspeaker is left in the microphone, in simulated rooms, by which library.

    pip install livekit pywebrtc-audio pyaec pyroomacoustics soundfile
    python benchmarks/echo.py [--only NAME] [--seconds N]

A library that is not installed is left out. Prints a markdown table of each room and one of all rooms together.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from louro.audio.resample import Resampler

Sound = NDArray[np.float64]
Cancel = Callable[[bytes, bytes], bytes]
"""10 ms of the loudspeaker and of the microphone in, 24 kHz int16; the cleaned microphone out."""

RATE_HZ = 24_000
FRAME = RATE_HZ // 100
SPEECH = Path(__file__).parent.parent / "tests" / "speech"
NEAR_DBFS = -26.0
CONVERGED_S = 5


@dataclass(frozen=True)
class Room:
    name: str
    size_m: tuple[float, float, float]
    t60_s: float
    distance_m: float
    """From the loudspeaker to the microphone."""
    delay_ms: int
    """Of the devices, on top of the way through the air."""
    echo_dbfs: float
    """In the microphone, root mean square over the speech."""
    drive: float
    """Into the loudspeaker's soft limit: 0 is linear, 1 bends a full-scale peak by a quarter."""
    noise_dbfs: float = -65.0
    drift_ppm: float = 0.0
    """How much slower the microphone's clock runs than the loudspeaker's."""


ROOMS = (
    Room("headset leak", (3, 2.5, 2.4), 0.2, 0.15, 20, -45, 0.0, -75),
    Room("small office, laptop", (3, 2.5, 2.4), 0.2, 0.25, 40, -22, 0.5),
    Room("small office, full volume", (3, 2.5, 2.4), 0.2, 0.25, 80, -12, 1.0),
    Room("living room, laptop", (5, 4, 2.5), 0.4, 0.3, 60, -22, 0.5),
    Room("living room, loudspeakers", (5, 4, 2.5), 0.4, 1.2, 120, -26, 0.2),
    Room("living room, full volume, noisy", (5, 4, 2.5), 0.4, 0.3, 100, -12, 1.0, -50),
    Room("bare room, laptop", (6, 5, 3), 0.6, 0.4, 80, -22, 0.5),
    Room("living room, two clocks", (5, 4, 2.5), 0.4, 0.3, 60, -22, 0.5, -65, 100),
    Room("bare room, Bluetooth", (6, 5, 3), 0.6, 1.0, 200, -18, 0.5),
)


@dataclass(frozen=True)
class Scene:
    """Microphone signals that add up."""

    far: Sound
    echo: Sound
    near: Sound
    noise: Sound


@dataclass(frozen=True)
class Figures:
    erle_db: float
    """After `CONVERGED_S` seconds, one side speaking."""
    first_second_db: float
    near_sdr_db: float
    """Of the near speech while both speak, against what the library makes of the near speech alone."""
    mic_sdr_db: float
    """The same before anything was cancelled."""
    near_gain_db: float
    """What both speaking at once costs the near speech; 0 is nothing."""
    cpu_ms: float
    """Per second of sound."""


# The rooms


def scene_in(room: Room, seconds: int) -> Scene:
    import pyroomacoustics  # noqa: PLC0415 - optional, and slow to load

    absorption, order = pyroomacoustics.inverse_sabine(room.t60_s, room.size_m)
    material = pyroomacoustics.Material(absorption)
    box = pyroomacoustics.ShoeBox(room.size_m, fs=RATE_HZ, materials=material, max_order=min(order, 40))
    microphone = np.array([room.size_m[0] * 0.45, room.size_m[1] * 0.4, 0.9])
    box.add_source(microphone + np.array([room.distance_m, 0.0, 0.05]))
    box.add_source(microphone + np.array([-0.35, 0.45, 0.25]))
    box.add_microphone(microphone)
    box.compute_rir()
    responses = [np.asarray(box.rir[0][source]) for source in range(2)]
    length = seconds * RATE_HZ
    far = _level(_speech(("story", "capital", "sum_7_5", "how"), length), -20.0)
    delayed = np.concatenate((np.zeros(RATE_HZ * room.delay_ms // 1000), _loudspeaker(far, room.drive)))[
        :length
    ]
    near = _level(_convolved(_speech(("human",), length), responses[1]), NEAR_DBFS)
    noise = np.random.default_rng(1).standard_normal(length) * 10 ** (room.noise_dbfs / 20)
    echo = _drifted(_convolved(delayed, responses[0]), room.drift_ppm)
    return Scene(far, _level(echo, room.echo_dbfs), near, noise)


def _speech(names: tuple[str, ...], length: int) -> Sound:
    spoken = np.concatenate([soundfile.read(SPEECH / f"{name}.flac")[0] for name in names])
    return np.resize(spoken, length)


def _loudspeaker(sound: Sound, drive: float) -> Sound:
    """A soft limit, and as of a small membrane nothing below some 200 Hz."""
    limited = np.tanh(sound * drive * 2) / (drive * 2) if drive else sound
    spectrum = np.fft.rfft(limited)
    hz = np.fft.rfftfreq(len(limited), 1 / RATE_HZ)
    return np.fft.irfft(spectrum * (hz**2 / (hz**2 + 200**2)), len(limited))


def _drifted(sound: Sound, ppm: float) -> Sound:
    slower = soxr.resample(sound, RATE_HZ, RATE_HZ * (1 - ppm / 1e6), quality="VHQ") if ppm else sound
    return np.resize(slower, len(sound))


def _convolved(sound: Sound, response: Sound) -> Sound:
    size = len(sound) + len(response)
    product = np.fft.rfft(sound, size) * np.fft.rfft(response, size)
    return np.fft.irfft(product, size)[: len(sound)]


def _voiced(sound: Sound) -> NDArray[np.bool_]:
    """Samples in 20 ms windows within 30 dB of the loudest."""
    windows = sound[: len(sound) // 480 * 480].reshape(-1, 480)
    power = (windows**2).mean(axis=1)
    voiced = np.repeat(power > power.max() / 1000, 480)
    return np.concatenate((voiced, np.zeros(len(sound) - len(voiced), bool)))


def _level(sound: Sound, dbfs: float) -> Sound:
    return sound * 10 ** (dbfs / 20) / np.sqrt((sound[_voiced(sound)] ** 2).mean())


# The libraries


def livekit(options: dict[str, bool] | None = None) -> Cancel:
    from livekit import rtc  # noqa: PLC0415

    module = rtc.AudioProcessingModule(echo_cancellation=True, high_pass_filter=True, **(options or {}))
    module.set_stream_delay_ms(0)

    def cancel(far: bytes, near: bytes) -> bytes:
        module.process_reverse_stream(rtc.AudioFrame(bytearray(far), RATE_HZ, 1, FRAME))
        frame = rtc.AudioFrame(bytearray(near), RATE_HZ, 1, FRAME)
        module.process_stream(frame)
        return bytes(frame.data.cast("B"))

    return cancel


def livekit_ns() -> Cancel:
    return livekit({"noise_suppression": True})


def pywebrtc() -> Cancel:
    from pywebrtc_audio import AudioProcessor  # noqa: PLC0415

    processor = AudioProcessor(sample_rate=RATE_HZ, echo_cancellation=True)
    return lambda far, near: bytes(processor.process(np.frombuffer(near, "<i2"), np.frombuffer(far, "<i2")))


def pywebrtc_16k() -> Cancel:
    from pywebrtc_audio import EchoCanceller  # noqa: PLC0415

    canceller = EchoCanceller(sample_rate=16_000)
    down = Resampler(RATE_HZ, 16_000), Resampler(RATE_HZ, 16_000)
    up = Resampler(16_000, RATE_HZ)
    waiting = [b"", b"", bytes(FRAME * 2)]

    def cancel(far: bytes, near: bytes) -> bytes:
        waiting[0] += down[0].feed(far)
        waiting[1] += down[1].feed(near)
        while len(waiting[0]) >= 320:
            frames = [np.frombuffer(waiting[side][:320], "<i2") for side in (1, 0)]
            waiting[0], waiting[1] = waiting[0][320:], waiting[1][320:]
            waiting[2] += up.feed(bytes(canceller.process(*frames)))
        piece, waiting[2] = waiting[2][: FRAME * 2], waiting[2][FRAME * 2 :]
        return piece + bytes(FRAME * 2 - len(piece))

    return cancel


def pyaec() -> Cancel:
    """SpeexDSP's canceller with its residual suppressor, and a filter of 300 ms."""
    from pyaec import Aec  # noqa: PLC0415

    canceller = Aec(FRAME, RATE_HZ * 3 // 10, RATE_HZ, True)
    return lambda far, near: np.array(
        canceller.cancel_echo(np.frombuffer(near, "<i2").tolist(), np.frombuffer(far, "<i2").tolist()), "<i2"
    ).tobytes()


LIBRARIES: dict[str, tuple[str, Callable[[], Cancel]]] = {
    "livekit": ("livekit", livekit),
    "livekit+ns": ("livekit", livekit_ns),
    "pywebrtc-audio": ("pywebrtc_audio", pywebrtc),
    "pywebrtc-audio 16k": ("pywebrtc_audio", pywebrtc_16k),
    "pyaec": ("pyaec", pyaec),
}


# The measures


def cleaned(make: Callable[[], Cancel], far: Sound, microphone: Sound) -> tuple[Sound, float]:
    """What a new canceller leaves, and its processor time in milliseconds per second of sound."""
    cancel = make()
    played, heard = _pcm(far), _pcm(microphone)
    steps = range(0, len(played) - 2 * FRAME + 1, 2 * FRAME)
    before = time.process_time()
    left = b"".join([cancel(played[at : at + 2 * FRAME], heard[at : at + 2 * FRAME]) for at in steps])
    spent = time.process_time() - before
    return np.frombuffer(left, "<i2") / 32_768, spent * 1000 * RATE_HZ / len(far)


def measure(make: Callable[[], Cancel], scene: Scene) -> Figures:
    single = scene.echo + scene.noise
    left, cpu_ms = cleaned(make, scene.far, single)
    alone, _ = cleaned(make, np.zeros_like(scene.far), scene.near)
    both, _ = cleaned(make, scene.far, single + scene.near)
    active = _voiced(scene.echo)[: len(left)]
    late = np.arange(len(left)) >= CONVERGED_S * RATE_HZ
    start = int(np.flatnonzero(active)[0])
    first = np.zeros(len(left), bool)
    first[start : start + RATE_HZ] = True
    spoken = late & _voiced(scene.near)[: len(left)]
    sdr, gain = _near(both[spoken], alone[spoken])
    before, _ = _near((single + scene.near)[: len(left)][spoken], scene.near[: len(left)][spoken])
    return Figures(
        _ratio_db(single, left, active & late),
        _ratio_db(single, left, active & first),
        sdr,
        before,
        gain,
        cpu_ms,
    )


def _near(both: Sound, alone: Sound) -> tuple[float, float]:
    """Scale-invariant signal-to-distortion ratio, and that scale, in dB."""
    scale = float(both @ alone / (alone @ alone))
    wrong = both - scale * alone
    sdr = 10 * np.log10((scale * alone) @ (scale * alone) / (wrong @ wrong))
    return float(sdr), float(20 * np.log10(max(abs(scale), 1e-6)))


def _ratio_db(before: Sound, after: Sound, where: NDArray[np.bool_]) -> float:
    return float(
        10 * np.log10((before[: len(where)][where] ** 2).sum() / ((after[where] ** 2).sum() + 1e-12))
    )


def _pcm(sound: Sound) -> bytes:
    return (np.clip(sound, -1, 1) * 32_767).astype("<i2").tobytes()


def chosen(only: str | None) -> Iterator[tuple[str, Callable[[], Cancel]]]:
    for name, (package, make) in LIBRARIES.items():
        if only in (None, name) and importlib.util.find_spec(package) is not None:
            yield name, make


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=LIBRARIES)
    parser.add_argument("--seconds", type=int, default=20)
    arguments = parser.parse_args()
    libraries = dict(chosen(arguments.only))
    results: dict[str, list[Figures]] = {name: [] for name in libraries}
    print(
        "| room | T60 s | delay ms | echo dBFS | library | ERLE dB | first second dB | near SDR dB (before) | gain dB |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for room in ROOMS:
        scene = scene_in(room, arguments.seconds)
        for name, make in libraries.items():
            figures = measure(make, scene)
            results[name].append(figures)
            about = f"| {room.name} | {room.t60_s} | {room.delay_ms} | {room.echo_dbfs:.0f} | {name}"
            print(about, _row(figures), flush=True)
    _print_summary(results)


def _row(figures: Figures) -> str:
    near = f"{figures.near_sdr_db:.1f} ({figures.mic_sdr_db:.1f}) | {figures.near_gain_db:.1f}"
    return f"| {figures.erle_db:.1f} | {figures.first_second_db:.1f} | {near} |"


def _print_summary(results: dict[str, list[Figures]]) -> None:
    print("\nMedian of all rooms, and the worst:\n")
    print("| library | ERLE dB | first second dB | near SDR gained dB | near gain dB | CPU ms per s |")
    print("|---|---|---|---|---|---|")
    for name, rooms in results.items():
        columns = (
            [figures.erle_db for figures in rooms],
            [figures.first_second_db for figures in rooms],
            [figures.near_sdr_db - figures.mic_sdr_db for figures in rooms],
            [figures.near_gain_db for figures in rooms],
        )
        cells = [f"{np.median(column):.1f} ({min(column):.1f})" for column in columns]
        cpu_ms = [figures.cpu_ms for figures in rooms]
        print(f"| {name} | {' | '.join(cells)} | {np.median(cpu_ms):.1f} ({max(cpu_ms):.1f}) |")


if __name__ == "__main__":
    main()
