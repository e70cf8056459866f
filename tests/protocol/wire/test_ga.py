from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest
from openai.types.realtime.realtime_client_event import RealtimeClientEvent
from pydantic import TypeAdapter
from tests.conformance.marks import requirement
from tests.protocol.examples import ASSISTANT, CALL, DONE, HEARING_SESSION, SESSION, USER

from louro.protocol import client_events as ce
from louro.protocol import server_events as ev
from louro.protocol.client_events import AnyClientEvent
from louro.protocol.errors import ClientError
from louro.protocol.items import (
    FunctionCallItem,
    FunctionCallOutputItem,
    McpApprovalResponseItem,
    MessageItem,
    OutputAudio,
    OutputText,
)
from louro.protocol.response import BetaResponseParams
from louro.protocol.session import (
    AudioInputPatch,
    BetaRealtimeSessionPatch,
    FunctionTool,
    PcmFormat,
    RealtimeAudioPatch,
    RealtimeSessionPatch,
    SemanticVad,
    ServerVad,
)
from louro.protocol.wire import GA
from louro.protocol.wire.ga import MAX_APPEND_BYTES


def sent(event: ev.AnyServerEvent) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.json.decode(GA.encode(event) or b"")
    return body


def said(body: object) -> AnyClientEvent:
    return GA.decode(msgspec.json.encode(body))


def updated(**settings: object) -> RealtimeSessionPatch:
    event = said({"type": "session.update", "session": {"type": "realtime", **settings}})
    assert isinstance(event, ce.SessionUpdate)
    assert isinstance(event.session, RealtimeSessionPatch)
    return event.session


def refusal(body: object) -> ClientError:
    with pytest.raises(ClientError) as refused:
        said(body)
    return refused.value


# What leaves


