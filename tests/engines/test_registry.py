"""Engines by name: ours, a stranger's, and those that are broken."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from louro.engines import registry
from louro.engines.base import ConfigError, LanguageModel, Voice
from louro.engines.registry import GROUP, KINDS, EngineSettings
from louro.engines.scripted import ScriptedVoice


def load_strange(argument: str, settings: EngineSettings) -> ScriptedVoice:
    return ScriptedVoice(int(argument or 60))


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> None:
    known = [
        EntryPoint("tts.strange", f"{__name__}:load_strange", GROUP),
        EntryPoint("tts.missing", "no_such_package:load", GROUP),
        EntryPoint("llm.strange", f"{__name__}:load_strange", GROUP),
    ]
    monkeypatch.setattr(registry, "_points", lambda kind: [p for p in known if p.name.startswith(f"{kind}.")])
    monkeypatch.setattr(EntryPoint, "load", lambda self: _load(self))


def _load(point: EntryPoint) -> object:
    if point.module == "no_such_package":
        raise ModuleNotFoundError("No module", name=point.module)
    return load_strange


@pytest.mark.parametrize(
    ("kind", "name"), [("vad", "silero"), ("stt", "moonshine"), ("llm", "llama"), ("tts", "piper")]
)
def test_ours_are_listed(kind: str, name: str) -> None:
    assert {name, "scripted"} <= set(registry.names(kind))
    assert kind in KINDS


@pytest.mark.usefixtures("points")
def test_an_engine_is_given_what_follows_the_colon() -> None:
    voice = registry.load("tts", "strange:10", Voice, EngineSettings())
    assert isinstance(voice, ScriptedVoice)
    assert voice._ms_per_character == 10


@pytest.mark.usefixtures("points")
def test_an_unknown_engine_is_told_with_those_that_are_installed() -> None:
    with pytest.raises(ConfigError, match=r"no tts engine called 'robot'.*missing, strange"):
        registry.load("tts", "robot", Voice, EngineSettings())
    with pytest.raises(ConfigError, match="Installed: none"):
        registry.load("vad", "robot", Voice, EngineSettings())


@pytest.mark.usefixtures("points")
def test_a_missing_package_is_told_with_its_cure() -> None:
    with pytest.raises(ConfigError, match=r"needs the package 'no_such_package'.*pip install"):
        registry.load("tts", "missing", Voice, EngineSettings())


@pytest.mark.usefixtures("points")
def test_an_engine_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="not a LanguageModel"):
        registry.load("llm", "strange", LanguageModel, EngineSettings())
