"""louro keys: make them, list them, take them back."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from louro.config import ConfigProblem, read_settings
from louro.server import default_store
from louro.store.base import Key

if TYPE_CHECKING:
    from louro.store.keys import SqlKeys

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
    scopes: Annotated[list[str] | None, typer.Option(help="What it opens.", show_default="realtime")] = None,
    expires: Annotated[
        str | None, typer.Option(help="In so long: 12h, 30d, 4w.", show_default="never")
    ] = None,
    env: Annotated[Path | None, typer.Option(help="Write it into this file as OPENAI_API_KEY.")] = None,
    store: Store = None,
) -> None:
    """Make a key, and show it: once, and never again."""
    now = _now()
    expires_at = now + _seconds(expires) if expires else None
    made = _open(store).create(
        name, project=project, scopes=scopes or ["realtime"], expires_at=expires_at, now=now
    )
    _show(*made, env)


@app.command("list")
def list_keys(store: Store = None) -> None:
    """All keys, with what is known of them; the keys themselves are not kept."""
    table = Table("name", "project", "begins with", "made", "expires", "last used", "")
    now = _now()
    for key in _open(store).all():
        state = "revoked" if key.revoked_at else "" if key.is_valid(now) else "expired"
        times = (key.created_at, key.expires_at, key.used_at)
        table.add_row(key.name, key.project, f"{key.prefix}...", *map(_day, times), state)
    out.print(table)


@app.command()
def revoke(which: Which, store: Store = None) -> None:
    """Take a key back: no session begins with it any more. Live ones go on."""
    key = _open(store).revoke(which, _now())
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
    made = _open(store).rotate(which, _now())
    if made is None:
        raise ConfigProblem(f"There is no valid key '{which}'. `louro keys list` shows them.")
    _show(*made, env)


def _open(place: str | None) -> SqlKeys:
    from louro.store.keys import open_store  # noqa: PLC0415 - it costs 28 MB, and `louro serve` loads this module too

    return open_store(place or read_settings(None, {}, {}).store or str(default_store()))


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


def _seconds(text: str) -> int:
    found = re.fullmatch(r"(\d+)([hdw])", text)
    if found is None:
        raise ConfigProblem(f"'{text}' is no length of time. Write 12h, 30d or 4w.")
    return int(found[1]) * _UNITS_S[found[2]]


def _day(at: float | None) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d") if at is not None else "-"


def _now() -> float:
    return time.time()  # noqa: TID251 - keys live by the clock of the wall
