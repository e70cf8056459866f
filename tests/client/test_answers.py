"""Which answer is under way: values in, values out."""

from __future__ import annotations

import pytest

from louro.client import RealtimeError
from louro.client.answers import Answers
from louro.protocol import server_events as ev
from louro.protocol.client_events import ResponseCreate
from louro.protocol.items import FunctionCallItem
from louro.protocol.response import Response, ResponseAudio, ResponseAudioOutput, ResponseParams
from louro.protocol.session import PcmFormat

AUDIO = ResponseAudio(output=ResponseAudioOutput(format=PcmFormat(), voice="hum"))
PARAMS = ResponseParams(instructions="Be brief.")


def created(response_id: str, conversation_id: str | None = "conv_1") -> ev.ResponseCreated:
    response = Response(id=response_id, conversation_id=conversation_id, audio=AUDIO)
    return ev.ResponseCreated(event_id="e", response=response)


def done(response_id: str) -> ev.ResponseDone:
    return ev.ResponseDone(event_id="e", response=Response(id=response_id, status="completed", audio=AUDIO))


def word(response_id: str) -> ev.ResponseOutputTextDelta:
    return ev.ResponseOutputTextDelta(
        event_id="e", response_id=response_id, item_id="i", output_index=0, content_index=0, delta="Hi"
    )


def call(response_id: str) -> ev.ResponseOutputItemDone:
    item = FunctionCallItem(id="i", name="add", arguments="{}", call_id="c")
    return ev.ResponseOutputItemDone(event_id="e", response_id=response_id, output_index=0, item=item)


def asked(params: ResponseParams | None = None) -> Answers:
    answers = Answers()
    answers.ask(params)
    return answers


def test_one_answer_at_a_time() -> None:
    answers = asked()
    assert answers.is_under_way
    with pytest.raises(RealtimeError, match="under way"):
        answers.ask(None)
    answers.receive(created("r1"))
    answers.receive(done("another"))
    assert answers.is_under_way
    answers.receive(done("r1"))
    assert not answers.is_under_way
    assert answers.ask(None)


def test_what_the_server_refuses_is_not_under_way() -> None:
    answers = asked()
    answers.refused()
    assert not answers.is_waited_for


def test_an_answer_beside_the_conversation_is_nobodys_turn() -> None:
    answers = Answers()
    assert not answers.ask(ResponseParams(conversation="none"))
    answers.receive(created("beside", conversation_id=None))
    assert not answers.is_under_way
    answers.receive(created("r1"))
    assert answers.is_under_way


def test_the_model_goes_on_once_all_its_tools_are_answered_and_its_answer_is_done() -> None:
    answers = asked()
    answers.receive(created("r1"))
    one, other = answers.call(), answers.call()
    answers.call_ended(one, is_told=True)
    answers.receive(done("r1"))
    assert not answers.goes_on(one)
    assert answers.is_waited_for
    answers.call_ended(other, is_told=False)
    assert answers.goes_on(one)
    assert not answers.goes_on(one), "only once"
    assert not answers.is_waited_for


def test_the_tools_of_an_older_answer_ask_for_nothing() -> None:
    answers = asked()
    answers.receive(created("r1"))
    late = answers.call()
    answers.receive(done("r1"))
    answers.ask(None)
    answers.call_ended(late, is_told=True)
    assert not answers.goes_on(late)


def test_a_new_session_is_asked_for_an_answer_of_which_nothing_had_come() -> None:
    answers = asked(PARAMS)
    answers.receive(created("r1"))
    for _ in range(2):
        assert answers.ask_again() == ResponseCreate(response=PARAMS)
    assert answers.is_under_way


@pytest.mark.parametrize("event", [word("r1"), call("r1")], ids=["words", "a call"])
def test_an_answer_of_which_something_came_is_not_asked_for_again(event: ev.AnyServerEvent) -> None:
    answers = asked(PARAMS)
    answers.receive(created("r1"))
    answers.receive(event)
    assert answers.ask_again() is None
    assert not answers.is_under_way
