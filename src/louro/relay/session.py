"""One relayed session: the app's socket, and an upstream that may be replaced under it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio
from anyio.abc import TaskGroup
from websockets.exceptions import ConnectionClosed

from louro.protocol import client_events as ce
from louro.protocol import server_events as ev
from louro.protocol.errors import ClientError
from louro.protocol.session import RealtimeSessionPatch, SessionPatch
from louro.protocol.wire import Dialect
from louro.relay.meter import RelayMeter
from louro.relay.own_tools import OwnTools
from louro.relay.policy import Policy
from louro.relay.recollection import RETOLD, Recollection, ms_of
from louro.relay.translate import Translator, head_of
from louro.relay.upstream import UpstreamSocket
from louro.transports.websocket import WebSocketConnection

logger = logging.getLogger(__name__)

FIRST_WORD_S = 10.0
"""How long upstream may take to begin a session."""
DELAYS_S = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Before each try to reach an upstream that went away; then it stays away."""
TRIES_BEFORE_FALLBACK = 4
UPSTREAM_GONE, UPSTREAM_REFUSED = 1012, 1011
PASSING = frozenset({1001, 1005, 1006, 1011, 1012, 1013, 1014})
"""Close codes after which a server may be there again in a moment."""
SOUND = frozenset({"response.output_audio.delta", "response.audio.delta"})

Open = Callable[[], Awaitable[UpstreamSocket]]
"""Raises ClientError."""


@dataclass(frozen=True)
class Route:
    """Where a session goes, and by which rules."""

    client: Dialect
    upstream: Dialect
    policy: Policy
    open: Open
    fallback: Open | None
    """Where it goes on when upstream stays away. It speaks upstream's dialect."""
    new_id: Callable[[], str]
    tools: OwnTools | None = None
    hushed: tuple[str, ...] = ()
    """The keys of the servers behind: see `Translator`."""
    start: SessionPatch | None = None
    """What an ephemeral key is bound to."""


class UpstreamLost(Exception):
    """Nobody is there who could go on."""


