from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.protocol.examples import SESSION

from louro.protocol import server_events as ev
from louro.protocol.errors import ClientError
from louro.protocol.session import RealtimeSession, ServerVad
from louro.protocol.wire import GA
from louro.protocol.wire.reading import MAX_UNKNOWN_KEYS, tidied


def created(**settings: Any) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.to_builtins(ev.SessionCreated(event_id="e", session=SESSION))
    body["session"]["audio"]["input"]["turn_detection"].update(settings)
    return body


def test_nulls_are_dropped_where_they_say_nothing() -> None:
    body: dict[str, object] = {
        "previous_item_id": None,
        "item": {"id": None, "content": [{"text": "a", "x": None}], "metadata": {"a": None}},
    }
    assert tidied(body) == {"item": {"content": [{"text": "a"}], "metadata": {"a": None}}}


def test_nulls_stay_where_they_may_clear() -> None:
    session = {
        "tracing": None,
        "turn_detection": {"threshold": None},
        "audio": {"input": {"turn_detection": None, "transcription": {"prompt": None}}, "output": None},
    }
    assert tidied({"session": session}) == {
        "session": {
            "tracing": None,
            "turn_detection": {},
            "audio": {"input": {"turn_detection": None, "transcription": {}}, "output": None},
        }
    }


def test_a_server_may_know_settings_that_we_do_not() -> None:
    frame = msgspec.json.encode(created(patience=1, mood={"x": 1}))
    event = GA.decode_server(frame)
    assert isinstance(event, ev.SessionCreated)
    assert isinstance(event.session, RealtimeSession)
    assert event.session.audio.input.turn_detection == ServerVad()


def test_a_server_may_not_invent_settings_without_end() -> None:
    frame = msgspec.json.encode(created(**{f"x{n}": 1 for n in range(MAX_UNKNOWN_KEYS + 1)}))
    with pytest.raises(ClientError) as refused:
        GA.decode_server(frame)
    assert refused.value.code == "unknown_parameter"
    assert GA.decode_server(msgspec.json.encode(created(**{f"x{n}": 1 for n in range(MAX_UNKNOWN_KEYS)})))


def test_what_a_server_says_wrongly_is_refused_all_the_same() -> None:
    with pytest.raises(ClientError) as refused:
        GA.decode_server(msgspec.json.encode(created(threshold="x")))
    assert refused.value.param == "session.audio.input.turn_detection.threshold"
