"""The devices, on a sound card that is not there (see `virtual_sound`)."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.to_thread
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from tests.client.virtual_sound import RATE_HZ, VirtualSound, is_available, virtual_sound

from louro.client.sound import Devices, Microphone, Sound, open_sound
from louro.client.sound_errors import SoundError

pytestmark = [pytest.mark.sound, pytest.mark.anyio]
SPEECH = Path(__file__).parent.parent / "speech"


@pytest.fixture(scope="module")
def card() -> Iterator[VirtualSound]:
    if not is_available():
        pytest.skip(
            "needs PulseAudio: apt install pulseaudio pulseaudio-utils libportaudio2 libasound2-plugins"
        )
    try:
        import sounddevice  # noqa: PLC0415 - needs PortAudio
    except OSError:
        pytest.skip("needs PortAudio: apt install libportaudio2")
    # PortAudio looked for devices when it was imported, before this one was there.
    sounddevice._terminate()
    with virtual_sound() as card:
        sounddevice._initialize()
        yield card
        sounddevice._terminate()
    sounddevice._initialize()


def tone(hz: float, ms: int, level: float = 0.5, rate_hz: int = 24_000) -> NDArray[np.float64]:
    wave: NDArray[np.float64] = level * np.sin(2 * np.pi * hz * np.arange(rate_hz * ms // 1000) / rate_hz)
    return wave


def pcm_of(sound: NDArray[np.float64]) -> bytes:
    return (sound * 32_767).astype("<i2").tobytes()


def loud_part(sound: NDArray[np.float64]) -> tuple[int, int]:
    """First and last sample above 1 % of full scale."""
    loud = np.flatnonzero(np.abs(sound) > 0.01)
    assert len(loud), "nothing was heard"
    return int(loud[0]), int(loud[-1])


def loudest_hz(sound: NDArray[np.float64], rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(spectrum) * rate_hz / len(sound))


def dbfs(sound: NDArray[np.float64]) -> float:
    return float(10 * np.log10(np.mean(sound**2) + 1e-12))


async def test_the_card_is_listed_and_can_be_chosen_by_a_part_of_its_name(card: VirtualSound) -> None:
    devices = Devices()
    assert devices.inputs and devices.outputs
    assert devices.microphone("DEFAU") == devices.microphone(devices.microphone().index)
    with pytest.raises(SoundError, match=r"No loudspeaker is called 'trombone'\. Choose one of: "):
        devices.loudspeaker("trombone")


async def test_a_tone_comes_out_at_its_frequency_level_and_length(card: VirtualSound) -> None:
    with anyio.fail_after(15):
        async with open_sound(cancel_echo=False) as sound:
            with card.recording() as recording:
                sound.playback.add("a", 0, pcm_of(tone(440, 1000)))
                await sound.playback.wait_finished()
            assert sound.playback.heard_ms("a") == 1000
    first, last = loud_part(recording.sound)
    assert (last - first) / RATE_HZ == pytest.approx(1.0, abs=0.02)
    middle = recording.sound[first + 4800 : last - 4800]
    assert loudest_hz(middle, RATE_HZ) == pytest.approx(440, abs=2)
    assert dbfs(middle) == pytest.approx(-9.03, abs=0.5)


async def heard_until(sound: Sound, ms: int) -> None:
    """The microphone is the clock."""
    async for _ in sound.microphone:
        if sound.playback.heard_ms("a") >= ms:
            return


async def test_heard_milliseconds_agree_within_30_with_what_the_loudspeaker_sounded(
    card: VirtualSound,
) -> None:
    told: list[float] = []
    with anyio.fail_after(15):
        async with open_sound(cancel_echo=False) as sound:
            with card.recording() as recording:
                sound.playback.add("a", 0, pcm_of(tone(440, 1500)))
                for ms in (300, 600, 900):
                    await heard_until(sound, ms)
                    told.append(time.monotonic() - sound.playback.heard_ms("a") / 1000)
    first, _ = loud_part(recording.sound)
    began_s = recording.sounded_s(first)
    assert [round((at_s - began_s) * 1000) for at_s in told] == pytest.approx([0, 0, 0], abs=30)


async def test_an_interruption_is_silent_within_100_ms_and_tells_what_was_heard(card: VirtualSound) -> None:
    with anyio.fail_after(15):
        async with open_sound(cancel_echo=False) as sound:
            with card.recording() as recording:
                sound.playback.add("a", 0, pcm_of(tone(440, 5000)))
                await heard_until(sound, 700)
                called_s = time.monotonic()
                heard = sound.playback.interrupt()
                await sound.playback.wait_finished()
                await anyio.wait_all_tasks_blocked()
    first, last = loud_part(recording.sound)
    assert recording.sounded_s(last) - called_s <= 0.1
    assert heard is not None
    assert heard.audio_end_ms == pytest.approx((called_s - recording.sounded_s(first)) * 1000, abs=30)


async def test_the_microphone_hears_what_is_said_into_it_in_chunks_of_20_ms(card: VirtualSound) -> None:
    chunks: list[bytes] = []
    levels: list[float] = []
    with anyio.fail_after(15):
        async with open_sound(cancel_echo=False) as sound:
            speaker = card.play_into_microphone(tone(1000, 1000, 0.25, RATE_HZ))
            async for chunk in sound.microphone:
                chunks.append(chunk)
                levels.append(sound.microphone.level_dbfs)
                if len(chunks) == 100:
                    break
            speaker.wait(5)
            assert sound.microphone.dropped_ms == 0
    assert {len(chunk) for chunk in chunks} == {960}
    said = np.frombuffer(b"".join(chunks), "<i2") / 32_768
    first, last = loud_part(said)
    assert (last - first) / 24_000 == pytest.approx(1.0, abs=0.05)
    middle = said[first + 2400 : last - 2400]
    assert loudest_hz(middle, 24_000) == pytest.approx(1000, abs=2)
    assert dbfs(middle) == pytest.approx(-15.05, abs=0.5)
    assert max(levels) == pytest.approx(-15.05, abs=0.5)


async def test_a_muted_microphone_delivers_silence(card: VirtualSound) -> None:
    with anyio.fail_after(15):
        async with open_sound(cancel_echo=False) as sound:
            sound.microphone.is_muted = True
            speaker = card.play_into_microphone(tone(1000, 500, 0.25, RATE_HZ))
            heard_something = False
            async for chunk in sound.microphone:
                assert not any(chunk)
                heard_something |= sound.microphone.level_dbfs > -20
                if heard_something:
                    break
            speaker.wait(5)


async def test_the_iteration_ends_when_the_microphone_is_closed(card: VirtualSound) -> None:
    with anyio.fail_after(15):
        async with open_sound(cancel_echo=False) as sound:
            chunks = 0
            async for _ in sound.microphone:
                chunks += 1
                if chunks == 3:
                    await anyio.to_thread.run_sync(sound.microphone.close)
    assert chunks >= 3


async def test_a_slow_listener_loses_the_oldest_sound_only(card: VirtualSound) -> None:
    slow = Microphone(Devices().microphone(), limit_ms=60)
    with anyio.fail_after(15):
        async with open_sound(cancel_echo=False) as sound:
            await anyio.to_thread.run_sync(slow.open)
            async for _ in sound.microphone:
                if slow.dropped_ms:
                    break
            await anyio.to_thread.run_sync(slow.close)
    assert len([chunk async for chunk in slow]) == 3


async def test_a_device_that_cannot_be_opened_is_an_error_with_a_cure(card: VirtualSound) -> None:
    nowhere = dataclasses.replace(Devices().microphone(), index=99)
    with pytest.raises(SoundError, match=r"cannot be opened: .* choose another device"):
        Microphone(nowhere).open()


async def test_the_echo_canceller_takes_20_db_of_the_loudspeaker_out_of_the_microphone(
    card: VirtualSound,
) -> None:
    pytest.importorskip("pywebrtc_audio")
    spoken = [
        soundfile.read(SPEECH / f"{name}.flac", dtype="int16")[0] for name in ("story", "capital", "sum_7_5")
    ]
    speech = np.concatenate(spoken)
    late = slice(3 * 24_000, None)
    gone: list[float] = []
    with anyio.fail_after(100), card.loopback():
        # A sound card that is only a program stutters when the machine is busy, and a hole in the reference is an echo
        # that nobody can cancel: what is shown is that it can be cancelled.
        while len(gone) < 3 and max(gone, default=0) < 20:
            plain = await _what_comes_back(speech, cancel_echo=False)
            left = await _what_comes_back(speech, cancel_echo=True)
            assert dbfs(plain[late]) > -40, "the loopback is silent"
            gone.append(dbfs(plain[late]) - dbfs(left[late]))
    assert max(gone) >= 20, gone


async def _what_comes_back(speech: NDArray[np.int16], *, cancel_echo: bool) -> NDArray[np.float64]:
    chunks: list[bytes] = []
    async with open_sound(cancel_echo=cancel_echo) as sound:
        sound.playback.add("a", 0, speech.tobytes())
        async for chunk in sound.microphone:
            chunks.append(chunk)
            if not sound.playback.is_playing:
                break
    return np.frombuffer(b"".join(chunks), "<i2") / 32_768
