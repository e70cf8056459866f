"""louro relay."""

from __future__ import annotations

import os
import secrets
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import anyio
import typer
from rich.console import Console

from louro.cli.embedded import embedded_server
from louro.client.address import Dialect
from louro.config import Settings, UpstreamSettings, check_exposure, read_settings
from louro.http.doorkeeper import Doorkeeper
from louro.http.office import Office
from louro.relay.endpoint import RelayEndpoint, Upstream, address_of
from louro.server import check_ground, has_uvloop, make_endpoint, make_relay, open_office
from louro.store.memory import MemoryKeys
from louro.transports.gate import Gate

EMBEDDED = "embedded"
out = Console()
notes = Console(stderr=True)

Patterns = list[str] | None


def relay(
    upstream: Annotated[
        str,
        typer.Option(
            metavar="openai|azure|URL", help="The server behind. Its key: OPENAI_API_KEY and the like."
        ),
    ] = "openai",
    upstream_dialect: Annotated[Dialect, typer.Option(help="What it speaks.")] = "ga",
    host: Annotated[str | None, typer.Option(help="Address to serve on.", show_default="127.0.0.1")] = None,
    port: Annotated[int, typer.Option(help="0 for any free one.")] = 8081,
    model: Annotated[
        str | None, typer.Option(help="Ask upstream for this one, whatever the client asks for.")
    ] = None,
    allow: Annotated[Patterns, typer.Option(help="A model that clients may ask for, or a pattern.")] = None,
    instructions: Annotated[
        Path | None, typer.Option(help="A file: pinned, whatever the client says.")
    ] = None,
    merge: Annotated[
        bool,
        typer.Option(
            help="What clients say of instructions and tools comes behind, instead of being ignored."
        ),
    ] = False,
    tools: Annotated[
        Patterns,
        typer.Option(metavar="MODULE:NAME,NAME", help="Python functions that run here, unseen by clients."),
    ] = None,
    refuse: Annotated[
        Patterns,
        typer.Option(metavar="EVENT", help="A type of event that clients may not send, or a pattern."),
    ] = None,
    hide: Annotated[
        Patterns,
        typer.Option(metavar="EVENT", help="A type of event that clients are not told, or a pattern."),
    ] = None,
    max_minutes: Annotated[float, typer.Option(help="How long a session may go on.", min=0.1)] = 60.0,
    fallback: Annotated[
        str | None,
        typer.Option(metavar="embedded|URL", help="Where sessions go on when upstream stays away."),
    ] = None,
    sessions: Annotated[int, typer.Option(help="At once.")] = 200,
    tls_cert: Annotated[str | None, typer.Option(metavar="FILE")] = None,
    tls_key: Annotated[str | None, typer.Option(metavar="FILE")] = None,
) -> None:
    """Stand between apps and a Realtime server: the key stays here, and each side speaks its own dialect."""
    changes = {"host": host, "port": port, "sessions": sessions, "tls_cert": tls_cert, "tls_key": tls_key}
    settings = read_settings(None, changes, os.environ)
    behind = UpstreamSettings(
        url=upstream,
        models=tuple(allow or ("*",)),
        model=model,
        dialect=upstream_dialect,
        instructions=instructions.read_text("utf-8") if instructions else None,
        merge=merge,
        tools=tuple(tools or ()),
        refuse=tuple(refuse or ()),
        hide=tuple(hide or ()),
        max_minutes=max_minutes,
    )
    check_ground(settings)
    office = open_office(settings)
    check_exposure(settings, has_keys=office.keys.has_keys)
    endpoint = make_endpoint(
        behind,
        Gate(settings.sessions, settings.queue, settings.queue_s),
        settings.policies.values(),
        origins=settings.origins,
        admit=Doorkeeper(settings.api_keys, office.keys, time.time).admit,  # noqa: TID251
        books=office.books,
    )
    anyio.run(_serve, settings, office, endpoint, fallback, backend_options={"use_uvloop": has_uvloop()})


async def _serve(settings: Settings, office: Office, endpoint: RelayEndpoint, fallback: str | None) -> None:
    shown = endpoint.upstream.address(endpoint.policy.model or "", {}).shown
    is_locked = bool(settings.api_keys) or office.keys.has_keys
    async with AsyncExitStack() as stack:
        if fallback is not None:
            endpoint.fallback = await _fallback(fallback, endpoint.upstream.dialect, stack)
        server = make_relay(settings, endpoint, lambda address: _welcome(address, shown, is_locked), office)
        await server.serve()


async def _fallback(wanted: str, dialect: Dialect, stack: AsyncExitStack) -> Upstream:
    """Another server; or one in this process, for as long as *stack* is open, that only we have the key of."""
    if wanted != EMBEDDED:
        return Upstream(address_of(wanted), dialect=dialect)
    key = secrets.token_urlsafe()
    changes = {"port": 0, "host": "127.0.0.1", "upstreams": {}, "api_keys": (key,)}
    with notes.status("Loading...") as status:
        server = embedded_server(
            lambda what: status.update(f"Loading {what}..."),
            read_settings(None, changes, {}),
            Office(MemoryKeys()),
        )
        address = await stack.enter_async_context(server)
    return Upstream(address, key, dialect, env_file=None, model="louro")


def _welcome(address: str, behind: str, is_locked: bool) -> None:
    out.print(f"Louro relays [bold]{address}[/] to {behind}", soft_wrap=True)
    if not is_locked:
        out.print("Open to everybody on this machine: no key is set.")
