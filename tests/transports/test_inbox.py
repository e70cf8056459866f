"""What waits for its reader is bounded, and nothing of it is lost."""

from __future__ import annotations

import asyncio

import anyio
import pytest
from websockets.frames import Frame, Opcode

from louro.transports.inbox import HIGH_BYTES, Assembly, Inbox

pytestmark = pytest.mark.anyio


class Network(asyncio.ReadTransport):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.is_gone = False

    def inbox(self) -> Inbox:
        return Inbox(self)

    def pause_reading(self) -> None:
        self.said.append("pause")

    def resume_reading(self) -> None:
        self.said.append("resume")

    def is_closing(self) -> bool:
        return self.is_gone


async def test_frames_are_taken_in_the_order_in_which_they_came() -> None:
    inbox = Network().inbox()
    for frame in ("a", b"b", "c"):
        inbox.put(frame)
    assert [await inbox.take() for _ in range(3)] == ["a", b"b", "c"]


async def test_whoever_waits_is_given_what_comes() -> None:
    inbox = Network().inbox()
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.lowlevel.checkpoint)
            tasks.start_soon(_put, inbox, "a")
            assert await inbox.take() == "a"


async def test_what_came_before_the_end_is_taken_before_it() -> None:
    inbox = Network().inbox()
    inbox.put("last")
    inbox.end()
    assert await inbox.take() == "last"
    with pytest.raises(anyio.EndOfStream):
        await inbox.take()


async def test_the_end_wakes_whoever_waits() -> None:
    inbox = Network().inbox()
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_end, inbox)
            with pytest.raises(anyio.EndOfStream):
                await inbox.take()


async def test_nothing_more_is_read_from_the_network_until_all_is_taken() -> None:
    network = Network()
    inbox = network.inbox()
    half = "x" * (HIGH_BYTES // 2 + 1)
    inbox.put(half)
    assert network.said == []
    inbox.put(half)
    inbox.put("of the same read")
    assert network.said == ["pause"]
    await inbox.take()
    await inbox.take()
    assert network.said == ["pause"]
    await inbox.take()
    assert network.said == ["pause", "resume"]


async def test_a_network_that_is_gone_is_not_read_on() -> None:
    network = Network()
    inbox = network.inbox()
    inbox.put("x" * (HIGH_BYTES + 1))
    network.is_gone = True
    await inbox.take()
    assert network.said == ["pause"]


def test_what_nobody_takes_does_not_hold_up_the_goodbye() -> None:
    network = Network()
    inbox = network.inbox()
    inbox.put("x" * (HIGH_BYTES + 1))
    inbox.discard()
    assert network.said == ["pause", "resume"]


async def test_a_reader_of_many_frames_lets_others_have_their_turn() -> None:
    inbox = Network().inbox()
    turns: list[int] = []

    async def other() -> None:
        for turn in range(3):
            turns.append(turn)
            await anyio.lowlevel.checkpoint()

    for _ in range(3):
        inbox.put("x")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(other)
        for taken in range(3):
            await inbox.take()
            assert len(turns) >= taken


async def test_whoever_stops_to_wait_loses_nothing() -> None:
    inbox = Network().inbox()
    with anyio.move_on_after(0):
        await inbox.take()
    inbox.put("a")
    assert await inbox.take() == "a"


async def _put(inbox: Inbox, frame: str) -> None:
    inbox.put(frame)


async def _end(inbox: Inbox) -> None:
    inbox.end()


TEXT, BINARY, CONT = Opcode.TEXT, Opcode.BINARY, Opcode.CONT


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([(TEXT, "é", True)], "é"),
        ([(BINARY, "x", True)], b"x"),
        ([(TEXT, "", False), (CONT, "", False), (CONT, "end", True)], "end"),
        ([(TEXT, "a", False), (CONT, "b", False), (CONT, "", True)], "ab"),
        ([(BINARY, "a", False), (CONT, "b", True)], b"ab"),
    ],
)
def test_a_message_is_whole_however_it_was_cut(
    frames: list[tuple[Opcode, str, bool]], message: str | bytes
) -> None:
    assembly = Assembly()
    for _ in range(2):
        *begun, complete = [assembly.add(Frame(opcode, data.encode(), fin)) for opcode, data, fin in frames]
        assert begun == [None] * len(begun)
        assert complete == message


def test_a_letter_may_be_cut_in_two_and_half_a_letter_is_no_text() -> None:
    assembly = Assembly()
    first, second = (b"\xc3", b"\xa9")
    assert assembly.add(Frame(TEXT, first, fin=False)) is None
    assert assembly.add(Frame(CONT, second, fin=True)) == "é"
    with pytest.raises(UnicodeDecodeError):
        assembly.add(Frame(TEXT, first, fin=True))
