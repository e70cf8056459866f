"""The plug-in of the examples, installed as a stranger installs it, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parent.parent.parent / "examples" / "engine-plugin"
WAIT_S = 120
CHECK = """
import anyio
from louro.engines import registry
from louro.engines.base import Voice
from louro.engines.contracts import check_voice

print(*registry.names("tts"))
voice = registry.load("tts", "espeak:pt", Voice, registry.EngineSettings())
anyio.run(check_voice, voice)
print(voice.voices[0])
"""

pytestmark = [
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed"),
    pytest.mark.skipif(
        find_spec("hatchling") is None, reason="hatchling, which builds the plug-in, is not installed"
    ),
]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source, target = tmp_path_factory.mktemp("source") / "plugin", tmp_path_factory.mktemp("target")
    shutil.copytree(PLUGIN, source, ignore=shutil.ignore_patterns("__pycache__", "build", "dist"))
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    run([sys.executable, "-m", "pip", "install", "--quiet", *offline, "--target", str(target), str(source)])
    return target


def run(command: list[str], path: Path | None = None) -> str:
    found = os.pathsep.join(filter(None, [str(path or ""), os.environ.get("PYTHONPATH", "")]))
    environment = {**os.environ, "PYTHONPATH": found}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=WAIT_S, env=environment, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_an_installed_plugin_is_listed_loaded_and_keeps_the_contract(installed: Path) -> None:
    engines, language = run([sys.executable, "-W", "error", "-c", CHECK], installed).splitlines()
    assert {"espeak", "piper"} <= set(engines.split())
    assert language == "pt"


def test_a_plugin_that_is_not_installed_is_not_listed() -> None:
    listed = run([sys.executable, "-c", "from louro.engines import registry; print(registry.names('tts'))"])
    assert "espeak" not in listed


def test_the_tests_of_the_plugin_pass(installed: Path) -> None:
    tests = PLUGIN / "tests"
    told = run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tests),
                "-c", os.devnull, str(tests)], installed)  # fmt: skip
    assert "5 passed" in told
