"""From a session's events to entries, and from budgets to what is still allowed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from msgspec import structs

from louro.protocol import server_events as ev
from louro.protocol.items import FunctionCallItem, Item
from louro.protocol.response import (
    CachedTokensDetails,
    InputTokenDetails,
    OutputTokenDetails,
    Response,
    ResponseAudio,
    ResponseAudioOutput,
    ResponseStatus,
    Usage,
)
from louro.protocol.session import (
    AudioInputPatch,
    PcmFormat,
    RealtimeAudioPatch,
    RealtimeSessionPatch,
    Transcription,
)
from louro.session.reports import AllowanceChanged, Quota
from louro.session.setup import Setup, initial_settings
from louro.store.account import Account, Books, Holder
from louro.store.base import Counted, Entry, Spent
from louro.store.budgets import Budget, Standing, parse_limit, state
from louro.store.notebook import MAX_OPEN_RESPONSES
from louro.store.prices import Price, PriceTable, Tokens

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC).timestamp()
PRICES = PriceTable.load()
USAGE = Usage(
    total_tokens=150,
    input_tokens=100,
    output_tokens=50,
    input_token_details=InputTokenDetails(
        text_tokens=60,
        audio_tokens=40,
        cached_tokens=30,
        cached_tokens_details=CachedTokensDetails(text_tokens=20, audio_tokens=10),
    ),
    output_token_details=OutputTokenDetails(text_tokens=10, audio_tokens=40),
)


class BookDouble:
    """A ledger and budgets in memory, which can be told to break."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.is_broken = False
        self.kept: list[Standing] = []
        self.asked: list[tuple[str | None, str, str | None]] = []

    def record(self, entries: Sequence[Entry]) -> None:
        if self.is_broken:
            raise OSError("the disk is full")
        self.entries += entries

    def spent(self, what: Counted, name: str, since: object = None) -> Spent:
        raise NotImplementedError

    def close(self) -> None:
        pass

    def standings(
        self, now: float, key_id: str | None, project: str, session_id: str | None = None
    ) -> Sequence[Standing]:
        self.asked.append((key_id, project, session_id))
        return self.kept

    def limit(self, text: str, spent: Spent) -> None:
        budget = Budget("key", "key_1", parse_limit(text))
        self.kept.append(Standing(budget, spent, state(budget, spent)))


@pytest.fixture
def book() -> BookDouble:
    return BookDouble()


def account(book: BookDouble, model: str = "gpt-realtime", priced_as: str | None = None) -> Account:
    books = Books(book, book, PRICES, lambda: NOW)
    return books.open(Holder("key_1", "shop"), model, priced_as)


def began(transcribed_by: str | None = None) -> ev.SessionCreated:
    start = RealtimeSessionPatch(
        audio=RealtimeAudioPatch(input=AudioInputPatch(transcription=Transcription(model=transcribed_by)))
    )
    setup = Setup(model="m", start=start if transcribed_by else None)
    return ev.SessionCreated(event_id="e", session=initial_settings(setup, "sess_1", int(NOW)))


def response(status: ResponseStatus, *output: Item, usage: Usage | None = None) -> Response:
    audio = ResponseAudio(output=ResponseAudioOutput(format=PcmFormat(), voice="alloy"))
    return Response(id="resp_1", status=status, output=output, usage=usage, audio=audio)


def done(*output: Item, status: ResponseStatus = "completed", usage: Usage | None = USAGE) -> ev.ResponseDone:
    return ev.ResponseDone(event_id="e", response=response(status, *output, usage=usage))


def sound(ms: int) -> ev.ResponseOutputAudioDelta:
    return ev.ResponseOutputAudioDelta(
        event_id="e", response_id="resp_1", item_id="i", output_index=0, content_index=0, delta=bytes(48 * ms)
    )


CREATED = ev.ResponseCreated(event_id="e", response=response("in_progress"))


