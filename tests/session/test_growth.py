"""What a conversation takes up in the memory, turn after turn."""

from __future__ import annotations

import multiprocessing
import re
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from louro import memory
from louro.protocol import client_events as ce
from louro.session import actions, reports
from louro.session.setup import Setup
from tests.session.bench import Bench, by_hand, silence

TURNS = 300
WORDS = ("This ", "is ", "what ", "the ", "model ", "says.")
SOUND = silence(2_200)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_turn_leaves_its_words_and_little_else() -> None:
    """A server with 200 sessions lives for long. Words and their times took 4.2 kB, and forgotten sound left a page of
    another 4."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as other:
        assert other.submit(grown_bytes).result() < TURNS * 2_500


def grown_bytes() -> int:
    """Run in a process of its own: how memory is had from the system is set once for all."""
    memory.share_one_heap()
    bench = by_hand(Setup(kept_audio_s=10))
    for _ in range(20):
        turn(bench)
    before = resident_bytes()
    for _ in range(TURNS):
        turn(bench)
    return resident_bytes() - before


def turn(bench: Bench) -> None:
    bench.say(ce.InputAudioBufferAppend(audio=SOUND), ce.InputAudioBufferCommit())
    bench.transcribe("What is the capital of France?")
    bench.say(ce.ResponseCreate())
    rid = bench.last(actions.Respond).response_id
    bench.report(reports.TextProduced(rid, "".join(WORDS)))
    for number, word in enumerate(WORDS, 1):
        # Made anew, as a voice does it.
        said = (("".join(list(word)), 360 * number),)
        bench.report(reports.AudioProduced(rid, silence(360), said))
    bench.report(reports.ResponseFinished(rid))
    bench.sent.clear()
    bench.asked.clear()
    bench.now += 8


def resident_bytes() -> int:
    found = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024
