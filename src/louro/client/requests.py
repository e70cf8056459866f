"""Commands that wait until the server has done them."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import anyio
from msgspec import structs

from louro.client.errors import RealtimeError
from louro.protocol.client_events import AnyClientEvent
from louro.protocol.server_events import AnyServerEvent

ACKNOWLEDGE_TIMEOUT_S = 30.0

Send: TypeAlias = Callable[[AnyClientEvent], Awaitable[None]]
IsAnswer: TypeAlias = Callable[[AnyServerEvent], bool]


@dataclass(eq=False)
class Request:
    is_answer: IsAnswer
    answered: anyio.Event = field(default_factory=anyio.Event)
    error: RealtimeError | None = None

    def fail(self, error: RealtimeError) -> None:
        self.error = error
        self.answered.set()


class Requests:
    def __init__(self) -> None:
        self._waiting: dict[str, Request] = {}
        """By the id of the client's event, which an error names."""

    def __len__(self) -> int:
        return len(self._waiting)

    async def ask(self, send: Send, event: AnyClientEvent, is_answer: IsAnswer) -> None:
        """*send* the event, and wait for the first of the server's that *is_answer*.

        Raises:
            RealtimeError: the server refused, or said nothing for too long.
        """
        event_id = f"evt_{secrets.token_hex(10)}"
        request = self._waiting[event_id] = Request(is_answer)
        try:
            await send(structs.replace(event, event_id=event_id))
            with anyio.fail_after(ACKNOWLEDGE_TIMEOUT_S):
                await request.answered.wait()
        except TimeoutError:
            raise RealtimeError(
                "The server did not answer in time.", code="timeout", event_id=event_id
            ) from None
        finally:
            del self._waiting[event_id]
        if request.error is not None:
            raise request.error

    def receive(self, event: AnyServerEvent) -> None:
        for request in self._waiting.values():
            if request.is_answer(event):
                request.answered.set()
                return

    def refused(self, error: RealtimeError) -> bool:
        """Whether it was one of these that the server refused."""
        request = self._waiting.get(error.event_id or "")
        if request is not None:
            request.fail(error)
        return request is not None

    def told_again(self) -> None:
        """A new session has been told everything that was asked of the old one."""
        for request in self._waiting.values():
            request.answered.set()

    def end(self, error: RealtimeError) -> None:
        for request in self._waiting.values():
            request.fail(error)
