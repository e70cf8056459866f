"""Where the rooms are wired together, and nowhere else."""

from __future__ import annotations

import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import anyio.to_thread
import msgspec
import platformdirs
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from louro import memory
from louro.client.address import OPENAI_URL, environment
from louro.client.errors import ConnectionFailed
from louro.client.tools import make_tool
from louro.config import ConfigProblem, KeyPolicySettings, Settings, UpstreamSettings
from louro.engines.base import LanguageModel, Responder, SpeechDetector, Transcriber, Voice
from louro.engines.registry import EngineSettings, load
from louro.functions import load_functions
from louro.http.app import Application, is_realtime, office_app
from louro.http.doorkeeper import EPHEMERAL, Doorkeeper
from louro.http.office import Office
from louro.pipeline.driver import Engines
from louro.pipeline.respond import Cascade
from louro.relay.endpoint import RelayApplication, RelayEndpoint, Rules, Upstream, address_of
from louro.relay.policy import Policy
from louro.session.setup import Setup
from louro.store.account import Books
from louro.store.base import Keys
from louro.store.memory import MemoryKeys
from louro.store.prices import PriceProblem, PriceTable
from louro.transports.bounded import BoundedHttp, BoundedSocket
from louro.transports.caller import Caller, caller_of
from louro.transports.door import Admitted, BoundSession
from louro.transports.gate import Gate

MAX_FRAME_BYTES = 24 * 1024 * 1024
"""15 MiB of audio in one append, in base64, and its JSON."""
PING_S = 20.0
BACKLOG = 2048


def load_engines(settings: Settings, report: Callable[[str], None]) -> Engines:
    """Load every engine that *settings* name; blocks, and reports what it loads.

    Raises:
        ConfigError: something that they need is missing.
    """
    memory.share_one_heap()
    told = EngineSettings(
        threads=settings.threads,
        sessions=settings.answers_at_once,
        instructions=settings.instructions,
        report=report,
    )
    detector = load("vad", settings.vad, SpeechDetector, told)
    transcriber = load("stt", settings.stt, Transcriber, told)
    model = load("llm", settings.llm, LanguageModel, told)
    responder: Responder
    if settings.responder:
        responder = load("responder", settings.responder, Responder, told)
    else:
        responder = Cascade(model, load("tts", settings.tts, Voice, told))
    return Engines(detector, transcriber, model, responder)


class LouroServer(uvicorn.Server):
    """Told to stop, it takes no new sessions and lets the live ones end; told again, or after a while, it stops."""

    def __init__(
        self, config: uvicorn.Config, gate: Gate, drain_s: float, started_at: Callable[[str], None]
    ) -> None:
        super().__init__(config)
        self._gate = gate
        self._drain_s = drain_s
        self._started_at = started_at

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        memory.settle()
        await super().serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            port = self.servers[0].sockets[0].getsockname()[1]
            scheme = "https" if self.config.is_ssl else "http"
            self._started_at(f"{scheme}://{self.config.host}:{port}")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._gate.is_draining or sig == signal.SIGINT or not self._gate.open:
            super().handle_exit(sig, frame)
            return
        self._gate.is_draining = True
        self._drain_timer = threading.Timer(
            self._drain_s, lambda: super(LouroServer, self).handle_exit(sig, None)
        )
        self._drain_timer.daemon = True
        self._drain_timer.start()

    async def on_tick(self, counter: int) -> bool:
        if self._gate.is_draining and not self._gate.open:
            self.should_exit = True
        return await super().on_tick(counter)


def check_ground(settings: Settings) -> None:
    """Before anything is loaded.

    Raises:
        ConfigProblem: what a server stands on is not there: its address, its certificate, or the folder of its logs.
    """
    place = f"{settings.host}:{settings.port}"
    try:
        found = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as probe:
            if sys.platform != "win32":  # there it would let two servers have one port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise ConfigProblem(
            f"Nothing can be served at {place}: {error.strerror}. Choose another with --host and --port."
        ) from None
    try:
        if settings.tls_cert:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_cert, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigProblem(
            f"{settings.tls_cert} and {settings.tls_key} are no certificate and its key, in PEM: {error}"
        ) from None
    try:
        if settings.record:
            Path(settings.record).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigProblem(f"Sessions cannot be recorded in {settings.record}: {error.strerror}.") from None


def open_office(settings: Settings, clock: Callable[[], float] = time.time) -> Office:  # noqa: TID251
    """Where no key was ever made there is no file, and ephemeral keys live in memory. Never closed: what is recorded is
    on disk.

    Raises:
        ConfigProblem: the store or the price list cannot be used.
    """
    place = settings.store or str(default_store())
    if "://" not in place and not Path(place).exists():
        return Office(MemoryKeys())
    from louro.store.database import StoreUnavailable  # noqa: PLC0415 - it costs 28 MB, and most servers have no keys
    from louro.store.sql import Store  # noqa: PLC0415
    from louro.store.tables import FromTheFuture  # noqa: PLC0415

    try:
        prices = PriceTable.load(Path(settings.prices) if settings.prices else None)
        store = Store.open(place)
    except (StoreUnavailable, FromTheFuture, PriceProblem) as problem:
        raise ConfigProblem(str(problem)) from None
    return Office(store.keys, Books(store.ledger, store.budgets, prices, clock), store)


