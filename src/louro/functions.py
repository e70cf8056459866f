"""Python functions that somebody names: tools of their own."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

from louro.client.tools import make_tool
from louro.config import ConfigProblem


def load_functions(places: Sequence[str]) -> list[Callable[..., Any]]:
    """The functions that *places* name, each as MODULE:NAME or MODULE:NAME,NAME; modules of the current folder too.

    Raises:
        ConfigProblem: there is no such module, or no such function in it, or none that can be a tool.
    """
    if places and "" not in sys.path:
        sys.path.insert(0, "")
    return [_function(module, name) for place in places for module, name in _split(place)]


def _split(place: str) -> list[tuple[str, str]]:
    module, colon, names = place.partition(":")
    if not colon or not module or not names:
        raise ConfigProblem(f"tools: '{place}': name functions as MODULE:NAME or MODULE:NAME,NAME.")
    return [(module, name.strip()) for name in names.split(",")]


def _function(module: str, name: str) -> Callable[..., Any]:
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ImportError as error:
        raise ConfigProblem(f"tools: '{module}:{name}': {error}.") from None
    if not callable(found):
        raise ConfigProblem(f"tools: '{module}:{name}': there is no function {name} in {module}.")
    function: Callable[..., Any] = found
    try:
        make_tool(function)
    except TypeError as error:
        raise ConfigProblem(f"tools: '{module}:{name}' can be no tool: {error}") from None
    return function
