"""What the chunks of llama.cpp say, without it."""

import pytest

from louro.engines.base import (
    AnswerPiece,
    ArgumentsDelta,
    CallStarted,
    EngineError,
    Generated,
    TextDelta,
    Tool,
)
from louro.engines.llama_answers import AnswerReader, Chunk

WEATHER = Tool("get_weather", "Says what the weather is like at a place.", "")


def chunk(text: str, finish: str | None = None) -> Chunk:
    timings = {"cache_n": 5, "prompt_n": 2, "predicted_n": 3}
    return {"choices": [{"text": text, "finish_reason": finish}], **({"timings": timings} if finish else {})}


def read(*chunks: Chunk) -> list[AnswerPiece]:
    reader = AnswerReader((WEATHER,))
    return [piece for each in chunks for piece in reader.read(each)] + reader.finish()


def test_text_is_told_at_once_and_tokens_are_counted() -> None:
    assert read(chunk(" \n"), chunk("Hel"), chunk("lo"), chunk("", "stop")) == [
        TextDelta("Hel"),
        TextDelta("lo"),
        Generated("stop", 7, 5, 3),
    ]


def test_a_call_is_told_when_it_is_whole() -> None:
    said = ('{"name": "get_weather", ', '"arguments": {"location": "Rome"}}')
    pieces = read(*(chunk(part) for part in said), chunk("", "stop"))
    assert pieces[:2] == [CallStarted("get_weather"), ArgumentsDelta('{"location": "Rome"}')]


def test_half_a_call_is_none() -> None:
    assert read(chunk('{"name": "get_wea'), chunk("", "length")) == [Generated("length", 7, 5, 3)]


@pytest.mark.parametrize(
    "said", ['{"name": "get_', '{"name": "rm", "arguments": {}}', '{"name": "get_weather"}']
)
def test_what_looks_like_a_call_and_is_none_is_an_error(said: str) -> None:
    with pytest.raises(EngineError):
        read(chunk(said), chunk("", "stop"))


def test_an_error_of_the_runtime_is_an_engine_error() -> None:
    with pytest.raises(EngineError, match="no luck"):
        read({"error": {"message": "no luck"}})


def test_markup_is_left_out() -> None:
    assert read(chunk("A **bold** `word`"), chunk("", "stop"))[0] == TextDelta("A bold word")
