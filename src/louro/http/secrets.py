"""Ephemeral keys over HTTP: today's `client_secrets`, and the two of the beta."""

from __future__ import annotations

import dataclasses
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import anyio.to_thread
import msgspec
from fastapi import FastAPI, Request, Response

from louro.http.doorkeeper import Doorkeeper
from louro.http.errors import PROBLEMS
from louro.protocol.client_events import SessionUpdate
from louro.protocol.errors import ClientError
from louro.protocol.server_events import SessionCreated
from louro.protocol.session import RealtimeSessionPatch, SessionPatch
from louro.protocol.wire import BETA, GA, Dialect
from louro.session.setup import Setup, initial_settings, updated_settings
from louro.store.account import Books, Holder
from louro.store.base import Keys
from louro.store.budgets import BudgetProblem, parse_limit
from louro.transports.caller import caller_of
from louro.transports.door import BUDGET_WARNING, Admitted, BoundSession, Refusal, check_name

LIFETIME_S, LEAST_LIFETIME_S, MOST_LIFETIME_S = 600, 10, 7200
BETA_LIFETIME_S = 60
"""The protocol's."""
DEFAULT_MODEL = "louro"
MAX_LIMITS = 5
_BODY = {"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}}
"""For OpenAPI. What may stand in it, the protocol says; it is read as an event is."""


class SecretsDesk:
    """*setup_of* makes the setup of a session for a model, as a socket would get it."""

    def __init__(
        self,
        doorkeeper: Doorkeeper,
        store: Keys,
        setup_of: Callable[[str], Setup],
        clock: Callable[[], float],
        books: Books | None = None,
        origins: Sequence[str] = (),
    ) -> None:
        self._books = books
        self._origins = origins
        self._doorkeeper = doorkeeper
        self._store = store
        self._setup_of = setup_of
        self._clock = clock

    def add_to(self, app: FastAPI) -> None:
        for name, work in (
            ("client_secrets", self.create),
            ("sessions", self.create_beta),
            ("transcription_sessions", self.create_beta_transcription),
        ):
            app.post(f"/v1/realtime/{name}", tags=["keys"], responses=PROBLEMS, openapi_extra=_BODY)(work)

    async def create_beta(self, request: Request, response: Response) -> dict[str, Any]:
        """The same in the dialect of 2024: a flat body, and 60 s."""
        return await self._create_beta(request, response, "session")

    async def create_beta_transcription(self, request: Request, response: Response) -> dict[str, Any]:
        """The same for a session that only transcribes."""
        return await self._create_beta(request, response, "transcription_session")

    async def create(self, request: Request, response: Response) -> dict[str, Any]:
        """Make an ephemeral key for a browser, bound to a session's settings. It lives 10 to 7200 s, 600 by default;
        a session that it opened goes on."""
        admitted = await self._admitted(request)
        body = await self._body(request)
        lifetime_s = _lifetime(body.get("expires_after"))
        limits = self._limits(body.get("limits"))
        wanted = body.get("session") or {}
        if not isinstance(wanted, dict):
            raise ClientError(
                "invalid_type", "Invalid type for 'session': expected an object.", param="session"
            )
        session = {"type": "realtime", **wanted}
        patch, shown = self._checked(GA, {"type": "session.update", "session": session}, session.get("model"))
        bound = BoundSession(str(session.get("model") or DEFAULT_MODEL), patch, limits)
        value, expires_at = await self._issue(admitted, response, bound, lifetime_s)
        return {"value": value, "expires_at": expires_at, "session": shown}

    async def _create_beta(self, request: Request, response: Response, kind: str) -> dict[str, Any]:
        admitted = await self._admitted(request)
        session = await self._body(request)
        model = session.pop("model", None)
        patch, shown = self._checked(BETA, {"type": f"{kind}.update", "session": session}, model)
        bound = BoundSession(str(model or DEFAULT_MODEL), patch)
        value, expires_at = await self._issue(admitted, response, bound, BETA_LIFETIME_S)
        return {**shown, "client_secret": {"value": value, "expires_at": expires_at}}

    def _checked(self, dialect: Dialect, update: dict[str, Any], model: object) -> tuple[SessionPatch, Any]:
        """The settings, and the session as the client would see it.

        Raises:
            ClientError: it could not be such a session.
        """
        event = dialect.decode(json.dumps(update))
        assert isinstance(event, SessionUpdate)
        setup = self._setup_of(str(model or DEFAULT_MODEL))
        if not isinstance(event.session, RealtimeSessionPatch):
            setup = dataclasses.replace(setup, kind="transcription")
        start = initial_settings(setup, f"sess_{secrets.token_hex(10)}", 0)
        session = updated_settings(start, event.session, setup, has_spoken=False)
        told = dialect.encode(SessionCreated(event_id="event", session=session))
        assert told is not None
        return event.session, json.loads(told)["session"]

    async def _admitted(self, request: Request) -> Admitted:
        """Raises Refusal: whoever asks may not. Nothing else that they say is looked at."""
        caller = caller_of(request.scope)
        admitted = await self._doorkeeper.admit(caller.key, caller.address)
        if admitted.session is not None:
            raise Refusal("invalid_api_key", "An ephemeral key cannot make another.", 3000)
        if admitted.is_anybody:
            check_name(caller.headers, self._origins)
        return admitted

    async def _issue(
        self, admitted: Admitted, response: Response, bound: BoundSession, lifetime_s: int
    ) -> tuple[str, int]:
        """Raises Refusal: their budget is spent."""
        await self._check_budgets(admitted, response)
        now = self._clock()
        session = msgspec.json.encode(bound).decode()
        value = await anyio.to_thread.run_sync(
            lambda: self._store.create_secret(
                session, key_id=admitted.key_id, expires_at=now + lifetime_s, now=now
            )
        )
        return value, int(now + lifetime_s)

    async def _check_budgets(self, admitted: Admitted, response: Response) -> None:
        """Raises Refusal: one is spent."""
        if self._books is None:
            return
        account = self._books.open(Holder(admitted.key_id, admitted.project), DEFAULT_MODEL)
        allowance = await account.allowance()
        if allowance.refusal is not None and allowance.code == "insufficient_quota":
            raise Refusal(allowance.code, allowance.refusal, 3000)
        if account.warning is not None:
            response.headers[BUDGET_WARNING] = account.warning

    def _limits(self, wanted: object) -> tuple[str, ...]:
        """Raises ClientError: they are none that a session has to keep."""
        if wanted is None:
            return ()
        if (
            not isinstance(wanted, list)
            or len(wanted) > MAX_LIMITS
            or not all(isinstance(one, str) for one in wanted)
        ):
            raise ClientError("invalid_type", "Invalid 'limits': expected a few texts.", param="limits")
        if self._books is None:
            raise ClientError(
                "invalid_value", "Invalid 'limits': this server keeps no accounts.", param="limits"
            )
        return tuple(_limit(text, f"limits.{number}") for number, text in enumerate(wanted))

    async def _body(self, request: Request) -> dict[str, Any]:
        try:
            body = json.loads(await request.body() or b"{}")
        except (ValueError, RecursionError):
            raise ClientError("invalid_json", "The body is no JSON.") from None
        if not isinstance(body, dict):
            raise ClientError("invalid_type", "The body must be an object.")
        return body


def _limit(text: str, param: str) -> str:
    try:
        limit = parse_limit(text)
    except BudgetProblem as problem:
        raise ClientError("invalid_value", f"Invalid '{param}': {problem}", param=param) from None
    if limit.unit != "sessions" and limit.per != "session":
        message = f"Invalid '{param}': an ephemeral key has limits as 1 sessions, or 10 minutes/session."
        raise ClientError("invalid_value", message, param=param)
    return str(limit)


def _lifetime(expires_after: object) -> int:
    if expires_after is None:
        return LIFETIME_S
    seconds = expires_after.get("seconds", LIFETIME_S) if isinstance(expires_after, Mapping) else None
    if not isinstance(seconds, int) or not LEAST_LIFETIME_S <= seconds <= MOST_LIFETIME_S:
        raise ClientError(
            "invalid_value",
            f"Invalid 'expires_after.seconds': expected a whole number from {LEAST_LIFETIME_S} to {MOST_LIFETIME_S}.",
            param="expires_after.seconds",
        )
    return seconds
