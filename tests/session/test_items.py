"""The client's hand on the conversation, and every way in which it can be wrong."""

import pytest
from msgspec import UNSET

from louro.protocol import client_events as ce
from louro.protocol import server_events as ev
from louro.protocol.items import (
    ContentPart,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputAudio,
    InputImage,
    InputText,
    Item,
    ItemReference,
    McpApprovalResponseItem,
    MessageItem,
    OutputAudio,
    OutputText,
    Role,
)
from louro.protocol.response import (
    BetaResponseParams,
    ResponseAudioOutputParams,
    ResponseAudioParams,
    ResponseParams,
)
from louro.protocol.session import (
    AudioInputPatch,
    AudioOutputPatch,
    FunctionTool,
    McpChoice,
    McpServerTool,
    PcmuFormat,
    RealtimeAudioPatch,
    RealtimeSessionPatch,
    RetentionRatio,
    SemanticVad,
    StoredPrompt,
    TokenLimits,
    TranscriptionAudioPatch,
    TranscriptionSessionPatch,
    VoiceId,
)
from louro.session import actions, conversation, input_audio, items, limits, reports
from louro.session.setup import Setup
from tests.conformance.marks import requirement
from tests.session.bench import Bench, by_hand, of, silence, tone, turn_detection, update, user_text, with_vad


def refusal(sent: list[ev.AnyServerEvent]) -> tuple[str | None, str | None]:
    (error,) = sent
    assert isinstance(error, ev.Error), error
    return error.error.code, error.error.param


def create(item: Item, after: str | None = None) -> ce.ConversationItemCreate:
    return ce.ConversationItemCreate(event_id="mine", item=item, previous_item_id=after)


def message(role: Role, *parts: ContentPart) -> MessageItem:
    return MessageItem(role=role, content=parts)


def spoken(bench: Bench, *words: tuple[str, int]) -> str:
    """Let the assistant say words; return the item's id."""
    bench.say(ce.ResponseCreate())
    rid = bench.last(actions.Respond).response_id
    text = "".join(word for word, _ in words)
    bench.report(
        reports.TextProduced(rid, text),
        reports.AudioProduced(rid, tone(words[-1][1]), words),
        reports.ResponseFinished(rid),
    )
    done = of(ev.ResponseDone, bench.sent)[-1]
    assert isinstance(done, ev.ResponseDone)
    return str(done.response.output[0].id)


# Create


def test_items_are_put_where_the_client_says() -> None:
    bench = by_hand()
    bench.say(user_text("b", "b"))
    first = bench.say(
        ce.ConversationItemCreate(item=message("user", InputText("a")), previous_item_id="root")
    )
    last = bench.say(ce.ConversationItemCreate(item=message("user", InputText("c")), previous_item_id="b"))
    appended = bench.say(ce.ConversationItemCreate(item=message("user", InputText("d")), previous_item_id=""))
    assert [e[0].previous_item_id for e in (first, last)] == [None, "b"]  # type: ignore[union-attr]
    assert appended[0].previous_item_id == last[0].item.id  # type: ignore[union-attr]
    bench.say(ce.ResponseCreate())
    assert [conversation.text_of(item) for item in bench.last(actions.Respond).context] == [
        "a",
        "b",
        "c",
        "d",
    ]


@pytest.mark.parametrize(
    ("item", "after", "code", "param"),
    [
        (message("user", InputText("x")), "nobody", "invalid_value", "previous_item_id"),
        (MessageItem(id="a", role="user", content=()), None, "item_create_duplicate_item_id", None),
        (message("user", OutputText("x")), None, "invalid_value", "item.content[0].type"),
        (message("system", InputText("x"), InputAudio()), None, "invalid_value", "item.content[1].type"),
        (message("assistant", InputText("x")), None, "invalid_value", "item.content[0].type"),
        (
            message("user", InputImage("data:image/png;base64,AA")),
            None,
            "image_input_not_supported",
            "item.content[0].type",
        ),
        (FunctionCallOutputItem(output="1", call_id="call_x"), None, "invalid_value", "item.call_id"),
        (FunctionCallOutputItem(output="1"), None, "missing_required_parameter", "item.call_id"),
        (McpApprovalResponseItem(approval_request_id="r", approve=True), None, "invalid_value", "item.type"),
    ],
)
def test_an_item_that_cannot_be_is_refused_precisely(
    item: Item, after: str | None, code: str, param: str | None
) -> None:
    bench = by_hand()
    bench.say(user_text("a", "a"))
    sent = bench.say(create(item, after))
    assert refusal(sent) == (code, param)
    assert sent[0].error.event_id == "mine"  # type: ignore[union-attr]
    bench.say(ce.ResponseCreate())
    assert len(bench.last(actions.Respond).context) == 1


