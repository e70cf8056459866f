"""`louro.client.sound` over a PortAudio that is played by the test: it calls back when told to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import anyio
import anyio.to_thread
import numpy as np
import pytest

from louro.audio.pcm import silence
from louro.client import sound
from louro.client.playback import Playback
from louro.client.sound import (
    QUIETEST_DBFS,
    Device,
    Devices,
    Loudspeaker,
    Microphone,
    level_dbfs,
    open_sound,
)
from louro.client.sound_errors import SoundError

DEVICE = Device(0, "Built-in", "ALSA", 2, 2, 48_000)


class PortAudioError(Exception):
    pass


@dataclass
class FakeStream:
    options: dict[str, Any]
    active: bool = False
    latency: float = 0.04
    is_busy: Callable[[], bool] = lambda: False

    def start(self) -> None:
        if self.is_busy():
            raise PortAudioError("Device unavailable [PaErrorCode -9985]")
        self.active = True

    def close(self, ignore_errors: bool = True) -> None:
        self.stop()

    def stop(self, ignore_errors: bool = True) -> None:
        if self.active:
            self.active = False
            self.options["finished_callback"]()

    def hear(self, pcm: bytes, status: bool = False) -> None:
        self.options["callback"](pcm, len(pcm) // 2 // self.options["channels"], None, status)

    def ask(self, frames: int, way_s: float = 0.05) -> bytes:
        buffer = bytearray(frames * 2 * self.options["channels"])
        times = SimpleNamespace(outputBufferDacTime=way_s, currentTime=0.0)
        self.options["callback"](buffer, frames, times, False)
        return bytes(buffer)


@dataclass
class FakePortAudio:
    """Stands in for the module `sounddevice`."""

    devices: list[dict[str, Any]]
    allowed: set[tuple[int, int]]
    """Rates and channels."""
    busy: bool = False
    streams: list[FakeStream] = field(default_factory=list)
    PortAudioError: type[PortAudioError] = PortAudioError
    default: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(device=(0, 0)))

    def query_devices(self) -> list[dict[str, Any]]:
        return self.devices

    def query_hostapis(self) -> list[dict[str, Any]]:
        return [{"name": "ALSA"}]

    def check_input_settings(self, *, device: int, channels: int, dtype: str, samplerate: int) -> None:
        if (samplerate, channels) not in self.allowed:
            raise PortAudioError("Invalid sample rate")

    check_output_settings = check_input_settings

    def RawInputStream(self, **options: Any) -> FakeStream:
        if self.busy:
            raise PortAudioError("Device unavailable [PaErrorCode -9985]")
        self.streams.append(FakeStream(options, is_busy=lambda: self.busy))
        return self.streams[-1]

    RawOutputStream = RawInputStream


def described(name: str, inputs: int, outputs: int) -> dict[str, Any]:
    return {
        "name": name,
        "hostapi": 0,
        "max_input_channels": inputs,
        "max_output_channels": outputs,
        "default_samplerate": 44_100.0,
    }


@pytest.fixture
def portaudio(monkeypatch: pytest.MonkeyPatch) -> FakePortAudio:
    devices = [described("Built-in", 2, 2), described("Headset (USB)", 1, 2), described("HDMI", 0, 2)]
    fake = FakePortAudio(devices, {(48_000, 1), (44_100, 1)})
    monkeypatch.setattr(sound, "sounddevice", fake)
    return fake


def samples(pcm: bytes) -> list[int]:
    return [int(sample) for sample in np.frombuffer(pcm, "<i2")]


def open_microphone(portaudio: FakePortAudio, limit_ms: int = 2000) -> tuple[Microphone, FakeStream]:
    microphone = Microphone(DEVICE, limit_ms=limit_ms)
    microphone.open()
    return microphone, portaudio.streams[-1]


def test_devices_are_listed_by_direction(portaudio: FakePortAudio) -> None:
    devices = Devices()
    assert [device.name for device in devices.inputs] == ["Built-in", "Headset (USB)"]
    assert [device.name for device in devices.outputs] == ["Built-in", "Headset (USB)", "HDMI"]


def test_a_device_is_chosen_by_default_index_or_part_of_its_name(portaudio: FakePortAudio) -> None:
    devices = Devices()
    portaudio.default.device = (1, 2)
    assert Devices().microphone().name == "Headset (USB)"
    assert devices.microphone().name == "Built-in"
    assert devices.loudspeaker(2).name == "HDMI"
    assert devices.microphone("usb").name == "Headset (USB)"


def test_without_a_default_the_first_device_is_taken(portaudio: FakePortAudio) -> None:
    portaudio.default.device = (-1, -1)
    assert Devices().loudspeaker().name == "Built-in"


def test_a_name_that_fits_no_device_is_answered_with_those_that_there_are(portaudio: FakePortAudio) -> None:
    with pytest.raises(SoundError, match=r"No microphone is called 'hdmi'.* 0: Built-in; 1: Headset"):
        Devices().microphone("hdmi")


def test_no_device_at_all_is_an_error_with_a_cure(portaudio: FakePortAudio) -> None:
    portaudio.devices = []
    with pytest.raises(SoundError, match=r"There is no loudspeaker\. Plug one in"):
        Devices().loudspeaker()


def test_a_missing_portaudio_is_an_error_with_a_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound, "sounddevice", None)
    monkeypatch.setattr(sound, "MISSING", "no_portaudio", raising=False)
    with pytest.raises(SoundError, match=r"PortAudio is missing\."):
        Devices()
    with pytest.raises(SoundError, match=r"PortAudio is missing\."):
        Microphone(DEVICE).open()


def test_a_busy_device_is_an_error_with_a_cure(portaudio: FakePortAudio) -> None:
    portaudio.busy = True
    with pytest.raises(SoundError, match=r"'Built-in' cannot be opened: .*Another program may be using it"):
        Microphone(DEVICE).open()


def test_the_loudspeaker_is_closed_when_the_microphone_cannot_be_opened(portaudio: FakePortAudio) -> None:
    both = sound.Sound(DEVICE, DEVICE)
    both.loudspeaker.open()
    speaker = portaudio.streams[-1]
    portaudio.busy = True
    both.loudspeaker.open = lambda: None  # type: ignore[method-assign]
    with pytest.raises(SoundError):
        both.open()
    assert not speaker.active


@pytest.mark.anyio
async def test_the_microphone_comes_in_20_ms_of_24_khz(portaudio: FakePortAudio) -> None:
    microphone, stream = open_microphone(portaudio)
    assert stream.options["samplerate"] == 48_000
    for _ in range(11):
        stream.hear(np.full(480, 1000, "<i2").tobytes())
    with anyio.fail_after(5):
        chunks = [await anext(microphone) for _ in range(5)]
    assert {len(chunk) for chunk in chunks} == {960}
    assert abs(samples(chunks[2])[0] - 1000) <= 2
    assert microphone.level_dbfs == pytest.approx(level_dbfs(chunks[2]), abs=0.1)


@pytest.mark.anyio
@pytest.mark.parametrize("rate_hz", [16_000, 24_000, 44_100, 48_000])
async def test_each_block_of_the_device_is_delivered_at_once_and_whole(
    portaudio: FakePortAudio, rate_hz: int
) -> None:
    portaudio.allowed = {(rate_hz, 1)}
    microphone = Microphone(Device(0, "any", "ALSA", 1, 0, rate_hz))
    microphone.open()
    for _ in range(50):
        portaudio.streams[-1].hear(np.full(rate_hz // 50, 1000, "<i2").tobytes())
        assert len(microphone._next()) == 960 and not microphone._next()


@pytest.mark.parametrize("rate_hz", [16_000, 24_000, 44_100, 48_000])
def test_a_block_of_the_loudspeaker_takes_as_much_from_the_playback_and_keeps_nothing_back(
    portaudio: FakePortAudio, rate_hz: int
) -> None:
    portaudio.allowed = {(rate_hz, 1)}
    playback = Playback()
    Loudspeaker(Device(0, "any", "ALSA", 0, 1, rate_hz), playback).open()
    playback.add("a", 0, np.full(24_000, 1000, "<i2").tobytes())
    for block in range(1, 51):
        played = samples(portaudio.streams[-1].ask(rate_hz // 50))
        assert playback.queued_ms == 1000 - 20 * block
        assert abs(played[-1] - 1000) <= 2


@pytest.mark.anyio
async def test_a_chunk_wakes_who_waits_for_it(portaudio: FakePortAudio) -> None:
    microphone, stream = open_microphone(portaudio)
    heard: list[bytes] = []

    async def listen() -> None:
        heard.append(await anext(microphone))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listen)
            await anyio.wait_all_tasks_blocked()
            await anyio.to_thread.run_sync(stream.hear, bytes(480 * 3 * 2))
    assert heard == [silence(20)]


@pytest.mark.anyio
async def test_a_device_that_only_has_two_channels_is_mixed(portaudio: FakePortAudio) -> None:
    portaudio.allowed = {(48_000, 2)}
    microphone, stream = open_microphone(portaudio)
    both = np.column_stack((np.full(2400, 3000), np.full(2400, 1000))).astype("<i2")
    stream.hear(both.tobytes())
    with anyio.fail_after(5):
        await anext(microphone)
        assert abs(samples(await anext(microphone))[0] - 2000) <= 4


def test_a_microphone_that_has_every_rate_is_asked_for_ours_and_a_loudspeaker_for_that_of_cards(
    portaudio: FakePortAudio,
) -> None:
    portaudio.allowed = {(24_000, 1), (48_000, 1), (44_100, 1)}
    open_microphone(portaudio)
    assert portaudio.streams[-1].options["samplerate"] == 24_000
    assert portaudio.streams[-1].options["blocksize"] == 480
    Loudspeaker(DEVICE, Playback()).open()
    assert portaudio.streams[-1].options["samplerate"] == 48_000


def test_a_device_that_has_neither_24_nor_48_khz_runs_at_its_own_rate(portaudio: FakePortAudio) -> None:
    portaudio.allowed = {(44_100, 1)}
    microphone = Microphone(Device(0, "old", "ALSA", 1, 0, 44_100))
    microphone.open()
    assert portaudio.streams[-1].options["samplerate"] == 44_100


@pytest.mark.anyio
async def test_the_oldest_sound_is_dropped_when_nobody_listens(portaudio: FakePortAudio) -> None:
    microphone, stream = open_microphone(portaudio, limit_ms=40)
    for value in range(8):
        stream.hear(np.full(960, value * 1000, "<i2").tobytes(), status=value == 3)
    assert microphone.dropped_ms == 120
    assert microphone.glitches == 1
    with anyio.fail_after(5):
        oldest = await anext(microphone)
    assert abs(samples(oldest)[240] - 6000) <= 10


@pytest.mark.anyio
async def test_a_patient_microphone_delivers_100_ms_at_a_time_and_hurries_when_told(
    portaudio: FakePortAudio,
) -> None:
    microphone, stream = open_microphone(portaudio)
    microphone.is_patient = True
    heard: list[int] = []

    async def listen() -> None:
        async for chunk in microphone:
            heard.append(len(chunk) // 48)  # noqa: PERF401 - looked at while it goes on

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listen)
            await anyio.wait_all_tasks_blocked()
            for _ in range(9):
                await anyio.to_thread.run_sync(stream.hear, bytes(960 * 2))
            await anyio.wait_all_tasks_blocked()
            assert heard == [100]
            microphone.is_patient = False
            await anyio.to_thread.run_sync(stream.hear, bytes(960 * 2))
            await anyio.wait_all_tasks_blocked()
            assert heard[1:] == [20] * len(heard[1:]) and sum(heard) >= 180
            microphone.is_patient = True
            stream.hear(bytes(960 * 2))
            microphone.close()
    assert sum(heard) >= 200


def test_a_loudspeaker_that_rests_asks_for_nothing_and_is_not_lost(portaudio: FakePortAudio) -> None:
    loudspeaker = Loudspeaker(DEVICE, Playback())
    loudspeaker.open()
    stream = portaudio.streams[-1]
    loudspeaker.rest()
    assert loudspeaker.is_resting and not stream.active
    assert not loudspeaker._stream.is_lost
    loudspeaker.wake()
    assert stream.active and not loudspeaker.is_resting
    stream.stop()
    assert loudspeaker._stream.is_lost


def test_a_loudspeaker_that_cannot_wake_is_an_error_with_a_cure(portaudio: FakePortAudio) -> None:
    loudspeaker = Loudspeaker(DEVICE, Playback())
    loudspeaker.open()
    loudspeaker.rest()
    portaudio.busy = True
    with pytest.raises(SoundError, match=r"cannot be opened: .*Another program may be using it"):
        loudspeaker.wake()
    assert loudspeaker.is_resting


@pytest.mark.anyio
async def test_a_muted_microphone_delivers_silence_and_still_knows_the_level(
    portaudio: FakePortAudio,
) -> None:
    microphone, stream = open_microphone(portaudio)
    microphone.is_muted = True
    stream.hear(np.full(2400, 10_000, "<i2").tobytes())
    with anyio.fail_after(5):
        assert await anext(microphone) == silence(20)
    assert microphone.level_dbfs > -15


@pytest.mark.anyio
async def test_a_closed_microphone_ends_the_iteration_after_what_it_still_had(
    portaudio: FakePortAudio,
) -> None:
    microphone, stream = open_microphone(portaudio)
    stream.hear(bytes(480 * 5 * 2))
    microphone.close()
    microphone.close()
    with anyio.fail_after(5):
        assert [chunk async for chunk in microphone] == [silence(20)] * 2


@pytest.mark.anyio
async def test_a_microphone_that_is_unplugged_is_an_error(portaudio: FakePortAudio) -> None:
    microphone, stream = open_microphone(portaudio)
    stream.stop()
    with anyio.fail_after(5), pytest.raises(SoundError, match="still plugged in"):
        await anext(microphone)


@pytest.mark.anyio
async def test_a_loudspeaker_that_is_unplugged_is_an_error(portaudio: FakePortAudio) -> None:
    loudspeaker = Loudspeaker(DEVICE, Playback())
    loudspeaker.open()
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_unplug, portaudio.streams[-1])
            with pytest.raises(SoundError, match="still plugged in"):
                await loudspeaker.wait_lost()


async def _unplug(stream: FakeStream) -> None:
    await anyio.wait_all_tasks_blocked()
    await anyio.to_thread.run_sync(stream.stop)


def test_the_loudspeaker_plays_on_all_channels_and_counts_what_is_on_its_way(
    portaudio: FakePortAudio,
) -> None:
    portaudio.allowed = {(48_000, 2)}
    playback = Playback()
    loudspeaker = Loudspeaker(DEVICE, playback)
    loudspeaker.open()
    playback.add("a", 0, np.full(24_000, 1000, "<i2").tobytes())
    stream = portaudio.streams[-1]
    played = np.frombuffer(stream.ask(4800, way_s=0.05), "<i2").reshape(-1, 2)
    assert np.array_equal(played[:, 0], played[:, 1])
    assert abs(int(played[4000, 0]) - 1000) <= 2
    assert loudspeaker.latency_ms == pytest.approx(50)
    # A block of 100 ms and 50 of way ahead, less what passed since.
    assert 100 <= loudspeaker.unheard_ms() <= 160
    assert playback.heard_ms("a") <= 10


def test_a_host_that_tells_no_times_is_taken_at_its_word_for_the_stream(portaudio: FakePortAudio) -> None:
    loudspeaker = Loudspeaker(DEVICE, Playback())
    loudspeaker.open()
    portaudio.streams[-1].ask(480, way_s=0.0)
    assert loudspeaker.latency_ms == pytest.approx(40)


def test_the_canceller_is_told_what_is_played(portaudio: FakePortAudio) -> None:
    told: list[bytes] = []

    class Canceller:
        def play(self, pcm: bytes) -> None:
            told.append(pcm)

        def clean(self, pcm: bytes) -> bytes:
            return pcm

    playback = Playback()
    playback.add("a", 0, b"\1\0" * 480)
    Loudspeaker(DEVICE, playback, Canceller()).open()
    portaudio.streams[-1].ask(960)
    assert told == [b"\1\0" * 480]


@pytest.mark.anyio
async def test_both_devices_are_closed_at_the_end(portaudio: FakePortAudio) -> None:
    with anyio.fail_after(5):
        async with open_sound(cancel_echo=False) as both:
            assert both.advice is None
            assert [stream.active for stream in portaudio.streams] == [True, True]
    assert [stream.active for stream in portaudio.streams] == [False, False]


def test_levels_are_in_db_of_full_scale() -> None:
    assert level_dbfs(np.full(480, -32_768, "<i2").tobytes()) == pytest.approx(0.0)
    assert level_dbfs(np.full(480, 3277, "<i2").tobytes()) == pytest.approx(-20.0, abs=0.01)
    assert level_dbfs(silence(20)) == level_dbfs(b"") == QUIETEST_DBFS
