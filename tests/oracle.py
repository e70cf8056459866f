"""The official SDK's types, as the judge of every event that a server sends, in its dialect.

The types are forgiving: they take keys that nobody knows, and miss some that every client needs. This judge is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_args

from openai.types.beta.realtime import RealtimeServerEvent as BetaServerEvent
from openai.types.realtime import RealtimeServerEvent as GaServerEvent
from pydantic import BaseModel

Dialect = Literal["ga", "beta"]
Event = dict[str, Any]


def _by_type(union: Any) -> dict[str, type[BaseModel]]:
    return {get_args(kind.model_fields["type"].annotation)[0]: kind for kind in get_args(get_args(union)[0])}


_GA = _by_type(GaServerEvent)
KINDS: dict[Dialect, dict[str, type[BaseModel]]] = {"ga": _GA, "beta": {**_GA, **_by_type(BetaServerEvent)}}
"""Beta knows nothing of what came later; there it travels as it does today."""
KINDS["beta"]["transcription_session.created"] = KINDS["beta"]["transcription_session.updated"]

ON_THE_WIRE: dict[Dialect, set[str]] = {
    "ga": {"session.id", "session.object", "session.expires_at"},
    "beta": {
        "session.id",
        "session.object",
        "session.input_audio_noise_reduction",
        "session.input_audio_noise_reduction.strength",
        "session.expires_at",
        "session.include",
        "session.client_secret",
        "session.turn_detection.idle_timeout_ms",
        "response.usage.input_token_details.cached_tokens_details",
        "name",
    },
}
"""Keys that the live API sends and the types do not know."""
_RESPONSE = {
    "object",
    "id",
    "status",
    "status_details",
    "output",
    "conversation_id",
    "metadata",
    "usage",
}
_ERROR = {"type", "code", "message", "param"}
ALWAYS: dict[Dialect, dict[str, set[str]]] = {
    "ga": {
        "session": {"type", "object", "id", "expires_at", "audio", "include"},
        "item": {"id", "type", "status"},
        "response": _RESPONSE,
        "error": _ERROR,
    },
    "beta": {
        "session": {"object", "id", "expires_at", "turn_detection", "client_secret"},
        "item": {"id", "object", "type", "status"},
        "response": _RESPONSE,
        "error": _ERROR,
    },
}
"""Keys that the types call optional, and clients fail without."""


def check(event: Event, dialect: Dialect) -> None:
    """Raises an AssertionError, or pydantic's ValidationError: no server of the dialect says this."""
    kind = KINDS[dialect].get(event["type"])
    assert kind is not None, f"{event['type']} is no event of {dialect}"
    assert event.get("event_id"), f"{event['type']} has no event_id"
    parsed = kind.model_validate(as_typed(event) if dialect == "beta" else event)
    unknown = set(_extras(parsed)) - ON_THE_WIRE[dialect]
    assert not unknown, f"{event['type']} has keys that nobody knows: {sorted(unknown)}"
    for name, keys in ALWAYS[dialect].items():
        part = event.get(name)
        if isinstance(part, dict) and not str(part.get("type")).startswith("mcp_"):
            assert keys <= set(part), f"{event['type']}.{name} lacks {sorted(keys - set(part))}"


def as_typed(event: Event) -> Event:
    """With what the live API said in beta, and the types of its day have too narrow."""
    match event:
        case {"session": dict(session)}:
            shown = {**session, **{key: value for key, value in _IN_ITS_DAY.items() if key in session}}
            if not event["type"].startswith("transcription_session."):
                return {**event, "session": shown}
            # Of a transcription session they demand a secret that only its HTTP form has.
            shown["client_secret"] = {"value": "ek_1", "expires_at": 1}
            return {**event, "type": "transcription_session.updated", "session": shown}
        case {"response": dict(response)}:
            return {**event, "response": {**response, "voice": "alloy"}}
        case {"item": {"type": "message", "content": list(content)} as item}:
            # Pictures came later.
            written = [part for part in content if part["type"] != "input_image"]
            return {**event, "item": {**item, "content": written}}
        case _:
            return event


_IN_ITS_DAY = {"model": "gpt-4o-realtime-preview", "voice": "alloy", "tool_choice": "auto"}


def _extras(node: object, path: str = "") -> Iterator[str]:
    if isinstance(node, list):
        for one in node:
            yield from _extras(one, path)
    if not isinstance(node, BaseModel):
        return
    for name in node.model_extra or {}:
        yield f"{path}{name}"
    for name in node.model_fields_set & set(type(node).model_fields):
        yield from _extras(getattr(node, name), f"{path}{name}.")