def test_pictures_reach_a_model_that_can_see() -> None:
    bench = by_hand(Setup(sees_images=True))
    picture = InputImage("data:image/png;base64,AA", "low")
    bench.say(create(message("user", picture, InputText("what is it?"))))
    assert refusal(bench.say(create(message("user", InputImage("https://x/y.png"))))) == (
        "invalid_value",
        "item.content[0].image_url",
    )
    bench.say(ce.ResponseCreate())
    order = bench.last(actions.Respond)
    assert picture in order.context[0].content  # type: ignore[union-attr]
    bench.report(reports.ResponseFinished(order.response_id, input_tokens=100, cached_tokens=50))
    done = of(ev.ResponseDone, bench.sent)[-1]
    assert isinstance(done, ev.ResponseDone)
    assert done.response.usage is not None
    assert done.response.usage.input_token_details.image_tokens == 85
    assert done.response.usage.input_token_details.cached_tokens_details.image_tokens == 42


def test_sound_in_an_item_is_heard_before_it_is_answered() -> None:
    bench = by_hand()
    bench.say(create(message("user", InputAudio(audio=tone(300)), InputAudio(transcript="and this"))))
    bench.say(ce.ResponseCreate())
    assert not [a for a in bench.asked if isinstance(a, actions.Respond)]
    bench.transcribe("Hear this,")
    (item,) = bench.last(actions.Respond).context
    assert conversation.text_of(item) == "Hear this,and this"
    assert not [name for name in bench.names() if "transcription" in name]


@requirement("item.delete")
def test_an_unheard_item_that_is_deleted_is_not_waited_for() -> None:
    bench = by_hand()
    bench.say(create(MessageItem(id="a", role="user", content=(InputAudio(audio=tone(300)),))))
    bench.say(ce.ResponseCreate())
    bench.say(ce.ConversationItemDelete(item_id="a"))
    assert bench.last(actions.Respond).context == ()


@requirement("item.bounds")
def test_a_conversation_is_bounded_in_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "MAX_ITEMS", 2)
    bench = by_hand()
    bench.say(user_text("a", "a"), user_text("b", "b"))
    sent = bench.say(user_text("c", "c"))
    assert isinstance(sent[0], ev.ConversationItemDeleted)
    assert sent[0].item_id == "a"
    assert bench.say(ce.ConversationItemCreate(item=message("user"), previous_item_id="root"))


@requirement("item.bounds")
def test_a_conversation_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "MAX_CONVERSATION_BYTES", 5)
    bench = by_hand(Setup(sees_images=True))
    bench.say(create(message("user", InputImage("data:image/png;base64,AA"))))
    assert refusal(bench.say(user_text("more"))) == ("conversation_too_large", "item")


# Retrieve, delete


def test_an_item_comes_back_with_its_sound() -> None:
    bench = by_hand()
    bench.hear(tone(300))
    committed = bench.say(ce.InputAudioBufferCommit())[0]
    assert isinstance(committed, ev.InputAudioBufferCommitted)
    (retrieved,) = bench.say(ce.ConversationItemRetrieve(item_id=committed.item_id))
    assert isinstance(retrieved, ev.ConversationItemRetrieved)
    assert retrieved.item.content[0].audio == tone(300)  # type: ignore[union-attr]
    bench.transcribe("hi")
    answer = spoken(bench, ("Good day.", 400))
    (retrieved,) = bench.say(ce.ConversationItemRetrieve(item_id=answer))
    assert retrieved.item.content[0].audio == tone(400)  # type: ignore[union-attr]
    bench.say(create(FunctionCallItem(id="f", name="f", arguments="{}")))
    (retrieved,) = bench.say(ce.ConversationItemRetrieve(item_id="f"))
    assert retrieved.item.call_id.startswith("call_")  # type: ignore[union-attr]


