from __future__ import annotations

from typing import Any

import msgspec
import pytest
from openai.types.beta.realtime.realtime_client_event import RealtimeClientEvent
from pydantic import TypeAdapter
from tests.protocol.examples import ASSISTANT, BUSY_SESSION, CALL, DONE, HEARING_SESSION, SESSION, STARTED

from louro.protocol import client_events as ce
from louro.protocol import server_events as ev
from louro.protocol.client_events import AnyClientEvent
from louro.protocol.items import FunctionCallOutputItem, MessageItem, OutputText
from louro.protocol.response import BetaResponseParams, ResponseParams
from louro.protocol.session import (
    AudioInputPatch,
    BetaRealtimeSessionPatch,
    FunctionChoice,
    PcmaFormat,
    PcmFormat,
    PcmuFormat,
    RealtimeAudioPatch,
    RealtimeSession,
    RealtimeSessionPatch,
    ServerVad,
    Transcription,
    TranscriptionAudioPatch,
    TranscriptionSession,
    TranscriptionSessionPatch,
    VoiceId,
)
from louro.protocol.wire import BETA


def sent(event: ev.AnyServerEvent) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.json.decode(BETA.encode(event) or b"")
    return body


def said(body: object) -> AnyClientEvent:
    return BETA.decode(msgspec.json.encode(body))


def updated(**settings: object) -> BetaRealtimeSessionPatch:
    event = said({"type": "session.update", "session": settings})
    assert isinstance(event, ce.SessionUpdate)
    assert isinstance(event.session, BetaRealtimeSessionPatch)
    return event.session


def hears(**settings: object) -> AudioInputPatch:
    audio = updated(**settings).audio
    assert isinstance(audio, RealtimeAudioPatch)
    assert isinstance(audio.input, AudioInputPatch)
    return audio.input


def asked(**params: object) -> BetaResponseParams:
    event = said({"type": "response.create", "response": params})
    assert isinstance(event, ce.ResponseCreate)
    assert isinstance(event.response, BetaResponseParams)
    return event.response


# What leaves


def test_a_session_is_flat_and_has_the_keys_of_the_real_one() -> None:
    session = sent(ev.SessionCreated(event_id="e", session=SESSION))["session"]
    assert set(session) == {
        *("id", "object", "expires_at", "client_secret", "model", "modalities", "instructions", "voice"),
        *(
            "input_audio_format",
            "output_audio_format",
            "input_audio_transcription",
            "turn_detection",
            "tools",
        ),
        *("tool_choice", "temperature", "max_response_output_tokens", "input_audio_noise_reduction", "speed"),
        *("tracing", "include"),
    }
    assert session["modalities"] == ["audio", "text"]
    assert session["temperature"] == 0.8
    assert session["client_secret"] is None
    assert session["input_audio_format"] == session["output_audio_format"] == "pcm16"
    assert session["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 200,
        "create_response": True,
        "interrupt_response": True,
    }


def test_settings_arrive_under_their_older_names() -> None:
    audio = msgspec.structs.replace(
        BUSY_SESSION.audio,
        output=msgspec.structs.replace(
            BUSY_SESSION.audio.output, voice=VoiceId("voice_1"), format=PcmaFormat()
        ),
    )
    warm = msgspec.structs.replace(
        BUSY_SESSION, temperature=0.7, audio=audio, tool_choice=FunctionChoice("now"), max_output_tokens=9
    )
    event = sent(ev.SessionUpdated(event_id="e", session=warm))
    assert event["type"] == "session.updated"
    session = event["session"]
    assert session["modalities"] == ["text"]
    assert session["temperature"] == 0.7
    assert session["voice"] == "voice_1"
    assert session["input_audio_format"] == "g711_ulaw"
    assert session["output_audio_format"] == "g711_alaw"
    assert session["input_audio_transcription"] == {"model": "whisper-1", "language": "pt", "prompt": None}
    assert session["input_audio_noise_reduction"] == {"type": "near_field"}
    assert session["turn_detection"]["eagerness"] == "high"
    assert session["tool_choice"] == {"type": "function", "name": "now"}
    assert session["max_response_output_tokens"] == 9


