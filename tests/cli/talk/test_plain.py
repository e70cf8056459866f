"""Line by line, over a pipe, against a real server."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from tests.cli.talk.conftest import Room, until
from tests.serving import Serving, sound

from louro.cli.talk.opening import Plan, open_assistant
from louro.cli.talk.plain import Plain
from louro.cli.talk.words import ENGLISH, PORTUGUESE
from louro.protocol.session import RealtimeSession

pytestmark = pytest.mark.timeout(60)
LOURO = Path(sys.executable).parent / "louro"


def run(serving: Serving, lines: str, *options: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(LOURO), "talk", "--url", serving.address, "--key", "x", "--silent", *options]
    return subprocess.run(
        command, input=lines, capture_output=True, text=True, cwd=folder, timeout=60, check=False
    )


def test_a_conversation_over_a_pipe(serving: Serving, tmp_path: Path) -> None:
    (tmp_path / "my_lamp.py").write_text(
        'def turn_lamp(on: bool = True):\n    "Switch."\n    return "It is on."\n'
    )
    lines = "Hello\ncalculate_sum of 7 and 5\nturn_lamp please\n/nonsense\n/save saved\n"
    done = run(serving, lines, "--plain", "--tools", "my_lamp:turn_lamp", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stdout.splitlines() if not line.startswith("*")]
    assert told == [
        "You: Hello",
        "Louro: You said: Hello",
        "You: calculate_sum of 7 and 5",
        "[tool] calculate_sum(a=7.0, b=5.0)",
        "[tool] -> 12.0",
        "Louro: The result is 12.0.",
        "You: turn_lamp please",
        "[tool] turn_lamp()",
        "[tool] -> It is on.",
        "Louro: The result is It is on..",
    ]
    assert "* Saved in saved" in done.stdout
    assert "The result is 12.0." in (tmp_path / "saved" / "conversation.md").read_text("utf-8")


def test_output_that_is_no_terminal_is_plain_by_itself(serving: Serving, tmp_path: Path) -> None:
    done = run(serving, "Olá\n", "--lang", "pt", folder=tmp_path)
    assert "Você: Olá" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_server_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    command = [str(LOURO), "talk", "--url", "http://127.0.0.1:9", "--plain"]
    done = subprocess.run(
        command, input="", capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.anyio
async def test_enter_begins_and_enter_sends(plan: Plan, room: Room, tmp_path: Path) -> None:
    told = io.StringIO()
    async with open_assistant(Plan(**{**vars(plan), "by_hand": True}), print, print) as assistant:
        plain = Plain(assistant, ENGLISH, lambda: tmp_path, io.StringIO(""), told)
        assert assistant.state == "ready"
        await plain.do("")
        assert assistant.is_pressed
        room.microphone.hear(sound("capital.flac"))
        await room.microphone.wait_taken()
        await plain.do("")
        await until(lambda: assistant.state == "speaking")
        await until(lambda: room.plays() and assistant.state == "ready")
        with anyio.fail_after(10):
            await plain.run()
    assert "You: What is the capital of France?" in told.getvalue()
    assert "Louro: You said: What is the capital of France?" in told.getvalue()


@pytest.mark.anyio
async def test_the_models_are_spoken_to_in_the_language_of_the_screen(plan: Plan, tmp_path: Path) -> None:
    await plan.memory.set_memory("nome", "Ana")
    spoken = Plan(**{**vars(plan), "words": PORTUGUESE, "heard_language": "pt"})
    async with open_assistant(spoken, print, print) as assistant:
        session = assistant._client.session
        assert isinstance(session, RealtimeSession)
        assert session.instructions.startswith("Você é o Louro")
        assert session.instructions.endswith("O que você sabe sobre o usuário: nome: Ana.")
        assert session.audio.input.transcription is not None
        assert session.audio.input.transcription.language == "pt"


@pytest.mark.anyio
async def test_commands_do_what_keys_do(plan: Plan, room: Room, tmp_path: Path) -> None:
    told = io.StringIO()
    async with open_assistant(plan, print, print) as assistant:
        plain = Plain(assistant, ENGLISH, lambda: tmp_path / "folder", io.StringIO("/quit\nnever"), told)
        await plain.do("/mute")
        assert assistant.is_muted
        await plain.do("/mute")
        await plain.do("/mode")
        assert assistant.is_by_hand
        await plain.do("/talk")
        assert assistant.is_pressed
        room.microphone.hear(sound("capital.flac"))
        await room.microphone.wait_taken()
        await plain.do("/send")
        await until(lambda: assistant.state == "speaking")
        room.loudspeaker.play(200)
        await plain.do("/stop")
        await until(lambda: room.plays() and assistant.state == "ready")
        with anyio.fail_after(10):
            await plain.do("/save")
            await plain.run()
    assert (tmp_path / "folder" / "conversation.wav").exists()
    assert "Louro: You [...]" in told.getvalue()
    assert "never" not in told.getvalue()
