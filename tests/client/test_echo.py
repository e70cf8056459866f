"""The canceller against an echo made by hand: no device, no room."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from louro.audio.pcm import bytes_of_ms, duration_ms, silence
from louro.client import echo
from louro.client.echo import (
    CUSHION_MS,
    FRAME_BYTES,
    FRAME_MS,
    REFERENCE_LIMIT_MS,
    SETTLE_FRAMES,
    SLACK_MS,
    STANDING_FRAMES,
    WITHHELD_BYTES,
    EchoCanceller,
    Passthrough,
    Reference,
    open_canceller,
)

SPEECH = Path(__file__).parent.parent / "speech"


def spoken(*names: str) -> NDArray[np.float64]:
    return np.concatenate([soundfile.read(SPEECH / f"{name}.flac")[0] for name in names])


def pcm_of(sound: NDArray[np.float64]) -> bytes:
    return (np.clip(sound, -1, 1) * 32_767).astype("<i2").tobytes()


def echo_of(sound: NDArray[np.float64], delay_ms: int) -> NDArray[np.float64]:
    """A direct path and 100 ms of decaying reflections."""
    reflections = np.random.default_rng(0).standard_normal(2400) * np.exp(-np.arange(2400) / 400) * 0.05
    reflections[0] = 0.5
    back = np.convolve(np.concatenate((np.zeros(delay_ms * 24), sound)), reflections)
    return back[: len(sound)]


def cleaned(canceller: EchoCanceller, played: bytes, heard: bytes) -> NDArray[np.float64]:
    pieces = []
    for at in range(0, len(heard), FRAME_BYTES):
        canceller.play(played[at : at + FRAME_BYTES])
        pieces.append(canceller.clean(heard[at : at + FRAME_BYTES]))
    return np.frombuffer(b"".join(pieces), "<i2") / 32_768


def power_db(sound: NDArray[np.float64]) -> float:
    return float(10 * np.log10(np.mean(sound**2) + 1e-12))


def webrtc() -> EchoCanceller:
    pytest.importorskip("pywebrtc_audio")
    return echo.WebRtcEchoCanceller()


@pytest.mark.parametrize("delay_ms", [20, 90, 200])
def test_20_db_of_the_echo_are_gone_after_two_seconds(delay_ms: int) -> None:
    far = spoken("story", "capital", "sum_7_5")
    heard = echo_of(far, delay_ms)
    left = cleaned(webrtc(), pcm_of(far), pcm_of(heard))
    late = slice(2 * 24_000, len(left))
    assert power_db(heard[late]) - power_db(left[late]) >= 20


def test_an_echo_after_a_long_silence_is_gone_as_soon_as_one_before() -> None:
    far = spoken("story", "capital", "sum_7_5")
    silent = np.zeros(24_000 * 3)
    played = np.concatenate((far, silent, far))
    heard = echo_of(played, 90)
    left = cleaned(webrtc(), pcm_of(played), pcm_of(heard))
    again = slice(len(far) + len(silent) + 24_000 // 2, len(left))
    assert power_db(heard[again]) - power_db(left[again]) >= 20


def test_what_is_said_into_the_silence_is_passed_on_whole() -> None:
    near = spoken("human")
    silence_first = np.concatenate((np.zeros(24_000 * 2), near))
    left = cleaned(webrtc(), bytes(len(silence_first) * 2), pcm_of(silence_first))
    late = WITHHELD_BYTES // 2
    said = silence_first[: len(left) - late]
    assert np.abs(left[late:] - said)[24_000 * 2 :].max() < 2 / 32_768


def test_speech_comes_through_when_nothing_is_played() -> None:
    near = spoken("human")
    left = cleaned(webrtc(), bytes(len(near) * 2), pcm_of(near))
    assert power_db(left) == pytest.approx(power_db(near), abs=1.0)


def test_who_speaks_into_an_answer_is_still_heard() -> None:
    far, near = spoken("story", "capital", "sum_7_5"), spoken("human")
    begin, size = 5 * 24_000, 2 * 24_000
    far = far[: begin + size]
    said = np.concatenate((np.zeros(begin), near[:size]))
    left = cleaned(webrtc(), pcm_of(far), pcm_of(echo_of(far, 90) * 0.3 + said))
    into = slice(begin, begin + size)
    assert power_db(said[into]) - power_db(left[into]) <= 6


def test_with_headphones_on_a_voice_over_the_loudspeaker_is_passed_on_whole() -> None:
    far, near = spoken("story", "capital", "human"), spoken("sum_7_5")
    begin = 4 * 24_000
    said = np.concatenate((np.zeros(begin), near, np.zeros(WITHHELD_BYTES // 2)))
    left = cleaned(webrtc(), pcm_of(far[: len(said)]), pcm_of(said))
    assert len(left) == len(said) // 240 * 240
    late = WITHHELD_BYTES // 2
    assert np.abs(left[begin + late :] - said[begin : len(left) - late]).max() < 2 / 32_768


def test_an_echo_that_comes_when_headphones_are_taken_off_is_cancelled() -> None:
    far = spoken("story", "capital", "human", "sum_7_5")
    off = 5 * 24_000
    heard = echo_of(far, 90)
    heard[:off] = 0
    left = cleaned(webrtc(), pcm_of(far), pcm_of(heard))
    again = slice(off + 24_000 // 2, len(left))
    assert power_db(heard[again]) - power_db(left[again]) >= 20


def test_the_microphone_may_come_in_pieces_of_any_length() -> None:
    heard = pcm_of(spoken("how"))[: FRAME_BYTES * 100]
    whole, chopped = webrtc(), webrtc()
    pieces = [heard[at : at + 514] for at in range(0, len(heard), 514)]
    assert b"".join([chopped.clean(piece) for piece in pieces]) == whole.clean(heard)


def test_without_the_package_the_microphone_is_passed_on_and_the_user_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(echo, "AudioProcessor", None)
    canceller, advice = open_canceller()
    canceller.play(b"\1\0")
    assert isinstance(canceller, Passthrough)
    assert canceller.clean(b"\2\0") == b"\2\0"
    assert advice is not None and "headphones" in advice
    with pytest.raises(ImportError, match="headphones"):
        echo.WebRtcEchoCanceller()


def test_with_the_package_there_is_nothing_to_tell() -> None:
    pytest.importorskip("pywebrtc_audio")
    canceller, advice = open_canceller()
    assert isinstance(canceller, echo.WebRtcEchoCanceller)
    assert advice is None


def test_a_reference_that_runs_short_is_filled_with_silence() -> None:
    reference = Reference()
    reference.put(b"\1\0" * 10)
    for _ in range(CUSHION_MS // FRAME_MS):
        assert reference.next(FRAME_BYTES) == bytes(FRAME_BYTES)
    assert reference.next(FRAME_BYTES) == bytes(FRAME_BYTES - 20) + b"\1\0" * 10
    assert reference.next(FRAME_BYTES) == bytes(FRAME_BYTES)


def test_what_was_played_before_the_microphone_was_open_is_no_reference() -> None:
    reference = Reference()
    reference.put(b"\2" * bytes_of_ms(100) + b"\1" * bytes_of_ms(FRAME_MS + CUSHION_MS))
    for _ in range(1 + CUSHION_MS // FRAME_MS):
        assert reference.next(FRAME_BYTES) == b"\1" * FRAME_BYTES
    assert reference.next(FRAME_BYTES) == bytes(FRAME_BYTES)


def test_a_burst_of_the_microphone_within_the_cushion_does_not_move_the_delay() -> None:
    reference = Reference()
    frames = [bytes([value]) * FRAME_BYTES for value in range(1, 50)]
    burst = 1 + CUSHION_MS // FRAME_MS
    for _ in range(burst):
        assert reference.next(FRAME_BYTES) == bytes(FRAME_BYTES)
    for frame in frames:
        reference.put(frame)
    assert [reference.next(FRAME_BYTES) for _ in frames] == frames


def test_after_a_rest_of_the_loudspeaker_the_reference_begins_anew() -> None:
    reference = Reference()
    reference.put(b"\1" * FRAME_BYTES)
    for _ in range(2 + STANDING_FRAMES + CUSHION_MS // FRAME_MS):
        reference.next(FRAME_BYTES)
    reference.put(b"\2" * FRAME_BYTES)
    for _ in range(CUSHION_MS // FRAME_MS):
        assert reference.next(FRAME_BYTES) == bytes(FRAME_BYTES)
    assert reference.next(FRAME_BYTES) == b"\2" * FRAME_BYTES


def test_what_is_left_over_for_a_second_is_thrown_away() -> None:
    reference = Reference()
    reference.next(FRAME_BYTES)
    reference.put(silence(80))
    for _ in range(2 * SETTLE_FRAMES):
        reference.put(b"\1" * FRAME_BYTES)
        reference.next(FRAME_BYTES)
    assert reference.waiting_ms == SLACK_MS


@given(st.lists(st.integers(0, 40_000), max_size=30))
def test_a_microphone_that_stands_still_costs_no_memory(sizes: list[int]) -> None:
    reference = Reference()
    reference.next(FRAME_BYTES)
    for size in sizes:
        reference.put(bytes(size))
        assert reference.waiting_ms <= REFERENCE_LIMIT_MS
    assert len(reference.next(FRAME_BYTES)) == FRAME_BYTES == bytes_of_ms(10)
    assert duration_ms(FRAME_BYTES) == 10