def test_old_sound_is_forgotten_and_its_words_are_not() -> None:
    bench = by_hand(Setup(kept_audio_s=0.4))
    part = InputAudio(audio=tone(100), transcript="Nought.")
    bench.say(create(MessageItem(id="mine", role="user", content=(part,))))
    first = spoken(bench, ("One.", 400))
    spoken(bench, ("Two.", 400))
    spoken(bench, ("Three.", 400))
    (retrieved,) = bench.say(ce.ConversationItemRetrieve(item_id=first))
    assert retrieved.item.content[0].audio is UNSET  # type: ignore[union-attr]
    assert retrieved.item.content[0].transcript == "One."  # type: ignore[union-attr]
    bench.say(ce.ResponseCreate())
    assert conversation.text_of(bench.last(actions.Respond).context[1]) == "One."
    bench.say(ce.ConversationItemDelete(item_id="mine"), ce.ConversationItemDelete(item_id=first))
    assert len(of(ev.ConversationItemDeleted, bench.sent)) == 2


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (ce.ConversationItemRetrieve(item_id="x"), "item_retrieve_invalid_item_id"),
        (ce.ConversationItemDelete(item_id="x"), "item_delete_invalid_item_id"),
        (
            ce.ConversationItemTruncate(item_id="x", content_index=0, audio_end_ms=0),
            "item_truncate_invalid_item_id",
        ),
    ],
)
def test_unknown_items_are_named(event: ce.AnyClientEvent, code: str) -> None:
    assert refusal(by_hand().say(event)) == (code, None)


# Truncate


def test_the_model_remembers_exactly_what_was_heard() -> None:
    bench = by_hand()
    item_id = spoken(bench, ("One ", 300), ("two ", 600), ("three.", 900))
    (truncated,) = bench.say(ce.ConversationItemTruncate(item_id=item_id, content_index=0, audio_end_ms=650))
    assert isinstance(truncated, ev.ConversationItemTruncated)
    bench.say(ce.ResponseCreate())
    assert conversation.text_of(bench.last(actions.Respond).context[0]) == "One two "
    (retrieved,) = bench.say(ce.ConversationItemRetrieve(item_id=item_id))
    assert retrieved.item.content[0].audio == tone(900)[: 650 * 48]  # type: ignore[union-attr]
    assert retrieved.item.content[0].transcript == "One two "  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("end_ms", "index", "expected"),
    [
        (1_000, 0, None),
        (1_101, 0, ("invalid_value", "audio_end_ms")),
        (100, 1, ("invalid_value", "content_index")),
    ],
)
def test_truncation_tolerates_a_players_rounding_and_no_more(
    end_ms: int, index: int, expected: tuple[str, str] | None
) -> None:
    bench = by_hand()
    item_id = spoken(bench, ("Hello.", 900))
    sent = bench.say(ce.ConversationItemTruncate(item_id=item_id, content_index=index, audio_end_ms=end_ms))
    assert (refusal(sent) if expected else None) == expected


def test_only_speech_can_be_truncated() -> None:
    bench = by_hand()
    bench.say(user_text("hi", "a"))
    sent = bench.say(ce.ConversationItemTruncate(item_id="a", content_index=0, audio_end_ms=0))
    assert refusal(sent) == ("unsupported_content_type", None)


def test_an_answer_can_be_truncated_while_it_is_made() -> None:
    bench = by_hand()
    bench.say(ce.ResponseCreate())
    rid = bench.last(actions.Respond).response_id
    bench.speak(rid, "Hello.", 500)
    added = of(ev.ConversationItemAdded, bench.sent)[-1]
    assert isinstance(added, ev.ConversationItemAdded)
    bench.say(ce.ConversationItemTruncate(item_id=str(added.item.id), content_index=0, audio_end_ms=100))
    assert bench.names()[-1] == "conversation.item.truncated"


# Buffer


def test_a_commit_of_next_to_nothing_is_refused_and_keeps_the_buffer() -> None:
    bench = by_hand()
    bench.hear(tone(60))
    assert refusal(bench.say(ce.InputAudioBufferCommit())) == ("input_audio_buffer_commit_empty", None)
    bench.hear(tone(60))
    assert bench.say(ce.InputAudioBufferCommit())[0].__class__ is ev.InputAudioBufferCommitted