def test_an_idle_timeout_is_shown_to_who_asked_for_it() -> None:
    heard = msgspec.structs.replace(SESSION.audio.input, turn_detection=ServerVad(idle_timeout_ms=6_000))
    session = msgspec.structs.replace(SESSION, audio=msgspec.structs.replace(SESSION.audio, input=heard))
    shown = sent(ev.SessionUpdated(event_id="e", session=session))["session"]["turn_detection"]
    assert shown["idle_timeout_ms"] == 6_000


def test_a_transcription_session_has_events_of_its_own() -> None:
    created = sent(ev.SessionCreated(event_id="e", session=HEARING_SESSION))
    updated = sent(ev.SessionUpdated(event_id="e", session=HEARING_SESSION))
    assert created["type"] == "transcription_session.created"
    assert updated["type"] == "transcription_session.updated"
    assert created["session"] == {
        "id": "sess_2",
        "object": "realtime.transcription_session",
        "expires_at": 1,
        "input_audio_format": "pcm16",
        "input_audio_transcription": {"model": "whisper-1", "language": None, "prompt": None},
        "input_audio_noise_reduction": None,
        "turn_detection": {
            "type": "server_vad",
            "threshold": 0.5,
            "prefix_padding_ms": 300,
            "silence_duration_ms": 200,
        },
        "include": None,
        "client_secret": None,
    }


def test_an_item_is_created_once_and_never_done() -> None:
    created = sent(ev.ConversationItemAdded(event_id="e", previous_item_id="item_1", item=ASSISTANT))
    assert created == {
        "type": "conversation.item.created",
        "event_id": "e",
        "previous_item_id": "item_1",
        "item": {
            "type": "message",
            "id": "item_2",
            "object": "realtime.item",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "audio", "transcript": "Hello!"}, {"type": "text", "text": "Hi!"}],
        },
    }
    assert BETA.encode(ev.ConversationItemDone(event_id="e", item=ASSISTANT)) is None


def test_a_call_in_a_response_is_an_object_too() -> None:
    done = ev.ResponseOutputItemDone(event_id="e", response_id="r", output_index=0, item=CALL)
    assert sent(done)["item"]["object"] == "realtime.item"


def test_a_response_has_the_keys_of_the_real_one() -> None:
    response = sent(ev.ResponseDone(event_id="e", response=DONE))["response"]
    assert set(response) == {
        *("object", "id", "status", "status_details", "output", "conversation_id", "modalities", "voice"),
        *("output_audio_format", "temperature", "max_output_tokens", "metadata", "usage"),
    }
    assert response["output"][0]["content"][0]["type"] == "audio"
    assert response["usage"]["input_token_details"] == {
        "text_tokens": 0,
        "audio_tokens": 0,
        "cached_tokens": 0,
        "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 0},
    }
    assert sent(ev.ResponseCreated(event_id="e", response=STARTED))["response"]["usage"] is None


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (ev.ResponseOutputTextDelta, "response.text.delta"),
        (ev.ResponseOutputTextDone, "response.text.done"),
        (ev.ResponseOutputAudioTranscriptDelta, "response.audio_transcript.delta"),
        (ev.ResponseOutputAudioTranscriptDone, "response.audio_transcript.done"),
        (ev.ResponseOutputAudioDelta, "response.audio.delta"),
        (ev.ResponseOutputAudioDone, "response.audio.done"),
    ],
)
def test_content_goes_by_its_older_name(event: Any, name: str) -> None:
    given = {"event_id": "e", "response_id": "r", "item_id": "i", "output_index": 1, "content_index": 2}
    extra = {key: "aGk=" for key in ("delta", "text", "transcript") if key in event.__struct_fields__}
    today = msgspec.convert({**given, **extra, "type": event.__struct_config__.tag}, event)
    assert sent(today) == {**given, **extra, "type": name}


@pytest.mark.parametrize(
    ("param", "shown"),
    [
        ("session.audio.output.voice", "session.voice"),
        ("session.audio.input.turn_detection.threshold", "session.turn_detection.threshold"),
        ("session.output_modalities[0]", "session.modalities[0]"),
        ("session.max_output_tokens", "session.max_response_output_tokens"),
        ("session.tools[0].name", "session.tools[0].name"),
        (None, None),
    ],
)
def test_an_error_points_at_the_older_name(param: str | None, shown: str | None) -> None:
    today = ev.Error(event_id="e", error=ev.ErrorDetail(message=f"Unknown: '{param}'.", param=param))
    error = sent(today)["error"]
    assert (error["param"], error["message"]) == (shown, f"Unknown: '{shown}'.")
    assert BETA.decode_server(BETA.encode(today) or b"") == today


