"""Items as each dialect spells them."""

from __future__ import annotations

from msgspec import UNSET, structs

from louro.protocol.items import (
    AudioPart,
    ContentPart,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputItem,
    Item,
    MessageItem,
    OutputAudio,
    OutputText,
    TextPart,
)

_KEPT = (MessageItem, FunctionCallItem, FunctionCallOutputItem)


def received(item: InputItem) -> InputItem:
    """As the house knows it, whichever dialect's names the client used: histories are replayed with either."""
    if isinstance(item, MessageItem):
        return structs.replace(item, object=UNSET, content=tuple(map(_todays, item.content)))
    if isinstance(item, FunctionCallItem | FunctionCallOutputItem):
        return structs.replace(item, object=UNSET)
    return item


def shown(item: Item, *, with_object: bool = False) -> Item:
    """As today's dialect shows it: `status` always, no null ids."""
    if not isinstance(item, _KEPT):
        return item
    absent: dict[str, object] = {"id": UNSET} if item.id is None else {}
    if not isinstance(item, MessageItem) and item.call_id is None:
        absent["call_id"] = UNSET
    name = "realtime.item" if with_object else UNSET
    return structs.replace(item, object=name, status=item.status or "completed", **absent)


def shown_to_beta(item: Item) -> Item:
    item = shown(item, with_object=True)
    return dated(item) if isinstance(item, MessageItem) else item


def dated(item: MessageItem) -> MessageItem:
    """With the content parts named as in the beta dialect."""
    return structs.replace(item, content=tuple(map(_betas, item.content)))


def _todays(part: ContentPart) -> ContentPart:
    match part:
        case TextPart(text=text):
            return OutputText(text)
        case AudioPart(transcript=transcript, audio=audio):
            return OutputAudio(transcript, audio)
        case _:
            return part


def _betas(part: ContentPart) -> ContentPart:
    match part:
        case OutputText(text=text):
            return TextPart(text)
        case OutputAudio(transcript=transcript, audio=audio):
            return AudioPart(transcript, audio)
        case _:
            return part