def test_a_session_has_the_keys_of_the_real_one() -> None:
    session = sent(ev.SessionCreated(event_id="e", session=SESSION))["session"]
    assert set(session) == {
        *("type", "object", "id", "model", "output_modalities", "instructions", "tools", "tool_choice"),
        *("max_output_tokens", "tracing", "truncation", "prompt", "expires_at", "audio", "include"),
    }
    assert set(session["audio"]) == {"input", "output"}
    assert set(session["audio"]["input"]) == {"format", "transcription", "noise_reduction", "turn_detection"}
    assert set(session["audio"]["output"]) == {"format", "voice", "speed"}
    assert session["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24_000}
    assert session["type"] == "realtime"
    assert session["object"] == "realtime.session"


def test_todays_session_has_no_temperature_even_if_it_was_set() -> None:
    warm = msgspec.structs.replace(SESSION, temperature=0.7)
    assert "temperature" not in sent(ev.SessionUpdated(event_id="e", session=warm))["session"]
    done = msgspec.structs.replace(DONE, temperature=0.7)
    assert "temperature" not in sent(ev.ResponseDone(event_id="e", response=done))["response"]


def test_a_transcription_session_shows_half_of_its_turn_detection() -> None:
    session = sent(ev.SessionCreated(event_id="e", session=HEARING_SESSION))["session"]
    assert set(session) == {"type", "object", "id", "expires_at", "audio", "include"}
    assert session["object"] == "realtime.transcription_session"
    heard = session["audio"]["input"]
    keys = {"type", "threshold", "prefix_padding_ms", "silence_duration_ms"}
    assert set(heard["turn_detection"]) == keys
    assert heard["transcription"] == {"model": "whisper-1", "language": None, "prompt": None}


@pytest.mark.parametrize("detection", [None, SemanticVad()])
def test_other_turn_detection_of_a_transcription_session_stays_whole(detection: SemanticVad | None) -> None:
    heard = msgspec.structs.replace(HEARING_SESSION.audio.input, turn_detection=detection)
    audio = msgspec.structs.replace(HEARING_SESSION.audio, input=heard)
    session = msgspec.structs.replace(HEARING_SESSION, audio=audio)
    shown = sent(ev.SessionUpdated(event_id="e", session=session))["session"]["audio"]["input"]
    assert shown["turn_detection"] == msgspec.to_builtins(detection)


def test_an_item_carries_its_object_only_when_it_is_retrieved() -> None:
    keys = {"type", "id", "status", "role", "content"}
    assert set(sent(ev.ConversationItemAdded(event_id="e", item=USER))["item"]) == keys
    assert set(sent(ev.ConversationItemRetrieved(event_id="e", item=USER))["item"]) == keys | {"object"}
    named = msgspec.structs.replace(CALL, object="realtime.item")
    call = sent(ev.ResponseOutputItemDone(event_id="e", response_id="r", output_index=0, item=named))["item"]
    assert set(call) == {"type", "id", "status", "name", "arguments", "call_id"}


def test_a_status_is_always_there_and_a_null_id_never() -> None:
    item = FunctionCallItem(name="now", arguments="{}")
    shown = sent(ev.ConversationItemDone(event_id="e", item=item))["item"]
    assert shown == {"type": "function_call", "status": "completed", "name": "now", "arguments": "{}"}


def test_an_mcp_item_is_shown_as_it_is() -> None:
    item = McpApprovalResponseItem(approval_request_id="a", approve=True, id="item_9")
    shown = sent(ev.ConversationItemDone(event_id="e", item=item))["item"]
    assert shown["type"] == "mcp_approval_response"
    assert said({"type": "conversation.item.create", "item": shown}) == ce.ConversationItemCreate(item=item)


def test_a_response_has_the_keys_of_the_real_one() -> None:
    response = sent(ev.ResponseDone(event_id="e", response=DONE))["response"]
    assert set(response) == {
        *("object", "id", "status", "status_details", "output", "conversation_id", "output_modalities"),
        *("max_output_tokens", "audio", "metadata", "usage"),
    }
    assert response["output"][0]["content"][0] == {"type": "output_audio", "transcript": "Hello!"}
    assert response["usage"]["input_token_details"] == {
        "text_tokens": 0,
        "audio_tokens": 0,
        "image_tokens": 0,
        "cached_tokens": 0,
        "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0},
    }


def test_todays_server_is_never_told_a_temperature() -> None:
    for event in (
        ce.SessionUpdate(session=BetaRealtimeSessionPatch(temperature=0.7)),
        ce.ResponseCreate(response=BetaResponseParams(temperature=0.7, conversation="none")),
    ):
        assert b"temperature" not in GA.encode_client(event)


# What comes in

SDK_EVENTS: list[dict[str, Any]] = [
    {"type": "session.update", "session": {"type": "realtime", "instructions": "", "tools": []}},
    {
        "type": "session.update",
        "session": {
            "type": "realtime",
            "model": "gpt-realtime",
            "output_modalities": ["audio"],
            "audio": {
                "input": {
                    "format": {"type": "audio/pcm", "rate": 24_000},
                    "transcription": {"model": "whisper-1", "language": "en", "prompt": "x"},
                    "noise_reduction": {"type": "near_field"},
                    "turn_detection": {
                        "type": "server_vad",
                        "threshold": 0.5,
                        "idle_timeout_ms": None,
                        "create_response": True,
                    },
                },
                "output": {"format": {"type": "audio/pcma"}, "voice": {"id": "voice_1"}, "speed": 1},
            },
            "max_output_tokens": "inf",
            "truncation": {
                "type": "retention_ratio",
                "retention_ratio": 0.8,
                "token_limits": {"post_instructions": 100},
            },
            "tracing": {"workflow_name": "x"},
            "prompt": {"id": "pmpt_1", "variables": {"a": "b"}},
            "tool_choice": {"type": "mcp", "server_label": "x"},
            "include": ["item.input_audio_transcription.logprobs"],
        },
    },
    {
        "type": "session.update",
        "session": {
            "type": "transcription",
            "audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "low"}}},
        },
    },
    {"type": "input_audio_buffer.append", "audio": "AAAA"},
    {"type": "input_audio_buffer.commit", "event_id": "mine"},
    {"type": "input_audio_buffer.clear"},
    {
        "type": "conversation.item.create",
        "previous_item_id": "root",
        "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
    },
    {
        "type": "conversation.item.create",
        "item": {"type": "function_call_output", "call_id": "call_1", "output": ""},
    },
    {"type": "conversation.item.retrieve", "item_id": "item_1"},
    {"type": "conversation.item.truncate", "item_id": "item_1", "content_index": 0, "audio_end_ms": 5},
    {"type": "conversation.item.delete", "item_id": "item_1"},
    {"type": "response.create"},
    {
        "type": "response.create",
        "response": {
            "conversation": "none",
            "metadata": {"a": "b"},
            "input": [],
            "output_modalities": ["text"],
        },
    },
    {"type": "response.cancel", "response_id": "resp_1"},
]


@pytest.mark.parametrize("body", SDK_EVENTS, ids=lambda body: body["type"])
def test_what_the_official_client_can_say_is_understood(body: dict[str, Any]) -> None:
    oracle: TypeAdapter[Any] = TypeAdapter(RealtimeClientEvent)
    assert oracle.validate_python(body).type == body["type"]
    assert type(said(body)).__struct_config__.tag == body["type"]


def test_nulls_that_say_nothing_are_ignored() -> None:
    body = {
        "event_id": None,
        "type": "response.create",
        "response": {"instructions": None, "tools": None, "metadata": None, "audio": {"output": None}},
    }
    assert isinstance(said(body), ce.ResponseCreate)
    patch = updated(
        audio={
            "input": {
                "format": {"type": "audio/pcm", "rate": None},
                "turn_detection": {"type": "server_vad", "threshold": None, "silence_duration_ms": 700},
                "noise_reduction": None,
            },
            "output": {"voice": None},
        },
        tools=[{"type": "function", "name": "now", "strict": None, "parameters": {"default": None}}],
    )
    assert isinstance(patch.audio, RealtimeAudioPatch)
    assert patch.audio.input == AudioInputPatch(
        format=PcmFormat(), turn_detection=ServerVad(silence_duration_ms=700), noise_reduction=None
    )
    assert patch.tools == (FunctionTool(name="now", parameters={"default": None}),)


def test_keys_nobody_knows_are_ignored_outside_of_settings() -> None:
    item = {
        "type": "message",
        "role": "assistant",
        "object": "realtime.item",
        "phase": "final",
        "content": [{"type": "text", "text": "a", "x": 1}, {"type": "audio", "transcript": "b"}],
    }
    event = said({"type": "conversation.item.create", "item": item, "obfuscation": "xyz"})
    expected = MessageItem(role="assistant", content=(OutputText("a"), OutputAudio("b")))
    assert event == ce.ConversationItemCreate(item=expected)


def test_items_of_a_response_go_by_todays_names_too() -> None:
    items = [
        {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "a"}]},
        {"type": "item_reference", "id": "item_1"},
    ]
    event = said({"type": "response.create", "response": {"input": items}})
    assert isinstance(event, ce.ResponseCreate)
    assert event.response
    assert event.response.input
    assert event.response.input[0] == MessageItem(role="assistant", content=(OutputText("a"),))


