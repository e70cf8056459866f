"""A conversation on disk: turn after turn, cut where it was interrupted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile

from louro.audio.pcm import bytes_of_ms
from louro.cli.talk import recorder as recorder_module
from louro.cli.talk.recorder import PAUSE_MS, Recorder
from louro.cli.talk.transcript import Entry
from louro.config import ConfigProblem

QUESTION = Entry("u", "user", "What is it?")
ANSWER = Entry("a", "assistant", "It is", unheard=" a parrot.", is_cut=True)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    recorder.close()
    recorder.close()


def test_the_sound_is_in_the_order_of_the_conversation_and_cut_where_it_was_heard(
    recorder: Recorder, tmp_path: Path
) -> None:
    recorder.add("a", b"\x01\x00" * 24 * 100)
    recorder.add("u", b"\x02\x00" * 24 * 200)
    recorder.add("a", b"\x03\x00" * 24 * 100)
    recorder.save(tmp_path, [QUESTION, ANSWER], {"a": 150})
    samples, rate_hz = soundfile.read(tmp_path / "conversation.wav", dtype="int16")
    assert rate_hz == 24_000
    pause = 24 * PAUSE_MS
    assert len(samples) == 24 * 350 + 2 * pause
    assert set(samples[: 24 * 200]) == {2}
    answer = samples[24 * 200 + pause :]
    assert set(answer[: 24 * 100]) == {1}
    assert set(answer[24 * 100 : 24 * 150]) == {3}
    assert not answer[24 * 150 :].any()


def test_the_words_tell_who_when_and_what_was_not_heard(recorder: Recorder, tmp_path: Path) -> None:
    recorder.add("u", bytes(bytes_of_ms(61_000)))
    recorder.add("a", bytes(bytes_of_ms(100)))
    tool = Entry("c", "tool", "look(at=1)", result="a parrot")
    recorder.save(tmp_path / "new", [QUESTION, tool, ANSWER], {})
    told = (tmp_path / "new" / "conversation.md").read_text("utf-8")
    assert "**user** (0:00): What is it?" in told
    assert "**tool**: look(at=1) → a parrot" in told
    assert "**assistant** (1:01): It is ~~a parrot.~~" in told

    kept = json.loads((tmp_path / "new" / "conversation.json").read_text("utf-8"))
    assert [one["start_ms"] for one in kept] == [0, None, 61_400]


def test_a_conversation_in_writing_has_no_sound(recorder: Recorder, tmp_path: Path) -> None:
    recorder.save(tmp_path, [QUESTION], {})
    assert not (tmp_path / "conversation.wav").exists()
    assert (tmp_path / "conversation.md").exists()


def test_past_the_limit_only_words_are_kept(
    recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "MAX_BYTES", bytes_of_ms(100))
    recorder.add("u", bytes(bytes_of_ms(100)))
    recorder.add("a", bytes(bytes_of_ms(100)))
    assert recorder.is_full
    recorder.save(tmp_path, [QUESTION, ANSWER], {})
    assert [one["start_ms"] for one in json.loads((tmp_path / "conversation.json").read_text())] == [0, None]


def test_a_folder_that_cannot_be_written_is_named(recorder: Recorder, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(ConfigProblem, match="taken"):
        recorder.save(tmp_path / "taken", [QUESTION], {})


def test_what_is_still_being_spoken_is_no_less_said(recorder: Recorder, tmp_path: Path) -> None:
    recorder.save(tmp_path / "new", [replace(ANSWER, is_cut=False)], {})
    assert "**assistant**: It is a parrot.\n" in (tmp_path / "new" / "conversation.md").read_text("utf-8")
