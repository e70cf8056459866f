"""What the client tells of itself, beside the server's events and the changes of the conversation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from louro.client.link import UnknownEvent
from louro.client.tools import Outcome, ToolCall
from louro.protocol.client_events import AnyClientEvent
from louro.protocol.server_events import AnyServerEvent


@dataclass(frozen=True)
class RealtimeEvent:
    """One event as it crossed the wire, in today's names whatever the dialect."""

    source: Literal["client", "server"]
    time: float
    """Unix time."""
    event: AnyClientEvent | AnyServerEvent | UnknownEvent


@dataclass(frozen=True)
class Reconnected:
    attempts: int
    items: int
    """Told to the new session."""
    reason: str


@dataclass(frozen=True)
class Closed:
    code: int
    reason: str


@dataclass(frozen=True)
class ToolStarted:
    call: ToolCall


@dataclass(frozen=True)
class ToolProgress:
    call: ToolCall
    message: str


@dataclass(frozen=True)
class ToolFinished:
    call: ToolCall
    outcome: Outcome
