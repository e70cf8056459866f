"""From "this does not decode" to the protocol's own error: which code, which parameter, whose event."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import cast

import msgspec

from louro.protocol.errors import ClientError

_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?:key in )?\$\.?(?P<path>.*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`")
_MISSING = re.compile(r"Object missing required field `(?P<name>.*)`")


def refusal(
    frame: str | bytes, error: msgspec.MsgspecError | UnicodeError, types: Sequence[str]
) -> ClientError:
    """Say precisely what is wrong with *frame*, which failed with *error*. *types*: the event types there are."""
    try:
        body = msgspec.json.decode(frame)
    except (msgspec.DecodeError, UnicodeError):
        return ClientError("invalid_json", "Invalid event: failed to parse JSON value.")
    if not isinstance(body, dict):
        return ClientError("invalid_event", "Invalid event: expected a JSON object.")
    refused = _refusal_of(body, str(error), types)
    event_id = body.get("event_id")
    refused.event_id = event_id if isinstance(event_id, str) else None
    return refused


def _refusal_of(body: dict[str, object], error: str, types: Sequence[str]) -> ClientError:
    kind = body.get("type")
    if kind is None:
        return ClientError("invalid_event", "'type' field missing")
    if kind not in types:
        supported = ", ".join(f"'{name}'" for name in types)
        return ClientError(
            "invalid_value", f"Invalid value: '{kind}'. Supported values are: {supported}.", param="type"
        )
    match = cast(re.Match[str], _AT.match(error))
    what, path = match["what"], (match["path"] or "").removesuffix("`")
    if unknown := _UNKNOWN.match(what):
        param = _join(path, unknown["name"])
        return ClientError("unknown_parameter", f"Unknown parameter: '{param}'.", param=param)
    if missing := _MISSING.match(what):
        param = _join(path, missing["name"])
        return ClientError(
            "missing_required_parameter", f"Missing required parameter: '{param}'.", param=param
        )
    where = f" for '{path}'" if path else ""
    return ClientError(
        "invalid_value", f"Invalid value{where}: {what.replace('`', chr(39))}.", param=path or None
    )


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
