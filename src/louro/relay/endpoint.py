"""The relay's socket: an app in front, a Realtime server behind, the key only in the middle."""

from __future__ import annotations

import logging
import secrets
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import anyio
from starlette.types import ASGIApp, Receive, Scope, Send
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI

from louro.client.address import OPENAI_URL, Address, environment, find
from louro.client.address import Dialect as DialectName
from louro.client.errors import ConnectionFailed
from louro.client.tools import Tool
from louro.pipeline.machine import ids_from
from louro.protocol.errors import ClientError
from louro.protocol.session import TranscriptionSessionPatch
from louro.protocol.wire import BETA, GA, Dialect
from louro.relay.meter import RelayMeter
from louro.relay.own_tools import OwnTools
from louro.relay.policy import Policy
from louro.relay.session import UPSTREAM_REFUSED, RelayedSession, Route
from louro.relay.translate import Translator
from louro.relay.upstream import UpstreamSocket
from louro.store.account import Account, Books, Holder
from louro.transports.caller import Caller, caller_of
from louro.transports.door import (
    BUDGET_WARNING,
    Admit,
    Admitted,
    Refusal,
    check_key,
    check_name,
    check_origin,
)
from louro.transports.gate import Gate
from louro.transports.websocket import WebSocketConnection, accept

logger = logging.getLogger(__name__)

PATHS = ("", "/v1/realtime", "/openai/realtime", "/openai/v1/realtime")
"""The root is where the relay of the 2024 console listened."""
OPEN_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 1.0
"""For the upstream of a session that is over to say goodbye."""
MAX_FRAME_BYTES = 24 * 1024 * 1024


