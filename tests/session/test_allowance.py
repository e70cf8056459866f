"""What somebody pays for is said to the client, and what nobody pays for is not begun."""

from louro.protocol import client_events as ce
from louro.protocol import server_events as ev
from louro.session import actions, reports
from louro.session.setup import Setup
from tests.session.bench import Bench, by_hand, of, silence, tone, user_text, with_vad

SPENT = reports.AllowanceChanged(
    "You exceeded your budget: 5 of 5 tokens/day are used.", quotas=(reports.Quota("tokens", 5, 0, 60.0),)
)


def the_refusal(bench: Bench) -> ev.ErrorDetail:
    error = of(ev.Error, bench.sent)[-1]
    assert isinstance(error, ev.Error)
    return error.error


def test_a_running_answer_is_finished_and_the_next_is_refused() -> None:
    bench = by_hand()
    bench.say(user_text("Hi"), ce.ResponseCreate())
    rid = bench.last(actions.Respond).response_id
    bench.report(SPENT)
    bench.speak(rid)
    bench.report(reports.ResponseFinished(rid))
    assert "response.done" in bench.names()
    bench.say(user_text("More"), ce.ResponseCreate(event_id="mine"))
    refused = the_refusal(bench)
    assert refused.code == "insufficient_quota"
    assert refused.event_id == "mine"
    assert "5 of 5 tokens/day" in refused.message
    assert bench.names().count("response.created") == 1


def test_a_turn_that_the_session_ends_is_committed_and_not_answered() -> None:
    bench = with_vad(setup=Setup(pause_ms=160))
    bench.report(SPENT)
    bench.hear(tone(600) + silence(800))
    assert "input_audio_buffer.committed" in bench.names()
    assert the_refusal(bench).code == "insufficient_quota"
    assert not [one for one in bench.asked if isinstance(one, actions.Respond)]


def test_what_is_allowed_again_is_answered_again() -> None:
    bench = by_hand()
    bench.report(SPENT)
    bench.report(reports.AllowanceChanged())
    bench.say(user_text("Hi"), ce.ResponseCreate())
    assert "response.created" in bench.names()


def test_rate_limits_tell_the_scarcest_budget() -> None:
    bench = by_hand()
    bench.report(reports.AllowanceChanged(quotas=(reports.Quota("tokens", 900, 120, 3600.25),)))
    bench.say(user_text("Hi"), ce.ResponseCreate())
    rid = bench.last(actions.Respond).response_id
    bench.report(reports.ResponseFinished(rid))
    told = of(ev.RateLimitsUpdated, bench.sent)[-1]
    assert isinstance(told, ev.RateLimitsUpdated)
    limit = told.rate_limits[0]
    assert (limit.name, limit.limit, limit.remaining, limit.reset_seconds) == ("tokens", 900, 120, 3600.25)


def test_what_goes_too_fast_is_refused_until_it_may_go_on() -> None:
    bench = by_hand()
    too_fast = reports.AllowanceChanged("Rate limit reached.", "rate_limit_exceeded", bench.now + 20)
    bench.report(too_fast)
    bench.say(user_text("Hi"), ce.ResponseCreate())
    assert the_refusal(bench).code == "rate_limit_exceeded"
    bench.now += 20
    bench.say(ce.ResponseCreate())
    assert "response.created" in bench.names()


def test_rate_limits_tell_requests_beside_tokens() -> None:
    bench = by_hand()
    bench.report(reports.AllowanceChanged(quotas=(reports.Quota("requests", 20, 19, 3.0),)))
    bench.say(user_text("Hi"), ce.ResponseCreate())
    bench.report(reports.ResponseFinished(bench.last(actions.Respond).response_id))
    told = of(ev.RateLimitsUpdated, bench.sent)[-1]
    assert isinstance(told, ev.RateLimitsUpdated)
    assert [limit.name for limit in told.rate_limits] == ["tokens", "requests"]
    assert told.rate_limits[1].remaining == 18, "this answer is one more than was known of"


def transcribing() -> Bench:
    bench = Bench(Setup(kind="transcription", pause_ms=160))
    assert bench.names() == ["session.created"]
    return bench


def test_a_session_that_only_transcribes_is_told_that_nobody_pays_for_it() -> None:
    bench = transcribing()
    bench.report(SPENT)
    bench.hear(tone(600) + silence(800))
    failed = of(ev.InputAudioTranscriptionFailed, bench.sent)[-1]
    assert isinstance(failed, ev.InputAudioTranscriptionFailed)
    assert failed.error.code == "insufficient_quota"
    assert not any(isinstance(one, actions.Transcribe) for one in bench.asked), (
        "neither the turn nor a draft of it"
    )
    bench.report(reports.AllowanceChanged())
    bench.hear(tone(600) + silence(800))
    assert any(isinstance(one, actions.Transcribe) for one in bench.asked)


def test_what_comes_in_is_measured() -> None:
    bench = transcribing()
    bench.hear(tone(600) + silence(800))
    assert bench.session.input_ms == 1400
