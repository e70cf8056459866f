"""The conversation as it is shown: who said what, and how much of it was heard. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from louro.client.conversation import ConversationItem
from louro.protocol.items import FunctionCallItem, FunctionCallOutputItem

Speaker: TypeAlias = Literal["user", "assistant", "system", "tool"]
HeardMs: TypeAlias = Callable[[str], int | None]
"""Of an item's id: how much of its sound has been heard so far; None where nothing is played, or all is over."""

UNKNOWN_WORDS = "…"
"""Of what was said and is not transcribed yet."""
MAX_RESULT = 300
"""Characters of a tool's result that are shown."""


@dataclass(frozen=True)
class Entry:
    id: str
    speaker: Speaker
    heard: str
    """Of what the user or a tool says: all."""
    unheard: str = ""
    is_cut: bool = False
    """The rest will never be heard: the answer was interrupted."""
    call_id: str = ""
    result: str | None = None
    """Of a tool; None while it runs."""
    has_failed: bool = False


def entries(items: Iterable[ConversationItem], heard_ms: HeardMs) -> list[Entry]:
    """What there is to show, in order. A call and its result are one entry."""
    shown: list[Entry] = []
    for one in items:
        match one.item:
            case FunctionCallItem() as call:
                shown.append(_call(one, call))
            case FunctionCallOutputItem() as answer:
                _answer(shown, answer)
            case _:
                if (entry := _message(one, heard_ms)) is not None:
                    shown.append(entry)
    return shown


def _call(one: ConversationItem, call: FunctionCallItem) -> Entry:
    arguments = call.arguments or one.formatted.arguments
    return Entry(one.id, "tool", f"{call.name}({_listed(arguments)})", call_id=call.call_id or "")


def _answer(shown: list[Entry], answer: FunctionCallOutputItem) -> None:
    for place, entry in enumerate(shown):
        if entry.speaker == "tool" and entry.call_id == answer.call_id:
            result = answer.output if len(answer.output) <= MAX_RESULT else answer.output[:MAX_RESULT] + "…"
            shown[place] = replace(entry, result=result, has_failed=result.startswith('{"error"'))


def _message(one: ConversationItem, heard_ms: HeardMs) -> Entry | None:
    speaker = one.role or "system"
    if speaker != "assistant":
        words = one.words or (UNKNOWN_WORDS if one.formatted.audio and not one.formatted.transcript else "")
        return Entry(one.id, speaker, words.strip()) if words.strip() else None
    if not one.words.strip():
        return None
    if one.heard_ms is not None:
        heard = one.heard_words
        return Entry(one.id, speaker, heard.lstrip(), one.words[len(heard) :], is_cut=True)
    if _never_sounded(one):
        return Entry(one.id, speaker, "", one.words.lstrip(), is_cut=True)
    ms = heard_ms(one.id)
    heard = one.words if ms is None else words_within(one.words, ms, one.audio_ms)
    return Entry(one.id, speaker, heard.lstrip(), one.words[len(heard) :])


def _never_sounded(one: ConversationItem) -> bool:
    """Whether an answer was cut between its first word and its first sound."""
    return one.item.status == "incomplete" and bool(one.formatted.transcript) and not one.audio_ms


def words_within(words: str, heard_ms: int, audio_ms: int) -> str:
    """The whole words whose share of the sound has been heard; the one being spoken is among them."""
    if not audio_ms:
        return ""  # no sound has come yet: words come first
    if heard_ms >= audio_ms:
        return words
    reach = len(words) * heard_ms // audio_ms
    end = words.find(" ", reach)
    return words[:end] if end >= 0 else words


def _listed(arguments: str) -> str:
    """A JSON object as keyword arguments; anything else, also a half of one, as it is."""
    try:
        values = json.loads(arguments or "{}")
    except ValueError:
        return arguments
    if not isinstance(values, dict):
        return arguments
    return ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in values.items())