def open_keys(settings: Settings) -> Keys:
    """See `open_office`."""
    return open_office(settings).keys


def has_uvloop() -> bool:
    return sys.platform != "win32"


def default_store() -> Path:
    return platformdirs.user_data_path("louro") / "louro.db"


def make_server(
    settings: Settings, engines: Engines, started_at: Callable[[str], None], office: Office | None = None
) -> LouroServer:
    """*started_at* is told the address once it can be reached; *office* is instead of the one of the settings.

    Raises:
        ConfigProblem: an upstream's settings cannot be used.
    """
    office = office or open_office(settings)
    own = Application(settings, engines, office)
    app: ASGIApp = own
    if settings.upstreams:
        app = Switchboard(own, _relays(settings, office, own.gate), office.keys)
    return LouroServer(_config(app, settings), own.gate, settings.drain_s, started_at)


def _relays(settings: Settings, office: Office, gate: Gate) -> list[RelayEndpoint]:
    admit = Doorkeeper(settings.api_keys, office.keys, time.time).admit  # noqa: TID251
    try:
        return [
            make_endpoint(
                behind,
                gate,
                settings.policies.values(),
                origins=settings.origins,
                admit=admit,
                books=office.books,
            )
            for behind in settings.upstreams.values()
        ]
    except ConnectionFailed as problem:
        raise ConfigProblem(str(problem)) from None


def make_endpoint(
    behind: UpstreamSettings, gate: Gate, policies: Collection[KeyPolicySettings] = (), **more: Any
) -> RelayEndpoint:
    """A relay as its operator wants it; *more* are fields of RelayEndpoint.

    Raises:
        ConfigProblem: there is no such tool.
        ConnectionFailed: there is no key for it.
    """
    key = environment(".env").get(behind.key_env) if behind.key_env else None
    if behind.key_env and not key:
        raise ConnectionFailed(f"Set {behind.key_env}, or put it into .env.")
    address = behind.url if key else address_of(behind.url)
    upstream = Upstream(OPENAI_URL if address == "openai" else address, key, behind.dialect)
    common = _rules(behind)
    some = tuple(replace(_rules(one.applied_to(behind)), are_for=_is_for(one)) for one in policies)
    return RelayEndpoint(upstream, gate, common.policy, tools=common.tools, rules=some, **more)


def _rules(behind: UpstreamSettings) -> Rules:
    """Raises ConfigProblem: there is no such tool."""
    policy = Policy(
        models=behind.models,
        model=behind.model,
        instructions=behind.instructions,
        merges=behind.merge,
        refused=behind.refuse,
        hidden=behind.hide,
        max_session_s=behind.max_minutes * 60,
    )
    return Rules(policy, tuple(make_tool(function) for function in load_functions(behind.tools)))


def _is_for(policy: KeyPolicySettings) -> Callable[[Admitted], bool]:
    return lambda admitted: policy.is_for(admitted.name, admitted.project)


class Switchboard:
    """ASGI: sessions of a model that an upstream has go there; all else is served here."""

    def __init__(self, app: Application, relays: Sequence[RelayEndpoint], keys: Keys) -> None:
        self._app = app
        self._relays = relays
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and is_realtime(scope["path"]):
            model = await self._model(caller_of(scope))
            for relay in self._relays:
                if model and relay.policy.has(model):
                    await relay(scope, receive, send)
                    return
        await self._app(scope, receive, send)

    async def _model(self, caller: Caller) -> str:
        """An ephemeral key is of one model, whatever its address says."""
        if caller.key.startswith(EPHEMERAL):
            now = time.time()  # noqa: TID251
            bound = await anyio.to_thread.run_sync(self._keys.session_of, caller.key, now)
            if bound is not None:
                return msgspec.json.decode(bound, type=BoundSession).model
        return caller.query.get("model") or caller.query.get("deployment") or ""


def make_relay(
    settings: Settings,
    endpoint: RelayEndpoint,
    started_at: Callable[[str], None],
    office: Office | None = None,
) -> LouroServer:
    """Of *settings*, those that are about the address, TLS and the number of sessions. See `make_server`.

    *office*: whose keys the endpoint asks for; None: it has none but those of the settings.
    """
    office = office or Office(MemoryKeys())
    doorkeeper = Doorkeeper(settings.api_keys, office.keys, time.time)  # noqa: TID251
    http = office_app(settings, endpoint.gate, doorkeeper, office, lambda model: Setup(model=model))
    app = RelayApplication(endpoint, http)
    return LouroServer(_config(app, settings), endpoint.gate, settings.drain_s, started_at)


def _config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        lifespan="off",
        http=BoundedHttp,
        ws=BoundedSocket,
        ws_max_size=MAX_FRAME_BYTES,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
        ws_per_message_deflate=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=2,
        proxy_headers=False,  # anybody can write one: an address that was guessed from would be theirs to choose
        ssl_certfile=settings.tls_cert or None,
        ssl_keyfile=settings.tls_key or None,
    )
