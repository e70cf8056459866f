"""What the script says, beyond the contract."""

from __future__ import annotations

import pytest

from louro.engines.base import (
    ArgumentsDelta,
    CallStarted,
    ConfigError,
    EngineError,
    Generated,
    Message,
    Prompt,
    Text,
    TextDelta,
    Tool,
    ToolResult,
)
from louro.engines.registry import EngineSettings
from louro.engines.scripted import ScriptedModel, load_model

SETTINGS = EngineSettings()
ADD = Tool("add", "Adds.", '{"properties": {"a": {"type": "number"}, "b": {"type": "number"}}}')


def asked(text: str, *tools: Tool) -> Prompt:
    return Prompt("", (Message("user", (Text(text),)),), tools)


async def text_of(model: ScriptedModel, prompt: Prompt) -> str:
    return "".join([piece.text async for piece in model.generate(prompt) if isinstance(piece, TextDelta)])


@pytest.mark.anyio
async def test_without_a_script_it_says_back_what_it_was_told() -> None:
    assert await text_of(ScriptedModel(), asked("Good morning")) == "You said: Good morning"


@pytest.mark.anyio
async def test_it_calls_the_function_that_is_named_with_the_numbers_that_are_said() -> None:
    pieces = [piece async for piece in ScriptedModel().generate(asked("Please add 7 and 5", ADD))]
    assert pieces[:2] == [CallStarted("add"), ArgumentsDelta('{"a": 7.0, "b": 5.0}')]
    assert isinstance(pieces[2], Generated)


@pytest.mark.anyio
async def test_it_tells_the_result_of_a_function() -> None:
    assert await text_of(ScriptedModel(), Prompt("", (ToolResult("1", "12"),))) == "The result is 12."


@pytest.mark.anyio
async def test_what_is_cut_says_so() -> None:
    prompt = Prompt("", (Message("user", (Text("a b c d"),)),), max_tokens=2)
    pieces = [piece async for piece in ScriptedModel().generate(prompt)]
    assert pieces[-1] == Generated("length", 4, 0, 2)


@pytest.mark.anyio
async def test_it_fails_when_told_to() -> None:
    with pytest.raises(EngineError):
        await text_of(load_model("fail", SETTINGS), asked("Hello"))


@pytest.mark.anyio
async def test_the_text_of_the_argument_may_hold_commas() -> None:
    model = load_model("delay_ms=0,text=Yes, of course = yes", SETTINGS)
    assert await text_of(model, asked("Hello")) == "Yes, of course = yes"


@pytest.mark.parametrize("argument", ["speed=1", "delay_ms=soon"])
def test_a_wrong_argument_is_a_configuration_error(argument: str) -> None:
    with pytest.raises(ConfigError, match="llm scripted"):
        load_model(argument, SETTINGS)
