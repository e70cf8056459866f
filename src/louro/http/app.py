"""The application: the Realtime socket, models, health, metrics."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
from fastapi import FastAPI, Response
from fastapi.middleware.cors import CORSMiddleware
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from louro import __version__
from louro.config import Settings
from louro.http.admin import AdminDesk
from louro.http.console import add_console
from louro.http.doorkeeper import Doorkeeper
from louro.http.errors import BodyLimit, add_error_shape
from louro.http.metrics import Metrics
from louro.http.office import Office
from louro.http.realtime import RealtimeEndpoint
from louro.http.secrets import SecretsDesk
from louro.pipeline.driver import Engines
from louro.session.setup import Setup
from louro.store.prices import PriceTable
from louro.transports.caller import caller_of
from louro.transports.door import BUDGET_WARNING, LOCAL_ORIGIN
from louro.transports.gate import Gate

REALTIME_PATHS = ("/v1/realtime", "/openai/realtime", "/openai/v1/realtime", "/realtime", "/")
"""OpenAI's, Azure's two, and where clients go that are given an address without a path."""


class Health(BaseModel):
    status: str
    """ok, or draining: no new sessions."""
    sessions: int
    version: str
    accounts: bool
    """Whether there are keys, and what belongs to them."""


class Model(BaseModel):
    id: str
    object: str = "model"
    created: int = 0
    owned_by: str = "louro"


class Models(BaseModel):
    object: str = "list"
    data: list[Model]


class Application:
    """All that is served, as ASGI. HTTP goes through FastAPI; sockets go straight to their endpoint, because what
    surrounds a request there would be walked through again for every frame of a conversation."""

    def __init__(
        self,
        settings: Settings,
        engines: Engines,
        office: Office,
        clock: Callable[[], float] = time.time,  # noqa: TID251 - the one place where the clock comes from
    ) -> None:
        metrics = Metrics()
        doorkeeper = Doorkeeper(settings.api_keys, office.keys, clock)
        self.gate = Gate(settings.sessions, settings.queue, settings.queue_s)
        """Knows the live sessions."""
        self._realtime = RealtimeEndpoint(
            settings, engines, metrics, self.gate, doorkeeper, clock, office.books
        )
        self._http = office_app(settings, self.gate, doorkeeper, office, self._realtime.setup_of, clock)
        _add_models_and_metrics(self._http, settings, metrics)
        add_console(self._http)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._http(scope, receive, send)
        elif not is_realtime(scope["path"]):
            there = f"There is no socket here. Connect to {REALTIME_PATHS[0]}?model=NAME."
            await _not_found(send, there.encode(), b"text/plain; charset=utf-8")
        elif "call_id" in caller_of(scope).query:
            await _not_found(send, msgspec.json.encode({"error": NO_CALL}), b"application/json")
        else:
            await self._realtime(scope, receive, send)


def is_realtime(path: str) -> bool:
    return (path.rstrip("/") or "/") in REALTIME_PATHS


NO_CALL = {
    "message": "There is no such call: this server takes none. Leave out call_id, and name a model.",
    "type": "invalid_request_error",
    "param": "call_id",
    "code": "call_id_not_found",
}


async def _not_found(send: Send, body: bytes, content_type: bytes) -> None:
    """Answer a handshake."""
    headers = [(b"content-type", content_type)]
    await send({"type": "websocket.http.response.start", "status": 404, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


def office_app(
    settings: Settings,
    gate: Gate,
    doorkeeper: Doorkeeper,
    office: Office,
    setup_of: Callable[[str], Setup],
    clock: Callable[[], float] = time.time,  # noqa: TID251
) -> FastAPI:
    """What every server has, with models of its own or without: health, ephemeral keys, and the administrator's API."""
    app = _app(settings)

    @app.get("/health")
    async def health() -> Health:
        """Whether new sessions are taken."""
        status = "draining" if gate.is_draining else "ok"
        has_accounts = office.accounts is not None
        return Health(status=status, sessions=gate.open, version=__version__, accounts=has_accounts)

    SecretsDesk(doorkeeper, office.keys, setup_of, clock, office.books, settings.origins).add_to(app)
    prices = office.books.prices if office.books is not None else PriceTable(())
    app.include_router(AdminDesk(doorkeeper, office.accounts, prices, clock).router())
    return app


def _app(settings: Settings) -> FastAPI:
    app = FastAPI(title="Louro", version=__version__, summary="A realtime voice API that anyone can run.")
    add_error_shape(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.origins,
        allow_origin_regex=LOCAL_ORIGIN.pattern,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["*"],
        expose_headers=["Location", BUDGET_WARNING],
    )
    return app


def _add_models_and_metrics(app: FastAPI, settings: Settings, metrics: Metrics) -> None:
    @app.get("/v1/models")
    async def models() -> Models:
        """The names that are mapped in the configuration. Any other name is taken as well."""
        names = sorted({"louro", *settings.models})
        return Models(data=[Model(id=name) for name in names])

    @app.get("/metrics")
    async def prometheus() -> Response:
        """Prometheus metrics."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")
