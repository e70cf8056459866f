"""Who shows too many wrong keys has to wait; who has shown a right one does not."""

from __future__ import annotations

import pytest

from louro.transports import attempts
from louro.transports.attempts import FREE, WAIT_S, Attempts
from louro.transports.door import Refusal

HERE, THERE = "192.0.2.1", "192.0.2.2"


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def is_blocked(tried: Attempts, address: str, key: str = "sk-new") -> bool:
    try:
        tried.check(address, key)
    except Refusal as refusal:
        assert refusal.code == "rate_limit_exceeded"
        return True
    return False


def test_an_address_that_guesses_has_to_wait_and_others_do_not() -> None:
    clock = Clock()
    tried = Attempts(clock)
    for _ in range(FREE):
        assert not is_blocked(tried, HERE)
        tried.note_wrong(HERE)
    assert is_blocked(tried, HERE) and not is_blocked(tried, THERE)
    clock.now += WAIT_S + 0.1
    assert not is_blocked(tried, HERE)
    tried.note_wrong(HERE)
    assert is_blocked(tried, HERE), "one more for each stretch of time"
    clock.now += FREE * WAIT_S
    assert not is_blocked(tried, HERE)


def test_a_key_that_was_right_before_comes_in_all_the_same() -> None:
    tried = Attempts(Clock())
    tried.note_right("sk-known")
    for _ in range(FREE * 2):
        tried.note_wrong(HERE)
    assert is_blocked(tried, HERE)
    assert not is_blocked(tried, HERE, "sk-known")


def test_a_house_of_ipv6_is_one_address() -> None:
    tried = Attempts(Clock())
    for number in range(FREE):
        tried.note_wrong(f"2001:db8:1:1::{number:x}")
    assert is_blocked(tried, "2001:db8:1:1:ffff::1")
    assert not is_blocked(tried, "2001:db8:1:2::1")
    assert not is_blocked(tried, "fe80::1%eth0") and not is_blocked(tried, "")


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MAX_ADDRESSES", 3)
    monkeypatch.setattr(attempts, "MAX_PROVEN", 1)
    tried = Attempts(Clock())
    for address in (HERE, "192.0.2.7", "192.0.2.8", "192.0.2.9"):
        for _ in range(FREE):
            tried.note_wrong(address)
    assert not is_blocked(tried, HERE) and is_blocked(tried, "192.0.2.9")
    tried.note_right("sk-a")
    tried.note_right("sk-b")
    assert is_blocked(tried, "192.0.2.9", "sk-a") and not is_blocked(tried, "192.0.2.9", "sk-b")
