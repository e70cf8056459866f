"""The session object and its changes, by the official Python SDK, in both dialects."""

from __future__ import annotations

import time
from typing import Any

import pytest
from msgspec import structs
from websockets.exceptions import ConnectionClosed

from louro.config import Settings
from louro.server import load_engines
from tests.conformance.marks import requirement
from tests.conformance.talk import DIALECTS, Talk, talk, user
from tests.oracle import Dialect, Event
from tests.serving import SCRIPTED, Serving

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]
both = pytest.mark.parametrize("dialect", DIALECTS)

HOUR_S = 3600
SERVER_VAD = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 200,
    "create_response": True,
    "interrupt_response": True,
}
GA_DEFAULTS: Event = {
    "type": "realtime",
    "object": "realtime.session",
    "model": "gpt-4o-realtime-preview",
    "output_modalities": ["audio"],
    "instructions": Settings().instructions,
    "tools": [],
    "tool_choice": "auto",
    "max_output_tokens": "inf",
    "tracing": None,
    "truncation": "auto",
    "prompt": None,
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24_000},
            "transcription": None,
            "noise_reduction": None,
            "turn_detection": {**SERVER_VAD, "idle_timeout_ms": None},
        },
        "output": {"format": {"type": "audio/pcm", "rate": 24_000}, "voice": "alloy", "speed": 1.0},
    },
    "include": None,
}
BETA_DEFAULTS: Event = {
    "object": "realtime.session",
    "model": "gpt-4o-realtime-preview",
    "modalities": ["audio", "text"],
    "instructions": Settings().instructions,
    "voice": "alloy",
    "input_audio_format": "pcm16",
    "output_audio_format": "pcm16",
    "input_audio_transcription": None,
    "input_audio_noise_reduction": None,
    "turn_detection": SERVER_VAD,
    "tools": [],
    "tool_choice": "auto",
    "temperature": 0.8,
    "max_response_output_tokens": "inf",
    "speed": 1.0,
    "tracing": None,
    "include": None,
    "client_secret": None,
}
HEARS = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200}
GA_TRANSCRIPTION: Event = {
    "type": "transcription",
    "object": "realtime.transcription_session",
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24_000},
            "transcription": None,
            "noise_reduction": None,
            "turn_detection": HEARS,
        }
    },
    "include": None,
}
BETA_TRANSCRIPTION: Event = {
    "object": "realtime.transcription_session",
    "input_audio_format": "pcm16",
    "input_audio_transcription": None,
    "input_audio_noise_reduction": None,
    "turn_detection": HEARS,
    "include": None,
    "client_secret": None,
}


def heard_in(session: Event, dialect: Dialect) -> Event:
    """What a session says of its input, under beta's names."""
    if dialect == "beta":
        return session
    heard = session["audio"]["input"]
    return {
        "turn_detection": heard["turn_detection"],
        "input_audio_transcription": heard["transcription"],
        "input_audio_noise_reduction": heard["noise_reduction"],
    }


async def updated(session: Talk, **changes: Any) -> Event:
    await session.send(session.update(**changes))
    shown: Event = (await session.until("session.updated"))[-1]["session"]
    return shown


def without_own(session: Event) -> Event:
    """Without what is of this one session."""
    own = {key: session.pop(key) for key in ("id", "expires_at")}
    assert own["id"].startswith("sess_")
    assert abs(own["expires_at"] - time.time() - HOUR_S) < 60  # noqa: TID251
    return session


