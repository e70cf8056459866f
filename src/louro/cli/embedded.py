"""A server of our own, in this process, for as long as it is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import anyio.to_thread

from louro.config import Settings, read_settings
from louro.http.office import Office
from louro.server import load_engines, make_server


@asynccontextmanager
async def embedded_server(
    report: Callable[[str], None], settings: Settings | None = None, office: Office | None = None
) -> AsyncIterator[str]:
    """Give its address. *report* is told, from another thread, what is being loaded.

    Raises:
        ConfigError: something that the engines need is missing.
    """
    settings = settings or read_settings(None, {"port": 0}, {})
    engines = await anyio.to_thread.run_sync(load_engines, settings, report)
    started = anyio.Event()
    addresses: list[str] = []

    def note(address: str) -> None:
        addresses.append(address)
        started.set()

    server = make_server(settings, engines, note, office)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve)
            await started.wait()
            try:
                yield addresses[0]
            finally:
                server.should_exit = True
    except BaseExceptionGroup as group:
        if len(group.exceptions) == 1:
            raise group.exceptions[0] from None  # as it was raised in the block
        raise
