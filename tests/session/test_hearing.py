"""What is told of transcripts, and when; and engines that say what nobody asked for."""

from __future__ import annotations

from louro.protocol import client_events as ce
from louro.protocol import server_events as ev
from louro.protocol.items import InputAudio, InputText, MessageItem
from louro.protocol.session import (
    AudioInputPatch,
    AudioOutputPatch,
    PcmaFormat,
    RealtimeAudioPatch,
    RealtimeSessionPatch,
    Transcription,
)
from louro.session import actions, reports
from louro.session.setup import Setup
from tests.session.bench import Bench, by_hand, of, silence, tone, turn_detection, update, user_text, with_vad


def transcribing(pause_ms: int | None = 160) -> Bench:
    bench = with_vad(setup=Setup(pause_ms=pause_ms))
    heard = AudioInputPatch(transcription=Transcription(model="whisper-1"))
    bench.say(update(RealtimeSessionPatch(audio=RealtimeAudioPatch(input=heard))))
    bench.sent.clear()
    return bench


def test_what_was_heard_early_is_told_when_the_turn_is_over() -> None:
    bench = transcribing()
    bench.hear(tone(600) + silence(240))
    bench.transcribe("Good morning.")
    assert bench.names() == ["input_audio_buffer.speech_started"]
    bench.hear(silence(400))
    (delta,) = of(ev.InputAudioTranscriptionDelta, bench.sent)
    (completed,) = of(ev.InputAudioTranscriptionCompleted, bench.sent)
    assert isinstance(delta, ev.InputAudioTranscriptionDelta)
    assert isinstance(completed, ev.InputAudioTranscriptionCompleted)
    assert (delta.delta, completed.transcript) == ("Good morning.", "Good morning.")


def test_what_was_heard_early_and_is_not_over_goes_on_aloud() -> None:
    bench = transcribing()
    bench.hear(tone(600) + silence(240))
    (hearing,) = [a.hearing for a in bench.asked if isinstance(a, actions.Transcribe)]
    bench.report(reports.TranscriptProduced(hearing, "Good "))
    bench.hear(silence(400))
    bench.report(reports.TranscriptProduced(hearing, "morning."), reports.TranscriptFinished(hearing))
    deltas = [event.delta for event in bench.sent if isinstance(event, ev.InputAudioTranscriptionDelta)]
    assert deltas == ["Good ", "morning."]


def test_a_transcript_that_fails_is_told_as_such() -> None:
    bench = transcribing(pause_ms=None)
    bench.hear(tone(600) + silence(700))
    (hearing,) = [a.hearing for a in bench.asked if isinstance(a, actions.Transcribe)]
    bench.report(reports.TranscriptionFailed(hearing, "Too loud."))
    (failed,) = of(ev.InputAudioTranscriptionFailed, bench.sent)
    assert isinstance(failed, ev.InputAudioTranscriptionFailed)
    assert failed.error.message == "Too loud."
    assert not bench.report(reports.TranscriptFinished(hearing)), "it is over"


def test_scores_that_come_after_detection_was_turned_off_are_ignored() -> None:
    bench = with_vad()
    bench.say(turn_detection(None))
    bench.sent.clear()
    assert not bench.report(reports.SpeechScored(tuple((1.0, 20.0 * n) for n in range(1, 20))))


def test_several_scores_at_once_are_judged_one_by_one() -> None:
    bench = with_vad(setup=Setup(pause_ms=None))
    bench.session.receive_event(ce.InputAudioBufferAppend(audio=tone(1_500)), bench.now)
    bench.session.actions_to_start()
    scores = [(1.0, 20.0 * n) for n in range(1, 31)] + [(0.0, 20.0 * n) for n in range(31, 76)]
    bench.report(reports.SpeechScored(tuple(scores)))
    assert bench.names()[:2] == ["input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"]


def test_a_written_answer_that_is_spoken_all_the_same_stays_written() -> None:
    bench = by_hand()
    bench.say(
        update(RealtimeSessionPatch(output_modalities=("text",))), user_text("Hi."), ce.ResponseCreate()
    )
    order = bench.last(actions.Respond)
    bench.speak(order.response_id)
    bench.report(reports.ResponseFinished(order.response_id))
    done = of(ev.ResponseDone, bench.sent)[0]
    assert isinstance(done, ev.ResponseDone)
    assert done.response.status == "completed"
    assert not of(ev.ResponseOutputAudioDelta, bench.sent)


def test_a_law_goes_in_and_out() -> None:
    bench = by_hand()
    both = RealtimeAudioPatch(
        input=AudioInputPatch(format=PcmaFormat()), output=AudioOutputPatch(format=PcmaFormat())
    )
    bench.say(update(RealtimeSessionPatch(audio=both)))
    bench.say(ce.InputAudioBufferAppend(audio=b"\xd5" * 1_600), ce.InputAudioBufferCommit())
    bench.transcribe("Hello.")
    bench.say(ce.ResponseCreate())
    order = bench.last(actions.Respond)
    bench.speak(order.response_id, audio_ms=100)
    bench.report(reports.ResponseFinished(order.response_id))
    sent = sum(len(event.delta) for event in bench.sent if isinstance(event, ev.ResponseOutputAudioDelta))
    assert sent == 800, "100 ms at 8 kHz, one byte a sample"


def test_sound_that_comes_with_its_transcript_is_not_heard_again() -> None:
    bench = by_hand()
    part = InputAudio(audio=tone(200), transcript="Good day.")
    item = MessageItem(id="said", role="user", content=(InputText("Listen:"), part))
    bench.say(ce.ConversationItemCreate(item=item), ce.ResponseCreate())
    assert not [a for a in bench.asked if isinstance(a, actions.Transcribe)]
    assert "Good day." in str(bench.last(actions.Respond).context)
    (shown,) = bench.say(ce.ConversationItemRetrieve(item_id="said"))
    assert isinstance(shown, ev.ConversationItemRetrieved)
    assert isinstance(shown.item, MessageItem)
    sound = shown.item.content[1]
    assert isinstance(sound, InputAudio)
    assert sound.audio == tone(200)


def test_a_session_that_ends_stops_what_runs() -> None:
    bench = by_hand(Setup(max_duration_s=60))
    bench.say(user_text("Hi."), ce.ResponseCreate())
    running = bench.last(actions.Respond).response_id
    bench.wait(61)
    assert [a.response_id for a in bench.asked if isinstance(a, actions.Stop)] == [running]


def test_a_session_that_ends_forgets_an_answer_that_still_waits_for_a_transcript() -> None:
    bench = by_hand(Setup(max_duration_s=60))
    bench.hear(tone(300))
    bench.say(ce.InputAudioBufferCommit(), ce.ResponseCreate())
    bench.wait(61)
    assert not [a for a in bench.asked if isinstance(a, actions.Stop | actions.Respond)]
