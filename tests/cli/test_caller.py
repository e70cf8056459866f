"""What a caller notes of an answer."""

from __future__ import annotations

from louro.cli.caller import Turn


def test_an_answer_stalls_when_its_next_piece_comes_after_the_last_has_been_played() -> None:
    turn = Turn()
    turn.hear(bytes(48 * 200), 1_000)
    turn.hear(bytes(48 * 200), 1_150)
    assert turn.stalls_ms == []
    turn.hear(bytes(48 * 100), 1_430)
    assert turn.stalls_ms == [30]
    turn.hear(bytes(48 * 100), 1_530)
    turn.hear(bytes(48 * 100), 1_700)
    assert turn.stalls_ms == [30, 70]
    assert turn.summary()["audio_ms"] == 700
