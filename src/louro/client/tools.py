"""Python functions that the model may call."""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, TypeAlias, get_origin, get_type_hints

import anyio
import anyio.to_thread
import docstring_parser
import msgspec

from louro.client.errors import RealtimeError
from louro.protocol.session import FunctionTool

TIMEOUT_S = 30.0
"""Nobody waits longer for an answer; a tool that needs more is `slow`."""

Function: TypeAlias = Callable[..., Any]


@dataclass(frozen=True)
class ToolCall:
    """What the model asks for."""

    name: str
    arguments: str
    """A JSON object, as text."""
    call_id: str


Confirm: TypeAlias = Callable[[ToolCall], bool | Awaitable[bool]]


@dataclass
class ToolContext:
    """A parameter of this type is not told to the model: through it a tool knows who calls, and says how far it is."""

    call: ToolCall
    report: Callable[[str], None]
    """Emits `tool.progress`. May be called from the thread of a tool that is not async."""


@dataclass(frozen=True)
class Tool:
    definition: FunctionTool
    function: Function
    arguments: type[msgspec.Struct] | None = None
    """How to read them; None hands over the plain dictionary, of a tool whose definition was given."""
    context: str | None = None
    """The name of the parameter that takes the `ToolContext`."""
    timeout_s: float = TIMEOUT_S
    slow: bool = False
    """Answered for at once; the result is told when it is there and nobody is speaking."""
    confirm: Confirm | None = None


@dataclass
class Outcome:
    output: str
    is_error: bool = field(default=False)


def make_tool(
    function: Function,
    definition: dict[str, Any] | FunctionTool | None = None,
    *,
    timeout_s: float = TIMEOUT_S,
    slow: bool = False,
    confirm: Confirm | None = None,
) -> Tool:
    """Without a *definition*, the schema is the function's signature, and its docstring (in any of the usual styles)
    describes the tool and its parameters. With one, the function takes the arguments as one dictionary.

    Raises:
        TypeError: no schema can be made of the signature, or the definition is none.
    """
    options: dict[str, Any] = {"timeout_s": timeout_s, "slow": slow, "confirm": confirm}
    if definition is not None:
        return Tool(_defined(definition), function, **options)
    name = function.__name__
    if not name.isidentifier():
        raise TypeError(
            f"A tool needs a name, and '{name}' is none: define a function, or give a definition."
        )
    documented = docstring_parser.parse(inspect.getdoc(function) or "")
    described = {param.arg_name: param.description or "" for param in documented.params}
    fields, context = _fields_of(function, described)
    arguments = msgspec.defstruct(name, fields, kw_only=True)
    description = "\n".join(filter(None, (documented.short_description, documented.long_description)))
    tool = FunctionTool(name=name, description=description or None, parameters=_schema_of(arguments))
    return Tool(tool, function, arguments, context, **options)


async def run_tool(tool: Tool, call: ToolCall, report: Callable[[str], None]) -> Outcome:
    """Whatever goes wrong in it becomes words that the model can speak about. Cancellation passes through."""
    try:
        if tool.confirm is not None and not await _resolve(tool.confirm(call)):
            return _error("The user did not allow this.")
        values = _read(tool, call)
    except msgspec.MsgspecError as error:
        return _error(f"Wrong arguments: {error}")
    try:
        with anyio.fail_after(None if tool.slow else tool.timeout_s):
            result = await _call(tool, values, ToolContext(call, report))
    except TimeoutError:
        return _error(f"{call.name} took longer than {tool.timeout_s:g} seconds.")
    except Exception as error:  # noqa: BLE001 - a boundary: somebody else's code broke, the conversation goes on
        return _error(f"{type(error).__name__}: {error}")
    return Outcome(_text_of(result))


def _defined(definition: dict[str, Any] | FunctionTool) -> FunctionTool:
    if isinstance(definition, FunctionTool):
        return definition
    try:
        return msgspec.convert({"type": "function", **definition}, FunctionTool)
    except msgspec.ValidationError as error:
        raise TypeError(f"This is no definition of a tool: {error}") from None


def _fields_of(function: Function, described: dict[str, str]) -> tuple[list[Any], str | None]:
    hints = get_type_hints(function, include_extras=True)
    fields: list[Any] = []
    context: str | None = None
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise TypeError(
                f"{function.__name__}: the model names each argument; '{parameter}' cannot be one."
            )
        kind = hints.get(name, Any)
        if kind is ToolContext:
            context = name
            continue
        if name in described and get_origin(kind) is not Annotated:
            kind = Annotated[kind, msgspec.Meta(description=described[name])]
        fields.append(
            (name, kind) if parameter.default is parameter.empty else (name, kind, parameter.default)
        )
    return fields, context


def _schema_of(arguments: type[msgspec.Struct]) -> dict[str, object]:
    try:
        _, components = msgspec.json.schema_components([arguments], ref_template="#/$defs/{name}")
    except TypeError as error:
        raise TypeError(f"{arguments.__name__}: {error}") from None
    schema: dict[str, object] = components.pop(arguments.__name__)
    schema.pop("title", None)
    return {**schema, "$defs": components} if components else schema


def _read(tool: Tool, call: ToolCall) -> dict[str, Any]:
    text = call.arguments or "{}"
    if tool.arguments is None:
        return msgspec.json.decode(text, type=dict[str, Any])
    # Not strict: models write numbers as texts now and then.
    values = msgspec.json.decode(text, type=tool.arguments, strict=False)
    return {name: getattr(values, name) for name in values.__struct_fields__}


async def _call(tool: Tool, values: dict[str, Any], context: ToolContext) -> object:
    work = partial(tool.function, values) if tool.arguments is None else partial(tool.function, **values)
    if tool.context is not None:
        work = partial(work, **{tool.context: context})
    if inspect.iscoroutinefunction(tool.function):
        return await work()
    result = await anyio.to_thread.run_sync(work, abandon_on_cancel=True)
    return await result if inspect.isawaitable(result) else result


async def _resolve(answer: bool | Awaitable[bool]) -> bool:
    return await answer if inspect.isawaitable(answer) else answer


def _text_of(result: object) -> str:
    if isinstance(result, str):
        return result
    if result is None:
        return "Done."
    try:
        return msgspec.json.encode(result).decode()
    except (TypeError, msgspec.MsgspecError):
        return str(result)


def _error(message: str) -> Outcome:
    return Outcome(json.dumps({"error": message}, ensure_ascii=False), is_error=True)


def check_name(name: str, known: set[str]) -> None:
    """Raises RealtimeError: the name is taken."""
    if name in known:
        raise RealtimeError(
            f"There is a tool '{name}' already. Remove it first.", code="tool_exists", param="name"
        )
