"""A chat completions server that does as it is told stands in for the real ones."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing

import anyio
import anyio.abc
import httpx
import pytest

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
from louro.engines.openai_llm import AnswerReader, OpenAiModel, load, parse_line, request_body
from louro.engines.openai_server import Server
from louro.engines.registry import EngineSettings

SERVER = Server("http://model.test/v1", "parrot")
HELLO = Prompt("Be kind.", (Message("user", (Text("Hello"),)),))
CLOCK = Tool("get_time", "Says the time.", '{"type": "object", "properties": {"city": {"type": "string"}}}')


def text_event(text: str, finish: str | None = None) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]}


def call_event(*fragments: dict[str, object], finish: str | None = None) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": {"tool_calls": list(fragments)}, "finish_reason": finish}]}


def fragment(index: int, arguments: str, name: str = "", call_id: str = "") -> dict[str, object]:
    return {"index": index, "id": call_id, "function": {"name": name, "arguments": arguments}}


def read(*events: dict[str, object]) -> list[AnswerPiece]:
    reader = AnswerReader()
    return [piece for event in events for piece in reader.read(event)] + reader.finish()


class Answer(httpx.AsyncByteStream):
    """Server-sent events; never ends by itself if *goes_on*."""

    def __init__(self, *events: dict[str, object], goes_on: bool = False) -> None:
        self._events, self._goes_on = events, goes_on
        self.is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for event in self._events:
            yield b": a comment\n\ndata: " + json.dumps(event).encode() + b"\n\n"
        if self._goes_on:
            await anyio.sleep_forever()
        yield b"data: [DONE]\n\n"

    async def aclose(self) -> None:
        self.is_closed = True


def model_that_answers(
    answer: Answer | httpx.Response, asked: list[httpx.Request] | None = None
) -> OpenAiModel:
    def respond(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, stream=answer)

    return OpenAiModel(SERVER, httpx.MockTransport(respond))


async def pieces_of(model: LanguageModel, prompt: Prompt = HELLO) -> list[AnswerPiece]:
    with anyio.fail_after(5):
        return [piece async for piece in model.generate(prompt)]


# The answer


def test_text_streams_and_usage_is_counted() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}}
    pieces = read(
        text_event("Hel"), text_event("lo"), text_event("", "stop"), {"choices": [], "usage": usage}
    )
    assert pieces == [TextDelta("Hel"), TextDelta("lo"), Generated("stop", 9, 4, 2)]


def test_several_calls_come_whole_also_when_their_fragments_mix() -> None:
    pieces = read(
        call_event(fragment(0, '{"a":', "add", "c1"), fragment(1, '{"city":', "get_time", "c2")),
        call_event(fragment(1, '"Rome"}'), fragment(0, "1}")),
        call_event(finish="tool_calls"),
    )
    assert pieces == [
        CallStarted("add"),
        ArgumentsDelta('{"a":1}'),
        CallStarted("get_time"),
        ArgumentsDelta('{"city":"Rome"}'),
        Generated(),
    ]


def test_calls_that_share_a_number_are_told_apart_by_their_ids() -> None:
    pieces = read(
        call_event(fragment(0, "{}", "one", "c1"), fragment(0, "{}", "two", "c2")), text_event("", "stop")
    )
    assert [piece.name for piece in pieces if isinstance(piece, CallStarted)] == ["one", "two"]


def test_a_call_without_arguments_has_an_empty_object() -> None:
    assert ArgumentsDelta("{}") in read(call_event(fragment(0, "", "get_time", "c1"), finish="tool_calls"))


def test_a_call_that_was_cut_is_left_out() -> None:
    assert read(call_event(fragment(0, '{"city": "Ro', "get_time", "c1"), finish="length")) == [
        Generated("length")
    ]


def test_a_call_whose_arguments_are_no_object_is_an_error() -> None:
    with pytest.raises(EngineError, match="get_time"):
        read(call_event(fragment(0, "[1]", "get_time", "c1"), finish="tool_calls"))


def test_an_answer_without_an_end_is_an_error() -> None:
    with pytest.raises(EngineError, match="broke off"):
        read(text_event("Hel"))


def test_an_error_in_the_middle_is_an_error() -> None:
    with pytest.raises(EngineError, match="out of memory"):
        read(text_event("Hel"), {"error": {"message": "out of memory"}})


@pytest.mark.parametrize("size", [1, 3, 100])
def test_what_the_model_thinks_aloud_is_left_out(size: int) -> None:
    said = "\n<think>\nA < b, I think.</think>\n\nHello <you>!"
    parts = [said[i : i + size] for i in range(0, len(said), size)]
    pieces = read(*(text_event(part) for part in parts), text_event("", "stop"))
    assert "".join(piece.text for piece in pieces if isinstance(piece, TextDelta)) == "Hello <you>!"


def test_what_only_begins_like_a_thought_is_kept() -> None:
    assert read(text_event("<th", "stop")) == [TextDelta("<th"), Generated()]


def test_lines_that_carry_nothing_are_passed_over() -> None:
    assert [parse_line(line) for line in ("", ": ping", "event: x", "data: [DONE]")] == [None] * 4
    assert parse_line('data:{"a": 1}') == {"a": 1}


@pytest.mark.parametrize("line", ["data: {", "data: [1]"])
def test_lines_that_are_no_events_are_errors(line: str) -> None:
    with pytest.raises(EngineError):
        parse_line(line)


# The question


def test_results_follow_their_calls_wherever_they_came() -> None:
    turns = (
        ToolCall("c1", "get_time", '{"city":"Rome"}'),
        ToolCall("c2", "get_time", ""),
        Message("user", (Text("Well?"),)),
        ToolResult("c1", "noon"),
        ToolResult("gone", "seven"),
    )
    messages = request_body(Prompt("", turns), SERVER)["messages"]
    assert isinstance(messages, list)
    assert [message["role"] for message in messages] == ["assistant", "tool", "tool", "user", "user"]
    assert [message["content"] for message in messages[1:3]] == ["noon", "The tool has not answered."]
    assert messages[0]["tool_calls"][1]["function"] == {"name": "get_time", "arguments": "{}"}
    assert messages[4]["content"] == "A tool answered: seven"


def test_images_travel_as_parts() -> None:
    content = (Text("What is this?"), Image("data:image/png;base64,AA==", "low"))
    messages = request_body(Prompt("", (Message("user", content),)), SERVER)["messages"]
    assert messages == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}},
            ],
        }
    ]


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", "auto"),
        ("none", "none"),
        ("required", "required"),
        ("function:get_time", {"type": "function", "function": {"name": "get_time"}}),
    ],
)
def test_the_tool_choice_is_passed_on(choice: str, sent: object) -> None:
    body = request_body(Prompt("", tools=(CLOCK,), tool_choice=choice), SERVER)
    assert body["tool_choice"] == sent


def test_a_choice_of_a_tool_that_is_not_offered_is_an_error() -> None:
    with pytest.raises(EngineError, match="add"):
        request_body(Prompt("", tools=(CLOCK,), tool_choice="function:add"), SERVER)


def test_a_tool_without_parameters_gets_an_empty_schema() -> None:
    body = request_body(Prompt("", tools=(Tool("stop", "Stops.", ""),)), SERVER)
    assert '"parameters": {"type": "object", "properties": {}}' in json.dumps(body)


def test_the_bound_on_tokens_has_the_name_that_the_server_knows() -> None:
    prompt = Prompt("", max_tokens=7, temperature=0.5)
    assert request_body(prompt, SERVER)["max_tokens"] == 7
    assert request_body(prompt, SERVER)["temperature"] == 0.5
    assert request_body(prompt, Server("https://api.openai.com/v1", "m"))["max_completion_tokens"] == 7


# The address


@pytest.mark.parametrize(
    "argument", ["", "http://127.0.0.1:1/v1", "127.0.0.1#m", "ftp://x/v1#m", "http://u:p@x/v1#m"]
)
def test_an_address_that_is_not_whole_is_refused_with_a_cure(argument: str) -> None:
    with pytest.raises(ConfigError, match=r"LOURO_LLM_API_KEY|qwen3"):
        load(argument, EngineSettings())


@pytest.mark.anyio
async def test_the_key_comes_from_the_environment_and_shows_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other")
    monkeypatch.setenv("LOURO_LLM_API_KEY", "sk-secret")
    reports: list[str] = []
    model = load("http://model.test/v1/#parrot", EngineSettings(report=reports.append))
    assert model._server == Server("http://model.test/v1", "parrot", "sk-secret")
    assert "sk-secret" not in repr(model._server) + "".join(reports)


# The connection


@pytest.mark.anyio
async def test_an_answer_comes_through_the_connection() -> None:
    asked: list[httpx.Request] = []
    model = model_that_answers(Answer(text_event("Hello"), text_event("!", "stop")), asked)
    assert await pieces_of(model) == [TextDelta("Hello"), TextDelta("!"), Generated()]
    assert str(asked[0].url) == "http://model.test/v1/chat/completions"
    assert json.loads(asked[0].content)["messages"][0] == {"role": "system", "content": "Be kind."}
    await model.close()


@pytest.mark.anyio
async def test_leaving_an_answer_closes_the_request() -> None:
    answer = Answer(text_event("Hello"), goes_on=True)
    model = model_that_answers(answer)
    with anyio.fail_after(5):
        async with aclosing(model.generate(HELLO)) as pieces:
            assert await anext(pieces) == TextDelta("Hello")
    assert answer.is_closed
    await model.close()


@pytest.mark.anyio
async def test_cancelling_while_the_server_is_silent_closes_the_request() -> None:
    answer = Answer(goes_on=True)
    model = model_that_answers(answer)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(pieces_of, model)
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
    assert answer.is_closed
    await model.close()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (401, '{"error": {"message": "bad key"}}', "LOURO_LLM_API_KEY"),
        (404, '{"error": {"message": "model not found"}}', "'parrot'.*model not found"),
        (429, '{"error": "slow down"}', "too much to do.*slow down"),
        (500, "<html>oops", "answered 500: <html>oops"),
    ],
)
@pytest.mark.anyio
async def test_refusals_say_what_to_do(status: int, body: str, expected: str) -> None:
    model = model_that_answers(httpx.Response(status, text=body))
    with pytest.raises(EngineError, match=expected):
        await pieces_of(model)
    await model.close()


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (httpx.ConnectError("refused"), "No language model server answers at http://model.test/v1"),
        (httpx.ReadTimeout("slow"), "60 seconds"),
        (httpx.RemoteProtocolError("gone"), "broke: RemoteProtocolError"),
    ],
)
@pytest.mark.anyio
async def test_a_broken_connection_is_an_engine_error(failure: httpx.HTTPError, expected: str) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        raise failure

    model = OpenAiModel(SERVER, httpx.MockTransport(respond))
    with pytest.raises(EngineError, match=expected):
        await pieces_of(model)
    await model.close()


@pytest.mark.anyio
async def test_warming_asks_for_one_token_and_forgives_failure() -> None:
    asked: list[httpx.Request] = []
    model = model_that_answers(httpx.Response(500), asked)
    await model.warm(HELLO)
    assert json.loads(asked[0].content)["max_tokens"] == 1
    await model.close()


@pytest.mark.anyio
async def test_warming_asks_nothing_where_it_may_cost_money() -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        raise AssertionError("a request was sent")

    await OpenAiModel(Server("http://model.test/v1", "m", "sk"), httpx.MockTransport(respond)).warm(HELLO)


@pytest.mark.anyio
async def test_over_a_real_socket_the_server_sees_that_nobody_listens_any_more() -> None:
    hung_up = anyio.Event()

    async def serve(stream: anyio.abc.ByteStream) -> None:
        async with stream:
            await stream.receive()
            event = b"data: " + json.dumps(text_event("Hi")).encode() + b"\n\n"
            await stream.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + event)
            try:
                while True:
                    await stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                hung_up.set()

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(listener.serve, serve)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        model = OpenAiModel(Server(f"http://127.0.0.1:{port}/v1", "parrot"))
        with anyio.fail_after(5):
            async with aclosing(model.generate(HELLO)) as pieces:
                assert await anext(pieces) == TextDelta("Hi")
            await hung_up.wait()
        await model.close()
        tasks.cancel_scope.cancel()


def test_it_is_a_language_model_that_sees_and_estimates_tokens() -> None:
    model = OpenAiModel(SERVER)
    assert isinstance(model, LanguageModel)
    assert model.sees_images
    assert 4 <= model.count_tokens("Hello there, how are you?") <= 9
