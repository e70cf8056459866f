"""louro serve, ask, talk, models, replay, bench, engines, doctor."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Annotated

import anyio
import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from louro.cli.bench import BenchPlan, bench_turns, report
from louro.cli.caller import Turn, call
from louro.cli.doctor import examine
from louro.cli.embedded import embedded_server
from louro.cli.keys import app as keys_app
from louro.cli.relay import relay
from louro.cli.sound import check_format, play, read_sound, write_sound
from louro.cli.talk import talk
from louro.cli.usage import app as usage_app
from louro.client.address import Dialect
from louro.client.errors import ConnectionFailed
from louro.config import ConfigProblem, check_exposure, read_settings
from louro.engines import catalogue, registry
from louro.engines.base import ConfigError
from louro.pipeline.machine import ReplayDiffers, replay
from louro.server import check_ground, has_uvloop, load_engines, make_server, open_keys

DEFAULT_URL = "http://127.0.0.1:8765"

app = typer.Typer(
    help="A realtime voice API that anyone can run.", no_args_is_help=True, pretty_exceptions_enable=False
)
models_app = typer.Typer(
    help="The weights: what there is, what is here, and how to get it.", no_args_is_help=True
)
bench_app = typer.Typer(help="Measure a Realtime server.", no_args_is_help=True)
app.add_typer(models_app, name="models")
app.add_typer(bench_app, name="bench")
app.add_typer(keys_app, name="keys")
app.add_typer(usage_app, name="usage")
app.command()(talk)
app.command()(relay)
out = Console()
notes = Console(stderr=True)

Url = Annotated[str, typer.Option(help="The server: any that speaks the Realtime protocol.")]
Key = Annotated[str, typer.Option(envvar="OPENAI_API_KEY", help="The server's API key.", show_envvar=True)]
Model = Annotated[str, typer.Option(help="Any name, for Louro.")]
Engine = Annotated[str | None, typer.Option(metavar="ENGINE", show_default=False)]
InDialect = Annotated[Dialect, typer.Option("--dialect", help="ga: today's. beta: that of October 2024.")]


def main() -> None:
    """Run the command line. What the user can mend is told in one line, without a traceback."""
    try:
        app()
    except BaseException as error:
        problem = _problem_in(error)
        if problem is None:
            raise
        notes.print(f"[bold red]louro:[/] {problem}", soft_wrap=True)
        sys.exit(1)


def _problem_in(error: BaseException) -> BaseException | None:
    if isinstance(error, ConfigProblem | ConfigError | ConnectionFailed):
        return error
    if isinstance(error, BaseExceptionGroup):
        return next((found for inner in error.exceptions if (found := _problem_in(inner))), None)
    return None


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to serve on.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="0 for any free one.", show_default="8765")] = None,
    vad: Engine = None,
    stt: Engine = None,
    llm: Engine = None,
    tts: Engine = None,
    sessions: Annotated[int | None, typer.Option(help="At once.", show_default="16")] = None,
    record: Annotated[
        str | None, typer.Option(metavar="DIR", help="Log every session, sound and all, for `louro replay`.")
    ] = None,
    tls_cert: Annotated[str | None, typer.Option(metavar="FILE")] = None,
    tls_key: Annotated[str | None, typer.Option(metavar="FILE")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings file.", show_default="louro.toml")] = None,
) -> None:
    """Serve the Realtime protocol. An ENGINE is NAME or NAME:ARGUMENT; `louro engines` lists them."""
    changes = {
        "host": host,
        "port": port,
        "vad": vad,
        "stt": stt,
        "llm": llm,
        "tts": tts,
        "sessions": sessions,
        "record": record,
        "tls_cert": tls_cert,
        "tls_key": tls_key,
    }
    settings = read_settings(config, changes, os.environ)
    with closing(open_keys(settings)) as store:
        has_keys = store.has_keys
    check_exposure(settings, has_keys=has_keys)
    check_ground(settings)
    with notes.status("Loading...") as status:
        engines = load_engines(settings, lambda what: status.update(f"Loading {what}..."))
    server = make_server(
        settings, engines, lambda address: _welcome(address, has_keys or bool(settings.api_keys))
    )
    anyio.run(server.serve, backend_options={"use_uvloop": has_uvloop()})


def _welcome(address: str, is_locked: bool) -> None:
    websocket = address.replace("http", "ws", 1)
    out.print(
        f"Louro serves [bold]{address}[/]   Realtime: {websocket}/v1/realtime?model=louro", soft_wrap=True
    )
    if not is_locked:
        out.print("Open to everybody on this machine: no key is set.")


@app.command()
def ask(
    text: Annotated[str | None, typer.Argument(help="What to ask; or --audio.")] = None,
    audio: Annotated[
        Path | None, typer.Option(help="A recording to send instead: wav, flac, mp3, ogg.")
    ] = None,
    url: Url = DEFAULT_URL,
    key: Key = "",
    model: Model = "louro",
    dialect: InDialect = "ga",
    embedded: Annotated[bool, typer.Option(help="Run a server in this process.")] = False,
    save: Annotated[
        Path | None, typer.Option(help="Write the speech to a file instead of playing it.")
    ] = None,
    tools: Annotated[bool, typer.Option(help="Offer the demonstration tool calculate_sum.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a summary as the last line; play nothing.")
    ] = False,
) -> None:
    """Send one turn, print the answer as it comes, and play it."""
    if (text is None) == (audio is None):
        raise ConfigProblem("Say what to ask: either a text, or --audio FILE.")
    if save is not None:
        check_format(save)
    pcm = read_sound(audio) if audio is not None else None
    turn = Turn()

    async def run() -> None:
        async with _server(embedded, url) as address, call(address, key, model, dialect) as caller:
            await caller.update(silence_ms=None, tools=[_SUM] if tools else [])
            await (caller.write(text or "") if pcm is None else caller.speak(pcm))
            await caller.listen(turn, lambda piece: out.print(piece, end="", soft_wrap=True), _answer_call)

    anyio.run(run)
    out.print()
    if turn.error:
        raise ConfigProblem(turn.error)
    if save is not None:
        write_sound(save, bytes(turn.pcm))
    elif not as_json and turn.pcm:
        play(bytes(turn.pcm))
    if as_json:
        out.out(json.dumps(turn.summary()))


_SUM: dict[str, object] = {
    "type": "function",
    "name": "calculate_sum",
    "description": "Adds two numbers.",
    "parameters": {
        "type": "object",
        "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
        "required": ["a", "b"],
    },
}


def _answer_call(name: str, arguments: str) -> str:
    if name != "calculate_sum":
        return json.dumps({"error": f"There is no tool called {name}."})
    numbers = json.loads(arguments)
    return json.dumps({"result": numbers["a"] + numbers["b"]})


@asynccontextmanager
async def _server(embedded: bool, url: str) -> AsyncIterator[str]:
    """The address of the server to talk to: the one at *url*, or one of our own for as long as it is needed."""
    if not embedded:
        yield url
        return
    with notes.status("Loading...") as status:
        async with embedded_server(lambda what: status.update(f"Loading {what}...")) as address:
            status.stop()
            yield address


@bench_app.command("turn")
def bench_turn(
    sessions: Annotated[int, typer.Option(min=1, help="At once.")] = 1,
    turns: Annotated[int, typer.Option(min=1, help="Of each session.")] = 5,
    silence_ms: Annotated[int, typer.Option(min=0, help="Silence that ends a turn.")] = 500,
    url: Url = DEFAULT_URL,
    key: Key = "",
    model: Model = "louro",
    dialect: InDialect = "ga",
    audio: Annotated[Path | None, typer.Option(help="The question.", show_default="a recorded one")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Ask a recorded question in real time, and say how long each stage of the answer takes."""
    question = audio or Path(__file__).parent / "question.flac"
    plan = BenchPlan(url, key, model, dialect, sessions, turns, silence_ms, read_sound(question))
    report(anyio.run(bench_turns, plan), as_json=as_json, console=out)


