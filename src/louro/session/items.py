"""The client's hand on the conversation: create, retrieve, truncate, delete; and how new items come in."""

from __future__ import annotations

from msgspec import UNSET, structs

from louro.protocol import server_events as ev
from louro.protocol.client_events import ConversationItemTruncate
from louro.protocol.errors import ClientError, invalid_value
from louro.protocol.items import (
    CONTENT_BY_ROLE,
    ContentPart,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputAudio,
    InputImage,
    Item,
    KeptItem,
    MessageItem,
    OutputAudio,
)
from louro.protocol.session import AudioFormat
from louro.session.conversation import Conversation, Entry
from louro.session.formats import decoder_for
from louro.session.hearing import Hearings
from louro.session.limits import MAX_CONVERSATION_BYTES, MAX_ITEMS, TRUNCATE_TOLERANCE_MS
from louro.session.outgoing import Outgoing
from louro.session.setup import Setup


class Items:
    def __init__(self, setup: Setup, conversation: Conversation, hearings: Hearings, out: Outgoing) -> None:
        self._setup = setup
        self.conversation = conversation
        self._hearings = hearings
        self._out = out

    # What the client asks for

    def create(self, item: Item, after: str | None, audio_format: AudioFormat) -> None:
        entry, sounds = self.entry_of(item, audio_format, "item")
        if self.conversation.size_bytes() > MAX_CONVERSATION_BYTES:
            raise ClientError(
                "conversation_too_large",
                f"A conversation holds at most {MAX_CONVERSATION_BYTES // 1_000_000} MB of text and images. "
                "Delete items first.",
                param="item",
            )
        previous_id = self._insert(entry, after)
        for index, pcm in sounds.items():
            self._hearings.listen(entry, index, pcm, None)
        self._say_added(entry, previous_id)

    def retrieve(self, item_id: str) -> None:
        entry = self._find(item_id, "retriev")
        self._out.send(ev.ConversationItemRetrieved(event_id=self._out.event_id(), item=entry.with_audio()))

    def delete(self, item_id: str) -> None:
        self._find(item_id, "delet")
        self._remove(item_id)

    def truncate(self, event: ConversationItemTruncate) -> None:
        entry = self._find(event.item_id, "truncat")
        speech = entry.speech
        if speech is None or speech.length_ms == 0:
            raise ClientError(
                "unsupported_content_type", "Only model output audio messages can be truncated."
            )
        if event.content_index != 0:
            raise invalid_value(
                f"Invalid value: {event.content_index}. The item has one content part.", "content_index"
            )
        if event.audio_end_ms > speech.length_ms + TRUNCATE_TOLERANCE_MS:
            raise invalid_value(
                f"Audio content of {speech.length_ms}ms is already shorter than {event.audio_end_ms}ms",
                "audio_end_ms",
            )
        speech.cut(event.audio_end_ms)
        if isinstance(entry.item, MessageItem) and entry.item.content:
            entry.item = structs.replace(entry.item, content=(OutputAudio(speech.text),))
        self._out.send(
            ev.ConversationItemTruncated(
                event_id=self._out.event_id(),
                item_id=entry.id,
                content_index=event.content_index,
                audio_end_ms=event.audio_end_ms,
            )
        )

    # How items come in

    def add_committed(self, entry: Entry) -> None:
        """Put what was said at the end of the conversation, and tell it in the order of the wire."""
        previous_id = self._insert(entry, None)
        self._out.send(
            ev.InputAudioBufferCommitted(
                event_id=self._out.event_id(), previous_item_id=previous_id, item_id=entry.id
            )
        )
        self._say_added(entry, previous_id)

    def adopt(self, entry: Entry) -> str | None:
        """Put what is being answered at the end of the conversation; return the id before it."""
        return self._insert(entry, None)

    def entry_of(self, item: Item, audio_format: AudioFormat, param: str) -> tuple[Entry, dict[int, bytes]]:
        """Check an item of the client's; return its entry, and the sounds in it that nobody has transcribed.

        Raises:
            ClientError: it cannot be part of a conversation here.
        """
        match item:
            case MessageItem():
                return self._message(item, audio_format, param)
            case FunctionCallItem():
                call_id = item.call_id or self._out.new_id("call")
                return self._plain(structs.replace(item, call_id=call_id)), {}
            case FunctionCallOutputItem():
                return self._plain(self._output(item, param)), {}
            case _:
                raise invalid_value(
                    "Invalid value: MCP items cannot be added: this server does not call MCP servers yet. "
                    "Supported values are: 'message', 'function_call', and 'function_call_output'.",
                    f"{param}.type",
                )

    def _plain(self, item: KeptItem) -> Entry:
        item_id = item.id or self._out.new_id("item")
        return Entry(
            item_id, structs.replace(item, id=item_id, object=UNSET, status=item.status or "completed")
        )

    def _output(self, item: FunctionCallOutputItem, param: str) -> FunctionCallOutputItem:
        call_id = item.call_id or self.conversation.unanswered_call_id()
        if call_id is None:
            raise ClientError(
                "missing_required_parameter",
                f"Missing required parameter: '{param}.call_id'.",
                param=f"{param}.call_id",
            )
        if not self.conversation.has_call(call_id) and param == "item":
            raise invalid_value(
                f"Error adding item: no function call with call_id '{call_id}' exists in the conversation.",
                f"{param}.call_id",
            )
        return structs.replace(item, call_id=call_id)

    def _message(
        self, item: MessageItem, audio_format: AudioFormat, param: str
    ) -> tuple[Entry, dict[int, bytes]]:
        entry = self._plain(item)
        parts: list[ContentPart] = []
        sounds: dict[int, bytes] = {}
        unheard: dict[int, bytes] = {}
        for index, part in enumerate(item.content):
            self._check_part(item, part, f"{param}.content[{index}]")
            if isinstance(part, InputAudio):
                if isinstance(part.audio, bytes):
                    sounds[index] = self._decode(part.audio, audio_format)
                    if part.transcript is None:
                        unheard[index] = sounds[index]
                entry.hear(index, None if index in unheard else part.transcript or "")
            if isinstance(part, InputAudio | OutputAudio):
                part = structs.replace(part, audio=UNSET)
            parts.append(part)
        assert isinstance(entry.item, MessageItem)
        entry.item = structs.replace(entry.item, content=tuple(parts))
        entry.keep(sounds)
        return entry, unheard

    def _decode(self, audio: bytes, audio_format: AudioFormat) -> bytes:
        decoder = decoder_for(audio_format, self._setup.input_rate_hz)
        return decoder.feed(audio) + decoder.flush()

    def _check_part(self, item: MessageItem, part: ContentPart, param: str) -> None:
        allowed = CONTENT_BY_ROLE[item.role]
        if not isinstance(part, allowed):
            names = ", ".join(f"'{kind.__struct_config__.tag}'" for kind in allowed)
            raise invalid_value(
                f"Invalid value: '{part.__struct_config__.tag}'. Supported values for a message of role "
                f"'{item.role}' are: {names}.",
                f"{param}.type",
            )
        if not isinstance(part, InputImage):
            return
        if not self._setup.sees_images:
            raise ClientError(
                "image_input_not_supported",
                "The model of this session cannot see images. Choose one that can (louro serve --llm ...).",
                param=f"{param}.type",
            )
        if not part.image_url.startswith(("data:image/png;base64,", "data:image/jpeg;base64,")):
            raise invalid_value(
                "Invalid value: expected a data URI of a PNG or JPEG image.", f"{param}.image_url"
            )

    # The conversation itself

    def _insert(self, entry: Entry, after: str | None) -> str | None:
        previous_id = self.conversation.insert(entry, after)
        if len(self.conversation) > MAX_ITEMS:
            self._remove(self.conversation.first.id)
        return previous_id if previous_id is not None and previous_id in self.conversation else None

    def _find(self, item_id: str, verb: str) -> Entry:
        entry = self.conversation.get(item_id)
        if entry is None:
            raise ClientError(
                f"item_{verb}e_invalid_item_id",
                f"Error {verb}ing item: the item with id '{item_id}' does not exist.",
            )
        return entry

    def _remove(self, item_id: str) -> None:
        self.conversation.remove(item_id)
        self._out.send(ev.ConversationItemDeleted(event_id=self._out.event_id(), item_id=item_id))

    def _say_added(self, entry: Entry, previous_id: str | None) -> None:
        for kind in (ev.ConversationItemAdded, ev.ConversationItemDone):
            self._out.send(kind(event_id=self._out.event_id(), previous_item_id=previous_id, item=entry.item))
