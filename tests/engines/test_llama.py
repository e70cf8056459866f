"""With the default model on disk."""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import aclosing
from pathlib import Path

import anyio
import pytest

from louro.engines import catalogue
from louro.engines.base import (
    AnswerPiece,
    ArgumentsDelta,
    CallStarted,
    ConfigError,
    EngineError,
    Generated,
    Image,
    LanguageModel,
    Message,
    Prompt,
    Text,
    TextDelta,
    Tool,
    ToolCall,
    ToolResult,
)
from louro.engines.chatml import DEMONSTRATION
from louro.engines.llama import DEFAULT, Llama, load
from louro.engines.llama_answers import Chunk
from louro.engines.llama_door import KEPT_AT_MOST
from louro.engines.registry import EngineSettings

WAIT_S = 60
WEATHER = Tool(
    "get_weather",
    "Says what the weather is like at a place.",
    '{"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]}',
)
SUM = Tool(
    "calculate_sum",
    "Adds two numbers.",
    '{"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}, "required": ["a", "b"]}',
)
AWKWARD = Tool(
    "order",
    "Orders something.",
    json.dumps(
        {
            "$defs": {"size": {"enum": ["small", "large"]}},
            "type": "object",
            "properties": {
                "size": {"$ref": "#/$defs/size"},
                "note": {"anyOf": [{"type": "string", "pattern": "^(?!x).{1,20}$"}, {"type": "null"}]},
                "count": {"type": "integer", "minimum": 1},
            },
            "required": ["size", "count"],
        }
    ),
)


def question(text: str, **others: object) -> Prompt:
    return Prompt("", (Message("user", (Text(text),)),), **others)  # type: ignore[arg-type]


def text_of(pieces: list[AnswerPiece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, TextDelta))


def call_of(pieces: list[AnswerPiece]) -> tuple[str, dict[str, object]]:
    (name,) = [piece.name for piece in pieces if isinstance(piece, CallStarted)]
    return name, json.loads("".join(piece.text for piece in pieces if isinstance(piece, ArgumentsDelta)))


async def pieces_of(model: Llama, prompt: Prompt) -> list[AnswerPiece]:
    with anyio.fail_after(WAIT_S):
        return [piece async for piece in model.generate(prompt)]


def test_a_file_that_is_not_there_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.gguf"):
        load("nowhere.gguf", EngineSettings())


def test_a_model_that_does_not_think_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError):
        load("silero-vad", EngineSettings())


@pytest.fixture(scope="module")
def model() -> Iterator[Llama]:
    yield load("", EngineSettings(sessions=2))


@pytest.mark.models
@pytest.mark.anyio
async def test_an_answer_streams_and_ends_with_its_count(model: Llama) -> None:
    assert isinstance(model, LanguageModel)
    pieces = await pieces_of(model, question("Hello, who are you?"))
    assert sum(isinstance(piece, TextDelta) for piece in pieces) > 3
    assert "Louro" in text_of(pieces)
    last = pieces[-1]
    assert isinstance(last, Generated)
    assert last.stop == "stop"
    assert last.input_tokens > 20
    assert last.output_tokens > 3


@pytest.mark.models
@pytest.mark.anyio
async def test_closing_an_answer_frees_its_slot(model: Llama) -> None:
    with anyio.fail_after(WAIT_S):
        for _ in range(4):  # more than there are slots
            async with aclosing(model.generate(question("Tell me a very long story."))) as pieces:
                assert isinstance(await anext(pieces), TextDelta)
    assert isinstance((await pieces_of(model, question("Hi", max_tokens=2)))[-1], Generated)


@pytest.mark.models
@pytest.mark.anyio
async def test_several_answers_are_written_at_once(model: Llama) -> None:
    answers: list[list[AnswerPiece]] = []

    async def ask(text: str) -> None:
        answers.append(await pieces_of(model, question(text, max_tokens=8)))

    async with anyio.create_task_group() as tasks:
        for text in ("Hello!", "Who was Bach?", "What is a whale?"):
            tasks.start_soon(ask, text)
    assert all(isinstance(pieces[-1], Generated) for pieces in answers)
    assert len(answers) == 3


@pytest.fixture(scope="module")
def busy_model() -> Iterator[Llama]:
    """One answer at a time, on however many cores."""
    yield load("", EngineSettings(sessions=2, threads=os.cpu_count() or 1))


@pytest.mark.models
@pytest.mark.anyio
async def test_a_long_answer_gives_way_to_a_short_one_and_goes_on(busy_model: Llama) -> None:
    done: list[str] = []
    taken: list[Generated] = []
    has_begun = anyio.Event()

    async def ask(text: str, max_tokens: int) -> None:
        written = ""
        async for piece in busy_model.generate(question(text, max_tokens=max_tokens, temperature=0.0)):
            if isinstance(piece, TextDelta):
                written += piece.text
                has_begun.set()
            elif isinstance(piece, Generated):
                taken.append(piece)
        done.append(written)

    with anyio.fail_after(WAIT_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, "Tell me a very long story about a parrot.", 60)
            await has_begun.wait()
            tasks.start_soon(ask, "What is the capital of France?", 6)
    short, long = done
    assert "capital" in short
    assert [piece.output_tokens for piece in taken] == [6, 60]
    assert 60 < taken[1].input_tokens < 120
    assert len(re.findall(r"\w+", long)) > 30


