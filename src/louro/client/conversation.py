"""The conversation as the client knows it. Pure: server events in, changes out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from louro.audio.pcm import bytes_of_ms, duration_ms
from louro.client.tape import Tape
from louro.protocol import server_events as ev
from louro.protocol.items import (
    AudioPart,
    ContentPart,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputAudio,
    InputText,
    KeptItem,
    MessageItem,
    OutputAudio,
    OutputText,
    TextPart,
)

MAX_ITEMS = 2_000
"""The oldest are forgotten here; the server has bounds of its own."""
KEPT_AUDIO_BYTES = bytes_of_ms(120_000)
"""Of all items together: the last two minutes. Words are kept as long as their item."""
KEPT_INPUT_BYTES = bytes_of_ms(60_000)
"""Of what was said and is no item yet."""
MS_PER_CHARACTER = 65
"""Of speech, roughly; used where an answer broke off and nobody can say how long it would have been."""


@dataclass
class Formatted:
    """An item in the shape in which one wants to show it."""

    text: str = ""
    transcript: str = ""
    audio: bytearray = field(default_factory=bytearray)
    """24 kHz mono int16; empty again when it is too old."""
    arguments: str = ""
    output: str = ""


@dataclass(eq=False)
class ConversationItem:
    id: str
    item: KeptItem
    """As the server told it last."""
    formatted: Formatted = field(default_factory=Formatted)
    audio_ms: int = 0
    """How long it sounds; stays when the sound is forgotten."""
    heard_ms: int | None = None
    """Of an answer that was cut: how far the user heard it."""
    is_done: bool = False

    @property
    def type(self) -> Literal["message", "function_call", "function_call_output"]:
        match self.item:
            case MessageItem():
                return "message"
            case FunctionCallItem():
                return "function_call"
            case _:
                return "function_call_output"

    @property
    def role(self) -> Literal["user", "assistant", "system"] | None:
        return self.item.role if isinstance(self.item, MessageItem) else None

    @property
    def words(self) -> str:
        return self.formatted.text or self.formatted.transcript

    @property
    def heard_words(self) -> str:
        """Of an answer that was cut, the words that fit into what was heard, by their share of its length; the first
        one if anything was heard at all."""
        if self.heard_ms is None or self.heard_ms >= self.audio_ms:
            return self.words
        if not self.heard_ms:
            return ""
        reach = len(self.words) * self.heard_ms // self.audio_ms
        end = self.words.rfind(" ", 1, reach + 1)
        return self.words[:end].rstrip() if end > 0 else self.words.split(" ", 1)[0]


@dataclass(frozen=True)
class Delta:
    """What is new in an item. One of them is set; none where the whole item has changed."""

    text: str = ""
    transcript: str = ""
    audio: bytes = b""
    arguments: str = ""


@dataclass(frozen=True)
class ConversationUpdated:
    item: ConversationItem
    delta: Delta | None = None


@dataclass(frozen=True)
class ItemAppended:
    item: ConversationItem


@dataclass(frozen=True)
class ItemCompleted:
    item: ConversationItem


@dataclass(frozen=True)
class Interrupted:
    """The user began to speak, or stopped the answer."""

    item: ConversationItem | None = None
    """The answer that was cut, where one was."""


Change: TypeAlias = ConversationUpdated | ItemAppended | ItemCompleted


class Conversation:
    """Iterate for its items, in order.

    Args:
        kept_audio: bytes of sound that its items hold; the oldest loses its own first.
        kept_input: bytes of the user's sound that belong to no item yet.
    """

    def __init__(self, kept_audio: int = KEPT_AUDIO_BYTES, kept_input: int = KEPT_INPUT_BYTES) -> None:
        self._kept_audio = kept_audio
        self._order: list[str] = []
        self._items: dict[str, ConversationItem] = {}
        self._input = Tape(kept_input)
        """From when the connection was opened."""
        self._speech: dict[str, tuple[int, int | None]] = {}
        """Where the turns that are no items yet lie in the input, in milliseconds."""
        self._broken_off: dict[str, int] = {}
        """Answers that a lost connection ended, and the milliseconds of them that came."""

    def __iter__(self) -> Iterator[ConversationItem]:
        return (self._items[item_id] for item_id in self._order)

    def __len__(self) -> int:
        return len(self._order)

    def get(self, item_id: str) -> ConversationItem | None:
        return self._items.get(item_id)

    def history(self) -> list[KeptItem]:
        """The items as a new session is to be told them. An answer that was cut is told as far as it was heard."""
        return [item for one in self if (item := _retold(one)) is not None]

    # What the client does

    def said(self, pcm: bytes) -> None:
        """The user's sound, as it is sent."""
        self._input.add(pcm)

    def add(self, item: KeptItem) -> ConversationItem:
        """An item that the client is about to send. Its id is set."""
        assert item.id is not None
        added = self._insert(item.id, item, None)
        added.is_done = True
        return added

    def forget(self, item_id: str) -> None:
        if self._items.pop(item_id, None) is not None:
            self._order.remove(item_id)

    def cut(self, item_id: str, heard_ms: int | None) -> int | None:
        """Keep of an answer what was heard, for a new session; return what that was before."""
        known = self._items.get(item_id)
        if known is None:
            return None
        before, known.heard_ms = known.heard_ms, heard_ms
        return before

    def break_off(self) -> None:
        """The connection is lost: an answer that is not done will not be longer."""
        for one in self:
            if not one.is_done and one.role == "assistant" and one.audio_ms:
                # Words come before their sound: those whose sound never came will not be heard.
                self._broken_off[one.id] = one.audio_ms
                one.audio_ms = max(one.audio_ms, len(one.words) * MS_PER_CHARACTER)

    def begin_again(self) -> None:
        """The connection is a new one: it counts the input from its own beginning."""
        self._input.restart()
        self._speech.clear()
        for one in self:
            came_ms = self._broken_off.pop(one.id, None)
            one.heard_ms = came_ms if one.heard_ms is None else one.heard_ms
            one.is_done = one.is_done or one.type == "message"

    # What the server says

    def receive(self, event: ev.AnyServerEvent) -> list[Change]:
        match event:
            case ev.ConversationItemAdded(item=item, previous_item_id=previous):
                return self._added(item, previous)
            case ev.ConversationItemDone(item=item) | ev.ResponseOutputItemDone(item=item):
                return self._done(item)
            case ev.ConversationItemDeleted(item_id=item_id):
                self.forget(item_id)
            case ev.ConversationItemTruncated(item_id=item_id, audio_end_ms=end_ms):
                return self._truncated(item_id, end_ms)
            case ev.InputAudioBufferSpeechStarted(item_id=item_id, audio_start_ms=start_ms):
                self._speech[item_id] = (start_ms, None)
            case ev.InputAudioBufferSpeechStopped(item_id=item_id, audio_end_ms=end_ms):
                start_ms = self._speech.get(item_id, (0, None))[0]
                self._speech[item_id] = (start_ms, end_ms)
            case ev.InputAudioBufferCommitted(item_id=item_id):
                self._speech.setdefault(item_id, (0, None))
            case ev.InputAudioBufferCleared():
                self._drop_input()
            case _:
                return self._grown(event)
        return []

    def _added(self, item: object, previous: str | None) -> list[Change]:
        if not isinstance(item, MessageItem | FunctionCallItem | FunctionCallOutputItem) or item.id is None:
            return []
        known = self._items.get(item.id)
        if known is not None:
            known.item = item
            return []
        added = self._insert(item.id, item, previous)
        if item.id in self._speech:
            self._take_speech(added)
        changes: list[Change] = [ItemAppended(added), ConversationUpdated(added)]
        if item.status == "completed" or isinstance(item, FunctionCallOutputItem):
            added.is_done = True
            changes.append(ItemCompleted(added))
        return changes

    def _done(self, item: object) -> list[Change]:
        if not isinstance(item, MessageItem | FunctionCallItem | FunctionCallOutputItem):
            return []
        known = self._items.get(item.id or "")
        if known is None or known.is_done:
            return []
        known.item, known.is_done = item, True
        return [ConversationUpdated(known), ItemCompleted(known)]

    def _truncated(self, item_id: str, end_ms: int) -> list[Change]:
        known = self._items.get(item_id)
        if known is None:
            return []
        known.heard_ms = end_ms
        del known.formatted.audio[bytes_of_ms(end_ms) :]
        return [ConversationUpdated(known)]

    def _grown(self, event: ev.AnyServerEvent) -> list[Change]:
        match event:
            case ev.ResponseOutputTextDelta(item_id=item_id, delta=text):
                return self._grow(item_id, Delta(text=text))
            case ev.ResponseOutputAudioTranscriptDelta(item_id=item_id, delta=text):
                return self._grow(item_id, Delta(transcript=text))
            case ev.ResponseOutputAudioDelta(item_id=item_id, delta=pcm):
                return self._grow(item_id, Delta(audio=pcm))
            case ev.ResponseFunctionCallArgumentsDelta(item_id=item_id, delta=text):
                return self._grow(item_id, Delta(arguments=text))
            case ev.InputAudioTranscriptionDelta(item_id=item_id, delta=text):
                return self._grow(item_id, Delta(transcript=text or ""))
            case ev.InputAudioTranscriptionCompleted(item_id=item_id, transcript=transcript):
                known = self._items.get(item_id)
                if known is None:
                    return []
                known.formatted.transcript = transcript
                return [ConversationUpdated(known)]
            case _:
                return []

    def _grow(self, item_id: str, delta: Delta) -> list[Change]:
        known = self._items.get(item_id)
        if known is None:
            return []
        known.formatted.text += delta.text
        known.formatted.transcript += delta.transcript
        known.formatted.arguments += delta.arguments
        if delta.audio:
            known.formatted.audio += delta.audio
            known.audio_ms += duration_ms(delta.audio)
            self._bound_audio()
        return [ConversationUpdated(known, delta)]

    # Keeping

    def _insert(self, item_id: str, item: KeptItem, previous: str | None) -> ConversationItem:
        added = ConversationItem(item_id, item, _formatted(item))
        place = self._order.index(previous) + 1 if previous in self._items else len(self._order)
        self._order.insert(place, item_id)
        self._items[item_id] = added
        if len(self._order) > MAX_ITEMS:
            self.forget(self._order[0])
        return added

    def _take_speech(self, item: ConversationItem) -> None:
        start_ms, end_ms = self._speech.pop(item.id)
        begin = max(bytes_of_ms(start_ms), self._input.start)
        end = self._input.end if end_ms is None else max(bytes_of_ms(end_ms), self._input.start)
        item.formatted.audio += self._input.read(begin, end)
        item.audio_ms = duration_ms(end - begin)
        self._input.drop_before(end)
        self._bound_audio()

    def _drop_input(self) -> None:
        self._input.drop_before(self._input.end)
        self._speech.clear()

    def _bound_audio(self) -> None:
        kept = sum(len(one.formatted.audio) for one in self)
        for one in self:
            if kept <= self._kept_audio:
                return
            kept -= len(one.formatted.audio)
            one.formatted.audio.clear()


