"""What a new session is told when the connection is lost: values in, values out."""

from __future__ import annotations

import pytest

from louro.client import RealtimeError
from louro.client.dialogue import Dialogue
from louro.protocol import client_events as ce
from louro.protocol import server_events as ev
from louro.protocol.items import InputText, MessageItem
from louro.protocol.session import AudioInputPatch, RealtimeAudioPatch, RealtimeSessionPatch, ServerVad

BRIEF, LONG = RealtimeSessionPatch(instructions="Be brief."), RealtimeSessionPatch(instructions="Be long.")
SOUND = bytes(48 * 200)


def test_a_session_of_which_nothing_was_asked_is_told_nothing() -> None:
    assert list(Dialogue().tell_again()) == []


def test_settings_items_sound_and_the_question_are_told_again_in_this_order() -> None:
    dialogue = Dialogue()
    with dialogue.asking(BRIEF):
        pass
    dialogue.conversation.add(MessageItem(id="i", role="user", content=(InputText("Hi."),)))
    dialogue.said(SOUND)
    dialogue.answers.ask(None)
    told = [
        ce.SessionUpdate(session=BRIEF),
        ce.ConversationItemCreate(item=MessageItem(id="i", role="user", content=(InputText("Hi."),))),
        ce.InputAudioBufferAppend(audio=SOUND),
        ce.ResponseCreate(),
    ]
    assert list(dialogue.tell_again()) == told
    assert list(dialogue.tell_again()) == told, "and again, if that connection is lost too"


def test_a_change_that_is_still_asked_for_is_told_apart_and_forgotten_when_it_is_refused() -> None:
    dialogue = Dialogue()
    with dialogue.asking(BRIEF):
        pass
    with pytest.raises(RealtimeError), dialogue.asking(LONG):
        assert list(dialogue.tell_again()) == [
            ce.SessionUpdate(session=BRIEF),
            ce.SessionUpdate(session=LONG),
        ]
        raise RealtimeError("no")
    assert list(dialogue.tell_again()) == [ce.SessionUpdate(session=BRIEF)]


def test_turns_stay_by_hand_while_a_new_session_does_not_know_it_yet() -> None:
    dialogue = Dialogue()
    with dialogue.asking(by_turns(None)):
        assert not dialogue.is_by_hand
    assert dialogue.is_by_hand
    with dialogue.asking(BRIEF), dialogue.asking(by_turns(ServerVad())):
        pass
    assert not dialogue.is_by_hand


def by_turns(detection: ServerVad | None) -> RealtimeSessionPatch:
    return RealtimeSessionPatch(audio=RealtimeAudioPatch(input=AudioInputPatch(turn_detection=detection)))


def test_nobody_speaks_over_a_connection_that_broke_and_nobody_answers_over_one_that_is_over() -> None:
    dialogue = Dialogue()
    dialogue.answers.ask(None)
    dialogue.receive(ev.InputAudioBufferSpeechStarted(event_id="e", audio_start_ms=0, item_id="i"))
    assert dialogue.is_user_speaking
    dialogue.broken()
    assert not dialogue.is_user_speaking
    assert dialogue.answers.is_under_way
    dialogue.ended()
    assert not dialogue.answers.is_under_way