@pytest.mark.models
@pytest.mark.anyio
async def test_what_was_warmed_is_not_read_again(model: Llama) -> None:
    instructions = "You are a pirate, and you speak like one. " * 4
    with anyio.fail_after(WAIT_S):
        await model.warm(Prompt(instructions))
    last = (await pieces_of(model, Prompt(instructions, question("Ahoy!").turns, max_tokens=4)))[-1]
    assert isinstance(last, Generated)
    assert last.cached_tokens > last.input_tokens / 2


@pytest.mark.models
@pytest.mark.anyio
async def test_of_a_message_that_goes_on_only_the_rest_is_read(model: Llama) -> None:
    whole = question("What is the weather like on a sunny day in the middle of the winter?", max_tokens=1)
    with anyio.fail_after(WAIT_S):
        await model.warm(question("What is the weather like on a sunny day in the middle of"))
    last = (await pieces_of(model, whole))[-1]
    assert isinstance(last, Generated)
    assert last.input_tokens - last.cached_tokens <= 9


@pytest.mark.models
@pytest.mark.anyio
@pytest.mark.parametrize("choice", ["required", "function:get_weather"])
async def test_a_call_that_is_asked_for_comes_and_fits_its_schema(model: Llama, choice: str) -> None:
    prompt = question("What is the weather like in Rome?", tools=(WEATHER,), tool_choice=choice)
    name, arguments = call_of(await pieces_of(model, prompt))
    assert name == "get_weather"
    assert list(arguments) == ["location"]


@pytest.mark.models
@pytest.mark.anyio
async def test_no_call_comes_where_none_is_allowed(model: Llama) -> None:
    prompt = question(
        "What is the weather like in Rome?", tools=(WEATHER,), tool_choice="none", max_tokens=16
    )
    pieces = await pieces_of(model, prompt)
    assert text_of(pieces)
    assert not any(isinstance(piece, CallStarted) for piece in pieces)


@pytest.mark.models
@pytest.mark.anyio
async def test_awkward_schemas_still_give_whole_calls(model: Llama) -> None:
    prompt = question("Order two large pizzas.", tools=(AWKWARD,), tool_choice="required")
    name, arguments = call_of(await pieces_of(model, prompt))
    assert name == "order"
    assert arguments["size"] in ("small", "large")
    assert isinstance(arguments["count"], int)


@pytest.mark.models
@pytest.mark.anyio
async def test_a_tool_without_parameters_can_be_called(model: Llama) -> None:
    prompt = question("Stop!", tools=(Tool("stop", "Stops the music.", ""),), tool_choice="required")
    assert call_of(await pieces_of(model, prompt)) == ("stop", {})


@pytest.mark.models
@pytest.mark.anyio
async def test_a_call_cut_short_is_left_out(model: Llama) -> None:
    prompt = question("The weather in Rome?", tools=(WEATHER,), tool_choice="required", max_tokens=4)
    (only,) = await pieces_of(model, prompt)
    assert isinstance(only, Generated)
    assert only.stop == "length"


@pytest.mark.models
@pytest.mark.anyio
async def test_a_result_is_told_in_words(model: Llama) -> None:
    turns = (
        *question("What is the weather like in Rome?").turns,
        ToolCall("c1", "get_weather", '{"location": "Rome"}'),
        ToolResult("c1", '{"degrees": 31, "sky": "thunderstorm"}'),
    )
    pieces = await pieces_of(model, Prompt("", turns, (WEATHER,)))
    assert not any(isinstance(piece, CallStarted) for piece in pieces)
    assert "31" in text_of(pieces) or "thunder" in text_of(pieces)


@pytest.mark.models
@pytest.mark.anyio
async def test_a_bare_result_is_told_in_a_sentence(model: Llama) -> None:
    turns = (
        *question("What is seven plus five?").turns,
        ToolCall("c1", "calculate_sum", '{"a": 7, "b": 5}'),
        ToolResult("c1", "12"),
    )
    told = text_of(await pieces_of(model, Prompt("", turns, (SUM, WEATHER))))
    assert "12" in told
    assert "tool" not in told.lower()


@pytest.mark.models
@pytest.mark.anyio
@pytest.mark.parametrize("said", ["How are you today?", "Good morning!", "Who wrote Romeo and Juliet?"])
async def test_talk_is_answered_in_words_though_there_are_tools(model: Llama, said: str) -> None:
    pieces = await pieces_of(model, question(said, tools=(SUM, WEATHER), max_tokens=24))
    assert text_of(pieces)
    assert not any(isinstance(piece, CallStarted) for piece in pieces)