async def test_an_answer_is_one_entry_with_its_tokens_sound_times_and_price(book: BookDouble) -> None:
    mine = account(book)
    started = ev.InputAudioBufferSpeechStarted(event_id="e", audio_start_ms=500, item_id="u")
    stopped = ev.InputAudioBufferSpeechStopped(event_id="e", audio_end_ms=2900, item_id="u")
    events: tuple[ev.AnyServerEvent, ...] = (began(), started, stopped, CREATED, sound(300), sound(200))
    for at, event in enumerate(events):
        assert not mine.observe(event, NOW + at)
    call = FunctionCallItem(id="c", name="f", arguments="{}", call_id="k")
    assert mine.observe(done(call), NOW + 10)
    assert book.entries == []
    assert await mine.settle() == AllowanceChanged()
    # 40 text and 30 audio tokens at full price, 20 and 10 cached; 10 of text and 40 of audio out.
    nanos = 40 * 4_000 + 30 * 32_000 + 30 * 400 + 10 * 16_000 + 40 * 64_000
    assert book.entries == [
        Entry(
            id="resp_1",
            kind="response",
            session_id="sess_1",
            key_id="key_1",
            project="shop",
            model="gpt-realtime",
            status="completed",
            at=NOW + 10,
            tokens=Tokens(60, 40, 0, 20, 10, 0, 10, 40),
            input_ms=2400,
            output_ms=500,
            tool_calls=1,
            first_audio_ms=1000,
            duration_ms=7000,
            price_nanos=nanos,
            price_since=book.entries[0].price_since,
        )
    ]
    assert book.asked == [("key_1", "shop", "sess_1")]


async def test_what_works_here_costs_what_its_own_row_says_whatever_it_is_called(book: BookDouble) -> None:
    mine = account(book, "gpt-realtime", priced_as="louro")
    mine.observe(CREATED, NOW)
    mine.observe(done(), NOW + 1)
    await mine.settle()
    assert book.entries[0].model == "gpt-realtime"
    assert book.entries[0].price_nanos == 0


async def test_sound_that_only_its_tokens_tell_of_is_counted_by_them(book: BookDouble) -> None:
    mine = account(book)
    mine.observe(done(status="cancelled"), NOW)
    await mine.settle()
    assert book.entries[0].output_ms == 40 * 50
    assert book.entries[0].status == "cancelled"


async def test_an_answer_without_usage_is_an_entry_without_tokens(book: BookDouble) -> None:
    mine = account(book)
    mine.observe(done(usage=None), NOW)
    await mine.settle()
    assert book.entries[0].tokens == Tokens()


async def test_transcriptions_are_priced_by_the_model_that_heard(book: BookDouble) -> None:
    mine = account(book)
    mine.observe(began("gpt-realtime-whisper"), NOW)
    for item_id, usage in (
        ("u1", ev.TranscriptionDuration(seconds=6.0)),
        (
            "u2",
            ev.TranscriptionTokens(
                total_tokens=12,
                input_tokens=10,
                input_token_details=ev.TranscriptionInputDetails(audio_tokens=10),
                output_tokens=2,
            ),
        ),
    ):
        heard = ev.InputAudioTranscriptionCompleted(
            event_id="e", item_id=item_id, transcript="Hello", usage=usage
        )
        assert not mine.observe(heard, NOW), "nobody waits for this entry"
    await mine.settle()
    first, second = book.entries
    assert (first.kind, first.id, first.model) == ("transcription", "u1.0", "gpt-realtime-whisper")
    assert first.price_nanos == 1_700_000  # 6 s of a minute of 0.017 dollars
    assert second.tokens == Tokens(input_audio=10, output_text=2)
    assert [first.transcribed_ms, second.transcribed_ms] == [6000, 1000]


async def test_at_the_end_the_session_is_an_entry_with_what_was_heard_and_never_answered(
    book: BookDouble,
) -> None:
    mine = account(book)
    mine.observe(began(), NOW)
    mine.observe(ev.InputAudioBufferSpeechStopped(event_id="e", audio_end_ms=700, item_id="u"), NOW)
    await mine.close()
    [entry] = book.entries
    assert (entry.kind, entry.id, entry.input_ms, entry.price_nanos) == ("session", "sess_1", 700, 0)


async def test_a_session_that_never_began_leaves_nothing(book: BookDouble) -> None:
    await account(book).close()
    assert book.entries == []


async def test_what_cannot_be_written_stops_the_session_and_is_written_later(book: BookDouble) -> None:
    mine = account(book)
    mine.observe(done(), NOW)
    book.is_broken = True
    assert "cannot be recorded" in ((await mine.settle()).refusal or "")
    book.is_broken = False
    assert (await mine.settle()).refusal is None
    assert [entry.id for entry in book.entries] == ["resp_1"]


