"""A client of any Realtime server: see `RealtimeClient`.

Microphone and loudspeaker are in `louro.client.voice`, and need `louro[audio]`.
"""

from louro.client.client import RealtimeClient
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
from louro.client.events import Closed, RealtimeEvent, Reconnected, ToolFinished, ToolProgress, ToolStarted
from louro.client.tools import ToolCall, ToolContext

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
]