def test_clear_forgets_what_was_said() -> None:
    bench = with_vad()
    bench.hear(tone(400))
    assert [type(e) for e in bench.say(ce.InputAudioBufferClear())] == [
        ev.InputAudioBufferSpeechStopped,
        ev.InputAudioBufferCleared,
    ]
    assert refusal(bench.say(ce.InputAudioBufferCommit()))[0] == "input_audio_buffer_commit_empty"


@requirement("audio.buffer.full")
def test_the_buffer_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_audio, "MAX_INPUT_BUFFER_MS", 1_000)
    bench = by_hand()
    bench.hear(tone(1_000))
    assert refusal(bench.hear(tone(20))) == ("input_audio_buffer_full", "audio")
    spoken_to = with_vad()
    spoken_to.hear(tone(1_100))
    assert "input_audio_buffer.committed" in spoken_to.names()


def test_silence_does_not_pile_up() -> None:
    bench = with_vad()
    bench.hear(silence(5_000))
    assert bench.session._buffer.length_ms < 2_000


# Settings


def test_a_wrong_part_leaves_everything_as_it_was() -> None:
    bench = by_hand()
    before = bench.session.settings
    patch = RealtimeSessionPatch(instructions="new", tools=(McpServerTool(server_label="x"),))
    assert refusal(bench.say(update(patch))) == ("invalid_value", "session.tools[0].type")
    assert bench.session.settings == before


def test_the_voice_is_fixed_once_it_has_been_heard() -> None:
    bench = by_hand()
    other = update(
        RealtimeSessionPatch(audio=RealtimeAudioPatch(output=AudioOutputPatch(voice=VoiceId("v"))))
    )
    assert bench.say(other)[0].__class__ is ev.SessionUpdated
    spoken(bench, ("Hello.", 300))
    same = bench.say(other)
    assert same[0].__class__ is ev.SessionUpdated
    third = update(RealtimeSessionPatch(audio=RealtimeAudioPatch(output=AudioOutputPatch(voice="ash"))))
    assert refusal(bench.say(third)) == ("cannot_update_voice", "session.audio.output.voice")


def test_tracing_cannot_be_changed_once_it_is_on() -> None:
    bench = by_hand()
    bench.say(update(RealtimeSessionPatch(tracing="auto")))
    assert refusal(bench.say(update(RealtimeSessionPatch(tracing=None)))) == (
        "invalid_value",
        "session.tracing",
    )


def test_the_kind_of_a_session_cannot_be_changed() -> None:
    patch = TranscriptionSessionPatch(audio=TranscriptionAudioPatch())
    assert refusal(by_hand().say(ce.SessionUpdate(session=patch))) == ("invalid_parameter", "session.type")
    listening = Bench(Setup(kind="transcription"))
    assert refusal(listening.say(turn_detection(None))) == ("invalid_parameter", "session.type")
    assert listening.say(ce.SessionUpdate(session=patch))[0].__class__ is ev.SessionUpdated
    assert refusal(listening.say(ce.ResponseCreate())) == ("invalid_value", "type")


def test_a_transcription_session_answers_nothing() -> None:
    bench = Bench(Setup(kind="transcription"))
    bench.hear(tone(600) + silence(700))
    bench.transcribe("Hello.")
    assert "input_audio_buffer.committed" in bench.names()
    assert not [name for name in bench.names() if name.startswith("response.")]


def test_a_change_of_format_keeps_what_was_said() -> None:
    bench = by_hand()
    bench.hear(tone(100))
    bench.say(
        update(RealtimeSessionPatch(audio=RealtimeAudioPatch(input=AudioInputPatch(format=PcmuFormat()))))
    )
    bench.say(ce.InputAudioBufferAppend(audio=b"\xff" * 800))
    bench.say(ce.InputAudioBufferCommit())
    (hearing,) = [a for a in bench.asked if isinstance(a, actions.Transcribe)]
    assert len(hearing.pcm) == 200 * 48


def test_the_settings_of_detection_may_change_while_somebody_speaks() -> None:
    bench = with_vad()
    bench.hear(tone(300))
    bench.say(turn_detection(SemanticVad(eagerness="high")))
    bench.hear(silence(320))
    assert "input_audio_buffer.committed" in bench.names()


