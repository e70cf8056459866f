"""The exact order of the wire, flow by flow, in today's names."""

import pytest

from louro.protocol import client_events as ce
from louro.protocol import server_events as ev
from louro.protocol.errors import ClientError
from louro.protocol.items import FunctionCallOutputItem
from louro.protocol.response import ResponseError, ResponseParams
from louro.protocol.session import (
    AudioInputPatch,
    AudioOutputPatch,
    PcmuFormat,
    RealtimeAudioPatch,
    RealtimeSessionPatch,
    ServerVad,
    Transcription,
)
from louro.session import actions, reports
from louro.session.setup import Setup
from tests.conformance.marks import requirement
from tests.session.bench import (
    Bench,
    by_hand,
    name,
    of,
    silence,
    tone,
    turn_detection,
    update,
    user_text,
    with_vad,
)

TEXT_ONLY = update(RealtimeSessionPatch(output_modalities=("text",)))

HEAD = ["response.output_item.added", "conversation.item.added", "response.content_part.added"]
TEXT_TAIL = [
    "response.output_text.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
    "rate_limits.updated",
]
AUDIO_TAIL = [
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
    "rate_limits.updated",
]


def names(events: list[ev.AnyServerEvent]) -> list[str]:
    return [name(event) for event in events]


def test_the_first_event_is_session_created_and_nothing_comes_with_it() -> None:
    assert Bench().names() == ["session.created"]


def test_a_text_turn() -> None:
    bench = by_hand()
    bench.say(TEXT_ONLY)
    assert names(bench.say(user_text("hi"))) == ["conversation.item.added", "conversation.item.done"]
    assert names(bench.say(ce.ResponseCreate())) == ["response.created"]
    rid = bench.last(actions.Respond).response_id
    assert names(bench.report(reports.TextProduced(rid, "Hello"))) == [*HEAD, "response.output_text.delta"]
    assert names(bench.report(reports.ResponseFinished(rid))) == TEXT_TAIL


@requirement("limits.order")
def test_limits_can_be_told_first() -> None:
    bench = by_hand(Setup(limits_first=True))
    bench.say(TEXT_ONLY)
    assert names(bench.say(ce.ResponseCreate())) == ["response.created", "rate_limits.updated"]
    rid = bench.last(actions.Respond).response_id
    assert names(bench.report(reports.ResponseFinished(rid))) == ["response.done"]


def test_an_audio_turn_ended_by_hand() -> None:
    bench = by_hand()
    assert bench.hear(tone(300)) == []
    assert names(bench.say(ce.InputAudioBufferCommit())) == [
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
    ]
    assert names(bench.say(ce.ResponseCreate())) == ["response.created"]
    assert not [a for a in bench.asked if isinstance(a, actions.Respond)], (
        "the model must wait for the transcript"
    )
    bench.transcribe("Hello.")
    rid = bench.last(actions.Respond).response_id
    bench.sent.clear()
    bench.speak(rid)
    assert bench.names() == [*HEAD, "response.output_audio_transcript.delta", "response.output_audio.delta"]
    assert names(bench.report(reports.ResponseFinished(rid))) == AUDIO_TAIL


def test_an_audio_turn_ended_by_silence() -> None:
    bench = with_vad(setup=Setup(pause_ms=None))
    bench.turn()
    assert bench.names() == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
    ]
    started, stopped, committed, added = bench.sent[:4]
    assert isinstance(started, ev.InputAudioBufferSpeechStarted)
    assert isinstance(stopped, ev.InputAudioBufferSpeechStopped)
    assert isinstance(committed, ev.InputAudioBufferCommitted)
    assert isinstance(added, ev.ConversationItemAdded)
    assert len({started.item_id, stopped.item_id, committed.item_id, added.item.id}) == 1
    assert (started.audio_start_ms, stopped.audio_end_ms) == (0, 1_100)


