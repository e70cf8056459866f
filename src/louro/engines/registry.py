"""Engines by name. Ours come in through the same door as a stranger's: the entry points `louro.engines`.

An entry point is called `KIND.NAME` (kinds: vad, stt, llm, tts, responder) and leads to a factory:

    def load(argument: str, settings: EngineSettings) -> SpeechDetector | Transcriber | ...

A specification on the command line or in `louro.toml` is `NAME` or `NAME:ARGUMENT`; what the argument means is the
engine's own affair (`openai:http://127.0.0.1:11434/v1#qwen3`, `piper:joe`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar, cast

from louro.engines.base import ConfigError

GROUP = "louro.engines"
KINDS = ("vad", "stt", "llm", "tts", "responder")

E = TypeVar("E")


def _say_nothing(message: str) -> None:
    pass


@dataclass(frozen=True)
class EngineSettings:
    """What every factory is told."""

    threads: int = 2
    """How many processor threads one piece of inference may use."""
    sessions: int = 4
    """How many sessions are expected to speak at once: slots, batch sizes and pools follow it."""
    instructions: str = ""
    """What most conversations begin with: a model may read it beforehand."""
    report: Callable[[str], None] = _say_nothing
    """Told in one line what is being loaded."""


def names(kind: str) -> list[str]:
    """The engines of one kind that are installed, sorted."""
    return sorted(point.name.split(".", 1)[1] for point in _points(kind))


def load(kind: str, specification: str, expected: type[E], settings: EngineSettings) -> E:
    """Load an engine; blocks for as long as its models take to load.

    Raises:
        ConfigError: no such engine, what it needs is not installed, or it is not of the *expected* kind.
    """
    name, _, argument = specification.partition(":")
    matches = [point for point in _points(kind) if point.name == f"{kind}.{name}"]
    if not matches:
        known = ", ".join(names(kind)) or "none"
        raise ConfigError(f"There is no {kind} engine called '{name}'. Installed: {known}.")
    try:
        factory = cast(Callable[[str, EngineSettings], object], matches[0].load())
    except ImportError as error:
        raise ConfigError(
            f"The {kind} engine '{name}' needs the package '{error.name}'. "
            f"Install it with: pip install 'louro[{_extra(name)}]'"
        ) from error
    try:
        engine = factory(argument, settings)
    except ConfigError:
        raise
    except Exception as error:  # a boundary: anybody may have written it, and it is told in one line
        raise ConfigError(
            f"The {kind} engine '{specification}' cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(engine, expected):
        raise ConfigError(f"The {kind} engine '{name}' is not a {expected.__name__}; its package is broken.")
    return engine


def _points(kind: str) -> list[EntryPoint]:
    return [point for point in entry_points(group=GROUP) if point.name.startswith(f"{kind}.")]


def _extra(name: str) -> str:
    return "whisper" if name == "whisper" else "embedded"