@requirement("session.prompt")
def test_stored_prompts_come_before_the_instructions() -> None:
    bench = by_hand(Setup(prompts={"p": "Talk like a {{who}}."}))
    bench.say(
        update(
            RealtimeSessionPatch(
                prompt=StoredPrompt("p", variables={"who": "pirate"}), instructions="Be brief."
            )
        )
    )
    bench.say(ce.ResponseCreate())
    assert bench.last(actions.Respond).instructions == "Talk like a pirate.\nBe brief."
    assert refusal(bench.say(update(RealtimeSessionPatch(prompt=StoredPrompt("q"))))) == (
        "invalid_value",
        "session.prompt.id",
    )
    typed = {"type": "input_text", "text": "sailor"}
    bench.say(update(RealtimeSessionPatch(prompt=StoredPrompt("p", variables={"who": typed}))))
    bench.report(reports.ResponseFinished(bench.last(actions.Respond).response_id))
    bench.say(ce.ResponseCreate())
    assert bench.last(actions.Respond).instructions == "Talk like a sailor.\nBe brief."
    picture = {"type": "input_image", "image_url": "data:image/png;base64,AA"}
    pictured = RealtimeSessionPatch(prompt=StoredPrompt("p", variables={"who": picture}))
    assert refusal(bench.say(update(pictured))) == ("invalid_value", "session.prompt.variables.who")
    bare = by_hand(Setup(prompts={"p": "Plain."}))
    bare.say(ce.ResponseCreate(response=ResponseParams(prompt=StoredPrompt("p"), instructions="")))
    assert bare.last(actions.Respond).instructions == "Plain."


# Responses


def test_one_response_can_be_asked_for_otherwise() -> None:
    bench = by_hand()
    params = BetaResponseParams(
        output_modalities=("text",),
        instructions="Shout.",
        audio=ResponseAudioParams(output=ResponseAudioOutputParams(voice="ash")),
        tools=(FunctionTool(name="f"),),
        tool_choice="required",
        max_output_tokens=7,
        temperature=0.9,
        input=(message("user", InputText("hey")),),
    )
    bench.say(user_text("unseen"), ce.ResponseCreate(response=params))
    order = bench.last(actions.Respond)
    assert (
        order.instructions,
        order.voice,
        order.tool_choice,
        order.max_tokens,
        order.temperature,
        order.speaks,
    ) == (
        "Shout.",
        "ash",
        "required",
        7,
        0.9,
        False,
    )
    assert [conversation.text_of(item) for item in order.context] == ["hey"]


def test_a_response_can_refer_to_items_and_bring_sound() -> None:
    bench = by_hand()
    bench.say(user_text("known", "a"))
    new = message("user", InputAudio(audio=tone(200)))
    bench.say(ce.ResponseCreate(response=ResponseParams(input=(ItemReference(id="a"), new))))
    bench.transcribe("and heard")
    assert [conversation.text_of(item) for item in bench.last(actions.Respond).context] == [
        "known",
        "and heard",
    ]
    other = by_hand()
    sent = other.say(ce.ResponseCreate(response=ResponseParams(input=(ItemReference(id="x"),))))
    assert refusal(sent) == ("invalid_value", "response.input[0].id")


@pytest.mark.parametrize(
    ("params", "param"),
    [
        (ResponseParams(conversation="other"), "response.conversation"),
        (ResponseParams(output_modalities=("text", "audio")), "response.output_modalities"),
        (ResponseParams(tools=(McpServerTool(server_label="x"),)), "response.tools[0].type"),
        (ResponseParams(tool_choice=McpChoice("x")), "response.tool_choice.type"),
        (ResponseParams(prompt=StoredPrompt("q")), "response.prompt.id"),
    ],
)
def test_a_wrong_wish_is_refused_precisely(params: ResponseParams, param: str) -> None:
    assert refusal(by_hand().say(ce.ResponseCreate(response=params))) == ("invalid_value", param)


@requirement("response.bounds")
def test_there_are_only_so_many_responses_at_once() -> None:
    bench = by_hand()
    aside = ce.ResponseCreate(response=ResponseParams(conversation="none", input=()))
    for _ in range(limits.MAX_ACTIVE_RESPONSES):
        bench.say(aside)
    assert refusal(bench.say(aside)) == ("too_many_active_responses", None)


