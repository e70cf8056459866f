"""What was used, for the eye, a spreadsheet, or another program."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from rich import box
from rich.markup import escape
from rich.table import Table

from louro.store.base import Key, Usage
from louro.store.prices import COMPARED, NANOS_PER_USD, NO_TOKENS, Price, cost

BAR_CELLS = 8
"""So that a table of days is 80 columns wide."""


@dataclass(frozen=True)
class Shown:
    """A row, with what it would have cost elsewhere."""

    usage: Usage
    compared_nanos: int


def named(row: Usage, by: str, keys: Sequence[Key]) -> Usage:
    if by != "key":
        return row
    name = next((f"{one.name}, {one.prefix}" for one in keys if one.id == row.name), row.name)
    return replace(row, name=name or "without a key")


def compared(row: Usage, elsewhere: Price) -> Shown:
    return Shown(row, cost(elsewhere, row.response_tokens))


def flat(row: Shown) -> dict[str, str | int | None]:
    one = row.usage
    return {
        "name": one.name,
        "responses": one.entries.get("response", 0),
        "transcriptions": one.entries.get("transcription", 0),
        "sessions": one.entries.get("session", 0),
        **vars(one.tokens),
        "input_ms": one.input_ms,
        "output_ms": one.output_ms,
        "transcribed_ms": one.transcribed_ms,
        "tool_calls": one.tool_calls,
        "first_audio_ms": one.first_audio_ms,
        "usd": _exact(one.nanos),
        "gpt_realtime_usd": _exact(row.compared_nanos),
    }


def csv_of(rows: Sequence[Shown]) -> str:
    text = io.StringIO()
    columns = flat(compared(_NOTHING, Price(COMPARED, None, "")))
    writer = csv.DictWriter(text, list(columns), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        cells = flat(row)
        # A spreadsheet takes what begins like this for a formula, and a client names its model.
        is_formula = str(cells["name"]).startswith(("=", "+", "-", "@"))
        writer.writerow(cells | {"name": f"'{cells['name']}"} if is_formula else cells)
    return text.getvalue()


def table_of(rows: Sequence[Shown], by: str) -> Table:
    is_free = not any(row.usage.nanos for row in rows)
    sizes = [row.compared_nanos if is_free else row.usage.nanos for row in rows]
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False, show_footer=len(rows) > 1)
    total = _total(rows)
    footers = ("in all", *_cells(total), "")
    heads = (by, "answers", "heard", "spoken", "tokens", "USD", f"on\n{COMPARED}", "")
    for number, (head, footer) in enumerate(zip(heads, footers, strict=True)):
        is_text = number in (0, len(heads) - 1)
        table.add_column(head, footer, justify="left" if is_text else "right", overflow="fold")
    for row, size in zip(rows, sizes, strict=True):
        table.add_row(escape(row.usage.name), *_cells(row), _bar(size, max(sizes)))
    return table


def _cells(row: Shown) -> tuple[str, ...]:
    one = row.usage
    return (
        str(one.entries.get("response", 0)),
        _minutes(one.input_ms),
        _minutes(one.output_ms),
        f"{one.tokens.total:,}",
        _usd(one.nanos),
        _usd(row.compared_nanos),
    )


_NOTHING = Usage("", {}, NO_TOKENS, NO_TOKENS, 0, 0, 0, None, 0)


def _total(rows: Sequence[Shown]) -> Shown:
    every = [row.usage for row in rows]
    summed = replace(
        _NOTHING,
        entries={"response": sum(one.entries.get("response", 0) for one in every)},
        tokens=sum((one.tokens for one in every), NO_TOKENS),
        input_ms=sum(one.input_ms for one in every),
        output_ms=sum(one.output_ms for one in every),
        nanos=sum(one.nanos for one in every),
    )
    return Shown(summed, sum(row.compared_nanos for row in rows))


def _bar(size: int, biggest: int) -> str:
    cells = round(BAR_CELLS * 2 * size / biggest) if biggest else 0
    return "█" * (cells // 2) + "▌" * (cells % 2)


def _minutes(ms: int) -> str:
    seconds = round(ms / 1000)
    return f"{seconds // 60}:{seconds % 60:02}"


def _usd(nanos: int) -> str:
    """To the cent; what is less than one, to a hundredth of it."""
    amount = Decimal(nanos) / NANOS_PER_USD
    return f"{amount:,.2f}" if amount >= 1 or not amount else f"{amount:.4f}"


def _exact(nanos: int) -> str:
    return f"{Decimal(nanos) / NANOS_PER_USD:.9f}"
