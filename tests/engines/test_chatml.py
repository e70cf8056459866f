"""Prompts as a small model reads them."""

from __future__ import annotations

import pytest

from louro.engines.base import Message, Prompt, Text, ToolCall, ToolResult, Turn
from louro.engines.chatml import render, render_beginning

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
