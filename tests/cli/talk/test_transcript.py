"""What is shown of a conversation, and how much of it was heard."""

from __future__ import annotations

import pytest

from louro.cli.talk.transcript import Entry, entries, words_within
from louro.client.conversation import ConversationItem, Formatted
from louro.protocol.items import (
    FunctionCallItem,
    FunctionCallOutputItem,
    InputAudio,
    InputText,
    KeptItem,
    MessageItem,
    OutputAudio,
)


def spoken(words: str, *, heard_ms: int | None = None, audio_ms: int = 1000) -> ConversationItem:
    item = MessageItem(id="a", role="assistant", content=(OutputAudio(),))
    return ConversationItem(
        "a", item, Formatted(transcript=words), audio_ms=audio_ms, heard_ms=heard_ms, is_done=True
    )


def written(item_id: str, item: KeptItem) -> ConversationItem:
    return ConversationItem(item_id, item, Formatted(), is_done=True)


@pytest.mark.parametrize(
    ("heard_ms", "heard"),
    [
        (0, "one"),
        (300, "one two"),
        (500, "one two three"),
        (999, "one two three four"),
        (5000, "one two three four"),
    ],
)
def test_the_word_that_is_being_spoken_counts_as_heard(heard_ms: int, heard: str) -> None:
    assert words_within("one two three four", heard_ms, 1000) == heard


def test_what_is_still_to_be_spoken_is_told_apart() -> None:
    [entry] = entries([spoken("one two three four")], lambda _: 300)
    assert (entry.heard, entry.unheard, entry.is_cut) == ("one two", " three four", False)


def test_words_whose_sound_has_not_come_are_not_heard_yet() -> None:
    assert words_within("one two", 0, 0) == ""


def test_of_an_answer_that_was_cut_the_rest_was_never_heard() -> None:
    [entry] = entries([spoken("one two three four", heard_ms=500)], lambda _: None)
    assert (entry.heard, entry.unheard, entry.is_cut) == ("one two", " three four", True)


def test_an_answer_that_was_cut_before_its_first_sound_was_not_heard() -> None:
    item = MessageItem(id="a", role="assistant", content=(OutputAudio(),), status="incomplete")
    one = ConversationItem("a", item, Formatted(transcript=" The"), is_done=True)
    [entry] = entries([one], lambda _: None)
    assert (entry.heard, entry.unheard, entry.is_cut) == ("", "The", True)


def test_where_nothing_is_played_all_is_heard() -> None:
    [entry] = entries([spoken("one two")], lambda _: None)
    assert (entry.heard, entry.unheard) == ("one two", "")


def test_a_call_and_its_result_are_one_entry() -> None:
    call = FunctionCallItem(id="c", name="calculate_sum", arguments='{"a": 7, "b": 5}', call_id="k")
    answer = FunctionCallOutputItem(id="o", call_id="k", output="12")
    assert entries([written("c", call), written("o", answer)], lambda _: None) == [
        Entry("c", "tool", "calculate_sum(a=7, b=5)", call_id="k", result="12")
    ]


def test_a_tool_that_failed_is_marked_and_a_long_result_is_shortened() -> None:
    call = FunctionCallItem(id="c", name="f", arguments='["half', call_id="k")
    answer = FunctionCallOutputItem(id="o", call_id="k", output='{"error": "' + "x" * 500 + '"}')
    [entry] = entries([written("c", call), written("o", answer)], lambda _: None)
    assert entry.has_failed
    assert entry.heard == 'f(["half)'
    assert entry.result is not None
    assert len(entry.result) == 301


def test_a_result_without_its_call_is_not_shown() -> None:
    answer = FunctionCallOutputItem(id="o", call_id="k", output="12")
    assert entries([written("o", answer)], lambda _: None) == []


def test_speech_that_is_not_transcribed_yet_is_three_dots() -> None:
    item = MessageItem(id="u", role="user", content=(InputAudio(),))
    one = ConversationItem("u", item, Formatted(audio=bytearray(960)))
    assert [entry.heard for entry in entries([one], lambda _: None)] == ["…"]


def test_a_message_without_words_is_not_shown() -> None:
    empty = MessageItem(id="u", role="user", content=(InputText(" "),))
    assert entries([ConversationItem("u", empty, Formatted(text=" "))], lambda _: None) == []
    assert entries([spoken("")], lambda _: None) == []
