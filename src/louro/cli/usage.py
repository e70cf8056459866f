"""louro usage: what was used, what it cost, and what budgets are left."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from louro.cli.keys import Store, opened, place_of, read_limit
from louro.cli.usage_shown import compared, csv_of, flat, named, table_of
from louro.config import ConfigProblem
from louro.store.base import Filters
from louro.store.budgets import Budget, Scope, Standing, shown
from louro.store.prices import COMPARED, PriceProblem, PriceTable

if TYPE_CHECKING:
    from louro.store.sql import Store as SqlStore

app = typer.Typer(help="What was used, by whom, and what it cost.")
out = Console()

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
        rows = [compared(named(one, by.value, keys), elsewhere) for one in found]
    if as_json:
        typer.echo(json.dumps([flat(row) for row in rows], indent=1))
    elif as_csv:
        typer.echo(csv_of(rows), nl=False)
    elif rows:
        out.print(table_of(rows, by.value))
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
    table = Table("when (UTC)", "who", "what", "of", "", box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False)
    if _is_there(store):
        with opened(store) as kept:
            names = {key.id: f"key {key.name}" for key in kept.keys.all()}
            for act in kept.audit(begins.timestamp(), rows):
                at = f"{datetime.fromtimestamp(act.at, UTC):%Y-%m-%d %H:%M}"
                target = names.get(act.target, act.target)
                table.add_row(at, *map(escape, (act.actor, act.action, target, act.detail)))
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


def _owner(budget: Budget, names: dict[str, str]) -> str:
    return f"{budget.scope} {names.get(budget.owner, budget.owner)}"


def _standing(one: Standing) -> tuple[str, str]:
    if one.budget.limit.per == "session" or one.budget.limit.is_rate:
        return str(one.budget.limit), ""
    return shown(one.budget.limit, one.spent), f"[{_COLOURS[one.state]}]{one.state}[/]"


def _now() -> float:
    return time.time()  # noqa: TID251 - what is shown is of the days of the wall's clock
