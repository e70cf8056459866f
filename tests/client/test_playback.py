"""The queue before the loudspeaker, with a loudspeaker that takes when told to."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from louro.audio.pcm import bytes_of_ms, duration_ms, silence
from louro.client.playback import FADE_MS, REMEMBERED, Heard, Playback

FRAMES_PER_MS = 24


def loud(ms: int, value: int = 10_000) -> bytes:
    return np.full(ms * FRAMES_PER_MS, value, "<i2").tobytes()


def take_ms(playback: Playback, ms: int) -> bytes:
    return playback.take(ms * FRAMES_PER_MS)


def always(ms: float) -> Callable[[], float]:
    return lambda: ms


def test_what_was_added_comes_out_in_order_whatever_the_size_of_the_takes() -> None:
    playback = Playback()
    playback.add("a", 0, loud(30, 1))
    playback.add("a", 1, loud(5, 2))
    playback.add("b", 0, loud(20, 3))
    taken = b"".join(playback.take(frames) for frames in (7, 700, 13, 600))
    assert taken == loud(30, 1) + loud(5, 2) + loud(20, 3)


def test_an_empty_queue_gives_silence_of_the_length_asked_for() -> None:
    assert Playback().take(240) == silence(10)


def test_a_take_longer_than_the_queue_is_filled_up_with_silence() -> None:
    playback = Playback()
    playback.add("a", 0, loud(4))
    assert take_ms(playback, 10) == loud(4) + silence(6)


def test_without_latency_all_that_was_taken_was_heard() -> None:
    playback = Playback()
    playback.add("a", 0, loud(100))
    take_ms(playback, 37)
    assert playback.heard_ms("a") == 37


def test_what_is_on_its_way_through_the_device_was_not_heard() -> None:
    playback = Playback()
    playback.heard_through(always(50))
    playback.add("a", 0, loud(100))
    take_ms(playback, 40)
    assert playback.heard_ms("a") == 0
    take_ms(playback, 30)
    assert playback.heard_ms("a") == 20
    take_ms(playback, 60)
    assert playback.heard_ms("a") == 80


def test_silence_between_two_pieces_of_a_part_is_not_counted_as_heard() -> None:
    playback = Playback()
    playback.heard_through(always(20))
    playback.add("a", 0, loud(10))
    take_ms(playback, 30)
    playback.add("a", 0, loud(50))
    take_ms(playback, 30)
    assert playback.heard_ms("a") == 20


def test_each_content_part_is_counted_by_itself() -> None:
    playback = Playback()
    playback.add("a", 0, loud(10))
    playback.add("a", 1, loud(10))
    take_ms(playback, 15)
    assert (playback.heard_ms("a", 0), playback.heard_ms("a", 1), playback.heard_ms("never")) == (10, 5, 0)


def test_what_was_heard_is_never_taken_back_when_the_device_finds_itself_slower() -> None:
    playback = Playback()
    latency_ms = [0.0]
    playback.heard_through(lambda: latency_ms[0])
    playback.add("a", 0, loud(100))
    take_ms(playback, 50)
    assert playback.heard_ms("a") == 50
    latency_ms[0] = 30.0
    assert playback.heard_ms("a") == 50


def test_an_interruption_says_what_was_heard_and_fades_out_within_5_ms() -> None:
    playback = Playback()
    playback.heard_through(always(20))
    playback.add("a", 2, loud(1000))
    take_ms(playback, 120)
    assert playback.interrupt() == Heard("a", 2, 100)
    rest = np.frombuffer(take_ms(playback, 20), "<i2")
    assert abs(int(rest[0]) - 10_000) <= 1
    assert np.all(np.diff(rest.astype(int)) <= 0)
    assert not rest[FADE_MS * FRAMES_PER_MS - 1 :].any()


def test_an_interruption_before_the_first_take_is_silent_at_once_and_nothing_was_heard() -> None:
    playback = Playback()
    playback.add("a", 0, loud(100))
    assert playback.interrupt() == Heard("a", 0, 0)
    assert take_ms(playback, 10) == silence(10)


def test_an_interruption_while_nothing_plays_returns_none() -> None:
    playback = Playback()
    assert playback.interrupt() is None
    playback.add("a", 0, loud(10))
    take_ms(playback, 20)
    assert playback.interrupt() is None


def test_a_second_interruption_finds_nothing_playing_though_the_device_still_sounds() -> None:
    playback = Playback()
    playback.heard_through(always(50))
    playback.add("a", 0, loud(500))
    take_ms(playback, 100)
    assert playback.interrupt() == Heard("a", 0, 50)
    assert playback.is_playing
    assert playback.interrupt() is None


def test_the_part_at_the_ear_is_meant_even_when_the_next_is_already_being_taken() -> None:
    playback = Playback()
    playback.heard_through(always(50))
    playback.add("a", 0, loud(100))
    playback.add("b", 0, loud(100))
    take_ms(playback, 120)
    assert playback.interrupt() == Heard("a", 0, 70)
    assert playback.heard_ms("b") == 0


def test_what_still_comes_for_an_interrupted_part_is_dropped_and_a_new_one_is_played() -> None:
    playback = Playback()
    playback.add("a", 0, loud(100))
    take_ms(playback, 10)
    playback.interrupt()
    take_ms(playback, FADE_MS)
    assert not playback.add("a", 0, loud(50))
    assert playback.dropped_ms == 50
    assert playback.add("b", 0, loud(10))
    assert take_ms(playback, 10) == loud(10)


def test_a_full_queue_keeps_what_fits_and_silences_the_rest_of_that_part_only() -> None:
    playback = Playback(limit_ms=100)
    assert playback.add("a", 0, loud(80))
    assert not playback.add("a", 0, loud(30))
    assert (playback.queued_ms, playback.dropped_ms) == (100, 10)
    take_ms(playback, 50)
    assert not playback.add("a", 0, loud(10))
    assert playback.add("b", 0, loud(10))
    assert playback.queued_ms == 60


def test_it_is_playing_until_the_last_frame_has_been_heard() -> None:
    playback = Playback()
    playback.heard_through(always(30))
    assert not playback.is_playing
    playback.add("a", 0, loud(10))
    assert playback.is_playing
    take_ms(playback, 30)
    assert playback.is_playing
    take_ms(playback, 10)
    assert not playback.is_playing


def test_only_the_newest_parts_are_remembered() -> None:
    playback = Playback()
    for number in range(REMEMBERED + 1):
        playback.add(str(number), 0, loud(1))
        take_ms(playback, 1)
    assert (playback.heard_ms("0"), playback.heard_ms("1")) == (0, 1)


@pytest.mark.anyio
async def test_waiting_ends_when_the_last_frame_has_been_heard() -> None:
    playback = Playback()
    playback.add("a", 0, loud(20))
    finished = anyio.Event()

    async def wait() -> None:
        await playback.wait_finished()
        finished.set()

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            await anyio.to_thread.run_sync(take_ms, playback, 10)
            await anyio.wait_all_tasks_blocked()
            assert not finished.is_set()
            await anyio.to_thread.run_sync(take_ms, playback, 10)
            await finished.wait()


@pytest.mark.anyio
async def test_waiting_ends_whoever_is_the_first_to_see_that_all_was_heard() -> None:
    playback = Playback()
    on_its_way_ms = [20.0]
    playback.heard_through(lambda: on_its_way_ms[0])
    playback.add("a", 0, loud(20))
    take_ms(playback, 20)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(playback.wait_finished)
            await anyio.wait_all_tasks_blocked()
            on_its_way_ms[0] = 0.0
            assert not playback.is_playing


@pytest.mark.anyio
async def test_waiting_for_an_empty_queue_returns_at_once() -> None:
    with anyio.fail_after(5):
        await Playback().wait_finished()


@pytest.mark.anyio
async def test_waiting_ends_with_an_interruption_before_anything_was_taken() -> None:
    playback = Playback()
    playback.add("a", 0, loud(20))
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(playback.wait_finished)
            await anyio.wait_all_tasks_blocked()
            playback.interrupt()


ADD = st.tuples(st.just("add"), st.integers(0, 3), st.integers(0, 60))
TAKE = st.tuples(st.just("take"), st.integers(0, 80), st.integers(0, 120))
INTERRUPT = st.tuples(st.just("interrupt"), st.just(0), st.integers(0, 120))


@given(st.lists(st.one_of(ADD, TAKE, INTERRUPT), max_size=40))
def test_heard_never_exceeds_added_nor_taken_and_only_grows(steps: list[tuple[str, int, int]]) -> None:
    playback = Playback(limit_ms=200)
    latency_ms = [0.0]
    playback.heard_through(lambda: latency_ms[0])
    added = dict.fromkeys("0123", 0)
    before = dict(added)
    taken_ms = 0
    for what, number, ms in steps:
        if what == "add":
            offered = playback.queued_ms
            playback.add(str(number), 0, loud(ms))
            added[str(number)] += playback.queued_ms - offered
        elif what == "take":
            latency_ms[0] = float(ms)
            assert duration_ms(take_ms(playback, number)) == number
            taken_ms += number
        else:
            playback.interrupt()
        heard = {item: playback.heard_ms(item) for item in added}
        assert all(before[item] <= heard[item] <= added[item] for item in added)
        assert sum(heard.values()) <= taken_ms
        assert playback.queued_ms <= 200
        before = heard


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 900)), max_size=20), st.lists(st.integers(0, 900))
)
def test_once_all_was_taken_all_was_heard(adds: list[tuple[int, int]], takes: list[int]) -> None:
    playback = Playback()
    sums = dict.fromkeys(range(3), 0)
    for item, frames in adds:
        playback.add(str(item), 0, bytes(frames * 2))
        sums[item] += frames
    for frames in takes:
        playback.take(frames)
    playback.take(sum(sums.values()))
    assert {item: playback.heard_ms(str(item)) for item in sums} == {
        item: frames // FRAMES_PER_MS for item, frames in sums.items()
    }
    assert not playback.is_playing


def test_the_limit_is_counted_in_whole_milliseconds() -> None:
    playback = Playback(limit_ms=1)
    playback.add("a", 0, loud(2))
    assert len(playback.take(48)) == bytes_of_ms(2)
    assert playback.heard_ms("a") == 1
