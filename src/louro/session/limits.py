"""The bounds of one session, each with its reason."""

MAX_INPUT_BUFFER_MS = 10 * 60 * 1000
"""Uncommitted audio: 29 MB. Nobody says one thing for longer; a client that never commits must not fill the memory."""

MIN_COMMIT_MS = 100
"""The protocol's."""

KEPT_AUDIO_S = 120
"""Of committed and spoken audio that `conversation.item.retrieve` can give back: 5.8 MB. Words are kept longer."""

MAX_ITEMS = 2_000
"""Of one conversation. Past it the oldest item is deleted, and the client is told so."""

MAX_CONVERSATION_BYTES = 8_000_000
"""Text and images of one conversation; a client that passes it gets an error for the item that would."""

MAX_ACTIVE_RESPONSES = 16
"""Out-of-band responses included. Each holds a task and a place in the model's queue."""

MAX_AUDIO_EVENT_MS = 400
"""Of speech in one event: 26 kB of base64, far below the 1 MiB frames that the smallest known client accepts."""

TRUNCATE_TOLERANCE_MS = 200
"""How far past the end of an item a client may truncate it: players round up to their own chunk."""
