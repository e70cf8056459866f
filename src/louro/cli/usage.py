"""louro usage: what was used, what it cost, and what budgets are left."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from louro.cli.keys import Store, opened, place_of, read_limit
from louro.config import ConfigProblem
from louro.store.base import Filters, Key, Usage
from louro.store.budgets import Budget, Scope, Standing, shown
from louro.store.prices import NANOS_PER_USD, NO_TOKENS, Price, PriceProblem, PriceTable, cost

if TYPE_CHECKING:
    from louro.store.sql import Store as SqlStore

app = typer.Typer(help="What was used, by whom, and what it cost.")
out = Console()

COMPARED = "gpt-realtime"
"""What the same answers would have cost on it is shown beside what they cost."""
BAR_CELLS = 8
"""So that a table of days is 80 columns wide."""
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_COLOURS = {"within": "green", "warn": "yellow", "spent": "red"}


class By(StrEnum):
    day = "day"
    key = "key"
    project = "project"
    model = "model"


Project = Annotated[str | None, typer.Option(help="Of this project only.", show_default="all")]
KeyOption = Annotated[
    str | None,
    typer.Option("--key", help="Of this key only: its name, or its beginning.", show_default="all"),
]
Owner = Annotated[str | None, typer.Option("--key", help="A key: its name, or its beginning.")]
OwnerProject = Annotated[str | None, typer.Option("--project", help="Or a project.")]
Text = Annotated[
    str,
    typer.Argument(
        metavar="BUDGET", help="5 USD/day, 100000 tokens/month, 60 minutes, 20 responses/minute, 3 sessions."
    ),
]


@dataclass(frozen=True)
class Shown:
    """A row, with what it would have cost elsewhere."""

    usage: Usage
    compared_nanos: int


@app.callback(invoke_without_command=True)
def usage(
    context: typer.Context,
    by: Annotated[By, typer.Option(help="A row for each.")] = By.day,
    since: Annotated[str, typer.Option(help="A day, 2026-11-01, or so long ago: 12h, 30d, 4w.")] = "30d",
    until: Annotated[
        str | None, typer.Option(help="The last day, or so long ago.", show_default="now")
    ] = None,
    key: KeyOption = None,
    project: Project = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="As comma separated values.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    prices: Annotated[Path | None, typer.Option(help="Your own price list, for the comparison.")] = None,
    store: Store = None,
) -> None:
    """What was used, as a table with bars. Days are those of UTC."""
    if context.invoked_subcommand is not None:
        return
    now = datetime.fromtimestamp(_now(), UTC)
    begins, ends = _begin(since, now), _end(until, now)
    if begins >= ends:
        raise ConfigProblem(f"Nothing lies between --since {since} and --until {until or 'now'}.")
    elsewhere = _price_list(prices).price_for(COMPARED, now.date())
    rows = []
    if _is_there(store):
        with opened(store) as kept:
            filters = _filters(kept, key, project)
            found = kept.ledger.usage(begins.timestamp(), ends.timestamp(), by.value, filters)
            keys = kept.keys.all() if by is By.key else []
        rows = [_compared(_named(one, by, keys), elsewhere) for one in found]
    if as_json:
        typer.echo(json.dumps([_flat(row) for row in rows], indent=1))
    elif as_csv:
        typer.echo(_csv(rows), nl=False)
    elif rows:
        out.print(_table(rows, by))
    else:
        out.print("Nothing was used in that time.")


@app.command()
def budgets(store: Store = None) -> None:
    """All budgets, and how far each is used up."""
    if not _is_there(store):
        out.print("There are no budgets.")
        return
    with opened(store) as kept:
        names = {key.id: key.name for key in kept.keys.all()}
        found = kept.budgets.all_standings(_now())
    table = Table("whose", "used", "")
    for one in found:
        table.add_row(escape(_owner(one.budget, names)), *_standing(one))
    out.print(table if found else "There are no budgets.")


@app.command()
def limit(text: Text, key: Owner = None, project: OwnerProject = None, store: Store = None) -> None:
    """Set a budget; one for the same unit and period is replaced."""
    with opened(store) as kept:
        budget = Budget(*_one_owner(kept, key, project), read_limit(text))
        kept.budgets.create(budget, _now())
    out.print(f"{escape(key or project or '')}: {budget.limit}")


@app.command()
def unlimit(text: Text, key: Owner = None, project: OwnerProject = None, store: Store = None) -> None:
    """Take a budget away."""
    with opened(store) as kept:
        budget = Budget(*_one_owner(kept, key, project), read_limit(text))
        is_gone = kept.budgets.remove(budget, _now())
    if not is_gone:
        raise ConfigProblem(f"There is no budget like '{text}'. `louro usage budgets` shows them.")
    out.print(f"{escape(key or project or '')}: no longer {budget.limit}")


@app.command()
def audit(
    since: Annotated[str, typer.Option(help="A day, or so long ago.")] = "30d",
    rows: Annotated[int, typer.Option(help="The newest so many.", min=1)] = 50,
    store: Store = None,
) -> None:
    """Who made, changed and took back keys and budgets; newest first."""
    begins = _begin(since, datetime.fromtimestamp(_now(), UTC))
    table = Table("when (UTC)", "who", "what", "of", "")
    if _is_there(store):
        with opened(store) as kept:
            for act in kept.audit(begins.timestamp(), rows):
                at = f"{datetime.fromtimestamp(act.at, UTC):%Y-%m-%d %H:%M:%S}"
                table.add_row(at, *map(escape, (act.actor, act.action, act.target, act.detail)))
    out.print(table)


# What is asked for


def _begin(text: str, now: datetime) -> datetime:
    day = _day(text)
    return _midnight(day) if day is not None else now - _ago(text)


def _end(text: str | None, now: datetime) -> datetime:
    """The day that is named is a part of it."""
    if text is None:
        return now
    day = _day(text)
    return _midnight(day) + timedelta(days=1) if day is not None else now - _ago(text)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _ago(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,4})([hdw])", text, re.ASCII)
    if found is None:
        raise ConfigProblem(f"'{text}' is no day and no length of time. Write 2026-11-01, 12h, 30d or 4w.")
    return int(found[1]) * _UNITS[found[2]]


def _price_list(path: Path | None) -> PriceTable:
    try:
        return PriceTable.load(path)
    except PriceProblem as problem:
        raise ConfigProblem(str(problem)) from None


def _is_there(store: str | None) -> bool:
    """To look is no reason to make a file."""
    place = place_of(store)
    return "://" in place or Path(place).exists()


def _filters(store: SqlStore, key: str | None, project: str | None) -> Filters:
    return Filters(
        _key_ids(store, key) if key is not None else None, (project,) if project is not None else None
    )


def _key_ids(store: SqlStore, which: str) -> tuple[str, ...]:
    """Several, where one was rotated: they have one name."""
    found = tuple(one.id for one in store.keys.all() if which in (one.id, one.prefix, one.name))
    if not found:
        raise ConfigProblem(f"There is no key '{which}'. `louro keys list` shows them.")
    return found


def _one_owner(store: SqlStore, key: str | None, project: str | None) -> tuple[Scope, str]:
    if (key is None) == (project is None):
        raise ConfigProblem("Say whose budget it is: either --key or --project.")
    if project is not None:
        return "project", project
    valid = [
        one.id for one in store.keys.all() if one.revoked_at is None and one.id in _key_ids(store, key or "")
    ]
    if len(valid) != 1:
        raise ConfigProblem(f"There are {len(valid)} valid keys '{key}'. Name one by its beginning.")
    return "key", valid[0]


# What is shown


def _named(row: Usage, by: By, keys: Sequence[Key]) -> Usage:
    if by is not By.key:
        return row
    name = next((f"{one.name}, {one.prefix}" for one in keys if one.id == row.name), row.name)
    return replace(row, name=name or "without a key")


def _compared(row: Usage, elsewhere: Price) -> Shown:
    return Shown(row, cost(elsewhere, row.response_tokens))


def _flat(row: Shown) -> dict[str, str | int | None]:
    one = row.usage
    return {
        "name": one.name,
        "responses": one.entries.get("response", 0),
        "transcriptions": one.entries.get("transcription", 0),
        "sessions": one.entries.get("session", 0),
        **vars(one.tokens),
        "input_ms": one.input_ms,
        "output_ms": one.output_ms,
        "tool_calls": one.tool_calls,
        "first_audio_ms": one.first_audio_ms,
        "usd": _exact(one.nanos),
        "gpt_realtime_usd": _exact(row.compared_nanos),
    }


def _csv(rows: Sequence[Shown]) -> str:
    text = io.StringIO()
    columns = _flat(_compared(_NOTHING, Price(COMPARED, None, "")))
    writer = csv.DictWriter(text, list(columns), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        flat = _flat(row)
        # A spreadsheet takes what begins like this for a formula, and a client names its model.
        is_formula = str(flat["name"]).startswith(("=", "+", "-", "@"))
        writer.writerow(flat | {"name": f"'{flat['name']}"} if is_formula else flat)
    return text.getvalue()


def _table(rows: Sequence[Shown], by: By) -> Table:
    is_free = not any(row.usage.nanos for row in rows)
    sizes = [row.compared_nanos if is_free else row.usage.nanos for row in rows]
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False, show_footer=len(rows) > 1)
    total = _total(rows)
    footers = ("in all", *_cells(total), "")
    heads = (by.value, "answers", "heard", "spoken", "tokens", "USD", f"on\n{COMPARED}", "")
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
    return f"{ms // 60_000}:{ms // 1000 % 60:02}"


def _usd(nanos: int) -> str:
    """To the cent; what is less than one, to a hundredth of it."""
    amount = Decimal(nanos) / NANOS_PER_USD
    return f"{amount:,.2f}" if amount >= 1 or not amount else f"{amount:.4f}"


def _exact(nanos: int) -> str:
    return f"{Decimal(nanos) / NANOS_PER_USD:.9f}"


def _owner(budget: Budget, names: dict[str, str]) -> str:
    return f"{budget.scope} {names.get(budget.owner, budget.owner)}"


def _standing(one: Standing) -> tuple[str, str]:
    if one.budget.limit.per == "session" or one.budget.limit.is_rate:
        return str(one.budget.limit), ""
    return shown(one.budget.limit, one.spent), f"[{_COLOURS[one.state]}]{one.state}[/]"


def _now() -> float:
    return time.time()  # noqa: TID251 - what is shown is of the days of the wall's clock
