"""From a frame to an event, forgiving what means nothing and precise about what means something wrong."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

import msgspec

from louro.protocol.errors import ClientError
from louro.protocol.wire.errors import drop_unknown, invalid_type, invalid_value, refusal

T = TypeVar("T")

MAX_EVENT_ID_CHARACTERS = 512
MAX_UNKNOWN_KEYS = 16
"""In one event of a server: each costs another attempt."""
_NULL_MEANS_CLEAR = frozenset({"audio", "input", "output"})
_OPAQUE = frozenset({"parameters", "metadata", "variables", "input_schema"})
"""The client's own JSON, in which a null is a null."""


class Reader(Generic[T]):
    """Reads the events of one union; *kinds* are their types, in the order in which an error lists them."""

    def __init__(self, union: Any, kinds: Sequence[str]) -> None:
        self._union = union
        self._kinds = kinds
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(union)

    def read(self, frame: str | bytes) -> T:
        """Raises ClientError, with the event_id of the event that it could not read."""
        try:
            return self._decoder.decode(frame)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return self._read_slowly(frame)

    def _read_slowly(self, frame: str | bytes) -> T:
        """Once more, without the nulls that say nothing, and with an eye on what is wrong."""
        try:
            body = tidied(_json(frame))
        except RecursionError:
            raise ClientError("invalid_json", "Invalid event: JSON value is nested too deeply.") from None
        try:
            self._check_kind(body.get("type"))
            return self._convert(body)
        except ClientError as error:
            error.event_id = _event_id(body)
            raise
        except msgspec.ValidationError as error:
            refused = refusal(body, str(error), self._type_info)
            refused.event_id = _event_id(body)
            raise refused from None

    def _convert(self, body: dict[str, object]) -> T:
        event: T = msgspec.convert(body, self._union)
        return event

    @cached_property
    def _type_info(self) -> msgspec.inspect.Type:
        return msgspec.inspect.type_info(self._union)

    def _check_kind(self, kind: object) -> None:
        if kind is None:
            raise ClientError("invalid_event", "'type' field missing")
        if not isinstance(kind, str):
            raise invalid_type("type", "a string", kind)
        if kind not in self._kinds:
            raise invalid_value("type", kind, self._kinds)


class ServerReader(Reader[T]):
    """Reads what a server says, which may know more than we do: settings unknown here are dropped."""

    def _convert(self, body: dict[str, object]) -> T:
        for _ in range(MAX_UNKNOWN_KEYS):
            try:
                return super()._convert(body)
            except msgspec.ValidationError as error:
                if not drop_unknown(body, str(error)):
                    raise
        return super()._convert(body)


def tidied(body: dict[str, object]) -> dict[str, object]:
    """Drop every null that says no more than an absent key does. In a session's settings null may clear."""
    tidy = {
        key: _without_nulls(value) for key, value in body.items() if key != "session" and value is not None
    }
    if "session" in body:
        tidy["session"] = _settings(body["session"])
    return tidy


def _settings(value: object) -> object:
    if not isinstance(value, dict):
        return _without_nulls(value)
    return {
        key: _settings(inner) if key in _NULL_MEANS_CLEAR else _kept(key, inner)
        for key, inner in value.items()
    }


def _without_nulls(value: object) -> object:
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {key: _kept(key, inner) for key, inner in value.items() if inner is not None}


def _kept(key: str, value: object) -> object:
    return value if key in _OPAQUE else _without_nulls(value)


def _json(frame: str | bytes) -> dict[str, object]:
    try:
        body = msgspec.json.decode(frame)
    except (msgspec.DecodeError, UnicodeError):
        raise ClientError("invalid_json", "Invalid event: failed to parse JSON value.") from None
    if not isinstance(body, dict):
        raise ClientError("invalid_event", "Invalid event: expected a JSON object.")
    return body


def _event_id(body: dict[str, object]) -> str | None:
    event_id = body.get("event_id")
    return event_id if isinstance(event_id, str) and len(event_id) <= MAX_EVENT_ID_CHARACTERS else None
