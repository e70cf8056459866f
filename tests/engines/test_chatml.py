"""Prompts as a small model reads them."""

from __future__ import annotations

import pytest

from louro.engines.base import EngineError, Message, Prompt, Text, Tool, ToolCall, ToolResult, Turn
from louro.engines.chatml import (
    CALL_BIAS,
    NAMED_BIAS,
    TALK_BIAS,
    bias,
    callable_now,
    grammar,
    render,
    render_beginning,
)

USER = Message("user", (Text("What is the capital of"),))
ASSISTANT = Message("assistant", (Text("Paris."),))


@pytest.mark.parametrize(
    "before", [(), (ASSISTANT,), (USER, ASSISTANT), (ToolCall("1", "f", "{}"), ToolResult("1", "2"))]
)
def test_the_beginning_of_a_prompt_is_its_beginning(before: tuple[Turn, ...]) -> None:
    whole = render(Prompt("Be kind.", (*before, Message("user", (Text("What is the capital of France?"),)))))
    silent, speaking = (
        render_beginning(Prompt("Be kind.", before)),
        render_beginning(Prompt("Be kind.", (*before, USER))),
    )
    assert whole.startswith(silent)
    assert whole.startswith(speaking)
    assert speaking == silent + "What is the capital of"


LIGHT = Tool(
    "turn_light",
    "Turns a light on or off.",
    '{"type": "object", "properties": {"state": {"enum": ["on", "off"]}, "rooms": {"type": "array", "items":'
    ' {"type": "string"}}, "percent": {"type": "integer", "description": "How bright."}}, "required": ["state"]}',
)
DOOR = Tool("lock_door", "Locks the door.", '{"type": "object", "properties": {}}')
ASKED = Message("user", (Text("Turn on the light for twenty minutes and lock the door."),))
SINGLE = Message("user", (Text("Turn on the lights of Anna and Bob to twenty and thirty percent."),))
NOTHING_ELSE = Message("user", (Text("Turn on the light and some music that I like."),))
A_QUESTION = Message("user", (Text("Turn on the light, and how late is it?"),))
LIT = (ToolCall("1", "turn_light", '{"state": "on"}'), ToolResult("1", "done"))
LOCKED = (ToolCall("2", "lock_door", "{}"), ToolResult("2", "done"))


def names_in(grammar: str | None) -> set[str]:
    return set() if grammar is None else {name for name in ("turn_light", "lock_door") if name in grammar}


def test_tools_are_described_by_their_signatures() -> None:
    prompt = render(Prompt("", (ASKED,), (LIGHT, DOOR)))
    assert (
        'turn_light(state: "on" | "off", rooms?: [string], percent?: integer (How bright.)): Turns a light'
        in prompt
    )
    assert "lock_door(): Locks the door." in prompt


def test_instructions_stand_beside_the_tools_and_what_comes_before_is_the_same_for_all() -> None:
    kind, curt = (render(Prompt(manner, (ASKED,), (DOOR,))) for manner in ("Be kind.", "Be curt."))
    assert kind.split("Be kind.") == curt.split("Be curt.")


def test_a_number_in_words_is_read_in_digits_by_a_model_that_has_tools() -> None:
    assert "for 20 minutes" in render(Prompt("", (ASKED,), (DOOR,)))
    assert "for twenty minutes" in render(Prompt("", (ASKED,)))


@pytest.mark.parametrize(
    ("turns", "names"),
    [
        ((ASKED,), {"turn_light", "lock_door"}),
        ((ASKED, *LIT), {"lock_door"}),
        ((ASKED, *LOCKED), {"turn_light"}),
        ((ASKED, *LIT, *LOCKED), set()),
        ((SINGLE, *LIT), set()),
        ((NOTHING_ELSE, *LIT), set()),
        ((A_QUESTION, *LIT), {"lock_door"}),
        ((ASKED, *LIT, *LOCKED, ASSISTANT, ASKED), {"turn_light", "lock_door"}),
    ],
)
def test_each_tool_may_be_called_once_to_a_question(turns: tuple[Turn, ...], names: set[str]) -> None:
    assert names_in(grammar(Prompt("", turns, (LIGHT, DOOR)))) == names


