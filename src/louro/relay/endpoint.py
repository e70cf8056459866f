"""The relay's socket: an app in front, a Realtime server behind, the key only in the middle."""

from __future__ import annotations

import logging
import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import anyio
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from louro.client.address import OPENAI_URL, Address, environment, find
from louro.client.address import Dialect as DialectName
from louro.client.errors import ConnectionFailed
from louro.protocol.client_events import ResponseCancel
from louro.protocol.errors import ClientError
from louro.protocol.wire import BETA, GA, Dialect
from louro.relay.meter import RelayMeter
from louro.relay.policy import Policy
from louro.relay.translate import Translator
from louro.store.account import Account, Books, Holder
from louro.transports.caller import Caller, caller_of
from louro.transports.door import Admit, Admitted, Refusal, check_key, check_origin
from louro.transports.gate import Gate
from louro.transports.websocket import WebSocketConnection, accept

logger = logging.getLogger(__name__)

PATHS = ("", "/v1/realtime", "/openai/realtime", "/openai/v1/realtime")
"""The root is where the relay of the 2024 console listened."""
OPEN_TIMEOUT_S = 10.0
MAX_FRAME_BYTES = 24 * 1024 * 1024
QUEUE_FRAMES = 16
"""Of upstream's, in front of a slow client; then upstream must wait."""
UPSTREAM_GONE, UPSTREAM_REFUSED = 1012, 1011
LONGEST_SESSION_S = 3600.0


@dataclass(frozen=True)
class Upstream:
    """The server behind. Its key is in `headers` of the address, and goes nowhere else."""

    url: str | None = None
    api_key: str | None = None
    dialect: DialectName = "ga"
    env_file: str | None = ".env"
    tls: ssl.SSLContext | None = None

    def address(self, model: str, query: dict[str, str]) -> Address:
        """*query*: what the client asked for besides the model, as `intent`."""
        address = find(self.url, self.api_key, model, self.dialect, env_file=self.env_file)
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
    new_id: Callable[[], str] = lambda: f"event_{secrets.token_hex(10)}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = caller_of(scope)
        await receive()  # websocket.connect
        await accept(caller, send)
        connection = WebSocketConnection(receive, send)
        upstream = GA if self.upstream.dialect == "ga" else BETA
        translator = Translator(caller.dialect, upstream, self.policy)
        try:
            check_origin(caller.headers, self.origins)
            admitted = await self._admitted(caller)
            await self.gate.enter(admitted.whose)
        except Refusal as refusal:
            error = translator.error(ClientError(refusal.code, refusal.message), self.new_id())
            await _end(connection, error, refusal.close_code, f"invalid_request_error.{refusal.code}")
            return
        try:
            await self._relay(connection, translator, upstream, caller.query, admitted)
        finally:
            self.gate.leave(admitted.whose)

    async def _admitted(self, caller: Caller) -> Admitted:
        """Raises Refusal."""
        if self.admit is not None:
            return await self.admit(caller.key, caller.address)
        check_key(caller.key, self.keys)
        return Admitted()

    async def _relay(
        self,
        connection: WebSocketConnection,
        translator: Translator,
        upstream: Dialect,
        query: dict[str, str],
        admitted: Admitted,
    ) -> None:
        asked = query.get("model") or query.get("deployment") or ""
        try:
            model = self.policy.model_for(asked) if asked or not query.get("intent") else ""
            account = await self._account(admitted, model)
        except ClientError as error:
            await _end(connection, translator.error(error, self.new_id()), UPSTREAM_REFUSED, error.code or "")
            return
        try:
            socket = await self._open(model, query)
            await self._talk(connection, translator, upstream, socket, account)
        except ClientError as error:
            await _end(connection, translator.error(error, self.new_id()), UPSTREAM_REFUSED, error.code or "")
        finally:
            if account is not None:
                with anyio.CancelScope(shield=True):
                    await account.close()

    async def _account(self, admitted: Admitted, model: str) -> Account | None:
        """Raises ClientError: the budget is spent, or there are too many sessions."""
        if self.books is None:
            return None
        account = self.books.open(Holder(admitted.key_id, admitted.project), model)
        allowance = await account.allowance()
        if allowance.refuses(account.now()) and allowance.refused_until is None:
            raise ClientError(allowance.code, allowance.refusal or "")
        if (stop := account.enter()) is not None:
            raise ClientError("rate_limit_exceeded", stop)
        return account

    async def _talk(
        self,
        connection: WebSocketConnection,
        translator: Translator,
        upstream: Dialect,
        socket: ClientConnection,
        account: Account | None,
    ) -> None:
        meter = RelayMeter(account, upstream) if account is not None else None
        session = _Session(connection, socket, translator, self.policy, upstream, self.new_id, meter)
        try:
            with anyio.move_on_after(LONGEST_SESSION_S):
                await session.run()
        finally:
            with anyio.CancelScope(shield=True), anyio.move_on_after(OPEN_TIMEOUT_S):
                await socket.close()

    async def _open(self, model: str, query: dict[str, str]) -> ClientConnection:
        """Raises ClientError: upstream is away, or does not let us in. What it said about our key is not passed on."""
        address = self.upstream.address(model, query)
        try:
            return await connect(
                address.url,
                additional_headers=dict(address.headers),
                compression=None,
                max_size=MAX_FRAME_BYTES,
                max_queue=QUEUE_FRAMES,
                open_timeout=OPEN_TIMEOUT_S,
                ssl=self.upstream.tls,
                proxy=None,
            )
        except InvalidStatus as error:
            status = error.response.status_code
            logger.warning("upstream %s answers %d", address.shown, status)
            raise ClientError("upstream_refused", f"The server behind this relay answers {status}.") from None
        except (OSError, TimeoutError, InvalidHandshake, InvalidURI) as error:
            logger.warning("upstream %s cannot be reached: %s", address.shown, type(error).__name__)
            raise ClientError(
                "upstream_unavailable", "The server behind this relay cannot be reached."
            ) from None


