"""Responses: what can be asked of one, how several live together, and how one fails."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from louro.server import load_engines
from tests.conformance.marks import requirement
from tests.conformance.talk import DIALECTS, in_dialect, names, talk, user
from tests.oracle import Dialect, Event
from tests.serving import SCRIPTED, Serving

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]
both = pytest.mark.parametrize("dialect", DIALECTS)

LONG = "word " * 2_000
ADD = {
    "type": "function",
    "name": "add",
    "parameters": {"type": "object", "properties": {"a": {"type": "number"}}},
}
NO_USAGE = {"text_tokens": 0, "audio_tokens": 0}


def written(dialect: Dialect) -> Event:
    return {"modalities": ["text"]} if dialect == "beta" else {"output_modalities": ["text"]}


def ask(dialect: Dialect, **wish: Any) -> Event:
    return {"type": "response.create", "response": {**written(dialect), **wish}}


def said(response: Event) -> str:
    part = response["output"][0]["content"][0]
    words: str = part.get("text") or part.get("transcript")
    return words


@both
@pytest.mark.parametrize("wish", [{}, {"response": None}, {"response": {}}], ids=["absent", "null", "empty"])
@requirement("response.empty")
async def test_a_response_can_be_asked_for_without_a_word(
    scripted: Serving, dialect: Dialect, wish: Event
) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.send({"type": "response.create", "event_id": None, **wish})
        assert (await session.until("response.done"))[-1]["response"]["status"] == "completed"


@both
@requirement("response.object")
async def test_a_response_has_the_keys_of_the_wire(scripted: Serving, dialect: Dialect) -> None:
    common = {
        *("object", "id", "status", "status_details", "output", "conversation_id"),
        *("max_output_tokens", "metadata", "usage"),
    }
    own = {"modalities", "voice", "output_audio_format", "temperature"}
    async with talk(scripted.websocket, dialect) as session:
        await session.send({"type": "response.create"})
        events = await session.until("response.done")
        created = next(e for e in events if e["type"] == "response.created")["response"]
        done = events[-1]["response"]
        keys = common | (own if dialect == "beta" else {"output_modalities", "audio"})
        assert set(created) == set(done) == keys
        assert (created["status"], created["output"], created["usage"]) == ("in_progress", [], None)
        assert (created["status_details"], done["status_details"], done["metadata"]) == (None, None, None)
        if dialect == "beta":
            assert (created["voice"], created["output_audio_format"]) == ("alloy", "pcm16")
        else:
            sound = {"format": {"type": "audio/pcm", "rate": 24_000}, "voice": "alloy"}
            assert created["audio"] == {"output": sound}


@both
@requirement("response.overrides")
async def test_a_wish_is_for_one_response_only(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.send(user("Hi."), ask(dialect, instructions="Shout.", tools=[], tool_choice="none"))
        one = (await session.until("response.done"))[-1]["response"]
        assert one["output"][0]["content"][0]["type"].endswith("text")
        await session.send({"type": "response.create"})
        two = (await session.until("response.done"))[-1]["response"]
        assert two["output"][0]["content"][0]["type"].endswith("audio")


@both
@requirement("response.limit")
async def test_a_limit_of_tokens_ends_an_answer_early(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        for name in ("max_output_tokens", *(["max_response_output_tokens"] if dialect == "beta" else [])):
            await session.send(user("one two three"), ask(dialect, **{name: 3}))
            response = (await session.until("response.done"))[-1]["response"]
            assert (response["status"], response["max_output_tokens"]) == ("incomplete", 3)
            assert response["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
            assert response["output"][0]["status"] == "incomplete"
            assert said(response) == "You said: one"


@both
@requirement("response.metadata")
async def test_metadata_comes_back_and_is_bounded(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        most = {f"{number:02}" + "k" * 62: "v" * 512 for number in range(16)}
        await session.send(ask(dialect, metadata=most))
        events = await session.until("response.done")
        for event in events:
            if event["type"] in ("response.created", "response.done"):
                assert event["response"]["metadata"] == most
        for wrong in ({"k" * 65: "v"}, {"k": "v" * 513}, {str(number): "v" for number in range(17)}):
            error = await session.refused(ask(dialect, metadata=wrong))
            assert error["code"] == "invalid_value"
            assert error["param"].startswith("response.metadata")


@both
@requirement("response.conflict")
async def test_one_answer_at_a_time_in_the_conversation(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.send(user(LONG), {"type": "response.create"})
        created = (await session.until("response.created"))[-1]["response"]
        error = await session.refused({"type": "response.create"})
        assert error["code"] == "conversation_already_has_active_response"
        assert error["message"].startswith(
            f"Conversation already has an active response in progress: {created['id']}. Wait until "
        )
        await session.send({"type": "response.cancel"})
        await session.until("response.done")


@both
@requirement("response.parallel")
async def test_answers_out_of_band_run_beside_the_conversation(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.send(user(LONG), {"type": "response.create"})
        main = (await session.until("response.created"))[-1]["response"]["id"]
        await session.send(ask(dialect, conversation="none", input=[user("aside")["item"]]))
        events = await session.until("response.done")
        assert (events[-1]["response"]["id"], said(events[-1]["response"])) != (main, "")
        assert events[-1]["response"]["conversation_id"] is None
        await session.send({"type": "response.cancel", "response_id": main})
        assert (await session.until("response.done"))[-1]["response"]["id"] == main


@both
@requirement("response.cancel.id")
async def test_an_answer_out_of_band_is_cancelled_by_its_id(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        spoken = {"conversation": "none", "input": [user(LONG)["item"]]}
        await session.send({"type": "response.create", "response": spoken})
        aside = (await session.until("response.created"))[-1]["response"]["id"]
        error = await session.refused({"type": "response.cancel"})
        assert error["code"] == "response_cancel_not_active", "it is not the conversation's"
        await session.send({"type": "response.cancel", "response_id": aside})
        done = (await session.until("response.done"))[-1]["response"]
        assert (done["id"], done["status"]) == (aside, "cancelled")
        error = await session.refused({"type": "response.cancel", "response_id": aside})
        assert error["code"] == "response_cancel_not_active"


@both
@requirement("response.input")
async def test_a_response_reads_what_it_is_given(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.send(user("in the conversation", id="known"))
        await session.send(ask(dialect, conversation="none", input=[]))
        assert said((await session.until("response.done"))[-1]["response"]) == "You said nothing."
        reference = {"type": "item_reference", "id": "known"}
        await session.send(ask(dialect, conversation="none", input=[user("x")["item"], reference]))
        assert said((await session.until("response.done"))[-1]["response"]) == "You said: in the conversation"
        error = await session.refused(ask(dialect, input=[{"type": "item_reference", "id": "nobody"}]))
        assert (error["code"], error["param"]) == ("invalid_value", "response.input[0].id")


@both
@requirement("response.choice")
async def test_a_tool_can_be_demanded_and_forbidden(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.send(user("add 7"))
        for choice, kind in (
            ("required", "function_call"),
            ({"type": "function", "name": "add"}, "function_call"),
            ("none", "message"),
        ):
            await session.send(ask(dialect, conversation="none", tools=[ADD], tool_choice=choice))
            (item,) = (await session.until("response.done"))[-1]["response"]["output"]
            assert item["type"] == kind


@both
@requirement("response.failed")
async def test_a_model_that_fails_fails_its_response_and_nothing_else(dialect: Dialect) -> None:
    settings = structs.replace(SCRIPTED, llm="scripted:fail")
    with Serving(settings, load_engines(settings, lambda _: None)) as serving:
        async with talk(serving.websocket, dialect) as session:
            await session.send({"type": "response.create"})
            events = await session.until("response.done")
            assert "error" not in [event["type"] for event in events]
            done = events[-1]["response"]
            assert done["status"] == "failed"
            assert done["status_details"]["type"] == "failed"
            assert set(done["status_details"]["error"]) == {"type", "code", "message"}
            assert done["status_details"]["error"]["type"] == "server_error"
            assert done["usage"]["output_token_details"] == NO_USAGE
            await session.nothing_more()


@both
@requirement("cut.race")
async def test_a_cancel_that_comes_too_late_is_an_error_after_the_answer(
    scripted: Serving, dialect: Dialect
) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.send(ask(dialect))
        done = (await session.until("response.done"))[-1]["response"]
        assert done["status"] == "completed"
        error = await session.refused({"type": "response.cancel", "response_id": done["id"]})
        assert error["code"] == "response_cancel_not_active"


@both
@requirement("cut.text")
async def test_a_written_answer_is_cut_with_its_whole_frame(dialect: Dialect) -> None:
    settings = structs.replace(SCRIPTED, llm="scripted:words_per_s=50,text=" + LONG)
    with Serving(settings, load_engines(settings, lambda _: None)) as serving:
        async with talk(serving.websocket, dialect) as session:
            await session.send(ask(dialect))
            await session.until("response.output_text.delta", 3)
            await session.send({"type": "response.cancel"})
            events = await session.until("response.done")
            tail = names(events, without=lambda kind: kind.endswith(".delta"))
            expected = [
                "response.output_text.done",
                "response.content_part.done",
                "conversation.item.done",
                "response.output_item.done",
                "response.done",
            ]
            assert tail == in_dialect(expected, dialect)
            whole = "".join(e["delta"] for e in session.events if e["type"].endswith("text.delta"))
            done = next(e for e in events if e["type"].endswith("text.done"))
            assert done["text"] == whole == said(events[-1]["response"])
            assert events[-1]["response"]["usage"]["output_tokens"] > 0


@requirement("response.transcription")
async def test_a_transcription_session_makes_no_responses(scripted: Serving) -> None:
    intent = {"intent": "transcription"}
    async with talk(scripted.websocket, "ga", model="", extra_query=intent) as session:
        error = await session.refused({"type": "response.create"})
        assert (error["code"], error["param"]) == ("invalid_value", "type")
