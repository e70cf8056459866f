"""louro keys: make them, list them, take them back."""

from __future__ import annotations

import getpass
import re
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from louro.config import ConfigProblem, read_settings
from louro.server import default_store
from louro.store.base import SCOPES, Key, NewKey
from louro.store.budgets import BudgetProblem, Limit, parse_limit

if TYPE_CHECKING:
    from louro.store.sql import Store as SqlStore

app = typer.Typer(help="API keys: who may use this server.")
out = Console()

Store = Annotated[
    str | None,
    typer.Option("--store", help="A file, or a database's URL.", show_default="this user's data folder"),
]
Which = Annotated[str, typer.Argument(help="Its name, or the beginning that `list` shows.")]
_UNITS_S = {"h": 3_600, "d": 86_400, "w": 604_800}


@app.command()
def create(
    name: Annotated[str, typer.Option(help="Whose it is, or what it is for.")],
    project: Annotated[str, typer.Option(help="What it is counted under.")] = "default",
    scopes: Annotated[
        list[str] | None, typer.Option(help="What it opens: realtime, admin.", show_default="realtime")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="In so long: 12h, 30d, 4w.", show_default="never")
    ] = None,
    budget: Annotated[
        list[str] | None,
        typer.Option(
            help="So much and no more: 5 USD/day, 100000 tokens/month, 2 USD/session, 20 responses/minute, 3 sessions."
        ),
    ] = None,
    env: Annotated[Path | None, typer.Option(help="Write it into this file as OPENAI_API_KEY.")] = None,
    store: Store = None,
) -> None:
    """Make a key, and show it: once, and never again."""
    now = _now()
    expires_at = now + _seconds(expires) if expires else None
    limits = tuple(map(read_limit, budget or ()))
    new = NewKey(name, project, tuple(map(_scope, scopes or ["realtime"])), expires_at, limits)
    with opened(store) as kept:
        made = kept.keys.create_limited(new, now)
    _show(*made, env)


@app.command("list")
def list_keys(store: Store = None) -> None:
    """All keys, with what is known of them; the keys themselves are not kept."""
    now = _now()
    with opened(store) as kept:
        keys, budgets = kept.keys.all(), kept.budgets.all()
    limits: dict[str, list[str]] = {}
    for budget in budgets:
        if budget.scope == "key":
            limits.setdefault(budget.owner, []).append(str(budget.limit))
    table = Table("name", "project", "begins with", "made", "expires", "last used", "")
    if limits:
        table.add_column("budgets")
    for key in keys:
        state = "revoked" if key.revoked_at else "" if key.is_valid(now) else "expired"
        times = map(_day, (key.created_at, key.expires_at, key.used_at))
        cells = [key.name, key.project, f"{key.prefix}...", *times, state]
        if limits:
            cells.append("\n".join(limits.get(key.id, ())))
        table.add_row(*map(escape, cells))
    out.print(table)


@app.command()
def revoke(which: Which, store: Store = None) -> None:
    """Take a key back: no session begins with it any more. Live ones go on."""
    with opened(store) as kept:
        key = kept.keys.revoke(which, _now())
    if key is None:
        raise ConfigProblem(f"There is no valid key '{which}'. `louro keys list` shows them.")
    out.print(f"The key '{key.name}' ({key.prefix}...) is revoked.")


@app.command()
def rotate(
    which: Which,
    env: Annotated[Path | None, typer.Option(help="Write it into this file as OPENAI_API_KEY.")] = None,
    store: Store = None,
) -> None:
    """Revoke a key, and make another like it."""
    with opened(store) as kept:
        made = kept.keys.rotate(which, _now())
    if made is None:
        raise ConfigProblem(f"There is no valid key '{which}'. `louro keys list` shows them.")
    _show(*made, env)


@contextmanager
def opened(place: str | None) -> Iterator[SqlStore]:
    """What is done in it is done by whoever is logged in here."""
    from louro.store.database import StoreUnavailable  # noqa: PLC0415 - 28 MB, and `louro serve` loads this module too
    from louro.store.sql import Store as SqlStore  # noqa: PLC0415
    from louro.store.tables import FromTheFuture  # noqa: PLC0415

    try:
        opened_store = SqlStore.open(place_of(place), actor=_who())
    except (StoreUnavailable, FromTheFuture) as problem:
        raise ConfigProblem(str(problem)) from None
    with closing(opened_store) as store:
        yield store


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user has no name
        return "nobody known"


def place_of(place: str | None) -> str:
    return place or read_settings(None, {}, {}).store or str(default_store())


def read_limit(text: str) -> Limit:
    try:
        return parse_limit(text)
    except BudgetProblem as problem:
        raise ConfigProblem(str(problem)) from None


def _show(key: Key, secret: str, env: Path | None) -> None:
    out.print(f"The key '{key.name}' is shown now, and never again:\n")
    out.print(secret, style="bold", soft_wrap=True, highlight=False)
    out.print("\nA server that was started before the first key was made must be started again.")
    if env is not None:
        _write_env(env, secret)
        out.print(f"It is in {env} as OPENAI_API_KEY.", soft_wrap=True)


def _write_env(path: Path, secret: str) -> None:
    """Readable by this user only; other lines stay."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    lines = [line for line in lines if not line.startswith("OPENAI_API_KEY=")]
    path.touch(mode=0o600, exist_ok=True)
    path.write_text("\n".join([*lines, f"OPENAI_API_KEY={secret}"]) + "\n", "utf-8")


def _scope(text: str) -> str:
    if text not in SCOPES:
        raise ConfigProblem(f"'{text}' is no scope. There are {' and '.join(SCOPES)}.")
    return text


def _seconds(text: str) -> int:
    found = re.fullmatch(r"(\d+)([hdw])", text)
    if found is None:
        raise ConfigProblem(f"'{text}' is no length of time. Write 12h, 30d or 4w.")
    return int(found[1]) * _UNITS_S[found[2]]


def _day(at: float | None) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d") if at is not None else "-"


def _now() -> float:
    return time.time()  # noqa: TID251 - keys live by the clock of the wall