@models_app.command("list")
def models_list() -> None:
    """All models of the catalogue."""
    for model in catalogue.models():
        mark = "[green]here[/]" if catalogue.is_here(model) else "    "
        default = "default" if model.name in catalogue.DEFAULT else ""
        size = f"{model.size_bytes / 1e6:.0f} MB"
        out.print(
            f"{mark:4} {model.name:20} {size:>9}  {default:8} {model.licence}. {model.note}", soft_wrap=True
        )


@models_app.command("path")
def models_path() -> None:
    """The folder where models are kept."""
    out.print(str(catalogue.models_folder()), soft_wrap=True)


@models_app.command("get")
def models_get(
    names: Annotated[list[str] | None, typer.Argument(help="Models by name.")] = None,
    default: Annotated[
        bool, typer.Option("--default", help="All that `louro serve` needs by default.")
    ] = False,
    source: Annotated[str | None, typer.Option(help="A folder or URL to look in first.")] = None,
) -> None:
    """Fetch models; what is here already is not fetched again."""
    from louro.engines import fetching  # noqa: PLC0415 - 2 MB of httpx, and `louro serve` loads this module too

    wanted = [*(names or []), *(catalogue.DEFAULT if default else ())]
    if not wanted:
        raise ConfigProblem("Name a model, or say --default. `louro models list` shows them.")
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=notes) as bars:
        tasks = {}
        for name in wanted:
            for file in catalogue.model(name).files:
                tasks[file.name] = bars.add_task(file.name, total=file.size_bytes)
            fetching.get(name, lambda file, done, _: bars.update(tasks[file], completed=done), source)
            for file in catalogue.model(name).files:
                bars.update(tasks[file.name], completed=file.size_bytes)


@app.command()
def engines() -> None:
    """The engines that are installed, by kind."""
    for kind in registry.KINDS:
        out.print(f"[bold]{kind:10}[/] {', '.join(registry.names(kind)) or '-'}")


@app.command()
def doctor(
    config: Annotated[Path | None, typer.Option(help="Settings file.", show_default="louro.toml")] = None,
) -> None:
    """What is missing on this machine, and the command that cures it; and whether the settings can be used."""
    findings = examine(config)
    for finding in findings:
        mark = "[green]ok[/]  " if finding.is_well else "[red]no[/]  "
        cure = f"  -> {finding.cure}" if finding.cure and not finding.is_well else ""
        out.print(f"{mark} {finding.what}[bold]{cure}[/]", soft_wrap=True)
    if not all(finding.is_well for finding in findings):
        raise typer.Exit(1)


@app.command("replay")
def replay_log(
    file: Annotated[Path, typer.Argument(help="A log made by `louro serve --record DIR`.")],
) -> None:
    """Run a recorded session again, and prove that it gives the same bytes."""
    try:
        with file.open("rb") as lines:
            same = replay(iter(lines))
    except (OSError, msgspec.MsgspecError, ValueError) as error:
        raise ConfigProblem(f"{file} is not the log of a session: {error}") from None
    except ReplayDiffers as difference:
        raise ConfigProblem(f"The replay differs: {difference}") from None
    out.print(f"{same} frames, the same byte for byte.")
