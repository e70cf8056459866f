"""While the user speaks, what was said so far is heard, and read; nobody can tell, but for the speed."""

from itertools import pairwise

from louro.protocol import client_events as ce
from louro.protocol.items import InputText, MessageItem
from louro.protocol.session import (
    AudioInputPatch,
    RealtimeAudioPatch,
    RealtimeSessionPatch,
    ServerVad,
    Transcription,
)
from louro.session import actions, reports
from louro.session.setup import Setup
from louro.session.turns import OVERHEAR_MS, OVERHEARD_MS
from tests.session.bench import Bench, silence, tone, turn_detection, update, user_text, with_vad

PAUSE = Setup(pause_ms=160)


def overheard(bench: Bench) -> list[actions.Overhear]:
    return [action for action in bench.asked if isinstance(action, actions.Overhear)]


def read(bench: Bench) -> list[actions.Warm]:
    return [action for action in bench.asked if isinstance(action, actions.Warm)]


def words_of(warm: actions.Warm) -> list[str]:
    messages = [item for item in warm.context if isinstance(item, MessageItem)]
    return [part.text for item in messages for part in item.content if isinstance(part, InputText)]


def test_a_speaker_is_listened_in_on_ever_more_seldom() -> None:
    bench = with_vad(setup=PAUSE)
    bench.hear(tone(OVERHEARD_MS + 10_000))
    lengths = [len(action.pcm) // 48 for action in overheard(bench)]
    assert lengths[0] == OVERHEAR_MS
    steps = [after - before for before, after in pairwise(lengths)]
    assert steps == sorted(steps)
    assert lengths[-1] <= OVERHEARD_MS
    assert lengths[-1] > OVERHEARD_MS * 0.75


def test_what_was_heard_is_read_but_for_the_last_word() -> None:
    bench = with_vad(setup=PAUSE)
    bench.say(user_text("Hello."))
    bench.hear(tone(600))
    (action,) = overheard(bench)
    bench.report(reports.Overheard(action.item_id, "What is the cap"))
    before, after = read(bench)
    assert words_of(before) == ["Hello."]
    assert words_of(after) == ["Hello.", "What is the"]


def test_a_single_word_tells_nothing_new() -> None:
    bench = with_vad(setup=PAUSE)
    bench.hear(tone(600))
    bench.report(reports.Overheard(overheard(bench)[0].item_id, "What"))
    assert read(bench) == []


def test_what_comes_too_late_is_of_no_use() -> None:
    bench = with_vad(setup=PAUSE)
    bench.hear(tone(600))
    (action,) = overheard(bench)
    bench.hear(silence(240))
    bench.report(reports.Overheard(action.item_id, "What is the cap"))
    assert read(bench) == []
    bench.hear(silence(500))
    bench.report(reports.Overheard(action.item_id, "What is the cap"))
    assert read(bench) == []


def test_nothing_is_read_beside_an_answer() -> None:
    bench = with_vad(ServerVad(interrupt_response=False), PAUSE)
    bench.say(user_text("Hello."), ce.ResponseCreate())
    bench.hear(tone(600))
    bench.report(reports.Overheard(overheard(bench)[0].item_id, "What is the cap"))
    assert read(bench) == []


def test_who_wants_no_answer_and_who_wants_no_draft_is_not_listened_in_on() -> None:
    for vad, setup in (
        (ServerVad(create_response=False), PAUSE),
        (ServerVad(), Setup(pause_ms=None)),
    ):
        bench = with_vad(vad, setup)
        bench.say(user_text("Hello."))
        bench.hear(tone(1_000))
        assert overheard(bench) == []
        assert read(bench) == []


def test_a_wish_for_transcripts_goes_along() -> None:
    bench = with_vad(setup=PAUSE)
    heard = AudioInputPatch(transcription=Transcription(model="whisper-1", language="en", prompt="Louro"))
    bench.say(update(RealtimeSessionPatch(audio=RealtimeAudioPatch(input=heard))))
    bench.hear(tone(500))
    (action,) = overheard(bench)
    assert (action.language, action.prompt) == ("en", "Louro")


def test_a_turn_that_the_client_took_over_is_read_no_further() -> None:
    bench = with_vad(setup=PAUSE)
    bench.hear(tone(500))
    (action,) = overheard(bench)
    bench.say(turn_detection(None))
    bench.asked.clear()
    bench.report(reports.Overheard(action.item_id, "What is the cap"))
    bench.report(reports.Overheard("item_of_another_turn", "What is the cap"))
    assert read(bench) == []