@dataclass(frozen=True)
class Upstream:
    """The server behind. Its key is in `headers` of the address, and goes nowhere else."""

    url: str | None = None
    api_key: str | None = None
    dialect: DialectName = "ga"
    env_file: str | None = ".env"
    tls: ssl.SSLContext | None = None
    model: str | None = None
    """What it is asked for, whatever the client asks for; None: that."""
    known: Mapping[str, str] = field(init=False, repr=False)
    """What the environment and the file said at the start."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "known", environment(self.env_file))

    @property
    def key(self) -> str:
        """That we show it; empty if there is none."""
        return find(self.url, self.api_key, None, self.dialect, known=self.known).key

    def address(self, model: str, query: dict[str, str]) -> Address:
        """*query*: what the client asked for besides the model, as `intent`."""
        address = find(self.url, self.api_key, model, self.dialect, known=self.known)
        passed = {name: value for name, value in query.items() if name in PASSED_ON}
        if not passed:
            return address
        parts = urlsplit(address.url)
        asked = dict(parse_qsl(parts.query))
        if not model:
            del asked["model"]  # a transcription session has none in its address
        return Address(
            urlunsplit(parts._replace(query=urlencode({**asked, **passed}))),
            address.headers,
        )


def address_of(upstream: str) -> str | None:
    """Of a name on the command line.

    Raises:
        ConnectionFailed: the environment does not say which, or there is no key for it.
    """
    known = environment(".env")
    if upstream == "azure":
        if not known.get("AZURE_OPENAI_ENDPOINT") or not known.get("AZURE_OPENAI_API_KEY"):
            raise ConnectionFailed(
                "Set AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_API_KEY, or put them into .env."
            )
        return known["AZURE_OPENAI_ENDPOINT"]
    if upstream == "openai":
        if not known.get("OPENAI_API_KEY"):
            raise ConnectionFailed(
                "Set OPENAI_API_KEY, or put it into .env; or name another upstream by its URL."
            )
        return known.get("OPENAI_BASE_URL") or OPENAI_URL
    return upstream


PASSED_ON = frozenset({"intent", "input_sample_rate"})


@dataclass(frozen=True)
class Rules:
    """What the operator decides for some keys, or for all."""

    policy: Policy = field(default_factory=Policy)
    tools: tuple[Tool, ...] = ()
    """That run here."""
    are_for: Callable[[Admitted], bool] = lambda _: True

    def __post_init__(self) -> None:
        own = tuple(tool.definition for tool in self.tools)
        if own:
            object.__setattr__(self, "policy", replace(self.policy, own_tools=own))


@dataclass(frozen=True)
class _Guest:
    """Who may come in, and to what."""

    admitted: Admitted
    rules: Rules
    model: str
    account: Account | None = None


@dataclass
class RelayEndpoint:
    upstream: Upstream
    gate: Gate
    policy: Policy = field(default_factory=Policy)
    keys: tuple[str, ...] = ()
    """Of the clients. Empty: everybody may come in."""
    origins: tuple[str, ...] = ()
    """Of pages on other hosts: see `check_origin`."""
    admit: Admit | None = None
    """Who may come in, instead of *keys*."""
    books: Books | None = None
    """Where what is used is counted, and what may be used is said."""
    fallback: Upstream | None = None
    """Where sessions go on when upstream stays away; in upstream's dialect."""
    tools: tuple[Tool, ...] = ()
    """That run here."""
    rules: tuple[Rules, ...] = ()
    """Of some keys, instead of *policy* and *tools*; the first that is for a key holds."""
    new_id: Callable[[], str] = lambda: ids_from(secrets.randbits(64))("event")

    def __post_init__(self) -> None:
        common = Rules(self.policy, self.tools)
        self.policy = common.policy
        self.rules = (*self.rules, common)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = caller_of(scope)
        await receive()  # websocket.connect
        connection = WebSocketConnection(scope, send)
        upstream = GA if self.upstream.dialect == "ga" else BETA
        refusals = Translator(caller.dialect, upstream, Policy())
        try:
            guest = await self._guest(caller)
        except (Refusal, ClientError) as problem:
            await accept(caller, send)
            await self._refuse(connection, refusals, problem)
            return
        warning = guest.account.warning if guest.account is not None else None
        await accept(caller, send, {BUDGET_WARNING: warning} if warning else None)
        try:
            await self._seat(connection, caller, upstream, guest)
        except (Refusal, ClientError) as problem:
            await self._refuse(connection, refusals, problem)

    async def _guest(self, caller: Caller) -> _Guest:
        """Raises Refusal or ClientError: no session is theirs."""
        check_origin(caller.headers, self.origins)
        admitted = await self._admitted(caller)
        if admitted.is_anybody:
            check_name(caller.headers, self.origins)
        rules = next(one for one in self.rules if one.are_for(admitted))
        bound = admitted.session
        asked = caller.query.get("model") or caller.query.get("deployment") or ""
        is_transcription = caller.query.get("intent") == "transcription"
        if bound is not None:
            asked, is_transcription = bound.model, isinstance(bound.patch, TranscriptionSessionPatch)
        model = "" if is_transcription and not asked else rules.policy.model_for(asked)
        if self.books is None:
            return _Guest(admitted, rules, model)
        account = self.books.open(
            Holder(admitted.key_id, admitted.project, admitted.secret_id, admitted.limits), model
        )
        allowance = await account.allowance()
        if allowance.refuses(account.now()) and allowance.refused_until is None:
            raise ClientError(allowance.code, allowance.refusal or "")
        return _Guest(admitted, rules, model, account)

    async def _admitted(self, caller: Caller) -> Admitted:
        """Raises Refusal."""
        if self.admit is not None:
            return await self.admit(caller.key, caller.address)
        check_key(caller.key, self.keys)
        return Admitted(is_anybody=not self.keys)

    async def _seat(
        self, connection: WebSocketConnection, caller: Caller, upstream: Dialect, guest: _Guest
    ) -> None:
        """Raises Refusal or ClientError: there is no room for them, or nobody to talk to."""
        await self.gate.enter(guest.admitted.whose)
        account = guest.account
        try:
            if account is not None and (stop := account.enter()) is not None:
                raise Refusal("rate_limit_exceeded", stop, 1013)
            try:
                await self._relay(connection, self._route(caller, upstream, guest), account)
            finally:
                if account is not None:
                    with anyio.CancelScope(shield=True):
                        await account.close()
        finally:
            self.gate.leave(guest.admitted.whose)

    def _route(self, caller: Caller, upstream: Dialect, guest: _Guest) -> Route:
        fallback, model, bound = self.fallback, guest.model, guest.admitted.session
        return Route(
            client=caller.dialect,
            upstream=upstream,
            policy=guest.rules.policy,
            open=partial(open_upstream, self.upstream, model, caller.query),
            fallback=None if fallback is None else partial(open_upstream, fallback, model, caller.query),
            new_id=self.new_id,
            hushed=tuple(
                behind.key for behind in (self.upstream, fallback) if behind is not None and behind.key
            ),
            tools=OwnTools(guest.rules.tools) if guest.rules.tools else None,
            start=bound.patch if bound is not None else None,
        )

    async def _relay(self, connection: WebSocketConnection, route: Route, account: Account | None) -> None:
        """Raises ClientError: upstream is away, and there is nothing to fall back to."""
        meter = RelayMeter(account, route.upstream) if account is not None else None
        is_fallback = False
        try:
            socket = await route.open()
        except ClientError:
            if route.fallback is None:
                raise
            socket, is_fallback = await route.fallback(), True
        if is_fallback and meter is not None:
            meter.moved()
        session = RelayedSession(route, connection, socket, meter)
        try:
            with anyio.move_on_after(route.policy.max_session_s) as timeout:
                await session.run()
        finally:
            with anyio.CancelScope(shield=True), anyio.move_on_after(CLOSE_TIMEOUT_S):
                await session.socket.close()
            session.socket.transport.abort()
        if timeout.cancelled_caught:
            minutes = route.policy.max_session_s / 60
            message = f"Your session hit the maximum duration of {minutes:g} minutes."
            raise Refusal("session_expired", message, 1001)

    async def _refuse(
        self, connection: WebSocketConnection, refusals: Translator, problem: Refusal | ClientError
    ) -> None:
        if isinstance(problem, Refusal):
            code, reason = problem.close_code, f"invalid_request_error.{problem.code}"
            problem = ClientError(problem.code, problem.message)
        else:
            code, reason = UPSTREAM_REFUSED, problem.code or ""
        await _end(connection, refusals.error(problem, self.new_id()), code, reason)