# What comes in

SDK_EVENTS: list[dict[str, Any]] = [
    {
        "type": "session.update",
        "session": {
            "modalities": ["text", "audio"],
            "instructions": "",
            "voice": "verse",
            "input_audio_format": "pcm16",
            "output_audio_format": "g711_ulaw",
            "input_audio_transcription": None,
            "turn_detection": None,
            "tools": [],
            "tool_choice": "auto",
            "temperature": 0.8,
            "max_response_output_tokens": 4096,
        },
    },
    {
        "type": "transcription_session.update",
        "session": {"input_audio_transcription": {"model": "gpt-4o-transcribe"}, "include": []},
    },
    {"type": "input_audio_buffer.append", "audio": "AAAA"},
    {"type": "input_audio_buffer.commit", "event_id": "mine"},
    {"type": "input_audio_buffer.clear"},
    {
        "type": "conversation.item.create",
        "item": {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "Hi"}]},
    },
    {"type": "conversation.item.retrieve", "item_id": "item_1"},
    {"type": "conversation.item.truncate", "item_id": "item_1", "content_index": 0, "audio_end_ms": 5},
    {"type": "conversation.item.delete", "item_id": "item_1"},
    {"type": "response.create"},
    {"type": "response.create", "response": {"conversation": "none", "metadata": {"a": "b"}, "input": []}},
    {"type": "response.cancel", "response_id": "resp_1"},
]


@pytest.mark.parametrize("body", SDK_EVENTS, ids=lambda body: body["type"])
def test_what_the_official_client_can_say_is_understood(body: dict[str, Any]) -> None:
    oracle: TypeAdapter[Any] = TypeAdapter(RealtimeClientEvent)
    assert oracle.validate_python(body).type == body["type"]
    assert body["type"].endswith(str(type(said(body)).__struct_config__.tag))


def test_what_the_first_clients_send_on_opening_is_taken_whole() -> None:
    event = said(SDK_EVENTS[0])
    assert isinstance(event, ce.SessionUpdate)
    patch = event.session
    assert isinstance(patch, BetaRealtimeSessionPatch)
    assert patch.output_modalities == ("audio",)
    assert patch.max_output_tokens == 4096
    assert patch.temperature == 0.8
    assert isinstance(patch.audio, RealtimeAudioPatch)
    assert patch.audio.input == AudioInputPatch(format=PcmFormat(), transcription=None, turn_detection=None)


def test_what_a_client_echoes_changes_nothing() -> None:
    echoed = updated(id="sess_1", object="realtime.session", expires_at=1, client_secret=None, model="x")
    assert echoed == updated()


def test_no_turn_detection_can_be_spelled_in_two_ways() -> None:
    assert hears(turn_detection=None).turn_detection is None
    assert hears(turn_detection={"type": "none"}).turn_detection is None
    assert hears().turn_detection is msgspec.UNSET
    slow = {"type": "server_vad", "silence_duration_ms": 700, "threshold": None}
    assert hears(turn_detection=slow).turn_detection == ServerVad(silence_duration_ms=700)


def test_transcription_may_come_with_keys_of_the_first_weeks() -> None:
    heard = hears(input_audio_transcription={"enabled": True, "model": "whisper-1"})
    assert heard.transcription == Transcription(model="whisper-1")
    assert hears(input_audio_transcription=None).transcription is None


@pytest.mark.parametrize("spelling", ["g711_ulaw", "g711-ulaw"])
def test_mu_law_can_be_spelled_in_two_ways(spelling: str) -> None:
    assert hears(input_audio_format=spelling).format == PcmuFormat()


def test_a_function_can_be_named_in_two_ways() -> None:
    for choice in ({"name": "now"}, {"function": {"name": "now"}}):
        assert updated(tool_choice={"type": "function", **choice}).tool_choice == FunctionChoice("now")
        assert asked(tool_choice={"type": "function", **choice}).tool_choice == FunctionChoice("now")


