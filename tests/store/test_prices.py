"""Prices: to the cent, and of the right day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from louro.store.prices import Price, PriceProblem, PriceTable, Rates, Tokens, cost

TODAY = date(2026, 11, 23)
LAUNCH = date(2024, 10, 2)

# Each: model, day, tokens, seconds, and what it costs in nano-dollars. A dollar per million tokens is
# 1000 nano-dollars a token, so the sums below are tokens x nano-dollars.
CONVERSATIONS: list[tuple[str, date, Tokens, Decimal | int, int]] = [
    # A minute of talk of the user: 600 tokens x 32 000 = 19 200 000: 1.92 cents.
    ("gpt-realtime", TODAY, Tokens(input_audio=600), 0, 19_200_000),
    # A minute of talk of the model: 1200 tokens x 64 000 = 76 800 000: 7.68 cents.
    ("gpt-realtime", TODAY, Tokens(output_audio=1200), 0, 76_800_000),
    # The example of the protocol: 119 text (64 of them cached) and 13 audio in, 30 text and 91 audio out.
    # 55 x 4000 + 64 x 400 + 13 x 32 000 + 30 x 16 000 + 91 x 64 000
    # = 220 000 + 25 600 + 416 000 + 480 000 + 5 824 000 = 6 965 600.
    (
        "gpt-realtime-2025-08-28",
        TODAY,
        Tokens(input_text=119, cached_text=64, input_audio=13, output_text=30, output_audio=91),
        0,
        6_965_600,
    ),
    # A long conversation, almost all cached: 10 000 audio, 9 600 cached; 2 000 text, 1 900 cached; 400 audio out.
    # 400 x 32 000 + 9600 x 400 + 100 x 4000 + 1900 x 400 + 400 x 64 000
    # = 12 800 000 + 3 840 000 + 400 000 + 760 000 + 25 600 000 = 43 400 000: 4.34 cents.
    (
        "gpt-realtime",
        TODAY,
        Tokens(input_audio=10_000, cached_audio=9_600, input_text=2_000, cached_text=1_900, output_audio=400),
        0,
        43_400_000,
    ),
    # A picture of 1000 tokens, 800 of them cached, and a question and an answer in text.
    # 200 x 5000 + 800 x 500 + 50 x 4000 + 100 x 16 000 = 1 000 000 + 400 000 + 200 000 + 1 600 000 = 3 200 000.
    (
        "gpt-realtime",
        TODAY,
        Tokens(input_image=1000, cached_image=800, input_text=50, output_text=100),
        0,
        3_200_000,
    ),
    # At the launch an hour of the user and half an hour of the model: 36 000 x 100 000 + 36 000 x 200 000
    # = 3 600 000 000 + 7 200 000 000 = 10 800 000 000: 10.80 dollars.
    (
        "gpt-4o-realtime-preview",
        LAUNCH,
        Tokens(input_audio=36_000, output_audio=36_000),
        0,
        10_800_000_000,
    ),
    # The same under that name today: 36 000 x 40 000 + 36 000 x 80 000 = 4 320 000 000: 4.32 dollars.
    (
        "gpt-4o-realtime-preview",
        TODAY,
        Tokens(input_audio=36_000, output_audio=36_000),
        0,
        4_320_000_000,
    ),
    # The first snapshot keeps its price: 100 x 100 000 of which 60 cached: 40 x 100 000 + 60 x 20 000 = 5 200 000.
    (
        "gpt-4o-realtime-preview-2024-10-01",
        TODAY,
        Tokens(input_audio=100, cached_audio=60),
        0,
        5_200_000,
    ),
    # The small one: 1000 text (500 cached), 200 text out, 300 audio (100 cached), 500 audio out.
    # 500 x 600 + 500 x 300 + 200 x 2400 + 200 x 10 000 + 100 x 300 + 500 x 20 000
    # = 300 000 + 150 000 + 480 000 + 2 000 000 + 30 000 + 10 000 000 = 12 960 000.
    (
        "gpt-4o-mini-realtime-preview-2024-12-17",
        TODAY,
        Tokens(
            input_text=1000,
            cached_text=500,
            output_text=200,
            input_audio=300,
            cached_audio=100,
            output_audio=500,
        ),
        0,
        12_960_000,
    ),
    # Text out costs more with 2.1: 1000 x 24 000 = 24 000 000, and 10 x 4000 in.
    ("gpt-realtime-2.1", TODAY, Tokens(input_text=10, output_text=1000), 0, 24_040_000),
    # 2.1-mini is not 2.1: 1000 x 2400 = 2 400 000; 50 tokens of a picture x 800 = 40 000.
    ("gpt-realtime-2.1-mini", TODAY, Tokens(input_image=50, output_text=1000), 0, 2_440_000),
    # Transcription by the minute: 90 s x 0.017 / 60 = 0.0255 dollars.
    ("gpt-realtime-whisper", TODAY, Tokens(), 90, 25_500_000),
    # And a part of a second: 1.5 s x 0.017 / 60 = 0.000425 dollars.
    ("gpt-realtime-whisper", TODAY, Tokens(), Decimal("1.5"), 425_000),
    # Transcription by the token: 600 x 6000 + 100 x 10 000 = 4 600 000.
    ("gpt-4o-transcribe", TODAY, Tokens(input_audio=600, output_text=100), 0, 4_600_000),
    # What runs here is free, however long it talks.
    ("louro", TODAY, Tokens(input_audio=10**9, output_audio=10**9), 3600, 0),
]


@pytest.mark.parametrize(("model", "day", "tokens", "seconds", "nanos"), CONVERSATIONS)
def test_a_conversation_costs_what_it_costs(
    model: str, day: date, tokens: Tokens, seconds: Decimal | int, nanos: int
) -> None:
    assert cost(PriceTable.load().price_for(model, day), tokens, seconds) == nanos


def test_all_of_them_are_rounded_to_the_cent_once() -> None:
    total = sum(
        cost(PriceTable.load().price_for(model, day), tokens, seconds)
        for model, day, tokens, seconds, _ in CONVERSATIONS
    )
    # 0.0192 + 0.0768 + 0.0069656 + 0.0434 + 0.0032 + 10.80 + 4.32 + 0.0052 + 0.01296 + 0.02404 + 0.00244
    # + 0.0255 + 0.000425 + 0.0046 = 15.3447306
    assert total == 15_344_730_600


def test_half_a_nano_dollar_is_rounded_up_once_and_not_for_each_token(tmp_path: Path) -> None:
    table = PriceTable.load(a_file(tmp_path, 'model = "m"\nsince = 2026-01-01\ntext = {in = 0.0005}'))
    price = table.price_for("m", TODAY)
    assert [cost(price, Tokens(input_text=count)) for count in (1, 2, 3)] == [1, 1, 2]


def test_more_cached_tokens_than_there_are_do_not_pay_us() -> None:
    price = PriceTable.load().price_for("gpt-realtime", TODAY)
    assert cost(price, Tokens(input_text=10, cached_text=1000)) == 10 * 400


@pytest.mark.parametrize("model", ["", "gpt-realtimes", "gpt", "GPT-realtime", "louro", "my-gpt-realtime"])
def test_a_model_of_no_row_is_free(model: str) -> None:
    price = PriceTable.load().price_for(model, TODAY)
    assert price.since is None
    assert cost(price, Tokens(1, 1, 1, 0, 0, 0, 1, 1), 60) == 0


def test_the_longest_name_that_a_model_goes_on_from_is_its_price() -> None:
    table = PriceTable.load()
    assert table.price_for("gpt-realtime-mini-2025-12-15", TODAY).model == "gpt-realtime-mini"
    assert table.price_for("gpt-realtime-2.1-mini-2026-01-01", TODAY).model == "gpt-realtime-2.1-mini"
    assert table.price_for("gpt-realtime", date(2025, 8, 27)).since is None, "it was not there yet"


def test_every_row_says_where_it_is_from() -> None:
    table = PriceTable.load()
    assert all(price.source and price.since for price in table.prices)
    assert len({(price.model, price.since) for price in table.prices}) == len(table.prices)


def test_an_operators_rows_add_and_take_the_place_of_ours(tmp_path: Path) -> None:
    rows = (
        'model = "gpt-realtime"\nsince = 2025-08-28\ntext = {in = 1, out = 2}',
        'model = "gpt-realtime"\nsince = 2026-12-01\ntext = {in = 9}',
        'model = "louro"\nsince = 2026-01-01\nper_second = 0.0001\nsource = "electricity"',
    )
    table = PriceTable.load(a_file(tmp_path, *rows))
    now = table.price_for("gpt-realtime-2025-08-28", TODAY)
    assert now.text == Rates(Decimal(1), Decimal(1), Decimal(2))
    assert now.audio == Rates()
    assert table.price_for("gpt-realtime", date(2026, 12, 1)).text.input == 9
    # 3600 s x 0.0001 = 0.36 dollars an hour.
    assert cost(table.price_for("louro", TODAY), Tokens(), 3600) == 360_000_000
    assert table.price_for("gpt-realtime-mini", TODAY).audio.input == 10, "the others are as they were"


GOOD = 'model = "m"\nsince = 2026-01-01\n'


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (['model = "m"\nsince = "2026-01-01"'], "row 1 (m): since is missing, or is no day"),
        (['model = "m"\nsince = 2026-01-01T00:00:00'], "row 1 (m): since is missing, or is no day"),
        (["since = 2026-01-01"], "row 1: model is missing"),
        ([GOOD, 'model = ""'], "row 2: model is missing"),
        ([GOOD + "voice = {in = 1}"], "row 1: 'voice' is not known"),
        ([GOOD + "text = {input = 1}"], "row 1 (m): text: 'input' is not known. There are in, cached, out"),
        ([GOOD + 'text = {in = "1"}'], "row 1 (m): text.in is not a number"),
        ([GOOD + "audio = 3"], "row 1 (m): audio is not a table"),
        ([GOOD + "audio = {out = -1}"], "row 1 (m): audio.out is -1. A price is 0 or more"),
        ([GOOD + "per_minute = nan"], "row 1 (m): per_minute is NaN"),
        ([GOOD + "per_second = true"], "row 1 (m): per_second is not a number"),
        ([GOOD + "source = 1"], "row 1 (m): source is not a text"),
        ([GOOD, GOOD], "row 2: row 1 has a price of m for 2026-01-01 too"),
        (["model = "], "is not TOML"),
    ],
)
def test_a_wrong_row_is_named_with_its_file_and_what_is_wrong(
    rows: list[str], said: str, tmp_path: Path
) -> None:
    with pytest.raises(PriceProblem) as problem:
        PriceTable.load(a_file(tmp_path, *rows))
    assert said in str(problem.value)
    assert str(problem.value).startswith(str(tmp_path / "mine.toml"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"prices = 3", "'prices' is not known here"),
        (b"price = 3", "Every row begins with [[price]]"),
        (b"price = [3]", "row 1 is not a table"),
        (b"\xff", "cannot be read"),
    ],
)
def test_a_file_of_something_else_is_refused(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(PriceProblem) as problem:
        PriceTable.load(path)
    assert said in str(problem.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PriceProblem, match=r"none\.toml cannot be read"):
        PriceTable.load(tmp_path / "none.toml")


def test_a_price_of_nothing_is_nothing() -> None:
    assert cost(Price("m", None, ""), Tokens(input_text=5)) == 0


def a_file(folder: Path, *rows: str) -> Path:
    path = folder / "mine.toml"
    path.write_text("".join(f"[[price]]\n{row}\n" for row in rows), encoding="utf-8")
    return path
