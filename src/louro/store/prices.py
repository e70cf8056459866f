"""What tokens and seconds cost. Whole billionths of a dollar, and decimals on the way there: no sum is off by a cent."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from importlib import resources
from pathlib import Path
from typing import Any

COMPARED = "gpt-realtime"
"""What the same answers would have cost on it is shown beside what they cost."""
NANOS_PER_USD = 1_000_000_000
_NANOS_PER_USD_PER_MILLION = NANOS_PER_USD // 1_000_000
_KINDS = ("text", "audio", "image")
_COLUMNS = ("model", "since", "source", *_KINDS, "per_minute", "per_second")
_RATES = ("in", "cached", "out")
_FREE = Decimal(0)


class PriceProblem(ValueError):
    """A price list that cannot be used. The message names the file, the row, and what is wrong with it."""


@dataclass(frozen=True)
class Tokens:
    """Cached tokens are a part of the input, as in a response's usage."""

    input_text: int = 0
    input_audio: int = 0
    input_image: int = 0
    cached_text: int = 0
    cached_audio: int = 0
    cached_image: int = 0
    output_text: int = 0
    output_audio: int = 0

    @property
    def total(self) -> int:
        return self.input + self.output_text + self.output_audio

    @property
    def input(self) -> int:
        return self.input_text + self.input_audio + self.input_image

    @property
    def output(self) -> int:
        return self.output_text + self.output_audio

    @property
    def cached(self) -> int:
        return self.cached_text + self.cached_audio + self.cached_image

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(Tokens)))


NO_TOKENS = Tokens()


@dataclass(frozen=True)
class Rates:
    """US dollars per million tokens."""

    input: Decimal = _FREE
    cached: Decimal = _FREE
    output: Decimal = _FREE

    def of(self, given: int, cached: int, made: int) -> Decimal:
        """In dollars per million: of *given* tokens of input, of which *cached* were cached, and *made* ones."""
        cached = min(cached, given)
        return (given - cached) * self.input + cached * self.cached + made * self.output


@dataclass(frozen=True)
class Price:
    model: str
    since: date | None
    """The first day that it was in force; None if there is no price, and it is free."""
    source: str
    text: Rates = Rates()
    audio: Rates = Rates()
    image: Rates = Rates()
    per_minute: Decimal = _FREE
    per_second: Decimal = _FREE


def cost(price: Price, tokens: Tokens, seconds: Decimal | int = 0) -> int:
    """In billionths of a US dollar, rounded once, at the end."""
    millionths = (
        price.text.of(tokens.input_text, tokens.cached_text, tokens.output_text)
        + price.audio.of(tokens.input_audio, tokens.cached_audio, tokens.output_audio)
        + price.image.of(tokens.input_image, tokens.cached_image, 0)
    )
    timed = seconds * (price.per_second * 60 + price.per_minute) * NANOS_PER_USD / 60
    nanos = millionths * _NANOS_PER_USD_PER_MILLION + timed
    return int(nanos.quantize(Decimal(1), ROUND_HALF_UP))


@dataclass(frozen=True)
class PriceTable:
    prices: tuple[Price, ...]

    @staticmethod
    def load(extra: Path | None = None) -> PriceTable:
        """Those that come with Louro; a row of *extra* for the same model and day takes the place of one.

        Raises:
            PriceProblem: *extra* cannot be read, or a row of it cannot be used.
        """
        ours = resources.files("louro.store") / "prices.toml"
        rows = _read("prices.toml", ours.read_text("utf-8"))
        if extra is not None:
            rows = [*rows, *_read(str(extra), _text_of(extra))]
        return PriceTable(tuple({(row.model, row.since): row for row in rows}.values()))

    def price_for(self, model: str, day: date) -> Price:
        """The newest not after that day, of the longest name that *model* is or goes on from with a dash.

        So `gpt-realtime-2025-08-28` costs what `gpt-realtime` costs. A model that is in no row is free.
        """
        known = [
            (len(row.model), row.since, row)
            for row in self.prices
            if row.since is not None and row.since <= day and _is_a(model, row.model)
        ]
        if not known:
            return Price(model, None, "in no price list")
        return max(known, key=lambda found: found[:2])[2]


def _is_a(model: str, name: str) -> bool:
    return model == name or model.startswith(f"{name}-")


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PriceProblem(f"{path} cannot be read: {error}") from None


def _read(file: str, text: str) -> list[Price]:
    try:
        content = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise PriceProblem(f"{file} is not TOML: {error}") from None
    rows = content.pop("price", [])
    if content or not isinstance(rows, list):
        wrong = next(iter(content), "price")
        raise PriceProblem(f"{file}: '{wrong}' is not known here. Every row begins with [[price]].")
    prices = [_price(f"{file}, row {number}", row) for number, row in enumerate(rows, 1)]
    _check_unique(file, prices)
    return prices


def _check_unique(file: str, prices: Sequence[Price]) -> None:
    seen: dict[tuple[str, date | None], int] = {}
    for number, price in enumerate(prices, 1):
        first = seen.setdefault((price.model, price.since), number)
        if first != number:
            raise PriceProblem(
                f"{file}, row {number}: row {first} has a price of {price.model} for {price.since} too."
            )


def _price(where: str, row: Any) -> Price:
    if not isinstance(row, dict):
        raise PriceProblem(f"{where} is not a table. Every row begins with [[price]].")
    _check_names(where, row, _COLUMNS)
    model, since = row.get("model"), row.get("since")
    if not isinstance(model, str) or not model:
        raise PriceProblem(f"{where}: model is missing, or is no name.")
    where = f"{where} ({model})"
    if not isinstance(since, date) or isinstance(since, datetime):
        raise PriceProblem(
            f"{where}: since is missing, or is no day. Write it as 2026-11-23, without quotes."
        )
    source = row.get("source", "")
    if not isinstance(source, str):
        raise PriceProblem(f"{where}: source is not a text.")
    text, audio, image = (_rates(f"{where}: {kind}", row.get(kind, {})) for kind in _KINDS)
    per_minute, per_second = (
        _usd(f"{where}: {name}", row.get(name, 0)) for name in ("per_minute", "per_second")
    )
    return Price(model, since, source, text, audio, image, per_minute, per_second)


def _rates(where: str, row: Any) -> Rates:
    if not isinstance(row, dict):
        raise PriceProblem(f"{where} is not a table. Write {{ in = 4, cached = 0.40, out = 16 }}.")
    _check_names(where, row, _RATES)
    given = _usd(f"{where}.in", row.get("in", 0))
    return Rates(
        given, _usd(f"{where}.cached", row.get("cached", given)), _usd(f"{where}.out", row.get("out", 0))
    )


def _check_names(where: str, row: Iterable[str], known: Sequence[str]) -> None:
    unknown = [name for name in row if name not in known]
    if unknown:
        raise PriceProblem(f"{where}: '{unknown[0]}' is not known. There are {', '.join(known)}.")


def _usd(where: str, value: Any) -> Decimal:
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        raise PriceProblem(f"{where} is not a number.")
    amount = Decimal(value)
    if not amount.is_finite() or amount < 0:
        raise PriceProblem(f"{where} is {value}. A price is 0 or more.")
    return amount