def test_cancelling_nothing_is_an_error_and_harms_nothing() -> None:
    bench = by_hand()
    assert refusal(bench.say(ce.ResponseCancel())) == ("response_cancel_not_active", None)
    bench.say(ce.ResponseCreate())
    assert refusal(bench.say(ce.ResponseCancel(response_id="resp_x"))) == ("response_cancel_not_active", None)
    assert bench.session._responses.is_answering


def test_a_response_that_waits_for_a_transcript_can_be_cancelled() -> None:
    bench = by_hand()
    bench.hear(tone(300))
    bench.say(ce.InputAudioBufferCommit(), ce.ResponseCreate(), ce.ResponseCancel())
    done = of(ev.ResponseDone, bench.sent)[-1]
    assert isinstance(done, ev.ResponseDone)
    assert done.response.usage is not None
    assert done.response.usage.total_tokens == 0
    bench.transcribe("too late")
    assert not [a for a in bench.asked if isinstance(a, actions.Respond)]


@pytest.mark.parametrize(
    ("stop", "reason"), [("length", "max_output_tokens"), ("content_filter", "content_filter")]
)
def test_an_answer_that_was_cut_off_by_the_model_says_why(stop: str, reason: str) -> None:
    bench = by_hand()
    bench.say(ce.ResponseCreate())
    rid = bench.last(actions.Respond).response_id
    bench.speak(rid)
    bench.report(reports.ResponseFinished(rid, stop))  # type: ignore[arg-type]
    done = of(ev.ResponseDone, bench.sent)[-1]
    assert isinstance(done, ev.ResponseDone)
    assert done.response.status == "incomplete"
    assert done.response.status_details is not None
    assert done.response.status_details.reason == reason


def test_an_engine_that_fails_fails_one_response() -> None:
    bench = by_hand()
    bench.say(ce.ResponseCreate())
    bench.report(reports.ResponseFailed(bench.last(actions.Respond).response_id, "It broke."))
    done = of(ev.ResponseDone, bench.sent)[-1]
    assert isinstance(done, ev.ResponseDone)
    assert done.response.status == "failed"
    assert spoken(bench, ("Back again.", 300))


@requirement("usage.counts")
def test_usage_counts_sound_by_its_length_and_words_by_the_tokenizer() -> None:
    bench = by_hand()
    bench.say(update(RealtimeSessionPatch(instructions="one two three", tools=())))
    bench.hear(tone(1_000))
    bench.say(ce.InputAudioBufferCommit())
    bench.transcribe("four five")
    bench.say(ce.ResponseCreate())
    rid = bench.last(actions.Respond).response_id
    bench.speak(rid, "six seven eight", 1_010)
    bench.report(reports.ResponseFinished(rid, input_tokens=10, cached_tokens=5))
    done = of(ev.ResponseDone, bench.sent)[-1]
    assert isinstance(done, ev.ResponseDone)
    usage = done.response.usage
    assert usage is not None
    assert usage.input_token_details.audio_tokens == 10
    assert usage.input_token_details.text_tokens == 3 + 4 + 4
    assert (usage.output_token_details.text_tokens, usage.output_token_details.audio_tokens) == (3, 21)
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    assert usage.input_token_details.cached_tokens == 5 + 5


@requirement("limits.window")
def test_the_limits_recover_after_a_minute() -> None:
    bench = by_hand()
    spoken(bench, ("Hello.", 1_000))
    told = of(ev.RateLimitsUpdated, bench.sent)[-1]
    assert isinstance(told, ev.RateLimitsUpdated)
    assert told.rate_limits[0].remaining < told.rate_limits[0].limit
    assert told.rate_limits[0].reset_seconds == 60
    bench.now += 61
    bench.say(ce.ResponseCreate())
    bench.report(reports.ResponseFailed(bench.last(actions.Respond).response_id, "x"))
    told = of(ev.RateLimitsUpdated, bench.sent)[-1]
    assert isinstance(told, ev.RateLimitsUpdated)
    assert told.rate_limits[0].limit - told.rate_limits[0].remaining < 20


# Context window


