"""The conversation: items in order, what is known of their sound, and what the model is to read of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec import UNSET, structs

from louro.audio.pcm import duration_ms
from louro.protocol.errors import ClientError
from louro.protocol.items import (
    AudioPart,
    ContentPart,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputAudio,
    InputImage,
    InputText,
    KeptItem,
    MessageItem,
    OutputAudio,
    OutputText,
    TextPart,
)
from louro.session.limits import KEPT_AUDIO_BYTES

UNHEARD = "..."
"""What the model reads where somebody said nothing that could be understood."""


@dataclass
class Speech:
    """The sound of an assistant's message, as far as it has been made."""

    pcm: bytearray = field(default_factory=bytearray)
    words: list[tuple[str, int]] = field(default_factory=list)
    length_ms: int = 0
    """Stays when the sound itself is forgotten."""

    def add(self, pcm: bytes, words: tuple[tuple[str, int], ...]) -> None:
        self.pcm += pcm
        self.length_ms = duration_ms(self.pcm)
        self.words += words

    def cut(self, end_ms: int) -> None:
        """Keep what was heard: the words that were over by *end_ms*."""
        self.words = [word for word in self.words if word[1] <= end_ms]
        self.length_ms = min(self.length_ms, end_ms)
        del self.pcm[end_ms * 48 :]

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.words)


@dataclass
class Entry:
    """One item and what the session knows about it."""

    id: str
    item: KeptItem
    audio: dict[int, bytes] = field(default_factory=dict)
    """User's sound by content index, 24 kHz PCM."""
    audio_ms: int = 0
    """Its length; stays when the sound is forgotten."""
    heard: dict[int, str | None] = field(default_factory=dict)
    """Transcripts of the audio parts by content index; None while one is on its way."""
    speech: Speech | None = None
    forgotten: bool = False
    """Fell out of the context window; still in the conversation."""

    @property
    def is_heard(self) -> bool:
        return None not in self.heard.values()

    @property
    def kept_bytes(self) -> int:
        return sum(map(len, self.audio.values())) + (len(self.speech.pcm) if self.speech else 0)

    def forget_audio(self) -> None:
        self.audio.clear()
        if self.speech is not None:
            self.speech.pcm.clear()

    def to_read(self) -> KeptItem:
        """The item as the model is to read it: every audio part carries its words as the transcript."""
        item = self.item
        if not isinstance(item, MessageItem):
            return item
        parts = tuple(self._part_to_read(index, part) for index, part in enumerate(item.content))
        return structs.replace(item, content=parts)

    def _part_to_read(self, index: int, part: ContentPart) -> ContentPart:
        match part:
            case InputAudio():
                return InputAudio(transcript=self.heard.get(index) or UNHEARD)
            case OutputAudio(transcript=transcript):
                return OutputAudio(transcript=self.speech.text if self.speech else transcript or "")
            case _:
                return part

    def with_audio(self) -> KeptItem:
        """The item as `conversation.item.retrieved` shows it: with its sound, as far as that is still kept."""
        item = structs.replace(self.item, object="realtime.item")
        if not isinstance(item, MessageItem):
            return item
        parts: list[ContentPart] = []
        for index, part in enumerate(item.content):
            pcm = bytes(self.speech.pcm) if self.speech else self.audio.get(index, b"")
            if isinstance(part, InputAudio | OutputAudio):
                part = structs.replace(part, audio=pcm or UNSET)
            parts.append(part)
        return structs.replace(item, content=tuple(parts))


def text_of(item: KeptItem) -> str:
    """Everything in an item that is words, audio by its transcript."""
    match item:
        case FunctionCallItem(name=name, arguments=arguments):
            return name + arguments
        case FunctionCallOutputItem(output=output):
            return output
        case MessageItem(content=content):
            return "".join(_text_of_part(part) for part in content)


def _text_of_part(part: ContentPart) -> str:
    match part:
        case InputText(text=text) | OutputText(text=text) | TextPart(text=text):
            return text
        case InputAudio(transcript=transcript) | OutputAudio(transcript=transcript):
            return transcript or ""
        case AudioPart(transcript=transcript):
            return transcript or ""
        case InputImage():
            return ""


class Conversation:
    def __init__(self) -> None:
        self._order: list[str] = []
        self._entries: dict[str, Entry] = {}

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[Entry]:
        return (self._entries[item_id] for item_id in self._order)

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._entries

    def get(self, item_id: str) -> Entry | None:
        return self._entries.get(item_id)

    @property
    def last_id(self) -> str | None:
        return self._order[-1] if self._order else None

    @property
    def first(self) -> Entry:
        return self._entries[self._order[0]]

    def size_bytes(self) -> int:
        """Of text and images; sound is bounded on its own."""
        return sum(_size_of(entry.item) for entry in self)

    def insert(self, entry: Entry, after: str | None) -> str | None:
        """Put *entry* after the item *after*, "root" for the front, None or "" for the end; return the id before it.

        Raises:
            ClientError: *after* is unknown, or the entry's id is taken.
        """
        if entry.id in self._entries:
            raise ClientError(
                "item_create_duplicate_item_id",
                f"Error adding item: an item with id '{entry.id}' already exists.",
            )
        place = self._place(after)
        self._order.insert(place, entry.id)
        self._entries[entry.id] = entry
        self._bound_audio()
        return self._order[place - 1] if place else None

    def _place(self, after: str | None) -> int:
        if not after:
            return len(self._order)
        if after == "root":
            return 0
        if after not in self._entries:
            raise ClientError(
                "invalid_value",
                f"Error adding item: the previous item with id '{after}' does not exist.",
                param="previous_item_id",
            )
        return self._order.index(after) + 1

    def remove(self, item_id: str) -> None:
        self._order.remove(item_id)
        del self._entries[item_id]

    def unanswered_call_id(self) -> str | None:
        """The latest call that has no output yet."""
        answered = {e.item.call_id for e in self if isinstance(e.item, FunctionCallOutputItem)}
        for entry in reversed(list(self)):
            if isinstance(entry.item, FunctionCallItem) and entry.item.call_id not in answered:
                return entry.item.call_id
        return None

    def has_call(self, call_id: str) -> bool:
        return any(isinstance(e.item, FunctionCallItem) and e.item.call_id == call_id for e in self)

    def _bound_audio(self) -> None:
        kept = sum(entry.kept_bytes for entry in self)
        for entry in self:
            if kept <= KEPT_AUDIO_BYTES:
                return
            kept -= entry.kept_bytes
            entry.forget_audio()


def _size_of(item: KeptItem) -> int:
    images = 0
    if isinstance(item, MessageItem):
        images = sum(len(part.image_url) for part in item.content if isinstance(part, InputImage))
    return len(text_of(item)) + images