@dataclass
class RelayedSession:
    route: Route
    connection: WebSocketConnection
    socket: UpstreamSocket
    meter: RelayMeter | None = None
    _ready: anyio.Event = field(default_factory=anyio.Event)
    """Upstream can be told something: what the client says before waits, and must not be answered earlier."""

    def __post_init__(self) -> None:
        route = self.route
        view = route.tools.told if route.tools is not None else None
        self.translator = Translator(route.client, route.upstream, route.policy, view, route.hushed)
        self._recollection = Recollection(route.new_id)
        self._told_again: frozenset[str] = frozenset()
        self._skips_update = False
        self._same: tuple[str, str] | None = None
        """An answer that was asked for again: its new id, empty until it is known, and the one that the client knows."""
        self._has_expired = False
        self._first = ""
        """How another upstream began a session of which the client has not heard yet."""

    async def run(self) -> None:
        """Until the client has gone, or upstream for good. Each direction waits for its own reader, so a slow app slows
        only its upstream."""
        try:
            await self._open(self.socket)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._forth)
                await self._back(tasks)
        except* (anyio.EndOfStream, anyio.BrokenResourceError, ConnectionClosed):
            logger.debug("a relayed session is over")

    async def _open(self, socket: UpstreamSocket) -> None:
        """What the operator has to say comes first."""
        opening = self.route.policy.opening(self.route.start)
        if opening is not None:
            self._skips_update = True
            await socket.tell(self.route.upstream.encode_client(opening))

    async def _forth(self) -> None:
        while True:
            await self._ready.wait()
            frame = await self.connection.receive()
            try:
                if not isinstance(frame, str):
                    raise ClientError("invalid_event", "Expected a text WebSocket message; got a binary one.")
                said = self.translator.read(frame)
                if self.meter is not None:
                    self.meter.check(said)
                told, event = self.translator.to_upstream(frame, said)
            except ClientError as error:
                await self.connection.send(self.translator.error(error, self.route.new_id()))
                continue
            await self._tell_upstream(told, event)

    async def _tell_upstream(self, frame: bytes, event: ce.AnyClientEvent | None) -> None:
        """Now, or as soon as there is one again."""
        while True:
            await self._ready.wait()
            socket = self.socket
            try:
                await socket.tell(frame)
            except ConnectionClosed:
                if socket is self.socket:
                    self._pause()
                continue
            if event is not None:
                self._recollection.asked(event)
            return

    async def _say_upstream(self, event: ce.AnyClientEvent) -> None:
        await self._tell_upstream(self.route.upstream.encode_client(event), event)

    async def _back(self, tasks: TaskGroup) -> None:
        while True:
            try:
                if self._first:
                    first, self._first = self._first, ""
                    await self._hear(first, tasks)
                while True:
                    await self._hear(await self.socket.hear(), tasks)
            except ConnectionClosed:
                pass
            code, reason = (
                self.socket.close_code or UPSTREAM_GONE,
                self.translator.hush(self.socket.close_reason or ""),
            )
            try:
                await self._go_on(code)
            except UpstreamLost:
                # 1005 and 1006 are no codes to send: they say that there was none.
                told = code if code not in (1005, 1006) else UPSTREAM_GONE
                await self.connection.close(told, reason)
                raise anyio.EndOfStream from None

    # What upstream says

    async def _hear(self, frame: str, tasks: TaskGroup) -> None:
        head = head_of(frame)
        if head.type in SOUND:
            self._recollection.sounded(head.item_id or "", ms_of(len(memoryview(head.delta))))
            event = None
        else:
            event = self._decoded(frame)
            if event is not None and self._is_ours(event):
                return
        if self._same is not None:
            frame = self._renamed(frame, event)
            if not frame:
                return
        if event is not None:
            self._recollection.heard(event)
        if self.meter is not None and (refusal := await self.meter.count(frame)) is not None:
            await self._stop_answer(refusal)
        if isinstance(event, ev.RateLimitsUpdated) and self.meter is not None:
            frame = self.meter.told(frame, event)
        for one in self.translator.to_client(frame):
            await self.connection.send(one)
        self._ready.set()
        if self.route.tools is not None and isinstance(event, ev.ResponseDone):
            tasks.start_soon(self._answer_calls, self.route.tools, event)

    def _decoded(self, frame: str) -> ev.AnyServerEvent | None:
        try:
            return self.route.upstream.decode_server(frame)
        except ClientError:
            return None

    def _is_ours(self, event: ev.AnyServerEvent) -> bool:
        """Upstream answers what we told it again; or says what the client need not know."""
        match event:
            case ev.Error(error=error) if error.code == "session_expired":
                self._has_expired = True
                return True
            case ev.Error(error=error):
                return (error.event_id or "").startswith(RETOLD)
            case ev.SessionUpdated(session=session) if self._skips_update:
                self._skips_update = False
                self._recollection.session = session
                return True
            case ev.ConversationItemAdded(item=item) | ev.ConversationItemDone(item=item):
                return item.id in self._told_again
            case _:
                return False

    def _renamed(self, frame: str, event: ev.AnyServerEvent | None) -> str:
        """With the id that the client knows of the answer that was asked for again; empty: not to be told."""
        assert self._same is not None
        new, known = self._same
        if not new and isinstance(event, ev.ResponseCreated):
            self._same = (event.response.id, known)
            return ""
        if not new or new not in frame:
            return frame
        if isinstance(event, ev.ResponseDone):
            self._same = None
        return frame.replace(f'"{new}"', f'"{known}"')

    async def _stop_answer(self, refusal: ClientError) -> None:
        """Upstream answers a turn by itself, and nobody pays for it."""
        await self._say_upstream(ce.ResponseCancel())
        await self.connection.send(self.translator.error(refusal, self.route.new_id()))

    async def _answer_calls(self, tools: OwnTools, event: ev.ResponseDone) -> None:
        for one in await tools.answer(event):
            await self._say_upstream(one)

    # Another upstream

    async def _go_on(self, code: int) -> None:
        """Find an upstream, and put the conversation back.

        Raises:
            UpstreamLost: there is none, or it did not mean to be found again.
        """
        self._pause()
        if not (code in PASSING or self._has_expired):
            raise UpstreamLost
        self._has_expired = False
        again = self._recollection.unfinished()
        if again is None:
            for ending in self._recollection.endings():
                for frame in self.translator.tell(ending):
                    await self.connection.send(frame)
        self.socket.transport.abort()
        # Whoever can go on elsewhere does not wait for long: the user is in the middle of a conversation.
        for delay_s in DELAYS_S if self.route.fallback is None else DELAYS_S[:TRIES_BEFORE_FALLBACK]:
            await anyio.sleep(delay_s)
            if await self._move(self.route.open, again):
                return
        if self.route.fallback is None or not await self._move(self.route.fallback, again, is_fallback=True):
            raise UpstreamLost

    def _pause(self) -> None:
        """Whoever waits already goes on to wait for the same."""
        if self._ready.is_set():
            self._ready = anyio.Event()

    async def _move(self, open_upstream: Open, again: str | None, *, is_fallback: bool = False) -> bool:
        """Whether the session goes on there."""
        try:
            socket = await open_upstream()
        except ClientError:
            return False
        try:
            with anyio.fail_after(FIRST_WORD_S):
                while head_of(first := await socket.hear()).type != "session.created":
                    pass
            if self._recollection.session is None:
                await self._open(socket)
                self._first = first
            else:
                await self._retell(socket, is_fallback=is_fallback)
                self._ready.set()
        except (TimeoutError, ConnectionClosed):
            socket.transport.abort()
            return False
        except BaseException:
            socket.transport.abort()
            raise
        self.socket, self._same = socket, ("", again) if again is not None else None
        if is_fallback and self.meter is not None:
            self.meter.moved()
        return True

    async def _retell(self, socket: UpstreamSocket, *, is_fallback: bool) -> None:
        events = self._recollection.retell()
        updates = any(isinstance(one, ce.SessionUpdate) for one in events)
        if is_fallback and not updates:
            events.insert(0, ce.SessionUpdate(session=RealtimeSessionPatch()))
        self._told_again = self._recollection.retold_ids
        # At another server it is another session: the client is told which.
        self._skips_update = updates and not is_fallback
        for event in events:
            await socket.tell(self.route.upstream.encode_client(event))