def test_transcripts_are_told_when_the_client_asked_for_them() -> None:
    bench = with_vad(setup=Setup(pause_ms=None))
    bench.say(
        update(
            RealtimeSessionPatch(
                audio=RealtimeAudioPatch(
                    input=AudioInputPatch(transcription=Transcription(model="whisper-1"))
                )
            )
        )
    )
    bench.sent.clear()
    bench.turn("Good morning.")
    tail = bench.sent[-2:]
    assert names(tail) == [
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
    ]
    done = tail[1]
    assert isinstance(done, ev.InputAudioTranscriptionCompleted)
    assert done.transcript == "Good morning."
    assert isinstance(done.usage, ev.TranscriptionDuration)
    assert done.usage.seconds == 1.1


def test_a_function_call_and_its_answer() -> None:
    bench = by_hand()
    bench.say(TEXT_ONLY, user_text("add"), ce.ResponseCreate())
    rid = bench.last(actions.Respond).response_id
    sent = bench.report(
        reports.CallStarted(rid, "calculate_sum"),
        reports.ArgumentsProduced(rid, '{"a": 7'),
        reports.ArgumentsProduced(rid, ', "b": 5}'),
        reports.ResponseFinished(rid),
    )
    assert names(sent) == [
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    done = of(ev.ResponseFunctionCallArgumentsDone, sent)[0]
    assert isinstance(done, ev.ResponseFunctionCallArgumentsDone)
    assert (done.name, done.arguments) == ("calculate_sum", '{"a": 7, "b": 5}')
    bench.say(ce.ConversationItemCreate(item=FunctionCallOutputItem(output="12")), ce.ResponseCreate())
    *_, call, output = bench.last(actions.Respond).context
    assert isinstance(output, FunctionCallOutputItem)
    assert output.call_id == done.call_id
    assert "calculate_sum" in str(call)


@requirement("call.after_words")
def test_a_message_may_be_followed_by_calls() -> None:
    bench = by_hand()
    bench.say(user_text("add"), ce.ResponseCreate())
    rid = bench.last(actions.Respond).response_id
    bench.speak(rid, "Let me see.")
    sent = bench.report(
        reports.CallStarted(rid, "f"), reports.ArgumentsProduced(rid, "{}"), reports.ResponseFinished(rid)
    )
    done = sent[-2]
    assert isinstance(done, ev.ResponseDone)
    assert [type(item).__name__ for item in done.response.output] == ["MessageItem", "FunctionCallItem"]
    indexes = [event.output_index for event in sent if isinstance(event, ev.ResponseOutputItemDone)]
    assert indexes == [0, 1]


@requirement("cut.frame")
@pytest.mark.parametrize("how", ["client", "voice"])
def test_a_cut_response_has_the_whole_frame(how: str) -> None:
    bench = with_vad(setup=Setup(pause_ms=None))
    bench.turn()
    rid = bench.last(actions.Respond).response_id
    bench.speak(rid)
    bench.sent.clear()
    if how == "client":
        bench.say(ce.ResponseCancel())
    else:
        bench.hear(tone(200))
    expected = AUDIO_TAIL if how == "client" else ["input_audio_buffer.speech_started", *AUDIO_TAIL]
    assert bench.names() == expected
    done = of(ev.ResponseDone, bench.sent)[0]
    assert isinstance(done, ev.ResponseDone)
    assert done.response.status == "cancelled"
    assert done.response.status_details is not None
    assert done.response.status_details.reason == ("client_cancelled" if how == "client" else "turn_detected")
    assert done.response.output[0].status == "incomplete"  # type: ignore[union-attr]
    assert actions.Stop(rid) in bench.asked
    assert bench.report(reports.TextProduced(rid, "late"), reports.ResponseFinished(rid)) == []


def test_an_interruption_can_be_forbidden() -> None:
    bench = with_vad(ServerVad(interrupt_response=False), Setup(pause_ms=None))
    bench.turn()
    rid = bench.last(actions.Respond).response_id
    bench.speak(rid)
    bench.sent.clear()
    bench.turn("And another thing.")
    assert "response.done" not in bench.names()
    error = of(ev.Error, bench.sent)[0]
    assert isinstance(error, ev.Error)
    assert error.error.code == "conversation_already_has_active_response"


def test_an_out_of_band_response_touches_no_conversation() -> None:
    bench = by_hand()
    bench.say(TEXT_ONLY)
    bench.sent.clear()
    params = ResponseParams(conversation="none", metadata={"topic": "x"}, input=())
    bench.say(ce.ResponseCreate(response=params))
    order = bench.last(actions.Respond)
    assert order.context == ()
    bench.report(reports.TextProduced(order.response_id, "ok"), reports.ResponseFinished(order.response_id))
    assert not [name for name in bench.names() if name.startswith("conversation.")]
    done = of(ev.ResponseDone, bench.sent)[0]
    assert isinstance(done, ev.ResponseDone)
    assert done.response.conversation_id is None
    assert done.response.metadata == {"topic": "x"}


def test_out_of_band_responses_run_beside_the_conversation() -> None:
    bench = by_hand()
    bench.say(ce.ResponseCreate(), ce.ResponseCreate(response=ResponseParams(conversation="none")))
    assert bench.names().count("response.created") == 2
    second = bench.say(ce.ResponseCreate())
    assert names(second) == ["error"]


@requirement("audio.idle")
def test_idle_users_are_spoken_to_once_the_answer_has_been_played() -> None:
    bench = with_vad(ServerVad(idle_timeout_ms=5_000), Setup(pause_ms=None))
    bench.turn()
    rid = bench.last(actions.Respond).response_id
    assert bench.session.next_timer() == bench.now + 3600, "whoever is being answered is not idle"
    bench.speak(rid, audio_ms=1_500)
    bench.speak(rid, audio_ms=500)
    bench.report(reports.ResponseFinished(rid))
    bench.hear(silence(1_000))
    due = bench.session.next_timer()
    assert due == bench.now + 2 + 5
    assert bench.wait(6.9) == []
    sent = bench.wait(0.2)
    assert names(sent) == [
        "input_audio_buffer.timeout_triggered",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
    ]


def test_a_session_ends_when_its_time_is_over() -> None:
    bench = Bench(Setup(max_duration_s=60))
    bench.say(user_text("hi"), ce.ResponseCreate())
    rid = bench.last(actions.Respond).response_id
    bench.report(reports.TextProduced(rid, "There was once"))
    *frame, limits, error = bench.wait(60)
    message = "Your session hit the maximum duration of 1 minutes."
    assert names(frame) == [
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    done = frame[-1]
    assert isinstance(done, ev.ResponseDone)
    assert done.response.status == "failed"
    assert done.response.status_details is not None
    assert done.response.status_details.error == ResponseError(
        type="invalid_request_error", code="session_expired", message=message
    )
    assert isinstance(limits, ev.RateLimitsUpdated)
    assert isinstance(error, ev.Error)
    assert error.error.code == "session_expired"
    assert bench.asked[-2:] == [actions.Stop(rid), actions.Close(1001, message)]
    assert bench.say(user_text("too late")) == []
    assert bench.report(reports.TextProduced(rid, "late")) == []
    assert bench.wait(1) == []
    assert bench.session.next_timer() is None
    bench.session.receive_refusal(ClientError("invalid_json", "too late as well"))
    assert bench.session.events_to_send() == []


def test_speech_goes_out_in_the_format_that_was_asked_for() -> None:
    bench = by_hand()
    bench.say(
        update(RealtimeSessionPatch(audio=RealtimeAudioPatch(output=AudioOutputPatch(format=PcmuFormat())))),
        ce.ResponseCreate(),
    )
    rid = bench.last(actions.Respond).response_id
    bench.speak(rid, audio_ms=1_000)
    bench.report(reports.ResponseFinished(rid))
    sound = b"".join(e.delta for e in bench.sent if isinstance(e, ev.ResponseOutputAudioDelta))
    assert len(sound) == 8_000


def test_turning_detection_off_in_the_middle_of_a_turn_ends_the_speech_but_keeps_the_sound() -> None:
    bench = with_vad()
    bench.hear(tone(400))
    sent = bench.say(turn_detection(None))
    assert names(sent) == ["input_audio_buffer.speech_stopped", "session.updated"]
    committed = bench.say(ce.InputAudioBufferCommit())
    assert names(committed)[0] == "input_audio_buffer.committed"
    assert committed[0].item_id == sent[0].item_id  # type: ignore[union-attr]
