"""The Node programs of a tutorial of 2024, whose authors wrote them for OpenAI's server: only the URL is another.

They speak beta, by `ws` alone, and are careless where that server was forgiving.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soxr
from msgspec import structs

from louro.server import load_engines
from tests.conformance.marks import requirement
from tests.conformance.talk import names, talk
from tests.oracle import Event, check
from tests.serving import SCRIPTED, Serving, sound

JS = Path(__file__).parent / "js"
QUERY = "/v1/realtime?model=gpt-4o-realtime-preview-2024-10-01&input_sample_rate=16000"
QUESTION = ["session.created", "conversation.item.created"]
ANSWER = [
    "response.created",
    "rate_limits.updated",
    "response.output_item.added",
    "conversation.item.created",
]
SPOKEN = [*ANSWER, "response.content_part.added", "response.audio.done"]

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def packages() -> None:
    if shutil.which("node") is None:
        pytest.skip("Node.js is not installed")
    if not (JS / "node_modules" / "ws").exists():
        pytest.skip("the packages in tests/conformance/js are not installed: npm ci")


@pytest.fixture(scope="module")
def scripted_sum() -> Iterator[Serving]:
    """Hears a sum in every sound."""
    settings = structs.replace(SCRIPTED, stt="scripted:Please calculate sum 7 and 5.")
    with Serving(settings, load_engines(settings, lambda _: None)) as serving:
        yield serving


@dataclass(frozen=True)
class Seen:
    printed: list[str]
    sent: list[Event]
    received: list[Event]
    """Every one fits the official SDK's beta types, and none is an error."""

    @property
    def pcm(self) -> bytes:
        deltas = (e["delta"] for e in self.received if e["type"] == "response.audio.delta")
        return b"".join(map(base64.b64decode, deltas))

    @property
    def transcript(self) -> str:
        deltas = (e["delta"] for e in self.received if e["type"] == "response.audio_transcript.delta")
        return "".join(deltas)

    def order(self, last: str) -> list[str]:
        """Received up to the last event of a kind. Of what comes while the socket closes, some may be missing."""
        end = max(at for at, event in enumerate(self.received) if event["type"] == last) + 1
        return names(self.received[:end], without=lambda kind: kind.endswith(".delta"))


