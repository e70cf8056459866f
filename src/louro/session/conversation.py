"""The conversation: items in order, what is known of their sound, and what the model is to read of them."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Mapping
from operator import is_
from types import MappingProxyType

from msgspec import UNSET, structs

from louro.audio.pcm import bytes_of_ms, duration_ms
from louro.protocol.errors import ClientError
from louro.protocol.items import (
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

UNHEARD = "..."
"""What the model reads where somebody said nothing that could be understood."""


class Speech:
    """The sound of an assistant's message, as far as it has been made, and where in it each word is over."""

    __slots__ = ("_ends", "length_bytes", "pcm", "text")

    def __init__(self) -> None:
        self.pcm: bytes | bytearray = bytearray()
        self.text = ""
        """What was said, as far as the words reach."""
        self.length_bytes = 0
        """Stays when the sound itself is forgotten."""
        self._ends = array("I")
        """Two for each word: in the text, in characters, and in the sound, in milliseconds."""

    @property
    def length_ms(self) -> int:
        return duration_ms(self.length_bytes)

    def add(self, pcm: bytes, words: tuple[tuple[str, int], ...]) -> None:
        self.pcm += pcm
        self.length_bytes += len(pcm)
        for word, end_ms in words:
            self.text += word
            self._ends.extend((len(self.text), end_ms))

    def settle(self, written: str) -> None:
        """All of it has been made, and what was *written* is, as a rule, what was said: keep it in as little room as it
        needs, and once."""
        self.pcm = bytes(self.pcm)
        self._ends = self._ends[:]
        if self.text == written:
            self.text = written

    def cut(self, end_ms: int) -> None:
        """Keep what was heard: the words that were over by *end_ms*."""
        heard = bisect_right(self._ends[1::2], end_ms)
        self._ends = self._ends[: 2 * heard]
        self.text = self.text[: self._ends[-2]] if heard else ""
        self.length_bytes = min(self.length_bytes, bytes_of_ms(end_ms))
        self.pcm = self.pcm[: bytes_of_ms(end_ms)]

    def forget(self) -> None:
        # Not `clear`: where large blocks have pages of their own, it leaves a page of a bytearray's.
        self.pcm = self.pcm[:0]


NO_SOUNDS: Mapping[int, bytes] = MappingProxyType({})