@pytest.mark.models
@pytest.mark.anyio
async def test_a_sum_of_numbers_in_words_is_called_for(model: Llama) -> None:
    asked = question("What is two hundred and five plus thirty three?", tools=(WEATHER, SUM))
    assert call_of(await pieces_of(model, asked)) == ("calculate_sum", {"a": 205, "b": 33})


@pytest.mark.models
@pytest.mark.anyio
async def test_what_shows_the_use_of_tools_is_read_once_for_all_slots(model: Llama) -> None:
    await pieces_of(model, question("Hello!", tools=(SUM,), max_tokens=1))
    for slot in range(2):
        forgotten = {"prompt": "Something else", "n_predict": 1, "stream": False, "id_slot": slot}
        model._server.handle_completions(forgotten)
        model._demonstrated.discard(slot)
    last = (await pieces_of(model, question("Hello!", tools=(WEATHER,), max_tokens=1)))[-1]
    assert isinstance(last, Generated)
    assert last.cached_tokens >= model.count_tokens(DEMONSTRATION)


@pytest.fixture
def nothing_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the next server looks for what was read, empty; the weights are there."""
    (tmp_path / DEFAULT).symlink_to(catalogue.find(DEFAULT).folder)
    monkeypatch.setenv("LOURO_MODELS", str(tmp_path))
    return tmp_path / "read"


class Listening:
    """llama.cpp, and what it was given to read."""

    def __init__(self, model: Llama) -> None:
        self._server = model._server
        self.prompts: list[object] = []

    def handle_completions(self, body: Chunk, hear: Callable[[Chunk], bool]) -> object:
        self.prompts.append(body["prompt"])
        return self._server.handle_completions(body, hear)


def does_a_new_server_read(text: str) -> bool:
    started = load("", EngineSettings(sessions=1))
    started._server = listening = Listening(started)
    answer = anyio.run(pieces_of, started, question("What is seven plus five?", tools=(SUM,)))
    assert call_of(answer) == ("calculate_sum", {"a": 7, "b": 5})
    return text in listening.prompts


@pytest.mark.models
def test_what_shows_the_use_of_tools_is_not_read_again_by_the_next_server(nothing_read: Path) -> None:
    assert does_a_new_server_read(DEMONSTRATION)
    (kept,) = nothing_read.iterdir()
    assert not does_a_new_server_read(DEMONSTRATION)
    kept.write_bytes(kept.read_bytes()[:1000])
    assert does_a_new_server_read(DEMONSTRATION), "what is broken is read anew"
    assert not does_a_new_server_read(DEMONSTRATION)


@pytest.mark.models
def test_where_nothing_can_be_kept_each_server_reads(nothing_read: Path) -> None:
    nothing_read.write_text("no folder")
    assert does_a_new_server_read(DEMONSTRATION)
    assert does_a_new_server_read(DEMONSTRATION)


@pytest.mark.models
def test_few_are_kept(nothing_read: Path) -> None:
    nothing_read.mkdir()
    old = [nothing_read / f"{number}.bin" for number in range(KEPT_AT_MOST)]
    for age, file in enumerate(old):
        file.write_bytes(b"")
        os.utime(file, (1000 - age, 1000 - age))
    assert does_a_new_server_read(DEMONSTRATION)
    assert [file.exists() for file in old] == [True] * (KEPT_AT_MOST - 1) + [False]


@pytest.mark.models
@pytest.mark.anyio
async def test_what_else_was_asked_for_is_called_after_the_first_result(model: Llama) -> None:
    turns = (
        *question("What is the weather in Rome, and what is two plus two?").turns,
        ToolCall("c1", "get_weather", '{"location": "Rome"}'),
        ToolResult("c1", '{"degrees": 20}'),
    )
    assert call_of(await pieces_of(model, Prompt("", turns, (SUM, WEATHER)))) == (
        "calculate_sum",
        {"a": 2, "b": 2},
    )


@pytest.mark.models
@pytest.mark.anyio
async def test_an_image_is_refused(model: Llama) -> None:
    prompt = Prompt("", (Message("user", (Image("data:image/png;base64,AA=="),)),))
    with pytest.raises(EngineError, match="cannot see"):
        await pieces_of(model, prompt)


@pytest.mark.models
@pytest.mark.anyio
async def test_too_long_a_conversation_is_refused_in_words(model: Llama) -> None:
    with pytest.raises(EngineError, match="too long"):
        await pieces_of(model, question("word " * 5000))


@pytest.mark.models
def test_tokens_are_those_of_the_model(model: Llama) -> None:
    assert model.count_tokens("Hello there, how are you today?") == 8
    assert model.count_tokens("") == 0
