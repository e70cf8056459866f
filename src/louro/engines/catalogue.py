"""Weights: what there is, where it comes from, and how it gets onto the disk, every byte verified.

The catalogue itself is data (`catalogue.toml`). Nothing that is downloaded is ever imported or run.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx
import platformdirs

from louro.engines.base import ConfigError

Progress = Callable[[str, int, int], None]
"""Told the file, the bytes done, and the bytes in all."""

DEFAULT = ("silero-vad", "moonshine-tiny-en", "qwen2.5-coder-0.5b", "piper-joe")
BLOCK_BYTES = 1 << 20
PACKAGES = ".packages"
"""Where archives lie while a model is put together from them."""
CONNECT_TIMEOUT_S = 5.0
"""A publisher that is out of reach must not hold up the mirrors."""


@dataclass(frozen=True)
class ModelFile:
    name: str
    size_bytes: int
    sha256: str
    url: str | None
    """At the publisher's."""
    mirror: tuple[str, ...]
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
    return tuple(_model(name, row) for name, row in tomllib.loads(text).items())


def _model(name: str, row: dict[str, object]) -> CatalogueModel:
    files = tuple(
        ModelFile(file["name"], file["size_bytes"], file["sha256"], file.get("url"), tuple(file["mirror"]))
        for file in row["files"]  # type: ignore[attr-defined]
    )
    languages: tuple[str, ...] = tuple(row["languages"])  # type: ignore[arg-type]
    return CatalogueModel(name, str(row["licence"]), languages, str(row["note"]), files)


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
    return all(_size_of(folder / file.name) == file.size_bytes for file in wanted.files)


def get(name: str, progress: Progress, source: str | None = None) -> ModelFiles:
    """Fetch what is missing of a model. Whatever source first has the right bytes wins.

    *source* is a folder or an URL prefix of the user's own, tried before the others. What was fetched of a file stays
    when fetching is broken off, and is gone on with.

    Raises:
        ConfigError: no source had it; the message says what each of them answered.
    """
    wanted = model(name)
    folder = models_folder() / name
    folder.mkdir(parents=True, exist_ok=True)
    for file in wanted.files:
        if _size_of(folder / file.name) != file.size_bytes:
            _get_file(file, folder, progress, source)
    shutil.rmtree(folder / PACKAGES, ignore_errors=True)
    return ModelFiles(wanted, folder)


def _get_file(file: ModelFile, folder: Path, progress: Progress, source: str | None) -> None:
    refusals: list[str] = []
    for fetch in _ways(file, folder, source):
        partial = folder / f"{file.name}.partial"
        try:
            fetch(partial, progress)
            _verify(partial, file)
            os.replace(partial, folder / file.name)
        except (OSError, httpx.HTTPError, subprocess.SubprocessError, KeyError, ConfigError) as error:
            refusals.append(f"  {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
        else:
            return
    raise ConfigError(f"'{file.name}' could not be had anywhere:\n" + "\n".join(refusals))


Fetch = Callable[[Path, Progress], None]


def _ways(file: ModelFile, folder: Path, source: str | None) -> Iterator[Fetch]:
    if source is not None and source.startswith(("http://", "https://")):
        yield lambda partial, progress: _download(
            f"{source.rstrip('/')}/{file.name}", file, partial, progress
        )
    elif source is not None:
        yield lambda partial, progress: _copy(Path(source) / file.name, file, partial, progress)
    if file.url is not None:
        url = file.url
        yield lambda partial, progress: _download(url, file, partial, progress)
    yield lambda partial, progress: _unpack(file, folder, partial, progress)


def _copy(origin: Path, file: ModelFile, partial: Path, progress: Progress) -> None:
    with origin.open("rb") as reader, partial.open("wb") as writer:
        while block := reader.read(BLOCK_BYTES):
            writer.write(block)
            progress(file.name, writer.tell(), file.size_bytes)


def _download(url: str, file: ModelFile, partial: Path, progress: Progress) -> None:
    have = _size_of(partial) or 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    timeout = httpx.Timeout(30.0, connect=CONNECT_TIMEOUT_S)
    with httpx.stream("GET", url, headers=headers, timeout=timeout, follow_redirects=True) as answer:
        answer.raise_for_status()
        with partial.open("ab" if answer.status_code == httpx.codes.PARTIAL_CONTENT else "wb") as writer:
            for block in answer.iter_bytes(BLOCK_BYTES):
                writer.write(block)
                progress(file.name, writer.tell(), file.size_bytes)


def _unpack(file: ModelFile, folder: Path, partial: Path, progress: Progress) -> None:
    """Put a file together from registry packages. Finished parts are kept until the whole is there."""
    parts = [folder / f"{file.name}.part{index}" for index in range(len(file.mirror))]
    done = 0
    for part, address in zip(parts, file.mirror, strict=True):
        if not part.exists():
            _extract(address, part)
        done += part.stat().st_size
        progress(file.name, done, file.size_bytes)
    with partial.open("wb") as writer:
        for part in parts:
            writer.write(part.read_bytes())
    for part in parts:
        part.unlink()


def _extract(address: str, part: Path) -> None:
    registry, package, inside = address.split(":", 2)
    archive = _download_package(registry, package, part.parent / PACKAGES / package)
    unfinished = part.with_suffix(part.suffix + ".unfinished")
    with unfinished.open("wb") as writer:
        for block in _member(archive, inside):
            writer.write(block)
    os.replace(unfinished, part)


def _download_package(registry: str, package: str, folder: Path) -> Path:
    """Through the user's own client, so that its index, proxy and credentials count; once for all files in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for archive in folder.iterdir():
        return archive
    if registry == "npm":
        client = shutil.which("npm")
        if client is None:
            raise ConfigError("npm is not installed")
        command = [client, "pack", package, "--silent", "--pack-destination", str(folder)]
    else:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-input"]
        command += ["--disable-pip-version-check", "--dest", str(folder), package]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        raise ConfigError(f"{package}: {last}")
    return next(folder.iterdir())


def _member(archive: Path, inside: str) -> Iterator[bytes]:
    if archive.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(archive) as packed, packed.open(inside) as reader:
            while block := reader.read(BLOCK_BYTES):
                yield block
        return
    with tarfile.open(archive) as packed_tar:
        member = packed_tar.extractfile(inside)
        if member is None:
            raise ConfigError(f"{archive.name} has no {inside}")
        while block := member.read(BLOCK_BYTES):
            yield block


def _verify(path: Path, file: ModelFile) -> None:
    digest = hashlib.sha256()
    with path.open("rb") as reader:
        while block := reader.read(BLOCK_BYTES):
            digest.update(block)
    if digest.hexdigest() != file.sha256:
        path.unlink()
        raise ConfigError(
            f"{file.name}: the bytes are not the right ones (sha256 {digest.hexdigest()[:12]}...)"
        )


def _size_of(path: Path) -> int | None:
    return path.stat().st_size if path.exists() else None
