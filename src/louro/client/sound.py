"""The microphone and the loudspeaker of this machine, through PortAudio."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

import anyio
import anyio.to_thread
import numpy as np

from louro.audio.pcm import SAMPLE_RATE_HZ, bytes_of_ms, silence
from louro.audio.resample import Resampler
from louro.client.bell import Bell
from louro.client.echo import EchoCanceller, Passthrough, open_canceller
from louro.client.playback import Playback
from louro.client.sound_errors import Direction, SoundError, SoundProblem

try:
    import sounddevice
except ImportError:
    sounddevice = None
    MISSING: SoundProblem = "no_package"
except OSError:
    sounddevice = None
    MISSING = "no_portaudio"

BLOCK_MS = 20
"""Each block wakes a thread, and on a small machine that costs more than what is done with the block."""
CHUNK_MS = 20
PATIENT_MS = 100
"""A chunk of it while nobody speaks: waking the event loop costs more than what it does with a chunk."""
MICROPHONE_LIMIT_MS = 2_000
"""Older sound is of no use in a conversation; what was said meanwhile goes on after it."""
LATENCY_S = 0.04
"""Asked of the device. Through PulseAudio on two cores sound then takes 60 ms to the ear, 80 with 0.06 and 140 with
0.08: an interruption is to be silent within 100."""
QUIETEST_DBFS = -100.0
RATES_HZ: dict[Direction, tuple[int, ...]] = {
    "microphone": (SAMPLE_RATE_HZ, 48_000),
    "loudspeaker": (48_000,),
}
"""The first that the device has. A sound server has any, and converts for less than it costs here; a card that is asked
itself has 48 kHz, at half the processor time of 44.1. A loudspeaker at 24 kHz ran dry, through PulseAudio, hundreds of
times in a row (docs/decisions/0016-the-sound-server-resamples.md)."""
BLOCK_FRAMES = SAMPLE_RATE_HZ * BLOCK_MS // 1000
SILENT_BLOCK = silence(BLOCK_MS)

Choice: TypeAlias = int | str | None
Callback: TypeAlias = Callable[[Any, int, Any], None]


@dataclass(frozen=True)
class Device:
    index: int
    name: str
    host: str
    """The system's interface to it: ALSA, Core Audio, WASAPI ... One device is often listed under several."""
    inputs: int
    """Channels; 0 of a device that is no microphone."""
    outputs: int
    rate_hz: int
    """What it runs at when nobody asks for another."""


class Devices:
    """What PortAudio found when this program first asked it: what is plugged in later is not seen.

    Raises:
        SoundError: sounddevice or PortAudio is missing, or PortAudio finds no sound system.
    """

    def __init__(self) -> None:
        if sounddevice is None:
            raise SoundError(MISSING)
        try:
            hosts = [str(host["name"]) for host in sounddevice.query_hostapis()]
            found = [_device(index, about, hosts) for index, about in enumerate(sounddevice.query_devices())]
            self._default = tuple(int(index) for index in sounddevice.default.device)
        except sounddevice.PortAudioError as error:
            raise SoundError("no_system", detail=str(error)) from None
        self.inputs = [device for device in found if device.inputs]
        self.outputs = [device for device in found if device.outputs]

    def microphone(self, choice: Choice = None) -> Device:
        """*choice* is an index, part of a name (letter case is ignored) or None for the system's default."""
        return _choose("microphone", self.inputs, choice, self._default[0])

    def loudspeaker(self, choice: Choice = None) -> Device:
        """See `microphone`."""
        return _choose("loudspeaker", self.outputs, choice, self._default[1])


def _device(index: int, about: dict[str, Any], hosts: list[str]) -> Device:
    return Device(
        index=index,
        name=str(about["name"]),
        host=hosts[int(about["hostapi"])],
        inputs=int(about["max_input_channels"]),
        outputs=int(about["max_output_channels"]),
        rate_hz=round(about["default_samplerate"]),
    )


def _choose(direction: Direction, devices: list[Device], choice: Choice, default: int) -> Device:
    if not devices:
        raise SoundError("no_device", direction)
    for device in devices:
        match choice:
            case None if device.index == default:
                return device
            case int() if device.index == choice:
                return device
            case str() if choice.casefold() in device.name.casefold():
                return device
    if choice is None:
        return devices[0]
    names = "; ".join(f"{device.index}: {device.name}" for device in devices)
    raise SoundError("no_such_device", direction, str(choice), names)


