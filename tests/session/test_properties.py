"""What holds whatever comes in, in whatever order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from louro.protocol import client_events as ce
from louro.protocol import server_events as ev
from louro.protocol.items import FunctionCallOutputItem
from louro.protocol.response import ResponseParams
from louro.protocol.session import RealtimeSessionPatch, ServerVad
from louro.session import actions, input_audio, items, reports, responses
from louro.session.setup import Setup
from tests.session.bench import Bench, name, silence, tone, turn_detection, update, user_text, with_vad

SOUND = tone(500) + silence(700) + tone(300) + silence(300) + tone(200) + silence(900)

CLIENT = st.sampled_from(
    [
        ce.InputAudioBufferAppend(audio=tone(300)),
        ce.InputAudioBufferAppend(audio=silence(300)),
        ce.InputAudioBufferAppend(audio=silence(600)),
        ce.InputAudioBufferCommit(),
        ce.InputAudioBufferClear(),
        ce.ResponseCreate(),
        ce.ResponseCreate(response=ResponseParams(conversation="none", input=())),
        ce.ResponseCancel(),
        user_text("hi"),
        user_text("hi", "same"),
        ce.ConversationItemCreate(item=FunctionCallOutputItem(output="{}")),
        ce.ConversationItemDelete(item_id="same"),
        ce.ConversationItemTruncate(item_id="same", content_index=0, audio_end_ms=100),
        turn_detection(None),
        turn_detection(ServerVad(silence_duration_ms=300)),
        turn_detection(ServerVad(interrupt_response=False)),
        turn_detection(ServerVad(create_response=False)),
        turn_detection(ServerVad(idle_timeout_ms=5_000)),
        update(RealtimeSessionPatch(output_modalities=("text",))),
        update(RealtimeSessionPatch(output_modalities=("audio",))),
    ]
)
ENGINE = st.sampled_from(
    ["text", "audio", "call", "finish", "fail", "stale", "heard", "unheard", "misheard", "overheard", "wait"]
)
STEPS = st.lists(st.one_of(CLIENT, ENGINE), max_size=60)


def play(bench: Bench, step: ce.AnyClientEvent | str) -> None:
    if not isinstance(step, str):
        bench.say(step)
        return
    orders = [a.response_id for a in bench.asked if isinstance(a, actions.Respond)]
    over = {a.response_id for a in bench.asked if isinstance(a, actions.Stop)}
    live = [order for order in orders if order not in over]
    rid = live[-1] if live else "resp_none"
    hearings = [a.hearing for a in bench.asked if isinstance(a, actions.Transcribe)] or [0]
    turns = [a.item_id for a in bench.asked if isinstance(a, actions.Overhear)]
    told: dict[str, list[reports.Report]] = {
        "text": [reports.TextProduced(rid, "Yes. ")],
        "audio": [reports.AudioProduced(rid, tone(120), (("Yes. ", 120),))],
        "call": [reports.CallStarted(rid, "f"), reports.ArgumentsProduced(rid, "{}")],
        "finish": [reports.ResponseFinished(rid)],
        "fail": [reports.ResponseFailed(rid, "broken")],
        "stale": [reports.TextProduced("resp_old", "x"), reports.TranscriptFinished(10_000)],
        "heard": [reports.TranscriptProduced(hearings[-1], "word"), reports.TranscriptFinished(hearings[-1])],
        "unheard": [reports.TranscriptFinished(hearings[-1])],
        "overheard": [reports.Overheard(item, "What is the cap") for item in turns[-1:]],
        "misheard": [reports.TranscriptionFailed(hearings[-1], "deaf")],
    }
    if step == "wait":
        bench.wait(6)
    else:
        bench.report(*told[step])


def played(steps: list[ce.AnyClientEvent | str], *, limits_first: bool = False) -> Bench:
    bench = Bench(Setup(pause_ms=100, limits_first=limits_first))
    for step in steps:
        play(bench, step)
    return bench


@given(size=st.integers(40, 30_000), first=st.integers(0, 300))
@settings(deadline=None, max_examples=40)
def test_how_audio_is_chopped_does_not_change_the_events(size: int, first: int) -> None:
    whole, pieces = with_vad(), with_vad()
    whole.hear(SOUND, chunk_bytes=len(SOUND))
    pieces.hear(SOUND[:first], chunk_bytes=max(first, 1))
    pieces.hear(SOUND[first:], chunk_bytes=size)
    kinds = [action for action in pieces.asked if not isinstance(action, actions.Transcribe)]
    assert pieces.sent == whole.sent
    assert kinds == [action for action in whole.asked if not isinstance(action, actions.Transcribe)]


@given(st.lists(st.floats(0, 3), min_size=1, max_size=20))
@settings(deadline=None, max_examples=40)
def test_turns_are_told_by_sound_and_never_by_the_clock(pauses_s: list[float]) -> None:
    at_once, slowly = with_vad(), with_vad()
    at_once.hear(SOUND, chunk_bytes=9_600)
    for number, start in enumerate(range(0, len(SOUND), 9_600)):
        slowly.now += pauses_s[number % len(pauses_s)]
        slowly.hear(SOUND[start : start + 9_600], chunk_bytes=9_600)
    assert slowly.sent == at_once.sent


@given(STEPS)
@settings(deadline=None)
def test_nothing_grows_without_a_bound(steps: list[ce.AnyClientEvent | str]) -> None:
    with pytest.MonkeyPatch.context() as small:
        small.setattr(input_audio, "MAX_INPUT_BUFFER_MS", 1_000)
        small.setattr(items, "MAX_ITEMS", 3)
        small.setattr(responses, "MAX_ACTIVE_RESPONSES", 2)
        bench = Bench(Setup(pause_ms=100))
        for step in steps:
            play(bench, step)
            session = bench.session
            # One append may come on top of a turn that it ends.
            assert session._buffer.length_ms <= 1_000 + 600
            assert len(session._items.conversation) <= 3
            assert len(session._responses._answers) <= 2


@given(STEPS)
@settings(deadline=None)
def test_every_response_is_created_once_and_done_once_and_silent_afterwards(
    steps: list[ce.AnyClientEvent | str],
) -> None:
    live: dict[str, list[str]] = {}
    done: set[str] = set()
    for event in played(steps).sent:
        match event:
            case ev.ResponseCreated(response=response):
                assert response.id not in live
                assert response.id not in done
                live[response.id] = []
            case ev.ResponseDone(response=response):
                check_frame(live.pop(response.id), response.status)
                done.add(response.id)
            case _ if (rid := getattr(event, "response_id", None)) is not None:
                assert rid in live, f"{name(event)} outside its response"
                live[rid].append(name(event))


def check_frame(inside: list[str], status: str) -> None:
    """Every item that was added is done, every part that was added is done, one after the other."""
    items = [name for name in inside if "output_item" in name]
    assert items == ["response.output_item.added", "response.output_item.done"] * (len(items) // 2)
    parts = [name for name in inside if "content_part" in name]
    assert parts == ["response.content_part.added", "response.content_part.done"] * (len(parts) // 2)
    for kind in ("output_text", "output_audio_transcript"):
        if f"response.{kind}.delta" in inside:
            assert f"response.{kind}.done" in inside


@given(STEPS)
@settings(deadline=None)
def test_speech_starts_and_stops_in_turns_and_positions_only_grow(
    steps: list[ce.AnyClientEvent | str],
) -> None:
    position, speaking = 0, None
    committed: set[str] = set()
    for event in played(steps).sent:
        match event:
            case ev.InputAudioBufferSpeechStarted(audio_start_ms=start, item_id=item_id):
                assert speaking is None
                assert start >= position
                position, speaking = start, item_id
            case ev.InputAudioBufferSpeechStopped(audio_end_ms=end, item_id=item_id):
                assert speaking == item_id
                assert end >= position
                position, speaking = end, None
            case ev.InputAudioBufferCommitted(item_id=item_id):
                assert speaking is None
                assert item_id not in committed
                committed.add(item_id)


@given(STEPS)
@settings(deadline=None)
def test_ids_are_unique_and_deltas_make_the_whole(steps: list[ce.AnyClientEvent | str]) -> None:
    sent = played(steps).sent
    assert len({event.event_id for event in sent}) == len(sent)
    said: dict[str, str] = {}
    for event in sent:
        match event:
            case ev.ResponseOutputTextDelta() | ev.ResponseOutputAudioTranscriptDelta():
                said[event.item_id] = said.get(event.item_id, "") + event.delta
            case ev.ResponseOutputTextDone(text=text) | ev.ResponseOutputAudioTranscriptDone(transcript=text):
                assert text == said.get(event.item_id, "")


@given(STEPS)
@settings(deadline=None)
def test_the_same_inputs_give_the_same_events(steps: list[ce.AnyClientEvent | str]) -> None:
    assert played(steps).sent == played(steps).sent


@given(STEPS)
@settings(deadline=None)
def test_work_that_was_begun_is_ended(steps: list[ce.AnyClientEvent | str]) -> None:
    """Whatever was drafted is confirmed or stopped, and nothing is stopped that was not begun."""
    bench = played(steps)
    begun = {a.response_id for a in bench.asked if isinstance(a, actions.Respond)}
    assert {a.response_id for a in bench.asked if isinstance(a, actions.Stop)} <= begun
    assert {a.response_id for a in bench.asked if isinstance(a, actions.Confirm)} <= begun
