"""A server that is killed in the middle of an answer, and comes back: nothing is lost, nothing is said twice."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from msgspec import structs
from tests.serving import SCRIPTED, Serving

from louro.client import ConnectionFailed, RealtimeClient, RealtimeError
from louro.client import connection as connection_module
from louro.protocol import client_events as ce
from louro.protocol import server_events as ev
from louro.protocol.session import RealtimeSession
from louro.server import load_engines

pytestmark = [pytest.mark.anyio]

KILLS = int(os.environ.get("LOURO_KILLS", "4"))
LOURO = Path(sys.executable).with_name("louro")
SPEECH = (b"\x00\x20" * 12 + b"\x00\xe0" * 12) * 600
SILENCE = bytes(48 * 900)


class Killable:
    """`louro serve` as a process of its own, always at the same port."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        engines = [
            f"--{kind}=scripted{':words_per_s=40' if kind == 'llm' else ''}"
            for kind in ("vad", "stt", "llm", "tts")
        ]
        command = [str(LOURO), "serve", "--port", str(self.port), *engines]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert re.search("http", self._process.stdout.readline())

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()


@pytest.fixture
def killable() -> Iterator[Killable]:
    server = Killable()
    server.start()
    yield server
    server.kill()


@pytest.mark.timeout(60 + 10 * KILLS)
@pytest.mark.slow
async def test_a_killed_server_costs_no_item_and_no_word(killable: Killable) -> None:
    told: dict[str, list[str]] = {}

    def note(event: ev.ResponseOutputAudioTranscriptDelta) -> None:
        told.setdefault(event.item_id, []).append(event.delta)

    async with RealtimeClient(killable.url, env_file=None) as client:
        client.on("response.output_audio_transcript.delta", note)
        back = client.events("reconnected")
        await client.update_session(instructions="Repeat.")
        questions = [f"round {number}: " + "la " * 30 + "end" for number in range(KILLS)]
        for question in questions:
            heard = client.events("response.output_audio_transcript.delta")
            await client.send_user_message(question)
            with anyio.fail_after(10):
                for _ in range(5):
                    await anext(heard)
            await anyio.to_thread.run_sync(killable.kill)
            await anyio.to_thread.run_sync(killable.start)
            with anyio.fail_after(30):
                await anext(back)
                await client.wait_until_quiet()
        await check_that_the_server_knows(client)
        asked = [item.words for item in client.conversation if item.role == "user"]
        assert asked == questions
        answers = [item for item in client.conversation if item.role == "assistant"]
        assert len(answers) == KILLS
        for question, answer in zip(questions, answers, strict=True):
            assert f"You said: {question}".startswith(answer.words)
            assert "".join(told[answer.id]) == answer.words
        assert set(told) == {answer.id for answer in answers}


async def check_that_the_server_knows(client: RealtimeClient) -> None:
    retrieved = client.events("conversation.item.retrieved")
    for item in client.conversation:
        await client.send(ce.ConversationItemRetrieve(item_id=item.id))
        with anyio.fail_after(5):
            _, event = await anext(retrieved)
        assert event.item.id == item.id


@pytest.mark.timeout(60)
async def test_an_answer_that_had_not_begun_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "FIRST_BACKOFF_S", 0.01)
    settings = structs.replace(SCRIPTED, llm="scripted:delay_ms=400")
    with Serving(settings, load_engines(settings, lambda _: None)) as serving:
        async with RealtimeClient(serving.address, env_file=None) as client:
            await client.send_user_message("Hi.")
            await cut(client)
            with anyio.fail_after(20):
                while (item := await client.wait_for_next_completed_item()).role != "assistant":
                    pass
            assert item.words == "You said: Hi."
            assert len(client.conversation) == 2