async def open_upstream(upstream: Upstream, model: str, query: dict[str, str]) -> UpstreamSocket:
    """Raises ClientError: upstream is away, or does not let us in. What it said about our key is not passed on."""
    address = upstream.address(upstream.model or model, query)
    try:
        socket = await connect(
            address.url,
            additional_headers=dict(address.headers),
            compression=None,
            max_size=MAX_FRAME_BYTES,
            create_connection=UpstreamSocket,
            open_timeout=OPEN_TIMEOUT_S,
            ssl=upstream.tls,
            proxy=None,
        )
        assert isinstance(socket, UpstreamSocket)
        return socket
    except InvalidStatus as error:
        status = error.response.status_code
        logger.warning("upstream %s answers %d", address.shown, status)
        raise ClientError("upstream_refused", f"The server behind this relay answers {status}.") from None
    except (OSError, TimeoutError, InvalidHandshake, InvalidURI) as error:
        logger.warning("upstream %s cannot be reached: %s", address.shown, type(error).__name__)
        raise ClientError("upstream_unavailable", "The server behind this relay cannot be reached.") from None


async def _end(connection: WebSocketConnection, frame: bytes, code: int, reason: str) -> None:
    try:
        await connection.send(frame)
    except anyio.BrokenResourceError:
        return
    await connection.close(code, reason)


class RelayApplication:
    """ASGI: the relay's sockets; and over HTTP, *http*."""

    def __init__(self, endpoint: RelayEndpoint, http: ASGIApp) -> None:
        self.endpoint = endpoint
        self._http = http

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._http(scope, receive, send)
        elif scope["path"].rstrip("/") in PATHS:
            await self.endpoint(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000, "reason": ""})