async def test_answers_that_never_end_are_forgotten(book: BookDouble) -> None:
    mine = account(book)
    for number in range(MAX_OPEN_RESPONSES + 10):
        made = structs.replace(CREATED.response, id=f"resp_{number}")
        mine.observe(structs.replace(CREATED, response=made), NOW)
    mine.observe(structs.replace(sound(100), response_id="resp_0"), NOW + 1)
    mine.observe(structs.replace(done(), response=structs.replace(done().response, id="resp_0")), NOW + 2)
    await mine.settle()
    assert book.entries[0].first_audio_ms is None


@pytest.mark.parametrize(
    ("text", "spent", "expected"),
    [
        ("5 USD/day", Spent(nanos=3_999_999_999), ()),
        ("5 USD/day", Spent(nanos=4_000_000_000, tokens=800), (Quota("tokens", 1000, 200, 6 * 3600),)),
        ("2 minutes", Spent(ms=119_000, tokens=500), (Quota("tokens", 504, 4, 0.0),)),
        ("2 minutes", Spent(ms=130_000, tokens=500), (Quota("tokens", 500, 0, 0.0),)),
    ],
)
async def test_budgets_in_money_and_sound_are_told_once_they_warn(
    book: BookDouble, text: str, spent: Spent, expected: tuple[Quota, ...]
) -> None:
    book.limit(text, spent)
    assert (await account(book).allowance()).quotas == expected


@pytest.mark.parametrize(
    ("text", "reset_s"),
    [("1000 tokens/day", 6 * 3600), ("1000 tokens/month", (7 * 24 + 6) * 3600), ("1000 tokens", 0)],
)
async def test_a_budget_in_tokens_tells_what_is_left_and_when_it_is_new(
    book: BookDouble, text: str, reset_s: float
) -> None:
    book.limit("5000 tokens", Spent(tokens=100))
    book.limit(text, Spent(tokens=400))
    assert await account(book).allowance() == AllowanceChanged(quotas=(Quota("tokens", 1000, 600, reset_s),))


async def test_a_spent_budget_refuses_and_says_which(book: BookDouble) -> None:
    book.limit("5 USD/day", Spent(nanos=5_010_000_000))
    allowed = await account(book).allowance()
    assert allowed.refusal == "You exceeded your budget: 5.01 of 5 USD/day are used."
    assert allowed.quotas == (Quota("tokens", 0, 0, 6 * 3600),)


async def test_a_rate_holds_for_all_sessions_of_a_key(book: BookDouble) -> None:
    book.limit("2 responses/minute", Spent())
    books = Books(book, book, PRICES, lambda: NOW)
    mine, other = (books.open(Holder("key_1", "shop"), "louro") for _ in range(2))
    stranger = books.open(Holder("key_2", "shop"), "louro")
    for one in (mine, other, stranger):
        assert (await one.allowance()).refusal is None
        assert one.enter() is None and one.news() is None
    mine.observe(CREATED, NOW)
    mine.observe(CREATED, NOW)
    refused = other.news()
    assert refused is not None and refused.refuses(NOW)
    assert (refused.code, refused.refused_until) == ("rate_limit_exceeded", NOW + 30)
    assert refused.quotas == (Quota("requests", 2, 0, 60.0),)
    assert other.news() is None, "it is said once"
    assert stranger.news() is None


async def test_tokens_by_the_minute_are_counted_when_they_are_used(book: BookDouble) -> None:
    book.limit("100 tokens/minute", Spent())
    book.limit("1000 tokens/day", Spent(tokens=100))
    mine = account(book)
    assert (await mine.allowance()).quotas == (Quota("tokens", 100, 100, 0.0),)
    mine.observe(began(), NOW)
    mine.observe(CREATED, NOW)
    assert mine.observe(done(), NOW)
    refused = await mine.settle()
    assert refused.code == "rate_limit_exceeded"
    assert refused.quotas == (Quota("tokens", 100, 0, 90.0),)


async def test_sessions_at_once_are_counted_until_they_close(book: BookDouble) -> None:
    book.limit("1 sessions", Spent())
    books = Books(book, book, PRICES, lambda: NOW)
    mine, other = (books.open(Holder("key_1", "shop"), "louro") for _ in range(2))
    await mine.allowance()
    await other.allowance()
    assert mine.enter() is None
    assert other.enter() == "Rate limit reached: 1 sessions at once. Try again when one has ended."
    await other.close()
    await mine.close()
    await mine.close()
    assert other.enter() is None


