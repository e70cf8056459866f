"""What holds in either dialect."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests import oracle
from tests.protocol.examples import CLIENT_EVENTS, SERVER_EVENTS, events

from louro.protocol.client_events import AnyClientEvent
from louro.protocol.errors import ClientError
from louro.protocol.server_events import AnyServerEvent
from louro.protocol.wire import BETA, GA, Dialect, choose

DIALECTS = [GA, BETA]
SETTINGS = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
both = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)


def named(event: object) -> str:
    return type(event).__name__


def test_there_is_an_example_of_everything() -> None:
    assert set(map(type, SERVER_EVENTS)) == set(get_args(AnyServerEvent))
    assert set(map(type, CLIENT_EVENTS)) == set(get_args(AnyClientEvent))


@both
@pytest.mark.parametrize("event", SERVER_EVENTS, ids=named)
def test_the_official_library_accepts_what_we_send(dialect: Dialect, event: AnyServerEvent) -> None:
    frame = dialect.encode(event)
    if frame is None:
        assert (dialect.name, named(event)) == ("beta", "ConversationItemDone")
        return
    oracle.check(msgspec.json.decode(frame), dialect.name)


@both
@pytest.mark.parametrize("event", SERVER_EVENTS, ids=named)
def test_what_a_server_says_comes_back(dialect: Dialect, event: AnyServerEvent) -> None:
    frame = dialect.encode(event)
    if frame is not None:
        again = dialect.decode_server(frame)
        assert type(again) is type(event)
        assert dialect.encode(again) == frame


@both
@pytest.mark.parametrize("event", CLIENT_EVENTS, ids=named)
def test_what_a_client_says_comes_back(dialect: Dialect, event: AnyClientEvent) -> None:
    frame = dialect.encode_client(event)
    again = dialect.decode(frame)
    assert type(again) is type(event)
    assert dialect.encode_client(again) == frame
    if dialect is GA:
        assert again == event


@both
@SETTINGS
@given(event=events(AnyClientEvent))
def test_one_trip_is_as_good_as_two_for_a_client(dialect: Dialect, event: AnyClientEvent) -> None:
    try:
        once = dialect.decode(dialect.encode_client(event))
    except ClientError:
        assume(False)
    assert dialect.decode(dialect.encode_client(once)) == once


@both
@SETTINGS
@given(event=events(AnyServerEvent))
def test_one_trip_is_as_good_as_two_for_a_server(dialect: Dialect, event: AnyServerEvent) -> None:
    frame = dialect.encode(event)
    if frame is not None:
        once = dialect.decode_server(frame)
        assert dialect.decode_server(dialect.encode(once) or b"") == once


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
KEYS = ["session", "item", "audio", "response", "input", "content", "type", "tools", "turn_detection", "x"]
NEARLY = st.recursive(
    st.none()
    | st.integers()
    | st.text()
    | st.sampled_from(["realtime", "message", "server_vad", "audio/pcm"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
)


@st.composite
def nearly_events(draw: st.DrawFn) -> bytes:
    body = draw(st.dictionaries(st.sampled_from(KEYS), NEARLY))
    body["type"] = draw(
        st.sampled_from(["session.update", "response.create", "conversation.item.create", "x"])
    )
    return msgspec.json.encode(body)


@both
@SETTINGS
@given(frame=st.binary() | st.text() | JSON.map(msgspec.json.encode) | nearly_events())
def test_hostile_frames_are_refused_and_nothing_else(dialect: Dialect, frame: str | bytes) -> None:
    for decode in (dialect.decode, dialect.decode_server):
        try:
            decode(frame)
        except ClientError as error:
            assert error.message
            assert len(error.message) < 3_000


@both
@pytest.mark.parametrize("frame", [b"\xff", "\ud800", '{"type":', "[" * 100_000, '{"x":' + "[" * 100_000])
def test_what_is_no_json_is_called_so(dialect: Dialect, frame: str | bytes) -> None:
    with pytest.raises(ClientError) as refused:
        dialect.decode(frame)
    assert refused.value.code == "invalid_json"


def test_deep_but_complete_json_is_refused_or_read() -> None:
    for depth in (200, 900, 5_000):
        frame = '{"type":"nothing","x":' + "[" * depth + "]" * depth + "}"
        with pytest.raises(ClientError) as refused:
            GA.decode(frame)
        assert refused.value.code in ("invalid_json", "invalid_value")


@pytest.mark.parametrize(
    ("headers", "subprotocols", "query", "expected"),
    [
        ({}, [], {}, GA),
        ({"openai-beta": "realtime=v1"}, [], {"model": "gpt-realtime"}, BETA),
        ({"openai-beta": "assistants=v2, realtime=v1"}, [], {}, BETA),
        ({"openai-beta": "assistants=v2"}, ["realtime"], {}, GA),
        ({}, ["realtime", "openai-insecure-api-key.k", "openai-beta.realtime-v1"], {}, BETA),
        ({}, [], {"api-version": "2024-10-01-preview"}, BETA),
        ({}, [], {"api-version": "2025-08-28"}, GA),
    ],
)
def test_the_dialect_follows_what_the_client_offers(
    headers: dict[str, str], subprotocols: list[str], query: dict[str, str], expected: Dialect
) -> None:
    assert choose(headers, subprotocols, query) is expected


def test_limits_come_early_in_the_beta_dialect_only() -> None:
    assert BETA.limits_first
    assert not GA.limits_first
