"""A relay in front of another Louro, on real sockets."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from msgspec import structs
from tests.serving import SCRIPTED, Serving

from louro.client.address import Dialect
from louro.config import Settings
from louro.http.office import Office
from louro.relay.endpoint import RelayEndpoint, Upstream
from louro.relay.policy import Policy
from louro.server import LouroServer, load_engines, make_relay
from louro.transports.gate import Gate

UPSTREAM_KEY = "sk-only-in-the-middle-1b7e"


class Relaying(Serving):
    """A relay in a thread of its own, for as long as the block lasts."""

    def __init__(
        self,
        upstream: Upstream,
        policy: Policy | None = None,
        keys: tuple[str, ...] = (),
        settings: Settings = SCRIPTED,
        office: Office | None = None,
        **more: Any,
    ) -> None:
        self._ready = threading.Event()
        self.address = ""
        endpoint = RelayEndpoint(upstream, Gate(64, 8, 2), policy or Policy(), keys, **more)
        self.server: LouroServer = make_relay(settings, endpoint, self._started, office)
        self._thread = threading.Thread(target=lambda: anyio.run(self.server.serve))


@pytest.fixture(scope="session")
def behind() -> Iterator[Serving]:
    """The server that the relay stands in front of. It insists on its key."""
    settings = structs.replace(SCRIPTED, api_keys=(UPSTREAM_KEY,))
    with Serving(settings, load_engines(settings, lambda _: None)) as serving:
        yield serving


@pytest.fixture(scope="session", params=["ga", "beta"])
def scripted(request: pytest.FixtureRequest, behind: Serving) -> Iterator[Serving]:
    """For every test of the suite that speaks to a server: one behind a relay, which speaks this to it."""
    dialect: Dialect = request.param
    with Relaying(Upstream(behind.address, UPSTREAM_KEY, dialect, env_file=None)) as relay:
        yield relay
