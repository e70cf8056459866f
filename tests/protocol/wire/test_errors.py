"""Which code, which parameter, in which words. Read through the dialects, as a client would."""

from __future__ import annotations

import json
from typing import Any

import pytest

from louro.protocol.errors import ClientError
from louro.protocol.wire import BETA, GA, Dialect


def refusal(dialect: Dialect, body: object) -> ClientError:
    with pytest.raises(ClientError) as refused:
        dialect.decode(json.dumps(body))
    return refused.value


def update(**settings: Any) -> dict[str, Any]:
    return {"type": "session.update", "event_id": "mine", "session": {"type": "realtime", **settings}}


def flat(**settings: Any) -> dict[str, Any]:
    return {"type": "session.update", "event_id": "mine", "session": settings}


def heard(**settings: Any) -> dict[str, Any]:
    return update(audio={"input": settings})


MESSAGE = {"type": "message", "role": "user", "content": [{"type": "zz"}]}
LONG = "x" * 5_000

REFUSALS: list[tuple[Dialect, object, str, str | None, str]] = [
    (GA, [], "invalid_event", None, "Invalid event: expected a JSON object."),
    (GA, {}, "invalid_event", None, "'type' field missing"),
    (GA, {"type": None}, "invalid_event", None, "'type' field missing"),
    (
        GA,
        {"type": 5},
        "invalid_type",
        "type",
        "Invalid type for 'type': expected a string, but got an integer instead.",
    ),
    (
        GA,
        {"type": "session.update", "session": {}},
        "missing_required_parameter",
        "session.type",
        "Missing required parameter: 'session.type'.",
    ),
    (
        GA,
        {"type": "session.update"},
        "missing_required_parameter",
        "session",
        "Missing required parameter: 'session'.",
    ),
    (
        GA,
        {"type": "session.update", "session": {"type": "x"}},
        "invalid_value",
        "session.type",
        "Invalid value: 'x'. Supported values are: 'realtime' and 'transcription'.",
    ),
    (
        GA,
        {"type": "session.update", "session": {"type": None}},
        "invalid_type",
        "session.type",
        "Invalid type for 'session.type': expected a string, but got null instead.",
    ),
    (
        GA,
        {"type": "session.update", "session": [5]},
        "invalid_type",
        "session",
        "Invalid type for 'session': expected an object, but got an array instead.",
    ),
    (GA, update(voice=5), "unknown_parameter", "session.voice", "Unknown parameter: 'session.voice'."),
    (
        GA,
        update(tools=[{"type": "function", "name": "a"}, {"type": "function"}]),
        "missing_required_parameter",
        "session.tools[1].name",
        "Missing required parameter: 'session.tools[1].name'.",
    ),
    (
        GA,
        update(audio={"output": {"speed": 10**400}}),
        "invalid_value",
        "session.audio.output.speed",
        "Invalid value for 'session.audio.output.speed': Number out of range.",
    ),
    (
        GA,
        update(tools=[{"type": "zz"}]),
        "invalid_value",
        "session.tools[0].type",
        "Invalid value: 'zz'. Supported values are: 'function' and 'mcp'.",
    ),
    (
        GA,
        update(tool_choice="zz"),
        "invalid_value",
        "session.tool_choice",
        "Invalid value: 'zz'. Supported values are: 'auto', 'none', and 'required'.",
    ),
    (
        GA,
        update(tool_choice=[1]),
        "invalid_type",
        "session.tool_choice",
        "Invalid type for 'session.tool_choice': expected a string or an object, but got an array instead.",
    ),
    (
        GA,
        update(max_output_tokens=0),
        "invalid_value",
        "session.max_output_tokens",
        "Invalid value for 'session.max_output_tokens': expected an integer >= 1, but got 0 instead.",
    ),
    (
        GA,
        update(instructions=True),
        "invalid_type",
        "session.instructions",
        "Invalid type for 'session.instructions': expected a string, but got a boolean instead.",
    ),
    (
        GA,
        update(output_modalities=["smell"]),
        "invalid_value",
        "session.output_modalities[0]",
        "Invalid value: 'smell'. Supported values are: 'audio' and 'text'.",
    ),
    (
        GA,
        heard(format={"type": "audio/pcm", "rate": 8_000}),
        "invalid_value",
        "session.audio.input.format.rate",
        "Invalid value: 8000. Supported values are: 24000.",
    ),
    (
        GA,
        heard(turn_detection={"type": "server_vad", "idle_timeout_ms": 1}),
        "invalid_value",
        "session.audio.input.turn_detection.idle_timeout_ms",
        (
            "Invalid value for 'session.audio.input.turn_detection.idle_timeout_ms': "
            "expected an integer >= 5000, but got 1 instead."
        ),
    ),
    (
        GA,
        {"type": "conversation.item.create", "event_id": "mine", "item": {"type": "message", "role": "user"}},
        "missing_required_parameter",
        "item.content",
        "Missing required parameter: 'item.content'.",
    ),
    (
        GA,
        {"type": "response.create", "response": {"input": [MESSAGE]}},
        "invalid_value",
        "response.input[0].content[0].type",
        (
            "Invalid value: 'zz'. Supported values are: 'input_text', 'input_audio', 'input_image', "
            "'output_text', 'output_audio', 'text', and 'audio'."
        ),
    ),
    (
        GA,
        {"type": "response.create", "response": {"metadata": {"a": 1}}},
        "invalid_type",
        "response.metadata",
        "Invalid type for 'response.metadata': expected a string, but got an integer instead.",
    ),
    (
        GA,
        {"type": "response.create", "response": {"metadata": {LONG: "a"}}},
        "invalid_value",
        "response.metadata",
        "Invalid value for 'response.metadata': expected a string of length <= 64.",
    ),
    (
        GA,
        {"type": "input_audio_buffer.append", "audio": "%"},
        "invalid_value",
        "audio",
        "Invalid 'audio'. Expected base64-encoded audio bytes, but got an invalid value.",
    ),
    (
        GA,
        {"type": "conversation.item.truncate", "item_id": "a", "content_index": 2.5, "audio_end_ms": 1},
        "invalid_type",
        "content_index",
        "Invalid type for 'content_index': expected an integer, but got a number instead.",
    ),
    (
        GA,
        {"type": "conversation.item.truncate", "item_id": {}, "content_index": 1, "audio_end_ms": 1},
        "invalid_type",
        "item_id",
        "Invalid type for 'item_id': expected a string, but got an object instead.",
    ),
    (
        GA,
        update(**{LONG: 1}),
        "unknown_parameter",
        f"session.{LONG[:200]}…",
        f"Unknown parameter: 'session.{LONG[:200]}…'.",
    ),
    (
        BETA,
        flat(tools=[{"type": "function"}]),
        "missing_required_parameter",
        "session.tools[0].name",
        "Missing required parameter: 'session.tools[0].name'.",
    ),
    (BETA, flat(audio={}), "unknown_parameter", "session.audio", "Unknown parameter: 'session.audio'."),
    (
        BETA,
        flat(temperature=2),
        "invalid_value",
        "session.temperature",
        "Invalid value for 'session.temperature': expected a number <= 1.2, but got 2 instead.",
    ),
    (
        BETA,
        flat(turn_detection={"type": "zz"}),
        "invalid_value",
        "session.turn_detection.type",
        "Invalid value: 'zz'. Supported values are: 'server_vad', 'semantic_vad', and 'none'.",
    ),
    (
        BETA,
        flat(tool_choice={"type": "function"}),
        "missing_required_parameter",
        "session.tool_choice.name",
        "Missing required parameter: 'session.tool_choice.name'.",
    ),
    (
        BETA,
        flat(modalities=["audio"]),
        "invalid_value",
        "session.modalities",
        "Invalid modalities: ['audio']. Supported combinations are: ['text'] and ['audio', 'text'].",
    ),
]


@pytest.mark.parametrize(("dialect", "body", "code", "param", "message"), REFUSALS)
def test_a_refusal_says_what_is_wrong_and_where(
    dialect: Dialect, body: object, code: str, param: str | None, message: str
) -> None:
    refused = refusal(dialect, body)
    assert (refused.code, refused.param, refused.message) == (code, param, message)
    assert refused.event_id == (body.get("event_id") if isinstance(body, dict) else None)


def test_an_unknown_type_is_answered_with_those_there_are() -> None:
    refused = refusal(GA, {"type": "x", "event_id": "mine"})
    assert (refused.code, refused.param, refused.event_id) == ("invalid_value", "type", "mine")
    assert refused.message.startswith("Invalid value: 'x'. Supported values are: 'session.update', 'input_")
    assert refused.message.endswith("'response.create', and 'response.cancel'.")
    assert "'transcription_session.update'" in refusal(BETA, {"type": "x"}).message


def test_an_id_too_long_to_repeat_is_not_repeated() -> None:
    refused = refusal(GA, {"type": "response.cancel", "event_id": LONG})
    assert (refused.param, refused.event_id) == ("event_id", None)
