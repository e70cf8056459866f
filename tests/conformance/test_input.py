"""What is said to a session: the buffer, the turns, and what was heard in them; in both dialects."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from louro.engines.base import EngineError, Hints
from louro.server import load_engines
from tests.conformance.marks import requirement
from tests.conformance.talk import DIALECTS, Talk, in_dialect, names, talk, user
from tests.oracle import Dialect, Event
from tests.serving import SCRIPTED, Serving

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]
both = pytest.mark.parametrize("dialect", DIALECTS)

LOUD = (b"\x00\x20" * 12 + b"\x00\xe0" * 12) * 500
"""500 ms of it."""
TURN = bytes(48 * 1_000) + LOUD + bytes(48 * 500)
HEARS = {"model": "whisper-1"}


def vad(**settings: Any) -> Event:
    return {"type": "server_vad", "silence_duration_ms": 300, **settings}


async def nothing_but(session: Talk, *kinds: str) -> list[Event]:
    """What came until now: an error that is asked for proves that it is all."""
    await session.send({"type": "response.cancel", "event_id": "last"})
    *before, error = await session.until("error")
    assert error["error"]["event_id"] == "last"
    assert names(before) == in_dialect(list(kinds), session.dialect)
    return before


@both
@requirement("audio.append")
async def test_sound_is_taken_without_a_word(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.prepare(turn_detection=None)
        await session.append(LOUD)
        await nothing_but(session)


@both
@requirement("audio.clear")
async def test_sound_can_be_taken_back(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.prepare(turn_detection=None)
        await session.append(LOUD)
        await session.send({"type": "input_audio_buffer.clear"})
        await nothing_but(session, "input_audio_buffer.cleared")
        error = await session.refused({"type": "input_audio_buffer.commit"})
        assert error["code"] == "input_audio_buffer_commit_empty"
        assert error["message"].endswith("buffer only has 0.00ms of audio.")


@both
@requirement("audio.commit.keeps")
async def test_a_commit_that_is_refused_keeps_what_was_said(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.prepare(turn_detection=None)
        for _ in range(2):
            await session.append(LOUD[: 48 * 60])
            await session.send({"type": "input_audio_buffer.commit"})
        events = await session.until("input_audio_buffer.committed")
        assert names(events) == ["error", "input_audio_buffer.committed"]
        assert events[-1]["previous_item_id"] is None


@both
@requirement("audio.commit.silent")
async def test_a_commit_begins_no_answer(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.prepare(turn_detection=None)
        await session.append(LOUD)
        await session.send({"type": "input_audio_buffer.commit"})
        await nothing_but(
            session, "input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"
        )


@both
@requirement("vad.positions")
async def test_positions_count_all_that_was_ever_said(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.prepare(turn_detection=vad(create_response=False))
        for turn in range(2):
            await session.append(TURN)
            events = await session.until("input_audio_buffer.committed")
            started, stopped, committed = events[-3:]
            begun = turn * 2_000
            # From a second on somebody speaks, for half a second: with 300 ms before it, and the silence that ends it.
            assert abs(started["audio_start_ms"] - (begun + 700)) <= 40
            assert abs(stopped["audio_end_ms"] - (begun + 1_800)) <= 40
            assert started["item_id"] == stopped["item_id"] == committed["item_id"]


@both
@requirement("vad.prefix")
async def test_the_padding_before_speech_is_the_clients_choice(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.prepare(turn_detection=vad(create_response=False, prefix_padding_ms=0))
        await session.append(TURN)
        started = (await session.until("input_audio_buffer.speech_started"))[-1]
        assert abs(started["audio_start_ms"] - 1_000) <= 40


@both
@requirement("vad.create_response")
async def test_turns_can_be_left_unanswered(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.prepare(turn_detection=vad(create_response=False))
        await session.append(TURN)
        await session.until("conversation.item.added")
        before = await nothing_but(session, *(["conversation.item.done"] if dialect == "ga" else []))
        assert not [event for event in before if event["type"].startswith("response.")]


@both
@requirement("vad.interrupt_response")
async def test_an_answer_can_be_left_to_go_on_while_somebody_speaks(
    scripted: Serving, dialect: Dialect
) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.prepare(turn_detection=vad(interrupt_response=False))
        await session.send(user("word " * 2_000), {"type": "response.create"})
        created = (await session.until("response.created"))[-1]["response"]["id"]
        await session.append(TURN)
        error = (await session.until("error"))[-1]["error"]
        assert error["code"] == "conversation_already_has_active_response"
        assert "input_audio_buffer.committed" in [event["type"] for event in session.events]
        await session.send({"type": "response.cancel"})
        done = (await session.until("response.done"))[-1]["response"]
        assert (done["id"], done["status_details"]["reason"]) == (created, "client_cancelled")


@both
@pytest.mark.parametrize("eagerness", ["low", "medium", "auto", "high"])
@requirement("vad.semantic")
async def test_semantic_turn_detection_ends_turns_too(
    scripted: Serving, dialect: Dialect, eagerness: str
) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.prepare(turn_detection={"type": "semantic_vad", "eagerness": eagerness})
        await session.append(TURN + bytes(48 * 500))
        events = await session.until("response.done")
        assert "input_audio_buffer.committed" in [event["type"] for event in events]


@both
@requirement("vad.by_hand")
async def test_a_client_may_end_a_turn_that_is_being_heard(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.prepare(turn_detection=vad())
        await session.append(TURN[: 48 * 1_400])
        await session.until("input_audio_buffer.speech_started")
        await session.send({"type": "input_audio_buffer.commit"})
        await nothing_but(
            session,
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
        )


@both
@requirement("transcription.off")
async def test_nothing_is_transcribed_aloud_unless_it_is_asked_for(
    scripted: Serving, dialect: Dialect
) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.prepare(turn_detection=vad())
        await session.append(TURN)
        events = await session.until("response.done")
        assert not [event for event in events if "transcription" in event["type"]]
        added = next(
            e for e in events if e["type"] in ("conversation.item.added", "conversation.item.created")
        )
        assert added["item"]["content"] == [{"type": "input_audio", "transcript": None}]


@both
@requirement("transcription.order")
async def test_a_transcript_comes_in_pieces_after_its_item(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.prepare(turn_detection=None, input_audio_transcription=HEARS)
        await session.append(LOUD)
        await session.send({"type": "input_audio_buffer.commit"})
        events = await session.until("conversation.item.input_audio_transcription.completed")
        expected = [
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
            "conversation.item.input_audio_transcription.delta",
            "conversation.item.input_audio_transcription.completed",
        ]
        assert names(events) == in_dialect(expected, dialect)
        done = events[-1]
        pieces = [e["delta"] for e in events if e["type"].endswith("transcription.delta")]
        assert "".join(pieces) == done["transcript"] == "What is the capital of France?"
        assert done["content_index"] == 0
        assert done["usage"] == {"type": "duration", "seconds": 0.5}


class Deaf:
    async def transcribe(self, pcm: bytes, hints: Hints) -> Any:
        raise EngineError("Nothing can be heard today.")
        yield ""


@both
@requirement("transcription.failed")
async def test_what_cannot_be_heard_fails_and_the_session_lives(dialect: Dialect) -> None:
    engines = load_engines(SCRIPTED, lambda _: None)
    engines.transcriber = Deaf()
    with Serving(SCRIPTED, engines) as serving:
        async with talk(serving.websocket, dialect) as session:
            await session.prepare(turn_detection=None, input_audio_transcription=HEARS)
            await session.append(LOUD)
            await session.send({"type": "input_audio_buffer.commit"})
            failed = (await session.until("conversation.item.input_audio_transcription.failed"))[-1]
            assert set(failed["error"]) == {"type", "code", "message", "param"}
            assert failed["error"]["message"] == "Nothing can be heard today."
            await session.nothing_more()


@both
@requirement("transcription.session.by_hand")
async def test_a_transcription_session_may_be_ended_by_hand(scripted: Serving, dialect: Dialect) -> None:
    intent = {"intent": "transcription"}
    async with talk(scripted.websocket, dialect, model="", extra_query=intent) as session:
        if dialect == "beta":
            flat = {"turn_detection": None, "input_audio_transcription": HEARS}
            await session.send({"type": "transcription_session.update", "session": flat})
        else:
            heard = {"turn_detection": None, "transcription": HEARS}
            nested = {"type": "transcription", "audio": {"input": heard}}
            await session.send({"type": "session.update", "session": nested})
        ids: list[str] = []
        for _ in range(2):
            await session.append(LOUD)
            await session.send({"type": "input_audio_buffer.commit"})
            events = await session.until("conversation.item.input_audio_transcription.completed")
            committed = next(e for e in events if e["type"] == "input_audio_buffer.committed")
            assert committed["previous_item_id"] == (ids[-1] if ids else None)
            ids.append(committed["item_id"])
        kinds = {event["type"] for event in session.events}
        assert not [kind for kind in kinds if kind.startswith(("response.", "rate_limits."))]


@both
@requirement("audio.append.base64")
async def test_sound_that_is_no_base64_is_refused(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        error = await session.refused({"type": "input_audio_buffer.append", "audio": "!!"})
        assert (error["code"], error["param"]) == ("invalid_value", "audio")
        error = await session.refused({"type": "input_audio_buffer.append", "audio": None})
        assert (error["code"], error["param"]) == ("missing_required_parameter", "audio")
        error = await session.refused({"type": "input_audio_buffer.append", "audio": 7})
        assert (error["code"], error["param"]) == ("invalid_type", "audio")


@both
@requirement("audio.odd")
async def test_half_a_sample_waits_for_its_other_half(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.prepare(turn_detection=None)
        for start, end in ((0, 3), (3, 9_600)):
            audio = base64.b64encode(LOUD[start:end]).decode()
            await session.send({"type": "input_audio_buffer.append", "audio": audio})
        await session.send({"type": "input_audio_buffer.commit"})
        item_id = (await session.until("input_audio_buffer.committed"))[-1]["item_id"]
        await session.send({"type": "conversation.item.retrieve", "item_id": item_id})
        item = (await session.until("conversation.item.retrieved"))[-1]["item"]
        assert base64.b64decode(item["content"][0]["audio"]) == LOUD[:9_600]