@dataclass
class _Session:
    connection: WebSocketConnection
    socket: ClientConnection
    translator: Translator
    policy: Policy
    upstream: Dialect
    new_id: Callable[[], str]
    meter: RelayMeter | None = None
    begun: anyio.Event = field(default_factory=anyio.Event)
    """Upstream has said its first word. What the client says before waits: it must not be answered earlier."""

    async def run(self) -> None:
        """Until either side is gone. Each direction waits for its own reader, so a slow app slows only its upstream."""
        opening = self.policy.opening()
        try:
            if opening is not None:
                await self.socket.send(self.upstream.encode_client(opening), text=True)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._forth)
                tasks.start_soon(self._back)
        except* (anyio.EndOfStream, anyio.BrokenResourceError, ConnectionClosed):
            logger.debug("a relayed session is over")

    async def _forth(self) -> None:
        await self.begun.wait()
        while True:
            frame = await self.connection.receive()
            try:
                if not isinstance(frame, str):
                    raise ClientError("invalid_event", "Expected a text WebSocket message; got a binary one.")
                if self.meter is not None:
                    self.meter.check(frame)
                told = self.translator.to_upstream(frame)
            except ClientError as error:
                await self.connection.send(self.translator.error(error, self.new_id()))
                continue
            for one in told:
                await self.socket.send(one, text=True)

    async def _back(self) -> None:
        try:
            async for frame in self.socket:
                text = frame if isinstance(frame, str) else frame.decode()
                if self.meter is not None and (refusal := await self.meter.count(text)) is not None:
                    await self._stop_answer(refusal)
                for one in self.translator.to_client(text):
                    await self.connection.send(one)
                self.begun.set()
        except ConnectionClosed:
            pass
        code = self.socket.close_code or UPSTREAM_GONE
        # 1005 and 1006 are no codes to send: they say that there was none.
        await self.connection.close(
            code if code not in (1005, 1006) else UPSTREAM_GONE, self.socket.close_reason or ""
        )
        raise anyio.EndOfStream

    async def _stop_answer(self, refusal: ClientError) -> None:
        """Upstream answers a turn by itself, and nobody pays for it."""
        await self.socket.send(self.upstream.encode_client(ResponseCancel()), text=True)
        await self.connection.send(self.translator.error(refusal, self.new_id()))


async def _end(connection: WebSocketConnection, frame: bytes, code: int, reason: str) -> None:
    try:
        await connection.send(frame)
    except anyio.BrokenResourceError:
        return
    await connection.close(code, reason)


class RelayApplication:
    """ASGI: the relay's sockets, and `/health`."""

    def __init__(self, endpoint: RelayEndpoint) -> None:
        self.endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].rstrip("/")
        if scope["type"] == "websocket":
            if path in PATHS:
                await self.endpoint(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1000, "reason": ""})
            return
        status, body = (
            (200, b'{"status":"ok","sessions":%d}' % self.endpoint.gate.open)
            if path == "/health"
            else (404, b"{}")
        )
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
