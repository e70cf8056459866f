"""Key by key: whatever the official SDK's types can say is understood, and whatever they can hear is said."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin

import msgspec
import pytest
from openai.types.beta.realtime.realtime_client_event import RealtimeClientEvent as BetaClientEvent
from openai.types.realtime.realtime_client_event import RealtimeClientEvent as GaClientEvent
from pydantic import BaseModel
from tests.oracle import KINDS, Event, as_typed
from tests.protocol.examples import SERVER_EVENTS

from louro.protocol.errors import ClientError
from louro.protocol.wire import BETA, GA, Dialect

both = pytest.mark.parametrize("dialect", [GA, BETA], ids=lambda dialect: dialect.name)

# What a client can say

PARTS: list[object] = [
    {"type": "input_text", "text": "Hi"},
    {"type": "input_audio", "audio": "AAAA", "transcript": None},
    {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "low"},
    {"type": "output_text", "text": "Hi"},
    {"type": "output_audio", "audio": "AAAA", "transcript": "Hi"},
    {"type": "text", "text": "Hi"},
    {"type": "audio", "transcript": "Hi"},
]
EXAMPLES: dict[str, list[object]] = {
    "content": [[part] for part in PARTS],
    "audio_end_ms": [0],
    "content_index": [0],
    "idle_timeout_ms": [5_000],
    "prefix_padding_ms": [300],
    "retention_ratio": [0.8],
    "silence_duration_ms": [0, 500],
    "speed": [0.25, 1.5],
    "temperature": [0.6, 1.2],
    "threshold": [0, 1],
    "tool_choice": [
        *("none", "auto", "required"),
        {"type": "function", "name": "f"},
        {"type": "mcp", "server_label": "x", "name": None},
    ],
    "max_output_tokens": [1, 4_096, "inf"],
    "max_response_output_tokens": [1, 4_096, "inf"],
    "modalities": [["text"], ["text", "audio"], ["audio", "text"]],
    "output_modalities": [["text"], ["audio"]],
    "metadata": [{}, {"topic": "x"}],
    "parameters": [{"type": "object"}],
    "rate": [24_000],
    "post_instructions": [0],
}
"""Where a type alone does not say what may stand there."""
NEEDED = {"type", "id", "name", "role", "content", "arguments", "output"}
"""The types let them be left out; nobody can."""
TOGETHER: dict[str, dict[str, Any]] = {"eagerness": {"type": "semantic_vad"}}
"""Beta's types do not say what goes with what."""
NOT_ON_A_SOCKET = {"output_audio_buffer.clear"}


def sayings(union: Any) -> dict[str, list[dict[str, Any]]]:
    """By type: an event with what it must have, and one for each thing that it may have besides."""
    kinds = get_args(get_args(union)[0])
    return {_literal(kind.model_fields["type"].annotation): list(_of_model(kind)) for kind in kinds}


def _literal(annotation: Any) -> str:
    return str(get_args(annotation)[0])


def _of_model(kind: type[BaseModel]) -> Iterator[dict[str, Any]]:
    least = {
        name: next(_values(name, field.annotation))
        for name, field in kind.model_fields.items()
        if field.is_required() or name in NEEDED
    }
    yield least
    for name, field in kind.model_fields.items():
        for value in _values(name, field.annotation):
            if value is not None or name not in NEEDED:
                yield {**least, **TOGETHER.get(name, {}), name: value}


def _values(name: str, annotation: Any) -> Iterator[Any]:
    if name in EXAMPLES:
        yield from EXAMPLES[name]
        return
    arguments = get_args(annotation)
    origin = get_origin(annotation)
    if annotation is type(None):
        yield None
    elif origin is Literal:
        yield from arguments
    elif origin in (Union, types.UnionType):
        for one in sorted(arguments, key=lambda one: one is type(None)):
            yield from _values(name, one)
    elif origin is list:
        yield from ([one] for one in _values("", arguments[0]))
    elif origin is dict:
        yield from ({"name": one} for one in _values("", arguments[1]))
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from _of_model(annotation)
    elif origin is not None:  # annotated
        yield from _values(name, arguments[0])
    else:
        yield {str: "AAAA", int: 1, float: 1.5, bool: True, object: {"a": None}}[annotation]