@requirement("truncation.auto")
def test_a_long_conversation_loses_its_beginning_and_keeps_its_end() -> None:
    bench = by_hand(Setup(context_tokens=100, reserved_tokens=20))
    for number in range(30):
        bench.say(user_text(f"message number {number}"))
    bench.say(ce.ResponseCreate())
    texts = [conversation.text_of(item) for item in bench.last(actions.Respond).context]
    assert texts[-1] == "message number 29"
    assert len(texts) < 12
    bench.report(reports.ResponseFinished(bench.last(actions.Respond).response_id))
    bench.say(user_text("one more"), ce.ResponseCreate())
    again = [conversation.text_of(item) for item in bench.last(actions.Respond).context]
    assert again[: len(texts)] == texts, "the beginning stays the same, so that it stays in the cache"


def test_what_was_said_last_is_read_however_long_it_is() -> None:
    bench = by_hand(Setup(context_tokens=100, reserved_tokens=20))
    bench.say(user_text("word " * 200), ce.ResponseCreate())
    assert len(bench.last(actions.Respond).context) == 1


@requirement("truncation.disabled")
def test_truncation_can_be_disabled() -> None:
    bench = by_hand(Setup(context_tokens=100, reserved_tokens=20))
    bench.say(
        update(RealtimeSessionPatch(truncation="disabled")), user_text("word " * 200), ce.ResponseCreate()
    )
    done = of(ev.ResponseDone, bench.sent)[-1]
    assert isinstance(done, ev.ResponseDone)
    assert done.response.status_details is not None
    assert done.response.status_details.error is not None
    assert "context_length_exceeded" in str(done.response.status_details.error)


def test_a_draft_that_does_not_fit_is_no_draft() -> None:
    bench = with_vad(setup=Setup(pause_ms=160, context_tokens=100, reserved_tokens=20))
    bench.say(update(RealtimeSessionPatch(truncation="disabled")), user_text("word " * 200))
    bench.hear(tone(600) + silence(400))
    bench.transcribe("Hello.")
    assert not [a for a in bench.asked if isinstance(a, actions.Respond)]


@requirement("truncation.ratio")
def test_a_client_can_choose_how_much_is_kept() -> None:
    bench = by_hand(Setup(context_tokens=1_000, reserved_tokens=20))
    ratio = RetentionRatio(retention_ratio=0.9, token_limits=TokenLimits(post_instructions=30))
    bench.say(update(RealtimeSessionPatch(truncation=ratio)))
    bench.say(create(FunctionCallItem(id="call", name="f", arguments="{}", call_id="c")))
    bench.say(create(FunctionCallOutputItem(output="word " * 8, call_id="c")))
    bench.say(user_text("a b c"), user_text("d e f"), ce.ResponseCreate())
    kept = bench.last(actions.Respond).context
    assert all(isinstance(item, MessageItem) for item in kept), "an output without its call is dropped"
    loose = RetentionRatio(retention_ratio=0.5, token_limits=TokenLimits())
    bench.report(reports.ResponseFinished(bench.last(actions.Respond).response_id))
    bench.say(update(RealtimeSessionPatch(truncation=loose)), ce.ResponseCreate())
    assert bench.last(actions.Respond).context == kept


def test_histories_can_be_replayed_with_what_the_assistant_said() -> None:
    bench = by_hand()
    bench.say(create(message("assistant", OutputText("I said so."), OutputAudio("And this."))))
    bench.say(ce.ResponseCreate())
    assert conversation.text_of(bench.last(actions.Respond).context[0]) == "I said so.And this."


def test_outputs_without_a_call_id_answer_the_calls_of_one_response_in_order() -> None:
    bench = by_hand()
    calls = [FunctionCallItem(id=f"i{n}", name="f", arguments="{}", call_id=f"c{n}") for n in range(3)]
    bench.say(create(calls[0]), user_text("Again."), create(calls[1]), create(calls[2]))
    for output in ("one", "two", "nought"):
        bench.say(create(FunctionCallOutputItem(output=output)))
    answered = [
        event.item.call_id
        for event in of(ev.ConversationItemAdded, bench.sent)
        if isinstance(event, ev.ConversationItemAdded) and isinstance(event.item, FunctionCallOutputItem)
    ]
    assert answered == ["c1", "c2", "c0"]
