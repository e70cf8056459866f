"""An answer is begun before the turn is over, and nobody can tell, but for its speed."""

from louro.protocol import client_events as ce
from louro.protocol import server_events as ev
from louro.protocol.session import ServerVad
from louro.session import actions, reports
from louro.session.setup import Setup
from tests.session.bench import Bench, silence, tone, user_text, with_vad


def drafting() -> Bench:
    """Somebody spoke, has been silent for a moment, and was understood."""
    bench = with_vad(setup=Setup(pause_ms=160))
    bench.hear(tone(600) + silence(240))
    bench.transcribe("Hello there.")
    return bench


def test_a_pause_is_heard_and_answered_in_silence() -> None:
    bench = drafting()
    order = bench.last(actions.Respond)
    assert order.draft
    bench.speak(order.response_id)
    assert bench.names() == ["input_audio_buffer.speech_started"]


def test_what_was_held_is_sent_at_once_when_the_turn_ends() -> None:
    bench = drafting()
    rid = bench.last(actions.Respond).response_id
    bench.speak(rid)
    bench.report(reports.ResponseFinished(rid))
    bench.hear(silence(400))
    assert actions.Confirm(rid) in bench.asked
    assert bench.names()[1:6] == [
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
    ]
    assert bench.names()[-2:] == ["response.done", "rate_limits.updated"]
    assert len([a for a in bench.asked if isinstance(a, actions.Respond)]) == 1
    added = [event for event in bench.sent if isinstance(event, ev.ConversationItemAdded)]
    assert added[1].previous_item_id == added[0].item.id


def test_a_draft_is_dropped_when_the_speaker_goes_on() -> None:
    bench = drafting()
    rid = bench.last(actions.Respond).response_id
    bench.speak(rid)
    bench.hear(tone(200))
    assert actions.Stop(rid) in bench.asked
    bench.asked.clear()
    bench.hear(silence(240))
    bench.transcribe("Hello there, you.")
    second = bench.last(actions.Respond)
    assert second.response_id != rid
    assert "you." in str(second.context)


def test_a_hearing_that_is_not_over_goes_on_after_the_turn() -> None:
    bench = with_vad(setup=Setup(pause_ms=160))
    bench.hear(tone(600) + silence(600))
    assert len([a for a in bench.asked if isinstance(a, actions.Transcribe)]) == 1
    assert bench.names()[-1] == "response.created"
    bench.transcribe("Hello there.")
    order = bench.last(actions.Respond)
    assert not order.draft


def test_a_client_event_makes_a_draft_worthless() -> None:
    bench = drafting()
    rid = bench.last(actions.Respond).response_id
    bench.say(user_text("by the way"))
    assert actions.Stop(rid) in bench.asked
    bench.hear(silence(400))
    order = bench.last(actions.Respond)
    assert order.response_id != rid
    assert "by the way" in str(order.context)


def test_there_is_no_draft_beside_an_answer() -> None:
    bench = with_vad(ServerVad(interrupt_response=False, silence_duration_ms=500), Setup(pause_ms=160))
    bench.say(ce.ResponseCreate())
    bench.asked.clear()
    bench.hear(tone(400) + silence(240))
    bench.transcribe("Hello.")
    assert not [a for a in bench.asked if isinstance(a, actions.Respond)]


def test_noise_is_committed_and_not_answered() -> None:
    bench = with_vad(setup=Setup(pause_ms=160))
    bench.hear(tone(600) + silence(240))
    bench.transcribe("")
    assert not [a for a in bench.asked if isinstance(a, actions.Respond)]
    bench.hear(silence(400))
    assert not [a for a in bench.asked if isinstance(a, actions.Respond)]
    done = bench.sent[-2]
    assert isinstance(done, ev.ResponseDone)
    assert (done.response.status, done.response.output) == ("completed", ())


def test_a_failed_hearing_fails_the_answer_and_not_the_session() -> None:
    bench = with_vad(setup=Setup(pause_ms=160))
    bench.hear(tone(600) + silence(240))
    (hearing,) = [a.hearing for a in bench.asked if isinstance(a, actions.Transcribe)]
    bench.hear(silence(400))
    bench.report(reports.TranscriptionFailed(hearing, "The ear is broken."))
    done = bench.sent[-2]
    assert isinstance(done, ev.ResponseDone)
    assert done.response.status == "failed"
    bench.turn("Hello again.")
    assert bench.last(actions.Respond)


def test_a_failed_hearing_drops_its_draft() -> None:
    bench = with_vad(setup=Setup(pause_ms=160))
    bench.hear(tone(600) + silence(240))
    (hearing,) = [a.hearing for a in bench.asked if isinstance(a, actions.Transcribe)]
    bench.report(reports.TranscriptionFailed(hearing, "The ear is broken."))
    assert bench.names() == ["input_audio_buffer.speech_started"]
    assert not [a for a in bench.asked if isinstance(a, actions.Respond)]


def test_turns_that_are_not_to_be_answered_are_heard_early_all_the_same() -> None:
    bench = with_vad(ServerVad(create_response=False, silence_duration_ms=500), Setup(pause_ms=160))
    bench.hear(tone(600) + silence(240))
    assert [type(action) for action in bench.asked] == [actions.Transcribe]
    bench.hear(silence(400))
    assert bench.names()[-1] == "conversation.item.done"