class _Stream:
    """One direction of one device: opened, watched, closed."""

    def __init__(self, direction: Direction, device: Device, callback: Callback, stopped: Bell) -> None:
        self._direction = direction
        self._device = device
        self._callback = callback
        self._stopped = stopped
        self._stream: Any = None
        self._closing = False
        self._resting = False
        self.rate_hz, self.channels = self._supported()
        self.glitches = 0
        """How often the device ran out of sound, or of room for it."""

    def open(self) -> None:
        """Blocks until the device runs, some 100 ms."""
        if sounddevice is None:
            raise SoundError(MISSING)
        is_input = self._direction == "microphone"
        kind = sounddevice.RawInputStream if is_input else sounddevice.RawOutputStream
        try:
            self._stream = kind(
                samplerate=self.rate_hz,
                blocksize=self.rate_hz * BLOCK_MS // 1000,
                device=self._device.index,
                channels=self.channels,
                dtype="int16",
                latency=LATENCY_S,
                callback=self._called,
                finished_callback=self._stopped.ring,
            )
            self._stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            self.close()
            raise self._refused(error) from None

    def close(self) -> None:
        """Blocks until the device stands. Idempotent."""
        self._closing = True
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close(ignore_errors=True)

    def rest(self) -> None:
        """Blocks until what the device was given has sounded."""
        self._resting = True
        if self._stream is not None:
            self._stream.stop(ignore_errors=True)

    def wake(self) -> None:
        """Blocks until the device runs again, some 20 ms."""
        try:
            if self._stream is not None:
                self._stream.start()
        except sounddevice.PortAudioError as error:
            raise self._refused(error) from None
        self._resting = False

    @property
    def is_lost(self) -> bool:
        """Whether the device stopped by itself."""
        stream = self._stream
        return stream is not None and not (self._closing or self._resting or stream.active)

    @property
    def latency_s(self) -> float:
        stream = self._stream
        return float(stream.latency) if stream is not None else 0.0

    def lost(self) -> SoundError:
        return SoundError("stopped", self._direction, self._device.name)

    def _refused(self, error: Exception) -> SoundError:
        needs_permission = self._direction == "microphone" and sys.platform == "darwin"
        problem: SoundProblem = "refused_on_macos" if needs_permission else "refused"
        return SoundError(problem, self._direction, self._device.name, str(error))

    def _supported(self) -> tuple[int, int]:
        """Rate and channels, the best that the device has. Nothing is heard of one that has none until it is opened."""
        if sounddevice is None:
            return RATES_HZ[self._direction][0], 1
        is_input = self._direction == "microphone"
        check = sounddevice.check_input_settings if is_input else sounddevice.check_output_settings
        for rate_hz in (*RATES_HZ[self._direction], self._device.rate_hz):
            for channels in (1, 2):
                try:
                    check(device=self._device.index, channels=channels, dtype="int16", samplerate=rate_hz)
                except (sounddevice.PortAudioError, ValueError):
                    continue
                return rate_hz, channels
        return self._device.rate_hz, 1

    def _called(self, buffer: Any, frames: int, times: Any, status: Any) -> None:
        if status:
            self.glitches += 1
        self._callback(buffer, frames, times)


