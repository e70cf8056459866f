"""The official Python SDK, in both dialects, against a real socket: shapes and exact orders."""

from __future__ import annotations

import base64
import json

import pytest

from tests.conformance.marks import requirement
from tests.conformance.talk import DIALECTS, Talk, in_dialect, names, talk, user
from tests.oracle import Dialect, Event
from tests.serving import Serving

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]
both = pytest.mark.parametrize("dialect", DIALECTS)

VAD = {"type": "server_vad", "silence_duration_ms": 300}
TAIL = bytes(48 * 500)
"""Silence that ends a turn."""

SUM = {
    "type": "function",
    "name": "calculate_sum",
    "description": "Adds two numbers.",
    "parameters": {
        "type": "object",
        "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
        "required": ["a", "b"],
    },
}

SPOKEN_TAIL = [
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
]


def limits(dialect: Dialect, order: list[str]) -> list[str]:
    """Put rate_limits.updated where the dialect has it."""
    if dialect == "ga":
        return order
    at = order.index("response.created") + 1
    return [*order[:at], "rate_limits.updated", *order[at:]]


def deltas(kind: str) -> bool:
    return kind.endswith(".delta")


async def spoken_turn(session: Talk, pcm: bytes) -> list[Event]:
    await session.append(pcm + TAIL)
    return await session.until("response.done")


# Connecting