@requirement("audio.append.limit")
def test_an_append_holds_so_much_and_no_more() -> None:
    most = base64.b64encode(bytes(MAX_APPEND_BYTES)).decode()
    event = said({"type": "input_audio_buffer.append", "audio": most})
    assert isinstance(event, ce.InputAudioBufferAppend)
    more = base64.b64encode(bytes(MAX_APPEND_BYTES + 2)).decode()
    refused = refusal({"type": "input_audio_buffer.append", "audio": more, "event_id": "mine"})
    assert (refused.code, refused.param, refused.event_id) == ("invalid_value", "audio", "mine")


def test_a_call_output_names_its_call() -> None:
    item = {"type": "function_call_output", "output": "noon"}
    refused = refusal({"type": "conversation.item.create", "item": item, "event_id": "mine"})
    assert (refused.code, refused.param) == ("missing_required_parameter", "item.call_id")
    assert refused.event_id == "mine"
    assert said(
        {"type": "conversation.item.create", "item": {**item, "call_id": "call_1"}}
    ) == ce.ConversationItemCreate(item=FunctionCallOutputItem(call_id="call_1", output="noon"))


@pytest.mark.parametrize("modalities", [["audio", "text"], [], ["text", "text"]])
def test_a_response_is_spoken_or_written(modalities: list[str]) -> None:
    settings = {"type": "realtime", "output_modalities": modalities}
    refused = refusal({"type": "session.update", "session": settings, "event_id": "mine"})
    assert (refused.code, refused.param) == ("invalid_value", "session.output_modalities")
    assert refused.event_id == "mine"
    assert refused.message == (
        f"Invalid modalities: {modalities}. Supported combinations are: ['text'] and ['audio']."
    )
    refused = refusal({"type": "response.create", "response": {"output_modalities": modalities}})
    assert (refused.code, refused.param) == ("invalid_value", "response.output_modalities")


def test_flat_settings_are_unknown_today() -> None:
    for key, value in {"voice": "ash", "modalities": ["text"], "temperature": 0.8}.items():
        refused = refusal({"type": "session.update", "session": {"type": "realtime", key: value}})
        assert (refused.code, refused.param) == ("unknown_parameter", f"session.{key}")


def test_the_transcription_update_of_the_beta_is_no_event_today() -> None:
    refused = refusal({"type": "transcription_session.update", "session": {}})
    assert (refused.code, refused.param) == ("invalid_value", "type")


def test_what_a_server_says_may_be_unknown() -> None:
    with pytest.raises(ClientError) as refused:
        GA.decode_server(b'{"type":"session.sang","event_id":"event_1"}')
    assert refused.value.param == "type"


def test_assistant_items_leave_as_they_came() -> None:
    assert said(msgspec.json.decode(GA.encode_client(ce.ConversationItemCreate(item=ASSISTANT)))) == (
        ce.ConversationItemCreate(item=ASSISTANT)
    )
