"""The context window: which items the model still reads when the conversation outgrows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import UNSET

from louro.protocol.items import FunctionCallItem, FunctionCallOutputItem
from louro.protocol.session import RetentionRatio, Truncation
from louro.session.conversation import Entry

AUTO_RETENTION = 0.6
"""What "auto" keeps when it must cut. Cutting deep and seldom keeps the beginning of the prompt the same from turn to
turn, and so in the model's cache; item by item, every turn would be computed anew."""


class ContextOverflow(Exception):
    """The conversation is longer than the window, and the session says not to truncate it."""


def fit(
    entries: Sequence[Entry], room_tokens: int, truncation: Truncation, tokens: Callable[[Entry], int]
) -> list[Entry]:
    """Return the newest entries that fit into *room_tokens*, and mark the others as forgotten for good.

    Raises:
        ContextOverflow: they do not fit and *truncation* is "disabled".
    """
    remembered = [entry for entry in entries if not entry.forgotten]
    room_tokens = min(room_tokens, _limit_of(truncation, room_tokens))
    if sum(map(tokens, remembered)) <= room_tokens:
        return remembered
    if truncation == "disabled":
        raise ContextOverflow
    kept = _newest(remembered, int(room_tokens * _retention_of(truncation)), tokens)
    for entry in remembered:
        entry.forgotten = entry not in kept
    return kept


def _newest(entries: list[Entry], room_tokens: int, tokens: Callable[[Entry], int]) -> list[Entry]:
    """At least the last entry, and no output of a call that is itself cut off."""
    kept: list[Entry] = []
    for entry in reversed(entries):
        room_tokens -= tokens(entry)
        if kept and room_tokens < 0:
            break
        kept.insert(0, entry)
    calls = {entry.item.call_id for entry in kept if isinstance(entry.item, FunctionCallItem)}
    return [
        entry
        for entry in kept
        if not isinstance(entry.item, FunctionCallOutputItem) or entry.item.call_id in calls
    ]


def _retention_of(truncation: Truncation) -> float:
    return truncation.retention_ratio if isinstance(truncation, RetentionRatio) else AUTO_RETENTION


def _limit_of(truncation: Truncation, room_tokens: int) -> int:
    if not isinstance(truncation, RetentionRatio) or truncation.token_limits in (None, UNSET):
        return room_tokens
    assert truncation.token_limits
    limit = truncation.token_limits.post_instructions
    return room_tokens if limit is None else limit