SAYINGS = {"ga": sayings(GaClientEvent), "beta": sayings(BetaClientEvent)}
# Beta's type of an item is all of them in one; what makes sense together are today's, under its names for the parts.
_CREATED = SAYINGS["ga"]["conversation.item.create"]
SAYINGS["beta"]["conversation.item.create"] = [
    event for event in _CREATED if "mcp" not in event["item"]["type"]
]


@pytest.mark.parametrize(
    ("dialect", "kind"),
    [
        (dialect, kind)
        for dialect in (GA, BETA)
        for kind in SAYINGS[dialect.name]
        if kind not in NOT_ON_A_SOCKET
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_whatever_a_client_can_say_is_understood(dialect: Dialect, kind: str) -> None:
    refused: list[str] = []
    for event in SAYINGS[dialect.name][kind]:
        try:
            dialect.decode(msgspec.json.encode(event))
        except ClientError as error:
            refused.append(f"{event}: {error.message}")
    assert not refused, "\n".join(refused)


def test_there_is_much_to_say() -> None:
    said = {name: sum(map(len, kinds.values())) for name, kinds in SAYINGS.items()}
    assert said["ga"] > 300
    assert said["beta"] > 60


# What a server can say

NOT_FROM_US = {
    "ga": {
        "conversation.item.created": "the dialect of 2024",
        "input_audio_buffer.dtmf_event_received": "telephones",
        "output_audio_buffer.started": "WebRTC and telephones",
        "output_audio_buffer.stopped": "WebRTC and telephones",
        "output_audio_buffer.cleared": "WebRTC and telephones",
    },
    "beta": {
        "output_audio_buffer.started": "WebRTC",
        "output_audio_buffer.stopped": "WebRTC",
        "output_audio_buffer.cleared": "WebRTC",
        "input_audio_buffer.dtmf_event_received": "telephones",
        "conversation.item.added": "today's dialect",
        "conversation.item.done": "today's dialect",
        **{kind: "today's dialect" for kind in KINDS["ga"] if kind.startswith("response.output_text.")},
        **{kind: "today's dialect" for kind in KINDS["ga"] if kind.startswith("response.output_audio")},
    },
}
"""Events of the types, and who has them."""
UNSAID = {
    "item.object": "today's items have it when they are retrieved",
    "response.output.object": "likewise",
    "item.content.audio": "sound is in items that are retrieved, and only where it is known",
    "response.output.content.audio": "likewise",
    "item.content.id": "beta's type of a part is also that of a reference",
    "response.output.content.id": "likewise",
    "part.audio": "sound goes in deltas",
    "obfuscation": "padding against whoever counts bytes",
    "response.output.output": "a response holds calls, never their results",
    "session.modalities": "a transcription session has none on a socket",
    "session.client_secret.value": "a session has none on a socket",
    "session.client_secret.expires_at": "likewise",
}
"""Keys of the types that no event of ours has, and why."""


@both
def test_whatever_a_client_can_hear_is_said(dialect: Dialect) -> None:
    heard: dict[str, set[str]] = {}
    said: dict[str, set[str]] = {}
    for event in SERVER_EVENTS:
        frame = dialect.encode(event)
        if frame is None:
            continue
        body: Event = msgspec.json.decode(frame)
        kind = KINDS[dialect.name][body["type"]]
        parsed = kind.model_validate(as_typed(body) if dialect is BETA else body)
        heard.setdefault(body["type"], set()).update(_keys_of_model(parsed))
        said.setdefault(body["type"], set()).update(_keys_of(body))
    assert set(KINDS[dialect.name]) - set(said) == set(NOT_FROM_US[dialect.name])
    objects = {key for keys in said.values() for key in keys if "." in key}
    unsaid = {
        (kind, key) for kind in heard for key in heard[kind] - said[kind] - objects if key not in UNSAID
    }
    assert not unsaid


def _keys_of_model(node: object, path: str = "") -> Iterator[str]:
    if isinstance(node, list):
        for one in node:
            yield from _keys_of_model(one, path)
    if isinstance(node, BaseModel):
        for name in type(node).model_fields:
            yield f"{path}{name}"
            yield from _keys_of_model(getattr(node, name), f"{path}{name}.")


def _keys_of(node: object, path: str = "") -> Iterator[str]:
    if isinstance(node, list):
        for one in node:
            yield from _keys_of(one, path)
    if isinstance(node, dict):
        for name, inner in node.items():
            yield f"{path}{name}"
            yield from _keys_of(inner, f"{path}{name}.")