def _formatted(item: KeptItem) -> Formatted:
    match item:
        case MessageItem(content=content):
            formatted = Formatted()
            for part in content:
                _put(part, formatted)
            return formatted
        case FunctionCallItem(arguments=arguments):
            return Formatted(arguments=arguments)
        case _:
            return Formatted(output=item.output)


def _put(part: ContentPart, formatted: Formatted) -> None:
    match part:
        case InputText(text=text) | OutputText(text=text) | TextPart(text=text):
            formatted.text += text
        case (
            InputAudio(transcript=transcript)
            | OutputAudio(transcript=transcript)
            | AudioPart(transcript=transcript)
        ):
            formatted.transcript += transcript or ""
        case _:
            return


def _retold(one: ConversationItem) -> KeptItem | None:
    """As `conversation.item.create` takes it: without a status, words instead of sound where they are known."""
    item = one.item
    if isinstance(item, FunctionCallItem):
        arguments = item.arguments or one.formatted.arguments
        is_whole = one.is_done and bool(arguments)
        return (
            FunctionCallItem(id=one.id, name=item.name, arguments=arguments, call_id=item.call_id)
            if is_whole
            else None
        )
    if isinstance(item, FunctionCallOutputItem):
        return FunctionCallOutputItem(id=one.id, output=item.output, call_id=item.call_id)
    if item.role == "assistant":
        words = one.heard_words
        return MessageItem(id=one.id, role="assistant", content=(OutputText(words),)) if words else None
    content: tuple[ContentPart, ...] = tuple(
        part for part in item.content if not isinstance(part, InputAudio)
    )
    if one.formatted.transcript:
        content = (*content, InputText(one.formatted.transcript))
    elif one.formatted.audio:
        content = (*content, InputAudio(audio=bytes(one.formatted.audio)))
    return MessageItem(id=one.id, role=item.role, content=content) if content else None