@pytest.mark.parametrize(
    ("choice", "names", "may_speak"),
    [
        ("none", set(), True),
        ("required", {"turn_light", "lock_door"}, False),
        ("function:turn_light", {"turn_light"}, False),
    ],
)
def test_what_must_be_called_is_called_whatever_was_called_before(
    choice: str, names: set[str], may_speak: bool
) -> None:
    rules = grammar(Prompt("", (ASKED, *LIT), (LIGHT, DOOR), choice))
    assert names_in(rules) == names
    assert (rules is None or "call | TEXT" in rules) == may_speak


def test_a_choice_of_a_tool_that_there_is_not_is_an_error() -> None:
    with pytest.raises(EngineError, match="open_door"):
        grammar(Prompt("", (ASKED,), (DOOR,), "function:open_door"))


def test_after_a_result_what_else_was_asked_for_is_said_again() -> None:
    assert render(Prompt("", (ASKED, *LIT), (LIGHT, DOOR))).endswith(
        "</tool_response>\nlock the door.<|im_end|>\n<|im_start|>assistant\n"
    )
    for told in ((ASKED, *LIT, *LOCKED), (SINGLE, *LIT), (NOTHING_ELSE, *LIT)):
        assert render(Prompt("", told, (LIGHT, DOOR))).endswith(
            "</tool_response><|im_end|>\n<|im_start|>assistant\n"
        )


def test_where_nothing_is_left_the_results_stand_together() -> None:
    told = render(Prompt("", (ASKED, *LIT, *LOCKED, SINGLE, *LIT), (LIGHT, DOOR)))
    both = '<tool_response>\n{"turn_light": "done", "lock_door": "done"}\n</tool_response><|im_end|>\n'
    assert told.count(both) == 1
    assert told.endswith("<tool_response>\ndone\n</tool_response><|im_end|>\n<|im_start|>assistant\n")


MUSIC = Tool("skipSong", "Goes on to another piece of music.", "")
A_WORD_OF_ONE = Message("user", (Text("It is too dark, more light please."),))
A_WORD_OF_A_NAME = Message("user", (Text("I do not want this song."),))
NO_WORD_OF_ANY = Message("user", (Text("Please make it brighter here."),))
NOT_DIVIDED = Message("user", (Text("Make the light brighter and leave the rest."),))


@pytest.mark.parametrize(
    ("turns", "names", "head_start"),
    [
        ((A_WORD_OF_ONE,), {"turn_light"}, NAMED_BIAS),
        ((A_WORD_OF_A_NAME,), {"skipSong"}, NAMED_BIAS),
        ((NO_WORD_OF_ANY,), {"turn_light", "lock_door", "skipSong"}, CALL_BIAS),
        ((NOT_DIVIDED,), {"turn_light", "lock_door", "skipSong"}, NAMED_BIAS),
        (
            (A_WORD_OF_ONE, ASSISTANT, NO_WORD_OF_ANY),
            {"turn_light", "lock_door", "skipSong"},
            CALL_BIAS + TALK_BIAS,
        ),
        ((NO_WORD_OF_ANY, ASSISTANT, A_WORD_OF_ONE), {"turn_light"}, NAMED_BIAS + TALK_BIAS),
        ((ASKED, *LIT, ASSISTANT, A_WORD_OF_ONE), {"turn_light"}, NAMED_BIAS),
        ((ASKED, *LIT), {"lock_door"}, NAMED_BIAS),
    ],
)
def test_of_which_the_user_says_a_word_is_the_tool_that_is_meant(
    turns: tuple[Turn, ...], names: set[str], head_start: float
) -> None:
    prompt = Prompt("", turns, (LIGHT, DOOR, MUSIC))
    assert {tool.name for tool in callable_now(prompt)} == names
    assert dict(bias(prompt))['{"'] == head_start
