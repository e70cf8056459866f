"""What the tools gave, as the model reads it."""

from __future__ import annotations

from typing import Literal

import pytest

from louro.engines.base import Message, Text, ToolCall, ToolResult
from louro.engines.results import Results

ADDED = ToolCall("1", "add", '{"a": 7, "b": 5}')
WEATHER = ToolCall("2", "get_weather", '{"place": "Rome"}')


@pytest.mark.parametrize(
    ("call", "output", "told"),
    [
        (ADDED, "12", '{"a": 7, "b": 5, "result": 12}'),
        (ADDED, '[12, "twelve"]', '{"a": 7, "b": 5, "result": [12, "twelve"]}'),
        (ADDED, '{"sum": 12}', '{"sum": 12}'),
        (ADDED, "twelve", "twelve"),
        (ADDED, "", ""),
        (ToolCall("1", "add", "seven and five"), "12", '{"result": 12}'),
        (ToolCall("1", "add", "[7, 5]"), "12", '{"result": 12}'),
        (WEATHER, "12", '{"result": 12}'),
    ],
)
def test_a_bare_result_stands_beside_what_it_is_the_result_of(call: ToolCall, output: str, told: str) -> None:
    results = Results()
    results.hear(call)
    results.hear(ToolResult("1", output))
    assert results.last == results.all == told


@pytest.mark.parametrize("role", ["assistant", "user"])
def test_several_stand_together_until_they_are_told_or_something_else_is_asked(
    role: Literal["assistant", "user"],
) -> None:
    results = Results()
    for turn in (ADDED, WEATHER, ToolResult("2", "It is 20 degrees."), ToolResult("1", '{"sum": 12}')):
        results.hear(turn)
    assert results.last == '{"sum": 12}'
    assert results.all == '{"get_weather": "It is 20 degrees.", "add": {"sum": 12}}'
    results.hear(Message(role, (Text("It is 20 degrees, and the sum is 12."),)))
    results.hear(ToolResult("2", "It rains."))
    assert results.all == "It rains."