async def test_a_session_that_its_project_refuses_is_not_counted_for_its_key(book: BookDouble) -> None:
    books = Books(book, book, PRICES, lambda: NOW)
    budget = Budget("project", "shop", parse_limit("0 sessions"))
    book.kept = [Standing(budget, Spent(), "within")]
    mine = books.open(Holder("key_1", "shop"), "louro")
    await mine.allowance()
    assert mine.enter() is not None
    (key,) = books.rates.of([("key", "key_1")], [], NOW)
    assert key.sessions == 0


async def test_a_budget_that_is_nearly_spent_is_a_warning(book: BookDouble) -> None:
    mine = account(book)
    assert mine.warning is None
    book.limit("5 USD/day", Spent(nanos=4_200_000_000))
    assert (await mine.allowance()).refusal is None
    assert mine.warning == "4.20 of 5 USD/day"


COMMITTED = ev.InputAudioBufferCommitted(event_id="e", item_id="u1")
HEARD = ev.InputAudioTranscriptionCompleted(
    event_id="e", item_id="u1", transcript="Hello", usage=ev.TranscriptionDuration(seconds=1.5)
)
FAILED = ev.InputAudioTranscriptionFailed(
    event_id="e", item_id="u1", error=ev.TranscriptionError(type="server_error", message="broken")
)


def transcribes(detects: bool = True) -> ev.SessionCreated:
    session = initial_settings(Setup(kind="transcription"), "sess_1", int(NOW))
    if not detects:
        audio = structs.replace(
            session.audio, input=structs.replace(session.audio.input, turn_detection=None)
        )
        session = structs.replace(session, audio=audio)
    return ev.SessionCreated(event_id="e", session=session)


def by_the_second(book: BookDouble) -> Account:
    price = Price("louro", date(2026, 1, 1), "electricity", per_second=Decimal("0.001"))
    books = Books(book, book, PriceTable((price,)), lambda: NOW)
    return books.open(Holder("key_1", "shop"), "gpt-realtime", "louro")


async def test_a_session_that_only_transcribes_is_written_down_turn_by_turn(book: BookDouble) -> None:
    mine = by_the_second(book)
    mine.observe(transcribes(), NOW)
    mine.observe(ev.InputAudioBufferSpeechStopped(event_id="e", audio_end_ms=1500, item_id="u1"), NOW)
    mine.observe(COMMITTED, NOW + 1)
    assert mine.observe(HEARD, NOW + 3), "it leaves when it is on disk"
    await mine.settle()
    [entry] = book.entries
    assert (entry.input_ms, entry.transcribed_ms, entry.duration_ms) == (1500, 1500, 2000)
    assert entry.price_nanos == 1_500_000
    assert mine.observe(FAILED, NOW)
    refused = structs.replace(FAILED, error=structs.replace(FAILED.error, code="insufficient_quota"))
    assert not mine.observe(refused, NOW), "what was not begun is no entry"
    await mine.settle()
    assert [(one.status, one.price_nanos) for one in book.entries] == [
        ("completed", 1_500_000),
        ("failed", 0),
    ]


async def test_every_millisecond_that_is_heard_and_spoken_here_has_its_price_once(book: BookDouble) -> None:
    mine = by_the_second(book)
    stopped = ev.InputAudioBufferSpeechStopped(event_id="e", audio_end_ms=300, item_id="u1")
    for event in (began("x"), stopped, COMMITTED, CREATED, sound(450), HEARD):
        assert not mine.observe(event, NOW)
    mine.observe(done(), NOW + 1)
    mine.observe(structs.replace(stopped, audio_end_ms=600), NOW)
    await mine.close()
    nanos = {entry.kind: entry.price_nanos for entry in book.entries}
    assert nanos == {"transcription": 0, "response": 750_000, "session": 600_000}


async def test_turns_that_the_client_ends_are_heard_from_the_one_before(book: BookDouble) -> None:
    mine = account(book)
    mine.observe(transcribes(detects=False), NOW, 0)
    mine.observe(ev.InputAudioBufferCleared(event_id="e"), NOW, 400)
    for number, input_ms in enumerate((1400, 1900)):
        mine.observe(structs.replace(COMMITTED, item_id=f"u{number}"), NOW, input_ms)
        mine.observe(structs.replace(HEARD, item_id=f"u{number}"), NOW, input_ms)
    for number in range(MAX_OPEN_RESPONSES + 1):
        mine.observe(structs.replace(COMMITTED, item_id=f"never{number}"), NOW, 1900)
    await mine.settle()
    assert [entry.input_ms for entry in book.entries] == [1000, 500]
