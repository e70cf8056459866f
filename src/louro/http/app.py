"""The application: the Realtime socket, models, health, metrics."""

from __future__ import annotations

from fastapi import FastAPI, Response
from pydantic import BaseModel
from starlette.routing import WebSocketRoute

from louro import __version__
from louro.config import Settings
from louro.http.metrics import Metrics
from louro.http.realtime import Gate, RealtimeEndpoint
from louro.pipeline.driver import Engines


class Health(BaseModel):
    status: str
    """ok, or draining: no new sessions."""
    sessions: int
    version: str


class Model(BaseModel):
    id: str
    object: str = "model"
    created: int = 0
    owned_by: str = "louro"


class Models(BaseModel):
    object: str = "list"
    data: list[Model]


def create_app(settings: Settings, engines: Engines) -> FastAPI:
    """Serve these engines. `app.state.gate` knows the live sessions."""
    app = FastAPI(title="Louro", version=__version__, summary="A realtime voice API that anyone can run.")
    metrics = Metrics()
    gate = Gate(settings.sessions, settings.queue, settings.queue_s)
    app.state.gate = gate
    realtime = RealtimeEndpoint(settings, engines, metrics, gate)
    for path in ("/v1/realtime", "/openai/realtime", "/openai/v1/realtime"):
        app.router.routes.append(WebSocketRoute(path, realtime))

    @app.get("/health")
    async def health() -> Health:
        """Whether new sessions are taken."""
        status = "draining" if gate.is_draining else "ok"
        return Health(status=status, sessions=gate.open, version=__version__)

    @app.get("/v1/models")
    async def models() -> Models:
        """The names that are mapped in the configuration. Any other name is taken as well."""
        names = sorted({"louro", *settings.models})
        return Models(data=[Model(id=name) for name in names])

    @app.get("/metrics")
    async def prometheus() -> Response:
        """Prometheus metrics."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")

    return app
