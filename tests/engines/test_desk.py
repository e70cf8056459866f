"""Who writes, and in which order."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

from louro.engines.desk import Desk

WAIT_S = 10


@dataclass
class Letter:
    name: str
    length: int
    due: int = 0
    """The first line; each line is due after the one before it."""
    written: int = 0


class Office:
    """One writer, who notes each line; the first waits until everybody has come."""

    def __init__(self, *letters: Letter) -> None:
        self.lines = ""
        self.desk = Desk(1, "desk")
        self._all_are_here = threading.Event()
        self._unwritten = len(letters)
        self._done = threading.Event()
        for letter in letters:
            self.desk.put(letter, self.write)
        self._all_are_here.set()
        assert self._done.wait(WAIT_S)

    def write(self, letter: Letter) -> bool:
        self._all_are_here.wait(WAIT_S)
        while letter.written < letter.length:
            letter.written += 1
            letter.due += 1
            self.lines += letter.name
            if letter.written < letter.length and self.desk.due < letter.due:
                return True
        self._unwritten -= 1
        if not self._unwritten:
            self._done.set()
        return False


def test_what_is_due_first_is_written_first() -> None:
    assert Office(Letter("a", 5), Letter("b", 2), Letter("c", 1)).lines == "abcabaaa"


def test_who_can_wait_waits() -> None:
    assert Office(Letter("w", 2, 100), Letter("a", 3), Letter("b", 3)).lines == "wabbaabw"


def test_alone_nobody_gives_way() -> None:
    assert Office(Letter("a", 3)).lines == "aaa"


def test_what_is_dropped_is_neither_written_nor_kept() -> None:
    desk, begun, go_on, done = Desk(1, "desk"), threading.Event(), threading.Event(), threading.Event()
    lines: list[str] = []

    def write(letter: Letter) -> bool:
        lines.append(letter.name)
        if letter.name == "first":
            begun.set()
            go_on.wait(WAIT_S)
        elif letter.name == "last":
            done.set()
        return False

    desk.put(Letter("first", 1), write)
    assert begun.wait(WAIT_S)
    dropped = [Letter("dropped", 1, due=5) for _ in range(100)]
    for letter in dropped:
        desk.put(letter, write)
    for letter in dropped:
        desk.drop(letter)
    assert desk.due == math.inf
    desk.put(Letter("last", 1, due=9), write)
    go_on.set()
    assert done.wait(WAIT_S)
    assert lines == ["first", "last"]
