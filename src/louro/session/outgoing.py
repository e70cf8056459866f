"""Where the machine puts what is to be sent and started, in order, until it is fetched."""

from __future__ import annotations

from collections.abc import Callable

from louro.protocol.server_events import AnyServerEvent
from louro.session.actions import Action


class Outgoing:
    def __init__(self, new_id: Callable[[str], str]) -> None:
        self.new_id = new_id
        self._events: list[AnyServerEvent] = []
        self._actions: list[Action] = []

    def event_id(self) -> str:
        return self.new_id("event")

    def send(self, event: AnyServerEvent) -> None:
        self._events.append(event)

    def start(self, action: Action) -> None:
        self._actions.append(action)

    def take_events(self) -> list[AnyServerEvent]:
        if not self._events:
            return []
        events, self._events = self._events, []
        return events

    def take_actions(self) -> list[Action]:
        actions, self._actions = self._actions, []
        return actions