@both
@requirement("session.defaults")
async def test_a_session_begins_as_on_the_wire(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        shown = without_own((await session.receive())["session"])
        assert shown == (GA_DEFAULTS if dialect == "ga" else BETA_DEFAULTS)


@both
@requirement("session.defaults.transcription")
async def test_a_transcription_session_begins_as_on_the_wire(scripted: Serving, dialect: Dialect) -> None:
    intent = {"intent": "transcription"}
    async with talk(scripted.websocket, dialect, model="", extra_query=intent) as session:
        shown = without_own((await session.receive())["session"])
        assert shown == (GA_TRANSCRIPTION if dialect == "ga" else BETA_TRANSCRIPTION)


@both
@requirement("session.clear")
async def test_settings_can_be_cleared(scripted: Serving, dialect: Dialect) -> None:
    tool = {"type": "function", "name": "now", "description": None, "parameters": None}
    async with talk(scripted.websocket, dialect) as session:
        full = await updated(
            session,
            instructions="x",
            tools=[tool],
            input_audio_transcription={"model": "whisper-1"},
            turn_detection={"type": "semantic_vad"},
        )
        assert full["tools"] == [tool]
        assert heard_in(full, dialect)["input_audio_transcription"] == {
            "model": "whisper-1", "language": None, "prompt": None,
        }  # fmt: skip
        empty = await updated(
            session, instructions="", tools=[], input_audio_transcription=None, turn_detection=None
        )
        assert (empty["instructions"], empty["tools"]) == ("", [])
        heard = heard_in(empty, dialect)
        assert heard["input_audio_transcription"] is None
        assert heard["turn_detection"] is None


@both
@requirement("session.merge.units")
async def test_turn_detection_is_replaced_whole_and_filled_in(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await updated(session, turn_detection={"type": "server_vad", "threshold": 0.9})
        shown = await updated(session, turn_detection={"type": "server_vad", "silence_duration_ms": 700})
        now = heard_in(shown, dialect)["turn_detection"]
        assert (now["threshold"], now["silence_duration_ms"]) == (0.5, 700)
        semantic = await updated(session, turn_detection={"type": "semantic_vad", "eagerness": "low"})
        assert heard_in(semantic, dialect)["turn_detection"] == {
            "type": "semantic_vad", "eagerness": "low", "create_response": True, "interrupt_response": True,
        }  # fmt: skip
        kept = await updated(session, voice="verse")
        assert heard_in(kept, dialect)["turn_detection"]["eagerness"] == "low"


@both
@requirement("session.model")
async def test_the_model_stays_whatever_an_update_says(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        shown = await updated(session, model="gpt-realtime-2.1")
        assert shown["model"] == "gpt-4o-realtime-preview"


@both
@requirement("session.kind")
async def test_a_session_stays_of_its_kind(scripted: Serving, dialect: Dialect) -> None:
    other: Event = {"type": "session.update", "session": {"type": "transcription"}}
    if dialect == "beta":
        other = {"type": "transcription_session.update", "session": {}}
    async with talk(scripted.websocket, dialect) as session:
        error = await session.refused(other)
        assert (error["code"], error["param"]) == ("invalid_parameter", "session.type")
        assert error["message"] == (
            "Passing a transcription session update event to a realtime session is not allowed."
        )


@requirement("session.kind.beta_event")
async def test_todays_sessions_do_not_know_the_transcription_update(scripted: Serving) -> None:
    async with talk(scripted.websocket, "ga") as session:
        error = await session.refused({"type": "transcription_session.update", "session": {}})
        assert (error["code"], error["param"]) == ("invalid_value", "type")


@both
@pytest.mark.parametrize(
    ("detection", "key"),
    [
        ({"type": "server_vad", "threshold": 1.1}, "threshold"),
        ({"type": "server_vad", "silence_duration_ms": -1}, "silence_duration_ms"),
        ({"type": "server_vad", "idle_timeout_ms": 4_999}, "idle_timeout_ms"),
        ({"type": "server_vad", "idle_timeout_ms": 30_001}, "idle_timeout_ms"),
        ({"type": "psychic_vad"}, "type"),
        ({"type": "semantic_vad", "eagerness": "very"}, "eagerness"),
    ],
)
@requirement("session.bounds")
async def test_turn_detection_out_of_bounds_is_named(
    scripted: Serving, dialect: Dialect, detection: Event, key: str
) -> None:
    at = "session.audio.input.turn_detection" if dialect == "ga" else "session.turn_detection"
    async with talk(scripted.websocket, dialect) as session:
        error = await session.refused(session.update(turn_detection=detection))
        assert (error["code"], error["param"]) == ("invalid_value", f"{at}.{key}")
        assert error["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("settings", "param"),
    [
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"max_output_tokens": 4_097}, "max_output_tokens"),
        ({"truncation": {"type": "retention_ratio", "retention_ratio": 1.5}}, "truncation.retention_ratio"),
        ({"audio": {"output": {"speed": 0.2}}}, "audio.output.speed"),
        ({"audio": {"output": {"speed": 1.6}}}, "audio.output.speed"),
        ({"audio": {"input": {"format": {"type": "audio/pcm", "rate": 16_000}}}}, "audio.input.format.rate"),
        ({"audio": {"input": {"noise_reduction": {"type": "no_field"}}}}, "audio.input.noise_reduction.type"),
        ({"output_modalities": ["audio", "text"]}, "output_modalities"),
        ({"reasoning": {"effort": "much"}}, "reasoning.effort"),
        ({"tool_choice": "maybe"}, "tool_choice"),
    ],
)
@requirement("session.bounds")
async def test_what_is_out_of_todays_bounds_is_named(scripted: Serving, settings: Event, param: str) -> None:
    async with talk(scripted.websocket, "ga") as session:
        error = await session.refused({"type": "session.update", "session": {"type": "realtime", **settings}})
        assert (error["code"], error["param"]) == ("invalid_value", f"session.{param}")


@pytest.mark.parametrize(
    ("settings", "param"),
    [
        ({"temperature": 0.5}, "temperature"),
        ({"temperature": 1.3}, "temperature"),
        ({"speed": 2}, "speed"),
        ({"max_response_output_tokens": 5_000}, "max_response_output_tokens"),
        ({"input_audio_format": "mp3"}, "input_audio_format"),
        ({"modalities": ["audio"]}, "modalities"),
        ({"tool_choice": "maybe"}, "tool_choice"),
    ],
)
@requirement("session.bounds")
async def test_what_is_out_of_betas_bounds_is_named(scripted: Serving, settings: Event, param: str) -> None:
    async with talk(scripted.websocket, "beta") as session:
        error = await session.refused({"type": "session.update", "session": settings})
        assert (error["code"], error["param"]) == ("invalid_value", f"session.{param}")


@requirement("session.ga.only")
async def test_todays_settings_are_kept_and_shown(scripted: Serving) -> None:
    ratio = {"type": "retention_ratio", "retention_ratio": 0.8, "token_limits": {"post_instructions": 900}}
    wanted = {
        "truncation": ratio,
        "parallel_tool_calls": False,
        "reasoning": {"effort": "low"},
        "max_output_tokens": 4_096,
        "include": ["item.input_audio_transcription.logprobs"],
        "tracing": {"workflow_name": "w", "group_id": "g", "metadata": {"a": "b"}},
    }
    async with talk(scripted.websocket, "ga") as session:
        update = session.update(**wanted)
        update["session"]["audio"]["input"]["noise_reduction"] = {"type": "far_field"}
        await session.send(update)
        shown = (await session.until("session.updated"))[-1]["session"]
        assert {key: shown[key] for key in wanted} == wanted
        assert shown["audio"]["input"]["noise_reduction"] == {"type": "far_field"}
        error = await session.refused(session.update(tracing=None))
        assert (error["code"], error["param"]) == ("invalid_value", "session.tracing")


@requirement("session.beta.spellings")
async def test_what_old_clients_send_is_understood(scripted: Serving) -> None:
    async with talk(scripted.websocket, "beta") as session:
        shown = await updated(
            session,
            turn_detection={"type": "none"},
            input_audio_format="g711-ulaw",
            tool_choice={"type": "function", "function": {"name": "now"}},
            max_response_output_tokens=4_096,
            temperature=0.6,
        )
        assert shown["turn_detection"] is None
        assert shown["input_audio_format"] == "g711_ulaw"
        assert shown["tool_choice"] == {"type": "function", "name": "now"}
        assert (shown["max_response_output_tokens"], shown["temperature"]) == (4_096, 0.6)


@both
@requirement("session.mcp")
async def test_mcp_is_refused_by_name_wherever_it_is_named(scripted: Serving, dialect: Dialect) -> None:
    tool = {"type": "mcp", "server_label": "x", "server_url": "https://example.org"}
    choice = {"type": "mcp", "server_label": "x"}
    async with talk(scripted.websocket, dialect) as session:
        error = await session.refused(session.update(tools=[tool]))
        assert (error["code"], error["param"]) == ("invalid_value", "session.tools[0].type")
        error = await session.refused(session.update(tool_choice=choice))
        assert (error["code"], error["param"]) == ("invalid_value", "session.tool_choice.type")
        error = await session.refused({"type": "response.create", "response": {"tools": [tool]}})
        assert (error["code"], error["param"]) == ("invalid_value", "response.tools[0].type")
        item = {"type": "mcp_approval_response", "approval_request_id": "r", "approve": True, "id": "i"}
        error = await session.refused({"type": "conversation.item.create", "item": item})
        assert (error["code"], error["param"]) == ("invalid_value", "item.type")


@requirement("session.prompt")
async def test_stored_prompts_are_those_of_the_configuration() -> None:
    settings = structs.replace(SCRIPTED, prompts={"pmpt_1": "Talk like a {{who}}."})
    with Serving(settings, load_engines(settings, lambda _: None)) as serving:
        async with talk(serving.websocket, "ga") as session:
            shown = await updated(session, prompt={"id": "pmpt_1", "variables": {"who": "pirate"}})
            assert shown["prompt"] == {"id": "pmpt_1", "variables": {"who": "pirate"}}
            error = await session.refused(session.update(prompt={"id": "pmpt_2"}))
            assert (error["code"], error["param"]) == ("invalid_value", "session.prompt.id")


@both
@requirement("session.updates")
async def test_every_update_is_told_once_and_in_order(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.send(*(session.update(instructions=str(number)) for number in range(3)))
        told = [e for e in await session.until("session.updated", 3) if e["type"] == "session.updated"]
        assert [e["session"]["instructions"] for e in told] == ["0", "1", "2"]
        await session.nothing_more()


@both
@requirement("connect.expiry")
async def test_a_session_ends_with_an_error_and_1001(dialect: Dialect) -> None:
    settings = structs.replace(SCRIPTED, max_session_s=0)
    with Serving(settings, load_engines(settings, lambda _: None)) as serving:
        async with talk(serving.websocket, dialect) as session:
            error = (await session.until("error"))[-1]["error"]
            assert (error["code"], error["param"]) == ("session_expired", None)
            assert error["message"] == "Your session hit the maximum duration of 0 minutes."
            with pytest.raises(ConnectionClosed) as closed:
                await session.receive()
            assert closed.value.rcvd is not None
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1001, error["message"])


@both
@requirement("session.running")
async def test_an_answer_under_way_keeps_its_settings(scripted: Serving, dialect: Dialect) -> None:
    async with talk(scripted.websocket, dialect) as session:
        await session.send(user("word " * 400), {"type": "response.create"})
        await session.until("response.created")
        await session.send(session.update(modalities=["text"]))
        events = await session.until("response.done")
        assert "session.updated" in [event["type"] for event in events]
        part = events[-1]["response"]["output"][0]["content"][0]
        assert part["type"].endswith("audio")