class Microphone:
    """24 kHz mono int16, 20 ms at a time, free of what *echo* knows to come from the loudspeaker.

    Iterate from one task only; the iteration ends when the microphone is closed. Whoever iterates too slowly loses
    the oldest sound (`dropped_ms`).

    Raises:
        SoundError: from `open`, or from the iteration when the device stops by itself.
    """

    def __init__(
        self, device: Device, echo: EchoCanceller | None = None, *, limit_ms: int = MICROPHONE_LIMIT_MS
    ) -> None:
        self._echo = echo or Passthrough()
        self._bell = Bell()
        """Rings for a new chunk and for the end."""
        self._stream = _Stream("microphone", device, self._hear, self._bell)
        self._resampler = Resampler(self._stream.rate_hz, SAMPLE_RATE_HZ)
        self._lock = threading.Lock()
        self._rest = b""
        self._chunks: deque[bytes] = deque()
        self._limit = max(1, limit_ms // CHUNK_MS)
        self._closed = False
        self.is_patient = False
        """While it is, chunks are of 100 ms."""
        self.is_muted = False
        """A muted microphone delivers silence, so that the other side's clock goes on."""
        self._newest = b""
        self.dropped_ms = 0
        _fill_with_silence(self._resampler, self._stream.rate_hz)

    def open(self) -> None:
        """Blocks, some 100 ms."""
        self._stream.open()

    def close(self) -> None:
        """Blocks, some 100 ms. Idempotent."""
        self._closed = True
        self._stream.close()
        self._bell.ring()

    @property
    def level_dbfs(self) -> float:
        """Of the newest 20 ms, after echo cancellation, muted or not; 0 is full scale."""
        return level_dbfs(self._newest)

    @property
    def latency_ms(self) -> float:
        """From the air to the iteration, as the device tells it."""
        return self._stream.latency_s * 1000

    @property
    def glitches(self) -> int:
        return self._stream.glitches

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        while True:
            rings = self._bell.rings
            if chunk := self._next():
                return chunk
            if self._closed:
                raise StopAsyncIteration
            if self._stream.is_lost:
                raise self._stream.lost()
            await self._bell.wait(rings)

    def _next(self) -> bytes:
        """Empty where there is nothing yet."""
        with self._lock:
            if not self.is_patient:
                return self._chunks.popleft() if self._chunks else b""
            if not (self._closed or self._is_due()):
                return b""
            whole = b"".join(self._chunks)
            self._chunks.clear()
            return whole

    def _is_due(self) -> bool:
        """With the lock held: whether there is enough to wake somebody."""
        return len(self._chunks) * CHUNK_MS >= (PATIENT_MS if self.is_patient else CHUNK_MS)

    def _hear(self, buffer: Any, frames: int, times: object) -> None:
        pcm = _mono(bytes(buffer), self._stream.channels)
        self._rest += self._echo.clean(self._resampler.feed(pcm))
        size = bytes_of_ms(CHUNK_MS)
        while len(self._rest) >= size:
            chunk, self._rest = self._rest[:size], self._rest[size:]
            self._newest = chunk
            self._keep(bytes(size) if self.is_muted else chunk)

    def _keep(self, chunk: bytes) -> None:
        with self._lock:
            self._chunks.append(chunk)
            if len(self._chunks) > self._limit:
                self._chunks.popleft()
                self.dropped_ms += CHUNK_MS
            is_due = self._is_due()
        if is_due:
            self._bell.ring()


class Loudspeaker:
    """Plays what *playback* holds, tells *echo* of it, and tells *playback* what has been heard of it."""

    def __init__(self, device: Device, playback: Playback, echo: EchoCanceller | None = None) -> None:
        self._playback = playback
        self._echo = echo or Passthrough()
        self._stopped = Bell()
        self._stream = _Stream("loudspeaker", device, self._fill, self._stopped)
        self._rate_hz = self._stream.rate_hz
        self._resampler = Resampler(SAMPLE_RATE_HZ, self._rate_hz)
        self._was_silent = True
        self._is_even = self._rate_hz % SAMPLE_RATE_HZ == 0
        self._rest = b""
        self._due_s = 0.0
        """When, by time.monotonic, the last frame that the device was given reaches the ear."""
        self._way_s = 0.0
        self._newest = b""
        self.is_resting = False
        """It does not run, and asks the playback for nothing."""
        _fill_with_silence(self._resampler, SAMPLE_RATE_HZ)
        playback.heard_through(self.unheard_ms)

    def open(self) -> None:
        """Blocks, some 100 ms."""
        self._stream.open()

    def close(self) -> None:
        """Blocks, some 100 ms. Idempotent."""
        self._stream.close()

    def rest(self) -> None:
        """Stop the device until `wake`: a third of what listening costs. Blocks until all that it was given has sounded."""
        self.is_resting = True
        self._stream.rest()

    def wake(self) -> None:
        """Blocks until the device runs, some 20 ms."""
        self._stream.wake()
        self.is_resting = False

    @property
    def level_dbfs(self) -> float:
        """Of the newest 20 ms that the device was given; 0 is full scale."""
        return level_dbfs(self._newest)

    @property
    def latency_ms(self) -> float:
        """From the device's request for sound to the ear, as it was for the newest block."""
        return self._way_s * 1000

    @property
    def glitches(self) -> int:
        return self._stream.glitches

    async def wait_lost(self) -> NoReturn:
        """Never return; a playback would wait for ever for a loudspeaker that is gone.

        Raises:
            SoundError: the device stopped by itself.
        """
        while True:
            rings = self._stopped.rings
            if self._stream.is_lost:
                raise self._stream.lost()
            await self._stopped.wait(rings)

    def unheard_ms(self) -> float:
        """How much of what was taken from the playback has not been heard."""
        rest_s = len(self._rest) / 2 / self._rate_hz
        return (max(0.0, self._due_s - time.monotonic()) + rest_s) * 1000

    def _fill(self, buffer: Any, frames: int, times: Any) -> None:
        way_s = times.outputBufferDacTime - times.currentTime
        # Some hosts tell no such times: what they promised for the whole stream must do.
        self._way_s = way_s if 0 < way_s < 2 else self._stream.latency_s
        self._due_s = time.monotonic() + self._way_s + frames / self._rate_hz
        size = frames * 2
        while len(self._rest) < size:
            self._newest = pcm = self._playback.take(BLOCK_FRAMES)
            self._echo.play(pcm)
            self._rest += self._resampled(pcm)
        piece, self._rest = self._rest[:size], self._rest[size:]
        buffer[:] = _spread(piece, self._stream.channels)

    def _resampled(self, pcm: bytes) -> bytes:
        """Silence that follows 20 ms of it needs no filter, which remembers 3, and there is much of it."""
        is_silent = pcm == SILENT_BLOCK
        needs_filter = not (is_silent and self._was_silent and self._is_even)
        self._was_silent = is_silent
        return (
            self._resampler.feed(pcm) if needs_filter else bytes(len(pcm) * self._rate_hz // SAMPLE_RATE_HZ)
        )


class Sound:
    """Microphone, loudspeaker and the echo between them. `open_sound` makes one."""

    def __init__(self, microphone: Device, loudspeaker: Device, *, echo: EchoCanceller | None = None) -> None:
        self.playback = Playback()
        self.echo = echo or Passthrough()
        self.loudspeaker = Loudspeaker(loudspeaker, self.playback, self.echo)
        self.microphone = Microphone(microphone, self.echo)
        self.advice: str | None = None
        """What the user should be told: echo cancellation is missing."""

    def open(self) -> None:
        """Blocks. The loudspeaker first: the microphone's first block then has its reference."""
        self.loudspeaker.open()
        try:
            self.microphone.open()
        except SoundError:
            self.loudspeaker.close()
            raise

    def close(self) -> None:
        """Blocks. Idempotent."""
        self.microphone.close()
        self.loudspeaker.close()


@asynccontextmanager
async def open_sound(
    microphone: Choice = None, loudspeaker: Choice = None, *, cancel_echo: bool = True
) -> AsyncIterator[Sound]:
    """Open both devices, and close them at the end.

    Raises:
        SoundError: a device is not there, is busy, or there is no sound at all.
    """
    devices = await anyio.to_thread.run_sync(Devices)
    chosen = devices.microphone(microphone), devices.loudspeaker(loudspeaker)
    echo, advice = open_canceller() if cancel_echo else (Passthrough(), None)
    sound = Sound(*chosen, echo=echo)
    sound.advice = advice
    try:
        await anyio.to_thread.run_sync(sound.open)
        yield sound
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(sound.close)


def level_dbfs(pcm: bytes) -> float:
    """Root mean square, 0 for a square wave at full scale; silence is -100."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float64)
    power = float(np.mean(samples**2)) / 32_768**2 if len(samples) else 0.0
    return max(QUIETEST_DBFS, 10 * math.log10(power)) if power else QUIETEST_DBFS


def _fill_with_silence(resampler: Resampler, from_hz: int) -> None:
    """What a filter withholds at its beginning would leave every block a little short, and the rest of the next one
    waiting: 9 ms of the loudspeaker's sound, 19 of the microphone's."""
    resampler.feed(bytes(2 * from_hz * BLOCK_MS // 1000))


def _mono(pcm: bytes, channels: int) -> bytes:
    if channels == 1:
        return pcm
    frames = np.frombuffer(pcm, np.int16).reshape(-1, channels)
    return bytes(frames.mean(axis=1).astype("<i2"))


def _spread(pcm: bytes, channels: int) -> bytes:
    return pcm if channels == 1 else bytes(np.repeat(np.frombuffer(pcm, "<i2"), channels))