@pytest.mark.timeout(60)
@pytest.mark.parametrize("is_known", [True, False], ids=["known-to-be-lost", "just-lost"])
async def test_what_is_sent_while_there_is_no_connection_is_sent_once(
    is_known: bool, scripted: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "FIRST_BACKOFF_S", 0.01)
    refused: list[RealtimeError] = []
    async with RealtimeClient(scripted.address, env_file=None) as client:
        client.on("error", refused.append)
        await client.send_user_message("One.", respond=False)
        if is_known:
            await cut(client)
        else:
            break_link(client)
        async with anyio.create_task_group() as tasks:
            for text in ("Two.", "Three."):
                tasks.start_soon(lambda said=text: client.send_user_message(said, respond=False))  # type: ignore[misc]
            tasks.start_soon(lambda: client.update_session(instructions="Be brief."))
            tasks.start_soon(client.create_response)
        await check_that_the_server_knows(client)
        while (item := await client.wait_for_next_completed_item()).role != "assistant":
            pass
        asked = [item.words for item in client.conversation if item.role == "user"]
        assert sorted(asked) == ["One.", "Three.", "Two."]
        assert item.words.startswith("You said: ")
        assert isinstance(client.session, RealtimeSession)
        assert client.session.instructions == "Be brief."
    assert not refused


@pytest.mark.timeout(60)
async def test_sound_that_waits_for_the_connection_is_sent_once(
    scripted: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "FIRST_BACKOFF_S", 0.01)
    async with RealtimeClient(scripted.address, env_file=None) as client:
        await client.update_session(turn_detection=None)
        for _ in range(5):
            await client.append_input_audio(SPEECH[: 48 * 100])
        await cut(client)
        for _ in range(5):
            await client.append_input_audio(SPEECH[: 48 * 100])
        added = client.events("conversation.item.added")
        await client.create_response()
        with anyio.fail_after(10):
            while (event := (await anext(added)).event).item.role != "user":
                pass
            await client.wait_until_quiet()
            retrieved = client.events("conversation.item.retrieved")
            await client.send(ce.ConversationItemRetrieve(item_id=event.item.id))
            _, told = await anext(retrieved)
        assert len(told.item.content[0].audio) == 48 * 1_000


@pytest.mark.timeout(60)
async def test_an_answer_that_is_cut_while_there_is_no_connection_is_told_as_far_as_it_was_heard(
    scripted: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "FIRST_BACKOFF_S", 0.01)
    refused: list[RealtimeError] = []
    async with RealtimeClient(scripted.address, env_file=None) as client:
        client.on("error", refused.append)
        await client.send_user_message("One two three four five six seven eight.")
        while (answer := await client.wait_for_next_completed_item()).role != "assistant":
            pass
        await cut(client)
        await client.truncate_item(answer.id, answer.audio_ms // 2)
        retrieved = client.events("conversation.item.retrieved")
        await client.send(ce.ConversationItemRetrieve(item_id=answer.id))
        with anyio.fail_after(5):
            _, told = await anext(retrieved)
        assert told.item.content[0].text == answer.heard_words
        assert 0 < len(answer.heard_words) < len(answer.words)
        with pytest.raises(RealtimeError):
            await client.truncate_item(answer.id, 0)
        assert answer.heard_ms == answer.audio_ms // 2
    assert not refused


@pytest.mark.timeout(60)
async def test_a_turn_goes_on_after_the_connection_broke_in_its_middle(
    scripted: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "FIRST_BACKOFF_S", 0.01)
    async with RealtimeClient(scripted.address, env_file=None) as client:
        started = client.events("input_audio_buffer.speech_started")
        await client.append_input_audio(SPEECH)
        with anyio.fail_after(5):
            await anext(started)
        await cut(client)
        await client.append_input_audio(SILENCE)
        with anyio.fail_after(10):
            while (await client.wait_for_next_completed_item()).role != "assistant":
                pass
        spoken = next(iter(client.conversation))
        assert spoken.audio_ms > 500, "what was said before the break is part of it"


@pytest.mark.timeout(60)
async def test_a_session_that_will_expire_is_left_when_nobody_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "RENEW_BEFORE_S", 6.0)
    settings = structs.replace(SCRIPTED, max_session_s=8)
    with Serving(settings, load_engines(settings, lambda _: None)) as serving:
        began = time.monotonic()
        async with RealtimeClient(serving.address, env_file=None) as client:
            back = client.events("reconnected", "error")
            await client.send_user_message("Hi.")
            with anyio.fail_after(30):
                name, event = await anext(back)
            assert name == "reconnected"
            assert event.reason == "the session was about to expire"
            assert event.items == 2
            assert time.monotonic() - began < 8


