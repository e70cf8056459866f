"""From "this does not convert" to the protocol's own error: which code, which parameter, in which words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import inspect

from louro.protocol.errors import ClientError

MAX_QUOTED_CHARACTERS = 200
"""Of what a client sent, in a message to it: a refusal should not be as long as what is refused."""

_AT = re.compile(r"(?P<what>.*?)(?: - at (?:`key` in )?`\$\.?(?P<path>[^`]*)`)?", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>.*)`")
_MISMATCH = re.compile(r"Expected `(?P<expected>[^`]*)`(?:, got `(?P<got>[^`]*)`)?")
_BOUND = re.compile(r"Expected `(?P<kind>\w+)` (?P<bound>.*)")
_CHOICE = re.compile(r"Invalid (?:enum )?value .*", re.DOTALL)
_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
_WORDS = {
    "str": "a string",
    "bytes": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "a boolean",
    "array": "an array",
    "object": "an object",
}
_KINDS = {
    type(None): "null",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "an array",
}


def refusal(body: dict[str, object], error: str, union: inspect.Type) -> ClientError:
    """Say what is wrong with *body*, which did not convert to *union* because of *error* (msgspec's words)."""
    match = _AT.fullmatch(error)
    assert match is not None
    what, path = match["what"], (match["path"] or "").replace("[...]", "")
    if unknown := _UNKNOWN.fullmatch(what):
        param = _joined(path, _shortened(unknown["name"]))
        return ClientError("unknown_parameter", f"Unknown parameter: '{param}'.", param=param)
    if missing := _MISSING.fullmatch(what):
        return missing_parameter(_joined(path, missing["name"]))
    value = _value_at(body, path)
    if _CHOICE.fullmatch(what):
        return invalid_value(path, value, _choices(union, _steps(path), body))
    if bound := _BOUND.fullmatch(what):
        return _out_of_bounds(path, value, bound)
    if mismatch := _MISMATCH.fullmatch(what):
        kinds = [_WORDS[kind] for kind in mismatch["expected"].split(" | ") if kind in _WORDS]
        got = _WORDS.get(mismatch["got"] or "") or _kind_of(value)
        return _mismatched(path, " or ".join(kinds), got)
    return _unreadable(path, what)


def drop_unknown(body: dict[str, object], error: str) -> bool:
    """Take the key out of *body* that *error* calls unknown. False if that is not what is wrong."""
    match = _AT.fullmatch(error)
    assert match is not None
    unknown = _UNKNOWN.fullmatch(match["what"])
    holder = _value_at(body, match["path"] or "")
    if unknown is None or not isinstance(holder, dict):
        return False
    return holder.pop(unknown["name"], unknown) is not unknown


def missing_parameter(param: str) -> ClientError:
    return ClientError("missing_required_parameter", f"Missing required parameter: '{param}'.", param=param)


def invalid_type(param: str, expected: str, value: object) -> ClientError:
    return _mismatched(param, expected, _kind_of(value))


def _mismatched(param: str, expected: str, got: str) -> ClientError:
    message = f"Invalid type for '{param}': expected {expected}, but got {got} instead."
    return ClientError("invalid_type", message, param=param)


def invalid_value(param: str, value: object, choices: Sequence[object]) -> ClientError:
    message = f"Invalid value: {_quoted(value)}. Supported values are: {_listed(choices)}."
    return ClientError("invalid_value", message, param=param)


def invalid_modalities(param: str, modalities: Sequence[str], combinations: str) -> ClientError:
    message = f"Invalid modalities: {list(modalities[:4])}. Supported combinations are: {combinations}."
    return ClientError("invalid_value", message, param=param)


def _out_of_bounds(path: str, value: object, bound: re.Match[str]) -> ClientError:
    got = f", but got {_quoted(value)} instead" if bound["kind"] in ("int", "float") else ""
    message = f"Invalid value for '{path}': expected {_WORDS[bound['kind']]} {bound['bound']}{got}."
    return ClientError("invalid_value", message, param=path)


def _unreadable(path: str, what: str) -> ClientError:
    """The right type, and yet not to be read: base64 that is none, a number too large for a float."""
    message = f"Invalid '{path}'. Expected base64-encoded audio bytes, but got an invalid value."
    if "base64" not in what:
        message = f"Invalid value for '{path}': {what}."
    return ClientError("invalid_value", message, param=path)


def _choices(info: inspect.Type, steps: Sequence[str | int], value: object) -> list[object]:
    """The literals, or the names of the variants, that fit where *steps* lead from *info*."""
    options = info.types if isinstance(info, inspect.UnionType) else (info,)
    if not steps:
        return [one for option in options if isinstance(option, inspect.LiteralType) for one in option.values]
    step, *rest = steps
    inner: list[inspect.Type]
    if isinstance(step, int):
        inner = [option.item_type for option in options if isinstance(option, inspect.VarTupleType)]
    else:
        structs = [option for option in options if isinstance(option, inspect.StructType)]
        if not rest and any(struct.tag_field == step for struct in structs):
            return [struct.tag for struct in structs]
        tag = value.get("type") if isinstance(value, dict) else None
        fitting = [struct for struct in structs if struct.tag in (None, tag)]
        inner = [field.type for struct in fitting for field in struct.fields if field.encode_name == step]
    return [choice for one in inner for choice in _choices(one, rest, _inside(value, step))]


def _steps(path: str) -> list[str | int]:
    return [int(index) if index else name for index, name in _STEP.findall(path)]


def _value_at(value: object, path: str) -> object:
    for step in _steps(path):
        value = _inside(value, step)
    return value


def _inside(value: object, step: str | int) -> object:
    if isinstance(value, dict):
        return value.get(step)
    return value[step] if isinstance(value, list) and isinstance(step, int) else None


def _kind_of(value: object) -> str:
    return _KINDS.get(type(value), "an object")


def _quoted(value: object) -> str:
    return f"'{_shortened(value)}'" if isinstance(value, str) else _shortened(str(value))


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_QUOTED_CHARACTERS else f"{text[:MAX_QUOTED_CHARACTERS]}…"


def _listed(choices: Sequence[object]) -> str:
    names = [_quoted(choice) for choice in choices]
    if len(names) < 3:
        return " and ".join(names)
    return f"{', '.join(names[:-1])}, and {names[-1]}"


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
