"""The command and its options."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import anyio
import typer
from rich.console import Console
from rich.table import Table

from louro.cli.talk.words import Language, Words, words_of
from louro.config import ConfigProblem

if TYPE_CHECKING:
    from louro.cli.talk.opening import Plan
    from louro.client.sound import Device
    from louro.client.sound_errors import Direction

Text = Annotated[str | None, typer.Option(show_default=False)]


def talk(
    url: Annotated[
        str | None,
        typer.Option(help="Any Realtime server. Without one: that of this machine, started here if need be."),
    ] = None,
    key: Annotated[str | None, typer.Option(envvar="OPENAI_API_KEY", help="Its API key.")] = None,
    model: Text = None,
    dialect: Annotated[Literal["ga", "beta"], typer.Option(help="ga: today's. beta: of 2024.")] = "ga",
    embedded: Annotated[bool, typer.Option(help="Run a server in this process, whatever else runs.")] = False,
    instructions: Annotated[str | None, typer.Option(help="Who the assistant is.")] = None,
    voice: Text = None,
    push_to_talk: Annotated[bool, typer.Option(help="Do not listen until Space is pressed.")] = False,
    silent: Annotated[bool, typer.Option(help="In writing: no microphone, no loudspeaker.")] = False,
    microphone: Annotated[str | None, typer.Option(help="A number or a part of a name.")] = None,
    loudspeaker: Annotated[str | None, typer.Option(help="A number or a part of a name.")] = None,
    devices: Annotated[bool, typer.Option(help="List microphones and loudspeakers, and end.")] = False,
    cancel_echo: Annotated[bool, typer.Option(help="Off: for headphones.")] = True,
    tools: Annotated[
        list[str] | None, typer.Option(metavar="MODULE:NAME,NAME", help="Your own Python functions.")
    ] = None,
    save: Annotated[Path, typer.Option(metavar="DIR", help="Where conversations are saved.")] = Path(),
    plain: Annotated[bool, typer.Option(help="Line by line: for pipes and screen readers.")] = False,
    language: Annotated[
        Language | None,
        typer.Option(
            "--lang", "--language", help="Of the screen, and what is said to the models.", show_default=False
        ),
    ] = None,
) -> None:
    """Talk with it: voice activated, or push to talk, or in writing."""
    # A server has no use for microphones, and 20 MB less without what this loads.
    from louro.cli.talk.opening import Plan  # noqa: PLC0415
    from louro.client.sound_errors import SoundError  # noqa: PLC0415
    from louro.functions import load_functions  # noqa: PLC0415

    words = words_of(language)
    if devices:
        _list_devices(Console(), words)
        return
    plan = Plan(
        url=url,
        key=key,
        model=model,
        dialect=dialect,
        embedded=embedded,
        words=words,
        heard_language=language,
        instructions=instructions,
        voice=voice,
        by_hand=push_to_talk,
        silent=silent,
        microphone=_choice(microphone),
        loudspeaker=_choice(loudspeaker),
        cancel_echo=cancel_echo,
        tools=tuple(load_functions(tools or ())),
    )
    run = _run_plain if plain or not sys.stdout.isatty() else _run_screen
    try:
        run(plan, words, save)
    except SoundError as error:
        raise ConfigProblem(words.sound_problem(error)) from None


def _run_screen(plan: Plan, words: Words, save: Path) -> None:
    from louro.cli.talk.opening import folder_maker, open_assistant  # noqa: PLC0415
    from louro.cli.talk.screen import TalkScreen  # noqa: PLC0415 - Textual takes its time to load
    from louro.client.address import find  # noqa: PLC0415

    shown = find(plan.url, plan.key, plan.model, plan.dialect).shown if not plan.embedded else "embedded"
    screen = TalkScreen(
        lambda screen: open_assistant(plan, screen.loading, screen.warn),
        words,
        shown,
        folder_maker(save, _now),
    )
    with _libraries_silent():
        screen.run()
    if screen.failure is not None:
        raise screen.failure


@contextmanager
def _libraries_silent() -> Iterator[None]:
    """Sound libraries write complaints over the screen: only the screen keeps the terminal."""
    kept = sys.__stderr__
    with os.fdopen(os.dup(2), "w") as terminal, open(os.devnull, "w") as nowhere:
        sys.__stderr__ = terminal  # type: ignore[misc]  # where Textual draws
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(terminal.fileno(), 2)
            sys.__stderr__ = kept  # type: ignore[misc]


def _run_plain(plan: Plan, words: Words, save: Path) -> None:
    from louro.cli.talk.opening import folder_maker, open_assistant  # noqa: PLC0415
    from louro.cli.talk.plain import Plain  # noqa: PLC0415

    notes = Console(stderr=True)

    async def converse() -> None:
        def loading(what: str) -> None:
            notes.print(f"{words.states['loading']} {what}...", style="dim")

        async with open_assistant(plan, loading, lambda told: notes.print(told, markup=False)) as assistant:
            await Plain(assistant, words, folder_maker(save, _now)).run()

    anyio.run(converse)


def _now() -> str:
    return time.strftime("%Y%m%d-%H%M%S")


def _choice(text: str | None) -> int | str | None:
    return int(text) if text is not None and text.isdigit() else text


def _list_devices(out: Console, words: Words) -> None:
    from louro.client.sound import Devices  # noqa: PLC0415
    from louro.client.sound_errors import SoundError  # noqa: PLC0415

    try:
        found = Devices()
    except SoundError as error:
        raise ConfigProblem(words.sound_problem(error)) from None
    table = Table("", "", "", "Hz", box=None, pad_edge=False)
    known: dict[Direction, list[Device]] = {"microphone": found.inputs, "loudspeaker": found.outputs}
    for direction, devices in known.items():
        for device in devices:
            table.add_row(
                words.devices[direction],
                str(device.index),
                f"{device.name} ({device.host})",
                str(device.rate_hz),
            )
    out.print(table if table.row_count else words.no_devices)
