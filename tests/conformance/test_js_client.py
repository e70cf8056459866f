"""The reference JavaScript client, the published port of OpenAI's RealtimeClient."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conformance.marks import requirement
from tests.serving import Serving

HERE = Path(__file__).parent / "js"


@pytest.fixture(scope="module")
def packages() -> None:
    """Node and what the client needs. Fetched once, by the lock file."""
    needed = json.loads((HERE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    if not all((HERE / "node_modules" / name).exists() for name in needed):
        npm = shutil.which("npm")
        assert npm is not None, "npm is needed: install Node.js"
        subprocess.run([npm, "ci", "--silent", "--no-audit", "--no-fund"], cwd=HERE, check=True, timeout=300)


@pytest.mark.node
@pytest.mark.timeout(400)
@pytest.mark.usefixtures("packages")
@requirement("client.js")
def test_the_reference_client_holds_a_conversation(
    scripted: Serving, question: bytes, tmp_path: Path
) -> None:
    sound = tmp_path / "question.pcm"
    sound.write_bytes(question)
    url = f"{scripted.websocket}/v1/realtime"
    command = ["node", "client.mjs", url, str(sound)]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["transcript"] == "You said: hello there"
    assert seen["samples"] == 24 * 60 * len("You said: hello there")
    assert seen["calls"] == [[7, 5]]
    assert seen["result"] == 'The result is {"result":12}.'
    assert seen["heard"] == "You said: What is the capital of France?"
    assert seen["status"] == "cancelled"
    assert seen["errors"] == 0, seen.get("error")
    assert seen["types"][0] == "session.created"
