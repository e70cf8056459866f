"""Items of the conversation, by the official Python SDK, in both dialects."""

from __future__ import annotations

import base64

import pytest

from louro.server import load_engines
from tests.conformance.marks import requirement
from tests.conformance.talk import DIALECTS, Talk, talk, user
from tests.oracle import Dialect, Event
from tests.serving import SCRIPTED, Serving

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]
both = pytest.mark.parametrize("dialect", DIALECTS)

PICTURE = "data:image/png;base64,iVBORw0KGgo="
CALL = {"type": "function_call", "name": "now", "arguments": "{}", "call_id": "call_mine"}


def create(item: Event, **where: str | None) -> Event:
    return {"type": "conversation.item.create", "item": item, **where}


def message(role: str, *content: Event, **more: str) -> Event:
    return {"type": "message", "role": role, "content": list(content), **more}


def text(words: str) -> Event:
    return {"type": "input_text", "text": words}


async def added(session: Talk, event: Event) -> Event:
    """Send it; return the event that tells of the new item."""
    await session.send(event)
    return (await session.until("conversation.item.added"))[-1]


@both
@requirement("item.place")
async def test_items_go_where_the_client_says(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        first = await added(session, {**user("b", id="b"), "previous_item_id": None})
        assert first["previous_item_id"] is None
        front = await added(session, {**user("a", id="a"), "previous_item_id": "root"})
        assert front["previous_item_id"] is None
        after = await added(session, {**user("a2", id="a2"), "previous_item_id": "a"})
        assert after["previous_item_id"] == "a"
        last = await added(session, {**user("c", id="c"), "previous_item_id": ""})
        assert last["previous_item_id"] == "b"
        error = await session.refused({**user("x", id="x"), "previous_item_id": "nobody"})
        assert (error["code"], error["param"]) == ("invalid_value", "previous_item_id")
        error = await session.refused({"type": "conversation.item.retrieve", "item_id": "x"})
        assert error["code"] == "item_retrieve_invalid_item_id", "nothing was added"


@both
@pytest.mark.parametrize("name", ["0123456789abcdef0123456789abcdef", "item-Azure_1", "olá 1"])
@requirement("item.ids")
async def test_a_clients_ids_are_kept(scripted: Serving, dialect: Dialect, name: str) -> None:
    async with talk(scripted.websocket, dialect) as session:
        assert (await added(session, user("hi", id=name)))["item"]["id"] == name


@both
@requirement("item.made_ids")
async def test_ids_that_the_server_makes_begin_with_what_they_are_of(
    scripted: Serving, dialect: Dialect
) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.send(user("hi"), {"type": "response.create"})
        await session.until("response.done")
        ids = [event["event_id"] for event in session.events]
        assert len(set(ids)) == len(ids)
        assert all(one.startswith("event_") and len(one) >= 27 for one in ids)
        by_kind = {event["type"]: event for event in session.events}
        response = by_kind["response.done"]["response"]
        assert response["id"].startswith("resp_")
        assert response["conversation_id"].startswith("conv_")
        assert response["output"][0]["id"].startswith("item_")
        call = await added(session, create({key: CALL[key] for key in ("type", "name", "arguments")}))
        assert call["item"]["call_id"].startswith("call_")


@both
@requirement("item.status")
async def test_an_item_without_a_status_is_completed(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        for item in (
            message("user", text("hi")),
            CALL,
            {"type": "function_call_output", "call_id": "call_mine", "output": ""},
        ):
            assert (await added(session, create(item)))["item"]["status"] == "completed"


@both
@requirement("item.object")
async def test_an_item_says_that_it_is_one_where_the_dialect_does(
    scripted: Serving, dialect: Dialect
) -> None:
    async with talk(scripted.websocket, dialect) as session:
        shown = (await added(session, user("hi", id="mine")))["item"]
        assert shown.get("object") == ("realtime.item" if dialect == "beta" else None)
        await session.send({"type": "conversation.item.retrieve", "item_id": "mine"})
        assert (await session.until("conversation.item.retrieved"))[-1]["item"]["object"] == "realtime.item"


@both
@requirement("item.parts")
async def test_histories_can_be_replayed_in_either_dialects_names(
    scripted: Serving, dialect: Dialect
) -> None:
    names = {"output_text": "text", "output_audio": "audio"}
    async with talk(scripted.websocket, dialect) as session:
        for today, old in names.items():
            for name in (today, old):
                key = "text" if today == "output_text" else "transcript"
                shown = (await added(session, create(message("assistant", {"type": name, key: "Hi."}))))[
                    "item"
                ]
                expected = {"type": old if dialect == "beta" else today, key: "Hi."}
                assert shown["content"] == [expected]


@both
@pytest.mark.parametrize(
    ("role", "part"),
    [
        ("user", {"type": "text", "text": "x"}),
        ("assistant", {"type": "input_text", "text": "x"}),
        ("system", {"type": "input_audio", "audio": "AAAA"}),
    ],
)
@requirement("item.roles")
async def test_a_part_that_its_role_does_not_have_is_refused(
    scripted: Serving, dialect: Dialect, role: str, part: Event
) -> None:
    async with talk(scripted.websocket, dialect) as session:
        error = await session.refused(create(message(role, text("fine"), part)))
        index = 1 if role != "assistant" else 0
        assert (error["code"], error["param"]) == ("invalid_value", f"item.content[{index}].type")


@both
@pytest.mark.parametrize(
    ("item", "code", "param"),
    [
        ({"type": "message", "role": "user"}, "missing_required_parameter", "item.content"),
        ({"type": "message", "content": []}, "missing_required_parameter", "item.role"),
        ({"type": "message", "role": "parrot", "content": []}, "invalid_value", "item.role"),
        ({"type": "function_call", "arguments": "{}"}, "missing_required_parameter", "item.name"),
        ({"type": "function_call_output", "call_id": "c"}, "missing_required_parameter", "item.output"),
        ({"type": "thought"}, "invalid_value", "item.type"),
        ({"type": "item_reference", "id": "a"}, "invalid_value", "item.type"),
        ({"role": "user"}, "missing_required_parameter", "item.type"),
    ],
)
@requirement("item.required")
async def test_what_an_item_lacks_is_named(
    scripted: Serving, dialect: Dialect, item: Event, code: str, param: str
) -> None:
    async with talk(scripted.websocket, dialect) as session:
        error = await session.refused(create(item))
        assert (error["code"], error["param"]) == (code, param)


@both
@requirement("item.audio")
async def test_sound_is_in_no_event_but_the_one_that_was_asked_for(
    scripted: Serving, dialect: Dialect
) -> None:
    pcm = bytes(48 * 200)
    part = {"type": "input_audio", "audio": base64.b64encode(pcm).decode(), "transcript": "Hello?"}
    async with talk(scripted.websocket, dialect) as session:
        shown = (await added(session, create(message("user", part, id="mine"))))["item"]
        assert shown["content"] == [{"type": "input_audio", "transcript": "Hello?"}]
        await session.send({"type": "response.create"})
        done = (await session.until("response.done"))[-1]["response"]["output"][0]
        assert "audio" not in done["content"][0]
        await session.send({"type": "conversation.item.retrieve", "item_id": "mine"})
        back = (await session.until("conversation.item.retrieved"))[-1]["item"]["content"][0]
        assert base64.b64decode(back["audio"]) == pcm


@both
@requirement("item.image")
async def test_pictures_are_taken_by_who_can_see(scripted: Serving, dialect: Dialect) -> None:
    picture = {"type": "input_image", "image_url": PICTURE}
    async with talk(scripted.websocket, dialect) as session:
        shown = (await added(session, create(message("user", picture, text("what is it?")))))["item"]
        assert shown["content"][0] == {**picture, "detail": "auto"}
        error = await session.refused(create(message("user", {**picture, "image_url": "https://x/y.png"})))
        assert (error["code"], error["param"]) == ("invalid_value", "item.content[0].image_url")


@both
@requirement("item.image.blind")
async def test_a_model_that_cannot_see_says_so(dialect: Dialect) -> None:
    engines = load_engines(SCRIPTED, lambda _: None)
    engines.model.sees_images = False
    with Serving(SCRIPTED, engines) as serving:
        async with talk(serving.websocket, dialect) as session:
            picture = {"type": "input_image", "image_url": PICTURE}
            error = await session.refused(create(message("user", picture)))
            assert (error["code"], error["param"]) == ("image_input_not_supported", "item.content[0].type")


@both
@requirement("call.unknown")
async def test_a_result_of_no_call_is_refused(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        output = {"type": "function_call_output", "call_id": "call_nobody", "output": "1"}
        error = await session.refused(create(output))
        assert (error["code"], error["param"]) == ("invalid_value", "item.call_id")


@both
@requirement("truncate.errors")
async def test_what_cannot_be_truncated_is_told_apart(scripted: Serving, dialect: Dialect) -> None:
    cut = {"type": "conversation.item.truncate", "item_id": "mine", "content_index": 0, "audio_end_ms": 0}
    async with talk(scripted.websocket, dialect) as session:
        error = await session.refused(cut)
        assert error["code"] == "item_truncate_invalid_item_id"
        assert error["message"] == "Error truncating item: the item with id 'mine' does not exist."
        await added(session, user("hi", id="mine"))
        error = await session.refused(cut)
        assert error["code"] == "unsupported_content_type"
        assert error["message"] == "Only model output audio messages can be truncated."
        error = await session.refused({**cut, "audio_end_ms": -1})
        assert (error["code"], error["param"]) == ("invalid_value", "audio_end_ms")


@both
@requirement("item.errors")
async def test_every_unknown_item_has_its_own_code(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        for verb, doing in (("retrieve", "retrieving"), ("delete", "deleting")):
            error = await session.refused({"type": f"conversation.item.{verb}", "item_id": "x"})
            assert (error["code"], error["param"]) == (f"item_{verb}_invalid_item_id", None)
            assert error["message"] == f"Error {doing} item: the item with id 'x' does not exist."
