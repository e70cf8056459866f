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
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from louro.config import ConfigProblem, read_settings
from louro.server import default_store
from louro.store.base import NAME, SCOPES, Key, NewKey
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
    _check_name(name, "--name")
    _check_name(project, "--project")
    new = NewKey(name, project, tuple(map(_scope, scopes or ["realtime"])), expires_at, limits)
    with opened(store) as kept:
        made = kept.keys.create_limited(new, now)
    _show(*made, env)


@app.command("list")
def list_keys(store: Store = None) -> None:
    """All keys, with what is known of them; the keys themselves are not kept."""
    now = _now()
    with opened(store) as kept:
        keys, limits = kept.keys.all(), kept.budgets.of_keys()
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False)
    for head in ("name", "begins with", "project", "valid until", "last used", "budgets"):
        table.add_column(head, overflow="fold", no_wrap=head != "name" and head != "project")
    for key in keys:
        cells = (key.name, key.prefix, key.project, _until(key, now), _day(key.used_at))
        table.add_row(*map(escape, cells), "\n".join(limits.get(key.id, ())))
    out.print(table)


def _until(key: Key, now: float) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return _day(key.expires_at) if key.is_valid(now) else "expired"


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
    problem = _write_env(env, secret) if env is not None else None
    out.print(f"The key '{key.name}' is shown now, and never again:\n")
    out.print(secret, style="bold", soft_wrap=True, highlight=False)
    out.print("\nA server that was started before the first key was made must be started again.")
    if problem is not None:
        raise problem
    if env is not None:
        out.print(f"It is in {env} as OPENAI_API_KEY.", soft_wrap=True)


def _write_env(path: Path, secret: str) -> ConfigProblem | None:
    """Readable by this user only, even if it was not; other lines stay, whatever happens. Return what went wrong: the key
    has to be shown all the same."""
    path = path.resolve()
    new = path.with_name(f"{path.name}.new")
    try:
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        lines = [line for line in lines if not line.startswith("OPENAI_API_KEY=")]
        new.unlink(missing_ok=True)
        new.touch(mode=0o600, exist_ok=False)
        new.write_text("\n".join([*lines, f"OPENAI_API_KEY={secret}"]) + "\n", "utf-8")
        new.replace(path)
    except (OSError, UnicodeDecodeError) as problem:
        return ConfigProblem(f"The key is made, but {path} cannot be written: {problem}")
    return None


def _check_name(text: str, option: str) -> None:
    if re.fullmatch(NAME, text) is None:
        raise ConfigProblem(f"{option} is a line of 1 to 100 characters without a slash.")


def _scope(text: str) -> str:
    if text not in SCOPES:
        raise ConfigProblem(f"'{text}' is no scope. There are {' and '.join(SCOPES)}.")
    return text


def _seconds(text: str) -> int:
    found = re.fullmatch(r"(\d{1,4})([hdw])", text, re.ASCII)
    if found is None or not int(found[1]):
        raise ConfigProblem(f"'{text}' is no length of time. Write 12h, 30d or 4w.")
    return int(found[1]) * _UNITS_S[found[2]]


def _day(at: float | None) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d") if at is not None else "-"


def _now() -> float:
    return time.time()  # noqa: TID251 - keys live by the clock of the wall