class Entry:
    """One item and what the session knows about it."""

    __slots__ = (
        "_item",
        "_reading",
        "audio_ms",
        "forgotten",
        "heard",
        "id",
        "sounds",
        "speech",
        "word_tokens",
    )

    def __init__(self, item_id: str, item: KeptItem) -> None:
        self.id = item_id
        self._item = item
        self._reading: KeptItem | None = None
        self.word_tokens: int | None = None
        """Of all that is words in `reading`, once somebody has counted them."""
        self.sounds = NO_SOUNDS
        """The user's, by content index, 24 kHz PCM."""
        self.audio_ms = 0
        """Their length; stays when they are forgotten."""
        self.heard: tuple[str | None, ...] = ()
        """Transcripts of the audio parts by content index; None while one is on its way."""
        self.speech: Speech | None = None
        self.forgotten = False
        """Fell out of the context window; still in the conversation."""

    @property
    def item(self) -> KeptItem:
        return self._item

    @item.setter
    def item(self, item: KeptItem) -> None:
        self._item = item
        self._read_anew()

    @property
    def is_heard(self) -> bool:
        return None not in self.heard

    def hear(self, index: int, text: str | None) -> None:
        """*text* was said in the audio part at *index*; None: that is not known yet."""
        missing = ("",) * (index + 1 - len(self.heard))
        heard = self.heard + missing
        self.heard = (*heard[:index], text, *heard[index + 1 :])
        self._read_anew()

    def keep(self, sounds: Mapping[int, bytes]) -> None:
        self.sounds = sounds
        self.audio_ms = sum(map(duration_ms, sounds.values()))

    @property
    def kept_bytes(self) -> int:
        return sum(map(len, self.sounds.values())) + (len(self.speech.pcm) if self.speech else 0)

    def forget_audio(self) -> None:
        self.sounds = NO_SOUNDS
        if self.speech is not None:
            self.speech.forget()

    @property
    def reading(self) -> KeptItem:
        """The item as the model is to read it: every audio part carries its words as the transcript.

        Made once, and again when what it is made from has changed: every turn reads the whole conversation.
        """
        if self._reading is None:
            self._reading = self._to_read()
        return self._reading

    def _read_anew(self) -> None:
        self._reading = self.word_tokens = None

    def _to_read(self) -> KeptItem:
        item = self.item
        if not isinstance(item, MessageItem):
            return item
        parts = tuple(self._part_to_read(index, part) for index, part in enumerate(item.content))
        return item if all(map(is_, parts, item.content)) else structs.replace(item, content=parts)

    def _part_to_read(self, index: int, part: ContentPart) -> ContentPart:
        match part:
            case InputAudio():
                return InputAudio(transcript=self.heard[index] or UNHEARD)
            case OutputAudio(transcript=transcript):
                said = self.speech.text if self.speech else transcript or ""
                return part if transcript == said else OutputAudio(transcript=said)
            case _:
                return part

    def with_audio(self) -> KeptItem:
        """The item as `conversation.item.retrieved` shows it: with its sound, as far as that is still kept."""
        item = structs.replace(self.item, object="realtime.item")
        if not isinstance(item, MessageItem):
            return item
        parts: list[ContentPart] = []
        for index, part in enumerate(item.content):
            pcm = bytes(self.speech.pcm) if self.speech else self.sounds.get(index, b"")
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
        case _:
            return "".join(_text_of_part(part) for part in item.content)


def _text_of_part(part: ContentPart) -> str:
    match part:
        case InputText(text=text) | OutputText(text=text) | TextPart(text=text):
            return text
        case InputImage():
            return ""
        case _:
            return part.transcript or ""


class Conversation:
    """Of its sound, the latest *kept_audio_ms* are kept."""

    def __init__(self, kept_audio_ms: int) -> None:
        self._kept_audio_bytes = bytes_of_ms(kept_audio_ms)
        self._order: list[str] = []
        self._entries: dict[str, Entry] = {}
        self._sounding: deque[Entry] = deque()
        """Those whose sound is still kept, as they came."""

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[Entry]:
        return (self._entries[item_id] for item_id in self._order)

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._entries

    def get(self, item_id: str) -> Entry | None:
        return self._entries.get(item_id)

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
        self._bound_audio(entry)
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
        entry = self._entries.pop(item_id)
        if entry in self._sounding:
            self._sounding.remove(entry)

    def unanswered_call_id(self) -> str | None:
        """Of the latest calls that have no output yet, made one after the other, the first: so they are answered."""
        answered = {e.item.call_id for e in self if isinstance(e.item, FunctionCallOutputItem)}
        found: str | None = None
        for entry in reversed(list(self)):
            if isinstance(entry.item, FunctionCallItem) and entry.item.call_id not in answered:
                found = entry.item.call_id
            elif found is not None and isinstance(entry.item, MessageItem):
                break
        return found

    def has_call(self, call_id: str) -> bool:
        return any(isinstance(e.item, FunctionCallItem) and e.item.call_id == call_id for e in self)

    def _bound_audio(self, entry: Entry) -> None:
        self._sounding.append(entry)
        kept_bytes = sum(one.kept_bytes for one in self._sounding)
        while self._sounding and kept_bytes > self._kept_audio_bytes:
            oldest = self._sounding.popleft()
            kept_bytes -= oldest.kept_bytes
            oldest.forget_audio()


def _size_of(item: KeptItem) -> int:
    images = 0
    if isinstance(item, MessageItem):
        images = sum(len(part.image_url) for part in item.content if isinstance(part, InputImage))
    return len(text_of(item)) + images