@both
@requirement("connect.first")
async def test_session_created_comes_first_and_alone(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.send(session.update(instructions="Hurry."))
        events = await session.until("session.updated")
        assert names(events) == ["session.created", "session.updated"]


@both
@requirement("connect.model.any")
async def test_any_model_will_do(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect, model="my own/model:7b") as session:
        created = await session.receive()
        assert created["session"]["model"] == "my own/model:7b"


# The session


@both
@requirement("session.update")
async def test_an_update_changes_what_it_names_and_nothing_else(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        created = (await session.receive())["session"]
        await session.send(session.update(instructions="Be brief.", voice="verse"))
        (updated,) = await session.until("session.updated")
        changed = dict(updated["session"])
        assert changed.pop("instructions") == "Be brief."
        created.pop("instructions")
        if dialect == "ga":
            assert changed["audio"]["output"].pop("voice") == "verse"
            created["audio"]["output"].pop("voice")
        else:
            assert changed.pop("voice") == "verse"
            created.pop("voice")
        assert changed == created


@both
@requirement("session.update.atomic")
async def test_one_wrong_part_rejects_the_whole_update(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        wrong = {"type": "server_vad", "threshold": 7}
        await session.send(session.update(instructions="Changed.", turn_detection=wrong))
        error = (await session.until("error"))[-1]["error"]
        assert error["code"] == "invalid_value"
        path = "session.turn_detection.threshold"
        assert error["param"] == (
            path if dialect == "beta" else "session.audio.input.turn_detection.threshold"
        )
        await session.send(session.update())
        (updated,) = await session.until("session.updated")
        assert updated["session"]["instructions"] != "Changed."


@requirement("session.update.type")
async def test_todays_updates_need_a_type(scripted: Serving) -> None:
    async with talk(scripted.websocket, "ga") as session:
        await session.send({"type": "session.update", "session": {"instructions": "x"}})
        error = (await session.until("error"))[-1]["error"]
        assert (error["code"], error["param"]) == ("missing_required_parameter", "session.type")
        assert error["message"] == "Missing required parameter: 'session.type'."


@requirement("session.update.unknown")
async def test_flat_settings_are_unknown_today(scripted: Serving) -> None:
    async with talk(scripted.websocket, "ga") as session:
        await session.send({"type": "session.update", "session": {"type": "realtime", "voice": "ash"}})
        error = (await session.until("error"))[-1]["error"]
        assert (error["code"], error["param"]) == ("unknown_parameter", "session.voice")
        assert error["message"] == "Unknown parameter: 'session.voice'."


@both
@requirement("session.voice.frozen")
async def test_a_voice_stays_once_it_was_heard(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.send(user("hi"), {"type": "response.create"})
        await session.until("response.done")
        await session.send(session.update(voice="ash"))
        error = (await session.until("error"))[-1]["error"]
        param = "session.voice" if dialect == "beta" else "session.audio.output.voice"
        assert (error["code"], error["param"]) == ("cannot_update_voice", param)


# Turns


@both
@requirement("text.order")
async def test_a_text_turn(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.prepare(modalities=["text"])
        await session.send(user("hi"), {"type": "response.create"})
        events = await session.until("response.done")
        expected = [
            "conversation.item.added",
            "conversation.item.done",
            "response.created",
            "response.output_item.added",
            "conversation.item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "conversation.item.done",
            "response.output_item.done",
            "response.done",
        ]
        assert names(events) == in_dialect(limits(dialect, expected), dialect)
        done = events[-1]["response"]
        part = done["output"][0]["content"][0]
        assert part == {"type": "text" if dialect == "beta" else "output_text", "text": "You said: hi"}
        assert done["status_details"] is None


@both
@requirement("limits.order")
async def test_limits_follow_the_event_that_the_dialect_says(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.prepare(modalities=["text"])
        await session.send({"type": "response.create"})
        events = await session.until("rate_limits.updated")
        assert events[-2]["type"] == ("response.created" if dialect == "beta" else "response.done")
        (limit,) = events[-1]["rate_limits"]
        assert limit["name"] == "tokens"


@both
@requirement("audio.manual.order")
async def test_an_audio_turn_that_the_client_ends(
    scripted: Serving, dialect: Dialect, question: bytes
) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.prepare(turn_detection=None)
        await session.append(question)
        await session.send({"type": "input_audio_buffer.commit"}, {"type": "response.create"})
        events = await session.until("response.done")
        expected = [
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
            "response.created",
            "response.output_item.added",
            "conversation.item.added",
            "response.content_part.added",
            *SPOKEN_TAIL,
        ]
        assert names(events, without=deltas) == in_dialect(limits(dialect, expected), dialect)
        user_item = events[1]["item"]
        assert user_item["status"] == "completed"
        assert user_item["content"] == [{"type": "input_audio", "transcript": None}]


@both
@requirement("audio.vad.order")
async def test_an_audio_turn_that_silence_ends(scripted: Serving, dialect: Dialect, question: bytes) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.prepare(turn_detection=VAD, input_audio_transcription={"model": "whisper-1"})
        events = await spoken_turn(session, question)
        expected = [
            "input_audio_buffer.speech_started",
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
            "response.created",
            "response.output_item.added",
            "conversation.item.added",
            "response.content_part.added",
            *SPOKEN_TAIL,
        ]
        order = names(events, without=lambda kind: deltas(kind) or "transcription" in kind)
        assert order == in_dialect(limits(dialect, expected), dialect)
        started, stopped, committed, added = events[:4]
        ids = {started["item_id"], stopped["item_id"], committed["item_id"], added["item"]["id"]}
        assert len(ids) == 1
        heard = [e for e in session.events if e["type"].endswith("transcription.completed")]
        assert heard[0]["item_id"] in ids
        assert heard[0]["transcript"] == "What is the capital of France?"
        assert heard[0]["usage"]["type"] == "duration"


@both
@pytest.mark.parametrize("law", ["g711_ulaw", "g711_alaw"])
@requirement("audio.g711")
async def test_telephone_audio_both_ways(
    scripted: Serving, dialect: Dialect, law: str, question: bytes
) -> None:
    from louro.audio.codec import Encoder  # noqa: PLC0415

    coded = Encoder("g711_ulaw" if law == "g711_ulaw" else "g711_alaw")
    async with talk(scripted.websocket, dialect) as session:
        await session.prepare(turn_detection=VAD, input_audio_format=law, output_audio_format=law)
        telephone = coded.feed(question + TAIL) + coded.flush()
        await session.append(telephone, 1_600)
        events = await session.until("response.done")
        sound = b"".join(base64.b64decode(e["delta"]) for e in events if e["type"].endswith("audio.delta"))
        text = "You said: What is the capital of France?"
        assert len(sound) == 8 * 60 * len(text)


@requirement("audio.rate")
async def test_another_rate_can_be_declared(scripted: Serving, question: bytes) -> None:
    rate = {"input_sample_rate": "16000"}
    async with talk(scripted.websocket, "beta", extra_query=rate) as session:
        await session.prepare(turn_detection=None)
        await session.append(bytes(16_000 * 2))
        await session.send({"type": "input_audio_buffer.commit"})
        (committed, *_) = await session.until("input_audio_buffer.committed")
        await session.send({"type": "conversation.item.retrieve", "item_id": committed["item_id"]})
        retrieved = (await session.until("conversation.item.retrieved"))[-1]
        assert len(base64.b64decode(retrieved["item"]["content"][0]["audio"])) == 48_000


@both
@requirement("audio.whole_samples")
async def test_deltas_are_whole_samples_and_small(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.send(user("word " * 80), {"type": "response.create"})
        events = await session.until("response.done")
        sizes = [len(base64.b64decode(e["delta"])) for e in events if e["type"].endswith("audio.delta")]
        assert all(size % 2 == 0 for size in sizes)
        assert max(sizes) < 100_000
        assert sum(sizes) > 1_000_000


@both
@requirement("audio.commit.empty")
async def test_a_commit_of_nothing(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.prepare(turn_detection=None)
        await session.append(bytes(48 * 20))
        await session.send({"type": "input_audio_buffer.commit", "event_id": "c"})
        error = (await session.until("error"))[-1]["error"]
        assert (error["code"], error["event_id"]) == ("input_audio_buffer_commit_empty", "c")
        assert "buffer only has 20.00ms of audio" in error["message"]


# Function calls


@both
@requirement("call.order")
async def test_a_function_call(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.prepare(tools=[SUM], modalities=["text"])
        await session.send(user("calculate sum of 7 and 5"), {"type": "response.create"})
        events = await session.until("response.done")
        expected = [
            "conversation.item.added",
            "conversation.item.done",
            "response.created",
            "response.output_item.added",
            "conversation.item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "conversation.item.done",
            "response.output_item.done",
            "response.done",
        ]
        assert names(events) == in_dialect(limits(dialect, expected), dialect)
        added = next(e for e in events if e["type"] == "response.output_item.added")["item"]
        assert (added["arguments"], added["status"], added["name"]) == ("", "in_progress", "calculate_sum")
        (made,) = events[-1]["response"]["output"]
        assert json.loads(made["arguments"]) == {"a": 7, "b": 5}
        output = {"type": "function_call_output", "call_id": made["call_id"], "output": "12"}
        await session.send({"type": "conversation.item.create", "item": output}, {"type": "response.create"})
        answer = (await session.until("response.done"))[-1]["response"]["output"][0]
        assert answer["content"][0]["text"] == "The result is 12."


@requirement("call.beta.no_id")
async def test_an_output_without_id_answers_the_latest_call(scripted: Serving) -> None:
    async with talk(scripted.websocket, "beta") as session:
        await session.prepare(tools=[SUM], modalities=["text"])
        await session.send(user("calculate sum of 1 and 2"), {"type": "response.create"})
        (made,) = (await session.until("response.done"))[-1]["response"]["output"]
        output = {"type": "function_call_output", "output": "3"}
        await session.send({"type": "conversation.item.create", "item": output}, {"type": "response.create"})
        events = await session.until("response.done")
        created = next(e for e in events if e["type"] == "conversation.item.created")
        assert created["item"]["call_id"] == made["call_id"]


@requirement("call.ga.no_id")
async def test_an_output_without_id_is_refused_today(scripted: Serving) -> None:
    async with talk(scripted.websocket, "ga") as session:
        await session.send(
            {"type": "conversation.item.create", "item": {"type": "function_call_output", "output": "3"}}
        )
        error = (await session.until("error"))[-1]["error"]
        assert (error["code"], error["param"]) == ("missing_required_parameter", "item.call_id")


# Cutting


@pytest.fixture
def long_text() -> str:
    return "word " * 2_000


@both
@requirement("cut.client")
async def test_a_client_cancels(scripted: Serving, dialect: Dialect, long_text: str) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.send(user(long_text), {"type": "response.create"})
        await session.until("response.output_audio.delta", 5)
        await session.send({"type": "response.cancel"})
        events = await session.until("response.done")
        tail = names(events, without=lambda kind: deltas(kind) or kind == "rate_limits.updated")
        assert tail == in_dialect(SPOKEN_TAIL, dialect)
        response = events[-1]["response"]
        assert response["status"] == "cancelled"
        assert response["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
        assert response["output"][0]["status"] == "incomplete"
        await session.nothing_more()


@both
@requirement("cut.voice")
async def test_a_voice_interrupts(
    scripted: Serving, dialect: Dialect, long_text: str, question: bytes
) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.prepare(turn_detection=VAD)
        await session.send(user(long_text), {"type": "response.create"})
        await session.until("response.output_audio.delta", 5)
        await session.append(question)
        events = await session.until("response.done")
        order = names(events, without=lambda kind: deltas(kind) or kind == "rate_limits.updated")
        assert order == in_dialect(["input_audio_buffer.speech_started", *SPOKEN_TAIL], dialect)
        assert events[-1]["response"]["status_details"]["reason"] == "turn_detected"


@both
@requirement("cut.nothing")
async def test_cancelling_nothing(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.send({"type": "response.cancel"})
        error = (await session.until("error"))[-1]["error"]
        assert error["code"] == "response_cancel_not_active"
        assert error["message"].startswith("Cancellation failed")
        await session.send(user("still there?"), {"type": "response.create"})
        await session.until("response.done")


@both
@requirement("truncate")
async def test_what_was_not_heard_is_not_remembered(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.send(user("one two three four"), {"type": "response.create"})
        item = (await session.until("response.done"))[-1]["response"]["output"][0]
        # The scripted voice takes 60 ms a character: "You said: one two" is over after 1020 ms.
        cut = {
            "type": "conversation.item.truncate",
            "item_id": item["id"],
            "content_index": 0,
            "audio_end_ms": 1_050,
        }
        await session.send(cut)
        await session.until("conversation.item.truncated")
        await session.send({"type": "conversation.item.retrieve", "item_id": item["id"]})
        kept = (await session.until("conversation.item.retrieved"))[-1]["item"]["content"][0]
        assert kept["transcript"] == "You said: one two"
        assert len(base64.b64decode(kept["audio"])) == 1_050 * 48
        await session.send({**cut, "audio_end_ms": 99_000, "event_id": "t"})
        error = (await session.until("error"))[-1]["error"]
        assert "is already shorter than 99000ms" in error["message"]


# Out of band


@both
@requirement("oob")
async def test_an_out_of_band_response(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        modality = {"modalities": ["text"]} if dialect == "beta" else {"output_modalities": ["text"]}
        item = user("aside")["item"]
        wish = {"conversation": "none", "metadata": {"topic": "side"}, "input": [item], **modality}
        await session.send({"type": "response.create", "response": wish})
        events = await session.until("response.done")
        assert not [e for e in events if e["type"].startswith("conversation.")]
        done = events[-1]["response"]
        assert (done["metadata"], done["conversation_id"]) == ({"topic": "side"}, None)
        assert done["output"][0]["content"][0]["text"] == "You said: aside"


# Items


@both
@requirement("item.retrieve")
async def test_items_come_back(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.send(
            user("hello", id="mine"), {"type": "conversation.item.retrieve", "item_id": "mine"}
        )
        item = (await session.until("conversation.item.retrieved"))[-1]["item"]
        assert (item["id"], item["object"], item["status"]) == ("mine", "realtime.item", "completed")


@both
@requirement("item.delete")
async def test_items_go_away(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.send(user("hello", id="mine"), {"type": "conversation.item.delete", "item_id": "mine"})
        await session.until("conversation.item.deleted")
        await session.send({"type": "conversation.item.delete", "item_id": "mine"})
        error = (await session.until("error"))[-1]["error"]
        assert error["code"] == "item_delete_invalid_item_id"


@both
@requirement("item.errors")
async def test_items_that_cannot_be(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.send(user("hello", id="mine"), user("again", id="mine"))
        error = (await session.until("error"))[-1]["error"]
        assert error["code"] == "item_create_duplicate_item_id"
        await session.send({"type": "conversation.item.retrieve", "item_id": "nobody"})
        error = (await session.until("error"))[-1]["error"]
        assert error["code"] == "item_retrieve_invalid_item_id"
        assert error["message"] == "Error retrieving item: the item with id 'nobody' does not exist."


# Errors


@both
@requirement("error.type")
async def test_an_unknown_type(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.send({"type": "output_audio_buffer.clear"})
        error = (await session.until("error"))[-1]["error"]
        assert (error["code"], error["param"]) == ("invalid_value", "type")
        assert error["message"].startswith(
            "Invalid value: 'output_audio_buffer.clear'. Supported values are: "
        )


@both
@requirement("error.event_id")
async def test_an_error_names_the_event(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.send({"type": "input_audio_buffer.append", "audio": "!!", "event_id": "mine"})
        error = (await session.until("error"))[-1]["error"]
        assert (error["event_id"], error["param"]) == ("mine", "audio")
        await session.nothing_more()


@both
@requirement("transcription.session")
async def test_a_transcription_session(scripted: Serving, dialect: Dialect, question: bytes) -> None:
    intent = {"intent": "transcription"}
    async with talk(scripted.websocket, dialect, model="", extra_query=intent) as session:
        created = await session.receive()
        kind = "transcription_session" if dialect == "beta" else "session"
        assert created["type"] == f"{kind}.created"
        heard = {"model": "whisper-1"}
        if dialect == "beta":
            flat = {"input_audio_transcription": heard, "turn_detection": VAD}
            await session.send({"type": "transcription_session.update", "session": flat})
        else:
            nested = {
                "type": "transcription",
                "audio": {"input": {"transcription": heard, "turn_detection": VAD}},
            }
            await session.send({"type": "session.update", "session": nested})
        await session.until(f"{kind}.updated")
        await session.append(question + TAIL)
        events = await session.until("conversation.item.input_audio_transcription.completed")
        expected = [
            "input_audio_buffer.speech_started",
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
            "conversation.item.input_audio_transcription.delta",
            "conversation.item.input_audio_transcription.completed",
        ]
        assert names(events) == in_dialect(expected, dialect)
        await session.nothing_more()


@both
@requirement("usage")
async def test_usage_is_whole(scripted: Serving, dialect: Dialect, question: bytes) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.prepare(turn_detection=VAD)
        usage = (await spoken_turn(session, question))[-1]["response"]["usage"]
        assert set(usage) == {
            "total_tokens", "input_tokens", "output_tokens", "input_token_details", "output_token_details",
        }  # fmt: skip
        taken, given = usage["input_token_details"], usage["output_token_details"]
        assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
        assert usage["input_tokens"] == taken["text_tokens"] + taken["audio_tokens"] + taken.get(
            "image_tokens", 0
        )
        assert usage["output_tokens"] == given["text_tokens"] + given["audio_tokens"]
        assert taken["audio_tokens"] > 15
        assert given["audio_tokens"] == 48, "2400 ms, one token for 50 ms"
        assert set(taken["cached_tokens_details"]) >= {"text_tokens", "audio_tokens"}


# The embedded models


@pytest.mark.models
@both
@requirement("models.voice")
async def test_the_embedded_models_answer_a_spoken_question(
    embedded: Serving, dialect: Dialect, question: bytes
) -> None:
    async with talk(embedded.websocket, dialect) as session:
        await session.prepare(turn_detection=VAD, input_audio_transcription={"model": "whisper-1"})
        events = await spoken_turn(session, bytes(48 * 300) + question)
        heard = [e for e in session.events if e["type"].endswith("transcription.completed")]
        assert "capital of france" in heard[0]["transcript"].lower()
        transcripts = [e for e in events if e["type"].endswith("audio_transcript.done")]
        assert "Paris" in transcripts[0]["transcript"]
        sound = b"".join(base64.b64decode(e["delta"]) for e in events if e["type"].endswith("audio.delta"))
        assert len(sound) > 48 * 500


@pytest.mark.models
@requirement("models.call")
async def test_the_embedded_model_adds_by_voice(embedded: Serving) -> None:
    from tests.serving import sound  # noqa: PLC0415

    async with talk(embedded.websocket, "beta") as session:
        await session.prepare(turn_detection=VAD, tools=[SUM])
        events = await spoken_turn(session, bytes(48 * 300) + sound("sum_7_5.flac"))
        (made,) = events[-1]["response"]["output"]
        assert (made["name"], json.loads(made["arguments"])) == ("calculate_sum", {"a": 7, "b": 5})
        output = {"type": "function_call_output", "call_id": made["call_id"], "output": '{"result": 12}'}
        await session.send({"type": "conversation.item.create", "item": output}, {"type": "response.create"})
        done = (await session.until("response.done"))[-1]
        said = done["response"]["output"][0]["content"][0]["transcript"].lower()
        assert "12" in said or "twelve" in said
