"""GET /v1/realtime: who comes in, in which dialect, and whether there is room."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import anyio
import anyio.to_thread
from starlette.types import Receive, Scope, Send

from louro.config import KeyPolicySettings, Settings, policy_of
from louro.http.doorkeeper import Doorkeeper
from louro.http.metrics import Metrics
from louro.pipeline.driver import Driver, Engines
from louro.pipeline.machine import FileLog, Machine, ids_from
from louro.protocol.errors import ClientError
from louro.protocol.server_events import Error, ErrorDetail
from louro.protocol.session import TranscriptionSessionPatch
from louro.protocol.wire import Dialect
from louro.session.setup import Setup
from louro.store.account import Account, Books, Holder
from louro.transports.caller import Caller, caller_of
from louro.transports.door import BUDGET_WARNING, Admitted, Refusal, check_name, check_origin
from louro.transports.gate import Gate
from louro.transports.websocket import WebSocketConnection, accept

logger = logging.getLogger(__name__)

PRICED_AS = "louro"
"""The name in the price list of whatever works here."""
INPUT_RATES_HZ = (8_000, 48_000)


@dataclass(frozen=True)
class _Guest:
    """Who may come in, and to what."""

    admitted: Admitted
    setup: Setup
    account: Account | None = None


UNRESTRICTED = KeyPolicySettings()


class RealtimeEndpoint:
    """An ASGI application for one path."""

    def __init__(
        self,
        settings: Settings,
        engines: Engines,
        metrics: Metrics,
        gate: Gate,
        doorkeeper: Doorkeeper,
        clock: Callable[[], float],
        books: Books | None = None,
    ) -> None:
        self._books = books
        self._settings = settings
        self._engines = engines
        self._metrics = metrics
        self._gate = gate
        self._doorkeeper = doorkeeper
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = caller_of(scope)
        await receive()  # websocket.connect
        connection = WebSocketConnection(scope, send)
        try:
            guest = await self._guest(caller)
        except Refusal as refusal:
            await accept(caller, send)
            await self._refuse(connection, caller, refusal)
            return
        warning = guest.account.warning if guest.account is not None else None
        await accept(caller, send, {BUDGET_WARNING: warning} if warning else None)
        try:
            await self._seat(connection, caller, guest)
        except Refusal as refusal:
            await self._refuse(connection, caller, refusal)
        except (
            Exception
        ):  # the boundary: a bug of ours ends its own session, and the client is told nothing of it
            logger.exception("a session broke")
            await connection.close(1011, "")

    async def _guest(self, caller: Caller) -> _Guest:
        """Raises Refusal: no session is theirs."""
        check_origin(caller.headers, self._settings.origins)
        admitted = await self._doorkeeper.admit(caller.key, caller.address)
        if admitted.is_anybody:
            check_name(caller.headers, self._settings.origins)
        setup = self._setup(caller, admitted)
        if self._books is None:
            return _Guest(admitted, setup)
        account = self._books.open(
            Holder(admitted.key_id, admitted.project, admitted.secret_id, admitted.limits),
            setup.model,
            PRICED_AS,
        )
        allowance = await account.allowance()
        if allowance.refuses(self._clock()) and allowance.refused_until is None:
            raise Refusal(allowance.code, allowance.refusal or "", 3000)
        return _Guest(admitted, setup, account)

    async def _seat(self, connection: WebSocketConnection, caller: Caller, guest: _Guest) -> None:
        """Raises Refusal: there is no room for them."""
        whose = guest.admitted.whose
        await self._gate.enter(whose)
        try:
            if guest.account is not None and (stop := guest.account.enter()) is not None:
                raise Refusal("rate_limit_exceeded", stop, 1013)
            with self._metrics.sessions.track_inprogress():
                await self._converse(connection, guest.setup, caller.dialect, guest.account)
        finally:
            self._gate.leave(whose)

    async def _refuse(self, connection: WebSocketConnection, caller: Caller, refusal: Refusal) -> None:
        self._metrics.refused.labels(refusal.code).inc()
        await _refuse(connection, caller.dialect, refusal)

    async def _converse(
        self, connection: WebSocketConnection, setup: Setup, dialect: Dialect, account: Account | None
    ) -> None:
        async with self._log() as log, _closing(account):
            machine = Machine(
                setup,
                dialect,
                seed=secrets.randbits(64),
                count_tokens=self._engines.model.count_tokens,
                now=self._clock(),
                log=log,
            )
            driver = Driver(
                machine,
                self._engines,
                self._clock,
                idle_s=self._settings.idle_s,
                meter=self._metrics,
                account=account,
            )
            await driver.run(connection)

    @asynccontextmanager
    async def _log(self) -> AsyncIterator[FileLog | None]:
        if not self._settings.record:
            yield None
            return
        file = await anyio.to_thread.run_sync(_new_log, Path(self._settings.record))
        log = FileLog(file)
        try:
            yield log
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(log.close)
            file.close()

    def _setup(self, caller: Caller, admitted: Admitted) -> Setup:
        """Raises Refusal: the model or a parameter is wrong."""
        bound = admitted.session
        is_transcription = caller.query.get("intent") == "transcription"
        model = caller.query.get("model") or caller.query.get("deployment") or ""
        if bound is not None:
            is_transcription = isinstance(bound.patch, TranscriptionSessionPatch)
            model = "" if is_transcription else model or bound.model
        if is_transcription and model:
            raise Refusal(
                "invalid_parameter",
                "You must not provide a model parameter for transcription sessions.",
                4000,
            )
        if not model and not is_transcription:
            raise Refusal("missing_model", "You must provide a model parameter, as in ?model=NAME.", 4000)
        policy = policy_of(self._settings.policies, admitted.name, admitted.project) or UNRESTRICTED
        if not is_transcription and not policy.has(model):
            allowed = ", ".join(policy.models or ())
            raise Refusal(
                "model_not_found", f"The model '{model}' is not available here. Available: {allowed}.", 4000
            )
        setup = self.setup_of(model)
        return replace(
            setup,
            max_duration_s=min(setup.max_duration_s, policy.max_session_s),
            kind="transcription" if is_transcription else "realtime",
            input_rate_hz=_input_rate(caller.query.get("input_sample_rate")),
            limits_first=caller.dialect.limits_first,
            start=bound.patch if bound is not None else None,
        )

    def setup_of(self, model: str) -> Setup:
        """Of a session for this model, with nothing that its client asks for."""
        settings = self._settings
        return Setup(
            model=settings.models.get(model, model),
            instructions=settings.instructions,
            max_duration_s=settings.max_session_s,
            context_tokens=settings.context_tokens,
            kept_audio_s=settings.kept_audio_s,
            sees_images=self._engines.model.sees_images,
            prompts=settings.prompts,
            pause_ms=settings.pause_ms or None,
        )


@asynccontextmanager
async def _closing(account: Account | None) -> AsyncIterator[None]:
    try:
        yield
    finally:
        if account is not None:
            with anyio.CancelScope(shield=True):
                await account.close()


def _new_log(folder: Path) -> BinaryIO:
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(4)}.jsonl"
    return (folder / name).open("wb")


def _input_rate(text: str | None) -> int:
    if text is None:
        return 24_000
    least, most = INPUT_RATES_HZ
    if not text.isdigit() or not least <= int(text) <= most:
        raise Refusal(
            "invalid_value", f"input_sample_rate must be {least} to {most}, not '{text[:20]}'.", 4000
        )
    return int(text)


async def _refuse(connection: WebSocketConnection, dialect: Dialect, refusal: Refusal) -> None:
    error = ClientError(refusal.code, refusal.message)
    detail = ErrorDetail(code=error.code, message=error.message)
    new_id = ids_from(secrets.randbits(64))
    frame = dialect.encode(Error(event_id=new_id("event"), error=detail))
    assert frame is not None
    try:
        await connection.send(frame)
    except anyio.BrokenResourceError:
        return
    await connection.close(refusal.close_code, f"invalid_request_error.{refusal.code}")
