"""The client against a real server, over real sockets; only the engines follow a script."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from tests.serving import Serving

from louro.client import (
    ConnectionFailed,
    ConversationUpdated,
    RealtimeClient,
    RealtimeError,
    RealtimeEvent,
    ToolCall,
    ToolContext,
    ToolFinished,
    ToolProgress,
)
from louro.client.address import Dialect, find
from louro.protocol import server_events as ev
from louro.protocol.items import FunctionCallOutputItem, InputImage
from louro.protocol.response import ResponseParams
from louro.protocol.session import RealtimeSession

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]

SPEECH = (b"\x00\x20" * 12 + b"\x00\xe0" * 12) * 600
SILENCE = bytes(48 * 900)


def client_of(serving: Serving, dialect: Dialect = "ga", **more: Any) -> RealtimeClient:
    return RealtimeClient(serving.address, dialect=dialect, env_file=None, **more)


async def completed(client: RealtimeClient, role: str) -> str:
    """The words of the next item of that role."""
    with anyio.fail_after(10):
        while True:
            item = await client.wait_for_next_completed_item()
            if item.role == role:
                return item.words


@pytest.mark.parametrize("dialect", ["ga", "beta"])
async def test_a_written_question_is_answered(scripted: Serving, dialect: Dialect) -> None:
    deltas: list[ConversationUpdated] = []
    async with client_of(scripted, dialect) as client:
        client.on("conversation.updated", deltas.append)
        await client.update_session(instructions="Be brief.")
        item = await client.send_user_message("Good morning.")
        assert item.words == "Good morning."
        assert await completed(client, "assistant") == "You said: Good morning."
        assert [(one.role, one.words) for one in client.conversation] == [
            ("user", "Good morning."),
            ("assistant", "You said: Good morning."),
        ]
        answer = list(client.conversation)[1]
        assert len(answer.formatted.audio) == answer.audio_ms * 48 > 0
    transcript = "".join(update.delta.transcript for update in deltas if update.delta)
    assert transcript == "You said: Good morning."
    assert not client.is_connected


async def test_a_spoken_question_is_answered(scripted: Serving) -> None:
    async with client_of(scripted) as client:
        await client.update_session(transcription={"model": "whisper-1"})
        events = client.events("conversation.interrupted", "conversation.item.completed")
        sound = SPEECH + SILENCE
        for start in range(0, len(sound), 960):
            await client.append_input_audio(sound[start : start + 960])
        names = []
        with anyio.fail_after(10):
            async for name, event in events:
                names.append(name)
                if name == "conversation.item.completed" and event.item.role == "assistant":
                    break
        assert names[0] == "conversation.interrupted"
        spoken = next(iter(client.conversation))
        assert spoken.words == "What is the capital of France?"
        assert 500 <= spoken.audio_ms <= 1_400
        assert len(spoken.formatted.audio) == spoken.audio_ms * 48


async def test_turns_by_hand_are_committed_when_an_answer_is_asked_for(scripted: Serving) -> None:
    async with client_of(scripted) as client:
        await client.update_session(turn_detection=None)
        await client.append_input_audio(SPEECH)
        await client.create_response()
        assert "capital of France" in await completed(client, "assistant")


async def test_tools_run_side_by_side_and_what_breaks_is_told_to_the_model(scripted: Serving) -> None:
    both = anyio.Event()
    running = 0

    async def add(a: float, b: float) -> float:
        """Add two numbers.

        Args:
            a: the first
            b: the second
        """
        nonlocal running
        running += 1
        if running == 2:
            both.set()
        await both.wait()
        return a + b

    def broken() -> str:
        raise ValueError("the lamp is out")

    async with client_of(scripted) as client:
        await client.add_tool(add)
        await client.add_tool(broken)
        assert isinstance(client.session, RealtimeSession)
        definition = client.session.tools[0]
        assert definition.parameters["properties"]["a"] == {"description": "the first", "type": "number"}  # type: ignore[union-attr, index]
        finished: list[ToolFinished] = []
        client.on("tool.finished", finished.append)
        async with client_of(scripted) as other:
            await other.add_tool(add)
            await client.send_user_message("add 2 and 3")
            await other.send_user_message("add 4 and 5")
            assert await completed(client, "assistant") == "The result is 5.0."
        await client.send_user_message("call broken now")
        told = await completed(client, "assistant")
        assert json.loads(told.removeprefix("The result is ").removesuffix("."))["error"] == (
            "ValueError: the lamp is out"
        )
        assert [one.outcome.is_error for one in finished] == [False, True]
        await client.remove_tool("broken")
        with pytest.raises(RealtimeError, match="no tool 'broken'"):
            await client.remove_tool("broken")


async def test_whoever_hangs_up_while_a_call_is_answered_leaves_without_an_error(scripted: Serving) -> None:
    called = anyio.Event()

    async def add(a: float, b: float) -> float:
        called.set()
        return a + b

    for turns in range(0, 100, 5):
        async with client_of(scripted) as client:
            await client.add_tool(add)
            await client.send_user_message("add 2 and 3")
            await called.wait()
            called = anyio.Event()
            for _ in range(turns):
                await anyio.lowlevel.checkpoint()


async def test_a_result_that_the_server_refuses_is_an_error_event_and_the_program_lives(
    scripted: Serving,
) -> None:
    async def forget() -> str:
        await client.delete_item(
            next(item.id for item in client.conversation if item.type == "function_call")
        )
        return "forgotten"

    with anyio.fail_after(10):
        async with client_of(scripted) as client:
            refused: list[RealtimeError] = []
            told = anyio.Event()
            client.on("error", refused.append)
            client.on("error", lambda _: told.set())
            await client.add_tool(forget)
            await client.send_user_message("please forget")
            await told.wait()
            assert [error.param for error in refused] == ["item.call_id"]
            await client.send_user_message("hello")


async def test_many_tools_are_told_at_once_or_not_at_all(scripted: Serving) -> None:
    def lamp() -> None: ...

    def door() -> None: ...

    def bell() -> None: ...

    async with client_of(scripted) as client:
        updates: list[object] = []
        client.on("session.updated", updates.append)
        await client.add_tools(lamp, door)
        assert len(updates) == 1
        with pytest.raises(RealtimeError, match="a tool 'door' already"):
            await client.add_tools(bell, door)
        assert isinstance(client.session, RealtimeSession)
        assert [tool.name for tool in client.session.tools] == ["lamp", "door"]  # type: ignore[union-attr]
        await client.remove_tool("lamp")


async def test_it_is_not_quiet_while_an_answer_waits_for_a_tool(scripted: Serving) -> None:
    release = anyio.Event()

    async def wait() -> str:
        await release.wait()
        return "waited"

    async with client_of(scripted) as client:
        asked = anyio.Event()
        client.on("response.done", lambda _: asked.set())
        await client.add_tool(wait)
        await client.send_user_message("please wait")
        with anyio.fail_after(5):
            await asked.wait()
            await client.wait_until_quiet(with_tools=False)
        with anyio.move_on_after(0.2) as scope:
            await client.wait_until_quiet()
        assert scope.cancelled_caught
        release.set()
        with anyio.fail_after(5):
            await client.wait_until_quiet()
        assert list(client.conversation)[-1].formatted.transcript == "The result is waited."


async def test_a_tool_that_takes_too_long_is_given_up(scripted: Serving) -> None:
    async def wait() -> None:
        await anyio.sleep_forever()

    async with client_of(scripted) as client:
        await client.add_tool(wait, timeout_s=0.01)
        await client.send_user_message("please wait")
        assert "took longer than 0.01 seconds" in await completed(client, "assistant")


async def test_a_slow_tool_is_answered_for_at_once_and_again_when_it_is_done(scripted: Serving) -> None:
    release = anyio.Event()

    async def bake(context: ToolContext) -> str:
        context.report("half baked")
        await release.wait()
        return "a cake"

    async with client_of(scripted) as client:
        progress: list[ToolProgress] = []
        client.on("tool.progress", progress.append)
        await client.add_tool(bake, slow=True)
        assert isinstance(client.session, RealtimeSession)
        assert client.session.tools[0].parameters == {"type": "object", "properties": {}, "required": []}  # type: ignore[union-attr]
        await client.send_user_message("bake")
        assert "This takes a while" in await completed(client, "assistant")
        await client.remove_tool("bake")  # or the script calls it again
        release.set()
        assert "a cake" in await completed(client, "assistant")
        assert [one.message for one in progress] == ["half baked"]


async def test_a_dangerous_tool_asks_first(scripted: Serving) -> None:
    asked: list[ToolCall] = []

    async def ask(call: ToolCall) -> bool:
        asked.append(call)
        return False

    def explode(code: int = 0) -> str:
        pytest.fail("nobody allowed this")

    async with client_of(scripted) as client:
        await client.add_tool(explode, confirm=ask)
        await client.send_user_message("explode 7")
        assert "did not allow" in await completed(client, "assistant")
        assert json.loads(asked[0].arguments) == {"code": 7.0}


async def test_what_the_server_refuses_is_raised_where_it_was_asked_for(scripted: Serving) -> None:
    async with client_of(scripted) as client:
        with pytest.raises(RealtimeError) as refused:
            await client.update_session(turn_detection={"type": "server_vad", "threshold": 7})
        assert refused.value.code == "invalid_value"
        with pytest.raises(RealtimeError, match="cannot be"):
            await client.update_session(no_such_setting=1)
        image = InputImage("data:image/gif;base64,AAAA")
        with pytest.raises(RealtimeError) as wrong:
            await client.send_user_message((image,))
        assert wrong.value.event_id is not None
        assert not len(client.conversation)


def greedy(*rest: int) -> None:
    pytest.fail("nobody can call this")


async def test_what_cannot_be_is_refused_before_it_is_sent(scripted: Serving) -> None:
    sent: list[RealtimeEvent] = []
    async with client_of(scripted) as client:
        client.on("realtime.event", sent.append)
        for wrong in (
            client.append_input_audio(b"\x00"),
            client.delete_item("none"),
            client.cancel_response("none"),
            client.send_user_message(""),
        ):
            with pytest.raises(RealtimeError):
                await wrong
        with pytest.raises(TypeError, match="cannot be one"):
            await client.add_tool(greedy)
        with pytest.raises(TypeError, match="needs a name"):
            await client.add_tool(lambda: None)
        with pytest.raises(TypeError, match="no definition"):
            await client.add_tool(greedy, {"parameters": {}})
        await client.append_input_audio(b"")
    assert [one for one in sent if one.source == "client"] == []


async def test_callbacks_and_iterations_choose_by_name(scripted: Serving) -> None:
    seen: list[str] = []
    slow = anyio.Event()

    async def in_its_own_time(event: object) -> None:
        slow.set()

    def note(event: ev.ServerEvent) -> None:
        seen.append(str(event.__struct_config__.tag))

    async with client_of(scripted) as client:
        client.on("response.*", note)
        client.on("response.done", in_its_own_time)
        await client.send_user_message("Hi.")
        await completed(client, "assistant")
        with anyio.fail_after(5):
            await slow.wait()
        assert set(seen) >= {"response.created", "response.output_audio.delta", "response.done"}
        client.off("response.*")
        seen.clear()
        await client.send_user_message("Hi.")
        await completed(client, "assistant")
        assert not seen


async def test_who_begins_to_listen_later_is_told_from_then_on(scripted: Serving) -> None:
    async with client_of(scripted) as client:
        await client.send_user_message("Hi.")
        await completed(client, "assistant")
        done = client.events("response.done")
        names: list[str] = []
        client.on("response.created", lambda event: names.append(event.response.status))
        await client.send_user_message("Hi.")
        with anyio.fail_after(5):
            assert (await anext(done)).event.response.status == "completed"
        assert names == ["in_progress"]


async def test_who_sends_without_a_pause_lets_others_have_a_turn(scripted: Serving) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await anyio.lowlevel.checkpoint()
            turns += 1

    async with client_of(scripted) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(count)
        for _ in range(80):
            await client.append_input_audio(SILENCE[:960])
        assert turns >= 9
        tasks.cancel_scope.cancel()


async def test_one_event_can_be_waited_for(scripted: Serving) -> None:
    async with client_of(scripted) as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.send_user_message, "Hi.")
            with anyio.fail_after(5):
                done = await client.wait_for_next("response.done")
        assert done.response.status == "completed"
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.disconnect)
            with pytest.raises(ConnectionFailed):
                await client.wait_for_next("response.done")


async def test_items_can_be_cut_and_deleted(scripted: Serving) -> None:
    async with client_of(scripted) as client:
        await client.send_user_message("One two three four five six seven eight.")
        await completed(client, "assistant")
        await client.wait_until_quiet()
        answer = list(client.conversation)[1]
        whole = answer.words
        item = await client.cancel_response(answer.id, sample_count=answer.audio_ms * 24 // 2)
        assert item is answer
        assert answer.heard_ms == answer.audio_ms // 2
        assert whole.startswith(answer.heard_words)
        assert 0 < len(answer.heard_words) < len(whole)
        with pytest.raises(RealtimeError, match="Only what the assistant says"):
            await client.cancel_response(next(iter(client.conversation)).id)
        await client.delete_item(answer.id)
        assert client.conversation.get(answer.id) is None


async def test_a_response_beside_the_conversation_leaves_it_alone(scripted: Serving) -> None:
    async with client_of(scripted) as client:
        done = client.events("response.done")
        await client.create_response(
            ResponseParams(
                conversation="none", output_modalities=("text",), metadata={"for": "test"}, input=()
            )
        )
        with anyio.fail_after(5):
            _, event = await anext(done)
        assert event.response.metadata == {"for": "test"}
        assert not len(client.conversation)
        await client.send_user_message("Hi.")
        assert await completed(client, "assistant") == "You said: Hi."


async def test_two_answers_at_once_are_refused(scripted: Serving) -> None:
    async with client_of(scripted) as client:
        await client.send_user_message("Hi.", respond=False)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.create_response)
            await anyio.lowlevel.checkpoint()
            with pytest.raises(RealtimeError) as refused:
                await client.create_response()
        assert refused.value.code == "conversation_already_has_active_response"


async def test_raw_events_can_be_sent_and_seen(scripted: Serving) -> None:
    async with client_of(scripted) as client:
        errors = client.events("error")
        await client.send_raw('{"type": "no.such.event"}')
        with anyio.fail_after(5):
            _, error = await anext(errors)
        assert isinstance(error, RealtimeError)
        assert error.param == "type"


async def test_nobody_there_is_told_with_the_cure() -> None:
    with pytest.raises(ConnectionFailed, match="louro serve"):
        async with RealtimeClient("http://127.0.0.1:9", env_file=None):
            pytest.fail("nobody is there")
    with pytest.raises(ConnectionFailed, match="no address"):
        RealtimeClient("ftp://example.com", env_file=None)


async def test_a_wrong_path_is_told(scripted: Serving) -> None:
    with pytest.raises(ConnectionFailed, match="404"):
        async with RealtimeClient(f"{scripted.address}/v9/realtime", env_file=None):
            pytest.fail("there is nothing")


async def test_a_function_call_can_be_answered_by_hand(scripted: Serving) -> None:
    async with client_of(scripted) as client:
        tools = [{"type": "function", "name": "lamp", "parameters": {"type": "object", "properties": {}}}]
        await client.update_session(tools=tools)
        calls = client.events("conversation.item.completed")
        await client.send_user_message("lamp")
        with anyio.fail_after(5):
            async for _, event in calls:
                if event.item.type == "function_call":
                    break
        await client.wait_until_quiet()
        call_id = event.item.item.call_id
        await client.create_item(FunctionCallOutputItem(call_id=call_id, output="on"))
        await client.create_response()
        assert await completed(client, "assistant") == "The result is on."


def test_addresses_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert (
        find(None, None, None, "ga", env_file=None).url
        == "ws://127.0.0.1:8765/v1/realtime?model=gpt-realtime"
    )
    env_file = tmp_path / ".env"
    env_file.write_text("OPENAI_API_KEY=sk-file\n", encoding="utf-8")
    openai = find(None, None, "gpt-realtime-mini", "ga", env_file=str(env_file))
    assert openai.url == "wss://api.openai.com/v1/realtime?model=gpt-realtime-mini"
    assert openai.headers == {"Authorization": "Bearer sk-file"}
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://10.0.0.1:8000/v1")
    local = find(None, None, None, "beta", env_file=str(env_file))
    assert local.url == "ws://10.0.0.1:8000/v1/realtime?model=gpt-4o-realtime-preview"
    assert local.headers == {"Authorization": "Bearer sk-environment", "OpenAI-Beta": "realtime=v1"}
    assert (
        find("localhost:8081/", None, "m", "ga", env_file=None).url
        == "ws://localhost:8081/v1/realtime?model=m"
    )
    today = find("https://me.openai.azure.com", "k", "d", "ga", env_file=None)
    assert today.url == "wss://me.openai.azure.com/openai/v1/realtime?model=d"
    assert today.headers == {"api-key": "k"}
    preview = find("https://me.openai.azure.com", "k", "d", "beta", env_file=None)
    assert preview.url == (
        "wss://me.openai.azure.com/openai/realtime?api-version=2024-10-01-preview&deployment=d"
    )
    assert "k" not in today.shown