@dataclass(frozen=True)
class Program:
    name: str
    folder: Path
    recording: bytes = b""
    """24 kHz; the program's microphone has 16."""

    def run(self, serving: Serving) -> Seen:
        journal, recorded = self.folder / f"{self.name}.jsonl", self.folder / f"{self.name}.pcm"
        recorded.write_bytes(to_16_khz(self.recording))
        command = [
            "node",
            f"tutorial_{self.name}.mjs",
            serving.websocket + QUERY,
            str(journal),
            str(recorded),
        ]
        with subprocess.Popen(
            command, cwd=JS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as node:
            try:
                printed = self._press_enter(node) if self.recording else []
                rest, complaints = node.communicate(timeout=60)
            finally:
                node.kill()
        assert (node.returncode, complaints) == (0, "")
        events = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
        received = [event["received"] for event in events if "received" in event]
        for event in received:
            check(event, "beta")
            assert event["type"] != "error", event
        sent = [event["sent"] for event in events if "sent" in event]
        return Seen([*printed, *rest.splitlines()], sent, received)

    def _press_enter(self, node: subprocess.Popen[str]) -> list[str]:
        assert node.stdin is not None and node.stdout is not None
        printed = [node.stdout.readline().strip()]
        while printed[-1] not in ("Nothing more is said.", ""):
            printed.append(node.stdout.readline().strip())
        node.stdin.write("\n")
        node.stdin.flush()
        return printed


def to_16_khz(pcm: bytes) -> bytes:
    return bytes(soxr.resample(np.frombuffer(pcm, "<i2"), 24_000, 16_000).astype("<i2").tobytes())


def kinds_of(events: list[Event]) -> list[str]:
    """Types, and for the items that the client makes, what they are."""
    return [event["item"]["type"] if "item" in event else event["type"] for event in events]


@pytest.mark.node
@pytest.mark.usefixtures("packages")
@requirement("tutorial.text")
def test_the_text_program_prints_the_answer(scripted: Serving, tmp_path: Path) -> None:
    seen = Program("text", tmp_path).run(scripted)
    assert seen.printed == ["You said: What is a web socket, in one sentence?"]
    assert kinds_of(seen.sent) == ["message", "response.create"]
    assert seen.order("response.done") == [
        *QUESTION,
        *ANSWER,
        "response.content_part.added",
        "response.text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.done",
    ]


@pytest.mark.node
@pytest.mark.usefixtures("packages")
@requirement("tutorial.audio")
def test_the_audio_program_plays_the_answer(scripted: Serving, question: bytes, tmp_path: Path) -> None:
    seen = Program("audio", tmp_path, question).run(scripted)
    assert kinds_of(seen.sent) == ["message", "response.create"]
    assert seen.order("response.audio.done") == [*QUESTION, *SPOKEN]
    assert seen.transcript == "You said: What is the capital of France?"
    assert len(seen.pcm) == 48 * 60 * len(seen.transcript)
    assert seen.printed[-1] == f"Played {len(seen.pcm)} bytes."


@pytest.mark.anyio
@requirement("tutorial.audio")
async def test_the_recording_is_taken_at_the_rate_in_the_url(scripted: Serving) -> None:
    second = base64.b64encode(bytes(32_000)).decode()
    content = [{"type": "input_audio", "audio": second}]
    item = {"type": "message", "role": "user", "content": content}
    async with talk(scripted.websocket, "beta", extra_query={"input_sample_rate": "16000"}) as session:
        await session.send({"type": "conversation.item.create", "item": item})
        created = (await session.until("conversation.item.added"))[-1]["item"]
        await session.send({"type": "conversation.item.retrieve", "item_id": created["id"]})
        retrieved = (await session.until("conversation.item.retrieved"))[-1]["item"]
    assert len(base64.b64decode(retrieved["content"][0]["audio"])) == 48_000


@pytest.mark.node
@pytest.mark.usefixtures("packages")
@requirement("tutorial.functions")
def test_the_functions_program_says_the_sum(scripted_sum: Serving, question: bytes, tmp_path: Path) -> None:
    seen = Program("functions", tmp_path, question).run(scripted_sum)
    assert kinds_of(seen.sent) == ["message", "response.create", "function_call_output", "response.create"]
    assert seen.order("response.audio.done") == [
        *QUESTION,
        *ANSWER,
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.done",
        "conversation.item.created",
        *SPOKEN,
    ]
    called, answered = [e["item"] for e in seen.received if e["type"] == "conversation.item.created"][1:3]
    assert (answered["type"], answered["output"]) == ("function_call_output", "12")
    assert answered["call_id"] == called["call_id"], "the server knows which call was meant"
    assert seen.transcript == "The result is 12."
    assert len(seen.pcm) == 48 * 60 * len(seen.transcript)
    assert seen.printed[-1] == f"Played {len(seen.pcm)} bytes."


@pytest.mark.models
@pytest.mark.timeout(400)
@pytest.mark.node
@pytest.mark.usefixtures("packages")
@requirement("models.tutorial")
def test_all_three_run_on_the_embedded_models(embedded: Serving, question: bytes, tmp_path: Path) -> None:
    written = Program("text", tmp_path).run(embedded)
    assert any(word in " ".join(written.printed).lower() for word in ("connect", "communicat", "protocol"))
    spoken = Program("audio", tmp_path, question).run(embedded)
    assert "Paris" in spoken.transcript
    added = Program("functions", tmp_path, sound("sum_7_5.flac")).run(embedded)
    assert added.sent[2]["item"]["output"] == "12"
    assert "12" in added.transcript or "twelve" in added.transcript.lower()
    for seen in (spoken, added):
        ms_per_word = len(seen.pcm) / 48 / len(seen.transcript.split())
        assert 100 < ms_per_word < 1_500, seen.transcript
