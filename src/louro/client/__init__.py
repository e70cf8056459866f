"""A client of any Realtime server: see `RealtimeClient`."""

from louro.client.client import (
    Closed,
    RealtimeClient,
    RealtimeEvent,
    Reconnected,
    ToolFinished,
    ToolProgress,
    ToolStarted,
)
from louro.client.conversation import (
    Conversation,
    ConversationItem,
    ConversationUpdated,
    Delta,
    Interrupted,
    ItemAppended,
    ItemCompleted,
)
from louro.client.errors import ConnectionFailed, RealtimeError
from louro.client.tools import ToolCall, ToolContext
from louro.client.voice import voice

__all__ = [
    "Closed",
    "ConnectionFailed",
    "Conversation",
    "ConversationItem",
    "ConversationUpdated",
    "Delta",
    "Interrupted",
    "ItemAppended",
    "ItemCompleted",
    "RealtimeClient",
    "RealtimeError",
    "RealtimeEvent",
    "Reconnected",
    "ToolCall",
    "ToolContext",
    "ToolFinished",
    "ToolProgress",
    "ToolStarted",
    "voice",
]