def test_a_token_limit_has_two_names() -> None:
    assert asked(max_output_tokens=5).max_output_tokens == 5
    assert asked(max_response_output_tokens=5).max_output_tokens == 5
    assert updated(max_output_tokens=5).max_output_tokens == 5
    assert updated(max_response_output_tokens=None).max_output_tokens is None


def test_only_writing_is_only_writing() -> None:
    assert updated(modalities=["text"]).output_modalities == ("text",)
    assert asked(modalities=["audio", "text"]).output_modalities == ("audio",)


def test_a_response_may_have_its_own_voice_and_warmth() -> None:
    params = asked(voice="ash", output_audio_format="g711_alaw", temperature=0.9, commit=True)
    assert params.temperature == 0.9
    assert params.audio
    assert params.audio.output
    assert params.audio.output.voice == "ash"
    assert params.audio.output.format == PcmaFormat()


def test_items_of_a_response_go_by_todays_names() -> None:
    items = [{"type": "message", "role": "assistant", "content": [{"type": "text", "text": "a"}]}]
    assert asked(input=items).input == (MessageItem(role="assistant", content=(OutputText("a"),)),)


def test_an_update_of_a_transcription_session_is_todays_update() -> None:
    event = said(SDK_EVENTS[1])
    assert isinstance(event, ce.SessionUpdate)
    assert isinstance(event.session, TranscriptionSessionPatch)
    assert isinstance(event.session.audio, TranscriptionAudioPatch)
    assert event.session.audio.input == AudioInputPatch(
        transcription=Transcription(model="gpt-4o-transcribe")
    )


def test_a_call_output_without_its_call_is_left_to_the_session() -> None:
    event = said(
        {"type": "conversation.item.create", "item": {"type": "function_call_output", "output": "x"}}
    )
    assert event == ce.ConversationItemCreate(item=FunctionCallOutputItem(output="x"))


# For the library and the relay


def test_what_the_older_dialect_cannot_say_is_left_out() -> None:
    patch = RealtimeSessionPatch(model="x", truncation="auto", prompt=None, parallel_tool_calls=True)
    frame = BETA.encode_client(ce.SessionUpdate(session=patch))
    assert msgspec.json.decode(frame) == {"type": "session.update", "session": {}}
    empty = BETA.encode_client(ce.SessionUpdate(session=TranscriptionSessionPatch()))
    assert msgspec.json.decode(empty) == {"type": "transcription_session.update", "session": {}}
    reply = BETA.encode_client(ce.ResponseCreate(response=ResponseParams(parallel_tool_calls=True)))
    assert msgspec.json.decode(reply) == {"type": "response.create", "response": {}}


def test_warmth_goes_along() -> None:
    frame = BETA.encode_client(ce.SessionUpdate(session=BetaRealtimeSessionPatch(temperature=0.7)))
    assert msgspec.json.decode(frame)["session"] == {"temperature": 0.7}
    frame = BETA.encode_client(ce.ResponseCreate(response=BetaResponseParams(temperature=0.7)))
    assert msgspec.json.decode(frame)["response"] == {"temperature": 0.7}


def test_a_cleared_setting_stays_cleared_on_its_way() -> None:
    patch = RealtimeSessionPatch(audio=RealtimeAudioPatch(input=AudioInputPatch(turn_detection=None)))
    frame = BETA.encode_client(ce.SessionUpdate(session=patch))
    assert msgspec.json.decode(frame)["session"] == {"turn_detection": None}


def test_a_server_of_the_older_dialect_is_heard_in_todays_words() -> None:
    for session, kind in ((BUSY_SESSION, RealtimeSession), (HEARING_SESSION, TranscriptionSession)):
        event = BETA.decode_server(BETA.encode(ev.SessionCreated(event_id="e", session=session)) or b"")
        assert isinstance(event, ev.SessionCreated)
        assert type(event.session) is kind
        assert event.session.audio.input == session.audio.input
    item = BETA.decode_server(BETA.encode(ev.ConversationItemAdded(event_id="e", item=ASSISTANT)) or b"")
    assert item == ev.ConversationItemAdded(event_id="e", item=ASSISTANT)
    done = BETA.decode_server(BETA.encode(ev.ResponseDone(event_id="e", response=DONE)) or b"")
    assert isinstance(done, ev.ResponseDone)
    assert done.response.output == DONE.output