@pytest.mark.timeout(60)
async def test_a_key_that_is_refused_is_not_tried_again() -> None:
    settings = structs.replace(SCRIPTED, api_keys=("sk-right",))
    with Serving(settings, load_engines(settings, lambda _: None)) as serving:
        with pytest.raises(RealtimeError) as refused:
            async with RealtimeClient(serving.address, api_key="sk-wrong", env_file=None):
                pytest.fail("the key is wrong")
        assert refused.value.code == "invalid_api_key"
        async with RealtimeClient(serving.address, api_key="sk-right", env_file=None) as client:
            await client.wait_for_session_created()
            await client.disconnect()
            with anyio.fail_after(5):
                await client.wait_closed()
            with pytest.raises(RealtimeError, match="over"):
                await client.send_user_message("Hi.")


@pytest.mark.timeout(60)
async def test_a_connection_lost_for_good_drops_what_a_tool_found_and_says_so() -> None:
    release, called = anyio.Event(), anyio.Event()

    async def add(a: float, b: float) -> float:
        called.set()
        await release.wait()
        return a + b

    told: list[str] = []
    with Serving(SCRIPTED, load_engines(SCRIPTED, lambda _: None)) as serving:
        async with RealtimeClient(serving.address, env_file=None, reconnect=False) as client:
            client.on("tool.finished", lambda event: told.append(f"finished {event.outcome.output}"))
            client.on("close", lambda event: told.append(f"close {event.code}"))
            client.on("error", lambda error: told.append(str(error)))
            everything = client.events()
            await client.add_tool(add)
            await client.send_user_message("add 2 and 3")
            with anyio.fail_after(10):
                await called.wait()
                break_link(client)
                assert [name async for name, _ in everything][-1] == "close"
                with pytest.raises(
                    ConnectionFailed, match=r"^The connection is over: the connection broke\.$"
                ):
                    await client.send_user_message("Are you there?")
                release.set()
                await client.wait_until_quiet()
    assert told == [
        "close 1006",
        "finished 5.0",
        "The result of add is dropped. The connection is over: the connection broke.",
    ]


@pytest.mark.timeout(60)
async def test_a_server_that_will_not_have_us_back_ends_what_waits_with_its_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection_module, "FIRST_BACKOFF_S", 0.01)
    settings = structs.replace(SCRIPTED, llm="scripted:delay_ms=60000", api_keys=("sk-right",))
    with Serving(settings, load_engines(settings, lambda _: None)) as serving:
        async with RealtimeClient(serving.address, api_key="sk-right", env_file=None) as client:
            await client.send_user_message("Hi.")
            client.address.headers["Authorization"] = "Bearer sk-wrong"  # type: ignore[index]
            break_link(client)
            with anyio.fail_after(10):
                with pytest.raises(ConnectionFailed, match=r"over: .*key") as lost:
                    await client.wait_for_next("response.done")
                assert lost.value.code == "invalid_api_key"
                await client.wait_until_quiet()
                await client.wait_closed()


async def cut(client: RealtimeClient) -> None:
    """As if somebody had pulled the cable."""
    break_link(client)
    gone = client.events("reconnecting")
    with anyio.fail_after(5):
        await anext(gone)


def break_link(client: RealtimeClient) -> None:
    assert client._connection._link is not None
    client._connection._link._socket.transport.abort()
