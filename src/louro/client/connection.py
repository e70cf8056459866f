"""A connection that comes back: one link to the server after the other, and the dialogue told again to each new one."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import anyio

from louro.client.dialogue import Dialogue
from louro.client.emitter import Emitter
from louro.client.errors import ConnectionFailed
from louro.client.events import Closed, RealtimeEvent, Reconnected
from louro.client.link import Link, LinkClosed, UnknownEvent
from louro.client.requests import ACKNOWLEDGE_TIMEOUT_S
from louro.protocol import client_events as ce
from louro.protocol import server_events as ev

FIRST_BACKOFF_S, LAST_BACKOFF_S = 0.2, 8.0
RENEW_BEFORE_S = 60.0
"""A session that will expire is left so long before, once nobody speaks."""
FINAL_CODES = frozenset({"invalid_api_key", "missing_model", "invalid_parameter", "insufficient_quota"})
"""What trying again does not mend."""

BREATH_WAITS = 8
"""To wait for what is there already is to let the others have a turn: whoever sends without a pause does so at every eighth
event. At each one it would be a tenth of what the event loop does with the microphone."""

OpenLink: TypeAlias = Callable[[], Awaitable[Link]]
Take: TypeAlias = Callable[[ev.AnyServerEvent | UnknownEvent], None]


class Connection:
    """*take* is given every event of the server, in its order. *reconnect*: open another link when one breaks."""

    def __init__(
        self, open_link: OpenLink, dialogue: Dialogue, emitter: Emitter, take: Take, *, reconnect: bool
    ) -> None:
        self._open_link = open_link
        self._dialogue = dialogue
        self._emitter = emitter
        self._take = take
        self._reconnect = reconnect
        self._link: Link | None = None
        self._ready = anyio.Event()
        self._over = anyio.Event()
        self.is_hung_up = False
        """By the user's wish; otherwise it may have been lost."""
        self._tellings = 0
        """How often everything was told again."""
        self._waits = 0
        self.refusal: ConnectionFailed | None = None
        """Why the server will not have us back."""
        self._closed: LinkClosed | None = None
        """The last link, for good."""
        self._renew_reason: str | None = None
        self._expiry = anyio.CancelScope()

    @property
    def is_ready(self) -> bool:
        return self._ready.is_set() and not self._over.is_set()

    @property
    def is_over(self) -> bool:
        return self._over.is_set()

    async def wait_over(self) -> None:
        await self._over.wait()

    async def wait_ready(self) -> None:
        """Raises ConnectionFailed: it is over for good."""
        self._waits += 1
        if not self.is_ready or self._waits % BREATH_WAITS == 0:
            await self._ready.wait()
        if self.is_over:
            raise self.loss()

    def loss(self) -> ConnectionFailed:
        """What whoever still wants something of it is told."""
        if self.refusal is not None:
            return ConnectionFailed(f"The connection is over: {self.refusal.message}", code=self.refusal.code)
        if self.is_hung_up or self._closed is None:
            return ConnectionFailed("The connection is over: it was hung up.")
        return ConnectionFailed(f"The connection is over: {self._closed.reason or self._closed.code}.")

    async def wait_begun(self) -> None:
        """Return when the session is there, or none will be any more."""
        await self._ready.wait()

    async def hang_up(self) -> None:
        self.is_hung_up = True
        if self._link is not None:
            await self._link.close()

    # What goes out

    async def send(self, event: ce.AnyClientEvent) -> None:
        """Send it over this link, or the next; raises ConnectionFailed if there will be none."""
        while True:
            await self.wait_ready()
            if await self._is_sent(event):
                return

    async def tell(self, event: ce.AnyClientEvent) -> None:
        """Like `send`, for what the dialogue holds: if a new link is told all of that meanwhile, it is told this too."""
        tellings = self._tellings
        while True:
            await self.wait_ready()
            if self._tellings != tellings or await self._is_sent(event):
                return

    async def _is_sent(self, event: ce.AnyClientEvent) -> bool:
        """Whether this link has taken it."""
        link = self._link
        assert link is not None
        self._emitter.emit("realtime.event", RealtimeEvent("client", time.time(), event))  # noqa: TID251
        try:
            await link.send(event)
        except LinkClosed:
            self._lose(link)
            return False
        return True

    async def send_raw(self, frame: str) -> None:
        """Over this link, or the next."""
        while True:
            await self.wait_ready()
            link = self._link
            assert link is not None
            try:
                await link.send_raw(frame)
            except LinkClosed:
                self._lose(link)
            else:
                return

    def _lose(self, link: Link) -> None:
        """Whoever sends waits for the next. Told by the reader and by writers, in any order: those who wait already
        must not be left behind, and a link that is there by now is not lost."""
        if link is self._link and self._ready.is_set() and not self.is_over:
            self._ready = anyio.Event()

    # Its life

    async def open(self) -> ev.SessionCreated:
        """The first link. Raises ConnectionFailed: nobody is there, or we are not let in."""
        link = await self._open_link()
        created = await _created(link)
        self._link = link
        self._ready.set()
        return created

    async def run(self) -> Closed:
        """Read until the last link is closed; return how."""
        while True:
            assert self._link is not None
            closed = await self._read(self._link)
            self._lose(self._link)
            if self.is_hung_up or not self._may_reopen(closed) or not await self._reopen(closed):
                break
        self._closed = closed
        self._dialogue.ended()
        self._over.set()
        self._ready.set()
        return Closed(closed.code, closed.reason)

    async def _read(self, link: Link) -> LinkClosed:
        try:
            while True:
                self._take(await link.receive())
        except LinkClosed as closed:
            self._expiry.cancel()
            return closed

    def _may_reopen(self, closed: LinkClosed) -> bool:
        return self._reconnect and closed.reason.rpartition(".")[2] not in FINAL_CODES

    async def _reopen(self, closed: LinkClosed) -> bool:
        """Try until it works or never will, each time a little later; return whether it worked."""
        reason = self._renew_reason or closed.reason or f"closed with {closed.code}"
        self._renew_reason = None
        self._emitter.emit("reconnecting", Closed(closed.code, reason))
        self._dialogue.broken()
        delay_s, attempts = FIRST_BACKOFF_S, 0
        while not self.is_hung_up:
            attempts += 1
            try:
                items = await self._tell_again(await self._open_link())
            except LinkClosed:
                pass
            except ConnectionFailed as error:
                if error.code in FINAL_CODES:
                    self.refusal = error
                    return False
            else:
                self._emitter.emit("reconnected", Reconnected(attempts, items, reason))
                return True
            await anyio.sleep(delay_s * random.uniform(0.5, 1.0))
            delay_s = min(delay_s * 2, LAST_BACKOFF_S)
        return False

    async def _tell_again(self, link: Link) -> int:
        """Begin on a new link; return how many items it was told."""
        created = await _created(link)
        told = list(self._dialogue.tell_again())
        self._tellings += 1
        for event in told:
            await link.send(event)
        self._link = link
        self._take(created)
        self._ready.set()
        return sum(isinstance(event, ce.ConversationItemCreate) for event in told)

    async def leave_before(self, expires_at: float, until_quiet: Callable[[], Awaitable[None]]) -> None:
        """Leave this session before it expires, once it is quiet; the next is told everything again."""
        link = self._link
        left_s = expires_at - time.time()  # noqa: TID251 - told in Unix time
        if link is None or not self._reconnect or left_s <= 0:
            return
        with anyio.CancelScope() as self._expiry:
            await anyio.sleep(max(left_s - RENEW_BEFORE_S, 0))
            with anyio.move_on_after(max(RENEW_BEFORE_S - 5, 0)):
                await until_quiet()
        if not self._expiry.cancel_called:
            self._renew_reason = "the session was about to expire"
            await link.close()


async def _created(link: Link) -> ev.SessionCreated:
    """Wait for the session to begin; hang up if it does not.

    Raises:
        ConnectionFailed: we are not let in.
        LinkClosed: the connection broke, or nothing came.
    """
    try:
        with anyio.move_on_after(ACKNOWLEDGE_TIMEOUT_S):
            while not isinstance(event := await link.receive(), ev.SessionCreated):
                if isinstance(event, ev.Error):
                    told = event.error
                    raise ConnectionFailed(told.message, code=told.code, param=told.param)
            return event
        raise LinkClosed(1006, "no session began")
    except (ConnectionFailed, LinkClosed):
        await link.close()
        raise
