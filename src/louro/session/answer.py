"""One response: engine reports in, the full frame of events out, whole also when it is cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from msgspec import structs

from louro.audio.codec import Encoder
from louro.audio.pcm import BYTES_PER_MS, duration_ms
from louro.protocol import server_events as ev
from louro.protocol.items import (
    AudioPart,
    ContentPart,
    FunctionCallItem,
    ItemStatus,
    KeptItem,
    MessageItem,
    OutputAudio,
    OutputText,
    TextPart,
)
from louro.protocol.response import Response, ResponseError, StatusDetails, Usage
from louro.protocol.session import FunctionTool, ToolChoice, Truncation
from louro.session.accounting import CountTokens, usage_of
from louro.session.conversation import Entry, Speech
from louro.session.formats import encoder_for
from louro.session.limits import MAX_AUDIO_EVENT_MS
from louro.session.outgoing import Outgoing
from louro.session.reports import (
    ArgumentsProduced,
    AudioProduced,
    CallStarted,
    ResponseFailed,
    ResponseFinished,
    ResponseReport,
    TextProduced,
)
from louro.session.tokens import Tokens

FinalStatus: TypeAlias = Literal["completed", "cancelled", "failed", "incomplete"]
Reason: TypeAlias = Literal["max_output_tokens", "content_filter"]
Trigger: TypeAlias = Literal["client", "turn", "idle"]
Adopt: TypeAlias = Callable[[Entry], str | None]

_STATUSES: dict[str, tuple[FinalStatus, Reason | None]] = {
    "stop": ("completed", None),
    "length": ("incomplete", "max_output_tokens"),
    "content_filter": ("incomplete", "content_filter"),
}
"""By why the model stopped."""


@dataclass(frozen=True)
class Wish:
    """What is asked of one response: the session's settings with the response's own on top."""

    instructions: str
    tools: tuple[FunctionTool, ...]
    tool_choice: ToolChoice
    voice: str
    speed: float
    language: str | None
    temperature: float | None
    truncation: Truncation
    in_conversation: bool
    trigger: Trigger
    input: tuple[Entry, ...] | None = None
    """The context instead of the conversation's."""


@dataclass
class OpenItem:
    """The item being produced: a message while `call_id` is None, a function call otherwise."""

    entry: Entry
    previous_id: str | None
    text: str = ""
    """The written text, the transcript, or the arguments so far."""
    encoder: Encoder | None = None
    call_id: str | None = None


@dataclass
class Answer:
    """A response in progress.

    `adopt` puts an entry into the conversation and returns the id before it.
    """

    response: Response
    wish: Wish
    out: Outgoing
    adopt: Adopt
    count_tokens: CountTokens
    is_started: bool = False
    """The model has been asked."""
    held: list[ResponseReport] | None = None
    """Of a draft: what has come back so far. None for an answer that is real."""
    taken: Tokens = field(default_factory=Tokens)
    """What it took in, known when the model is asked."""
    first_audio_at: float | None = None
    _audio_bytes: int = 0
    _items: list[KeptItem] = field(default_factory=list)
    """Done."""
    _open: OpenItem | None = None
    _text_out: int = 0

    @property
    def id(self) -> str:
        return self.response.id

    @property
    def audio_ms(self) -> int:
        """How long it has spoken."""
        return duration_ms(self._audio_bytes)

    @property
    def speaks(self) -> bool:
        return self.response.output_modalities == ("audio",)

    def announce(self) -> None:
        self.out.send(ev.ResponseCreated(event_id=self.out.event_id(), response=self.response))

    def receive(self, report: ResponseReport, now: float) -> bool:
        """Take one report; return whether it was the last."""
        match report:
            case TextProduced(text=text):
                self._write(text)
            case AudioProduced(pcm=pcm, words=words):
                self._speak(pcm, words, now)
            case CallStarted(name=name):
                self._open_call(name)
            case ArgumentsProduced(text=text):
                self._argue(text)
            case ResponseFailed(message=message):
                self.fail("server_error", "engine_error", message)
            case _:
                self._finish(report)
        return isinstance(report, ResponseFinished | ResponseFailed)

    # Ways to end

    def cancel(self, reason: Literal["turn_detected", "client_cancelled"]) -> None:
        self._end("cancelled", StatusDetails(type="cancelled", reason=reason))

    def fail(self, error_type: str, code: str, message: str) -> None:
        error = ResponseError(type=error_type, code=code, message=message)
        self._end("failed", StatusDetails(type="failed", error=error))

    def finish_without_words(self) -> None:
        self._end("completed", None)

    def _finish(self, report: ResponseFinished) -> None:
        share = report.cached_tokens / report.input_tokens if report.input_tokens else 0.0
        status, reason = _STATUSES[report.stop]
        details = StatusDetails(type="incomplete", reason=reason) if reason else None
        self._end(status, details, cached_share=min(share, 1.0))

    def _end(self, status: FinalStatus, details: StatusDetails | None, *, cached_share: float = 0.0) -> None:
        self._close("completed" if status == "completed" else "incomplete")
        self.response = structs.replace(
            self.response,
            status=status,
            status_details=details,
            output=tuple(self._items),
            usage=self._usage(cached_share),
        )
        self.out.send(ev.ResponseDone(event_id=self.out.event_id(), response=self.response))

    def _usage(self, cached_share: float) -> Usage:
        if not self.is_started:
            return Usage()
        return usage_of(self.taken, cached_share, self._text_out, self.audio_ms)

    # Messages

    def _write(self, text: str) -> None:
        message = self._message()
        message.text += text
        kind = ev.ResponseOutputAudioTranscriptDelta if self.speaks else ev.ResponseOutputTextDelta
        self.out.send(
            kind(
                event_id=self.out.event_id(),
                response_id=self.id,
                item_id=message.entry.id,
                output_index=len(self._items),
                content_index=0,
                delta=text,
            )
        )

    def _speak(self, pcm: bytes, words: tuple[tuple[str, int], ...], now: float) -> None:
        message = self._message()
        if message.entry.speech is None or message.encoder is None:
            return  # a written answer: whoever speaks it is not listened to
        if self.first_audio_at is None and pcm:
            self.first_audio_at = now
        # Words are told by their place in the response's audio; a message after a call begins in the middle of it.
        begin_ms = self.audio_ms - message.entry.speech.length_ms
        self._audio_bytes += len(pcm)
        message.entry.speech.add(pcm, tuple((word, max(end_ms - begin_ms, 0)) for word, end_ms in words))
        size = MAX_AUDIO_EVENT_MS * BYTES_PER_MS
        for start in range(0, len(pcm), size):
            self._send_audio(message, message.encoder.feed(pcm[start : start + size]))

    def _send_audio(self, message: OpenItem, audio: bytes) -> None:
        if audio:
            self.out.send(
                ev.ResponseOutputAudioDelta(
                    event_id=self.out.event_id(),
                    response_id=self.id,
                    item_id=message.entry.id,
                    output_index=len(self._items),
                    content_index=0,
                    delta=audio,
                )
            )

    def _message(self) -> OpenItem:
        """The message being said, opened if there is none."""
        if self._open is not None and self._open.call_id is None:
            return self._open
        self._close("completed")
        item_id = self.out.new_id("item")
        entry = Entry(item_id, MessageItem(id=item_id, role="assistant", content=(), status="in_progress"))
        encoder = None
        if self.speaks:
            entry.speech = Speech()
            encoder = encoder_for(self.response.audio.output.format)
        message = self._begin(OpenItem(entry, None, encoder=encoder))
        self.out.send(
            ev.ResponseContentPartAdded(
                event_id=self.out.event_id(),
                response_id=self.id,
                item_id=item_id,
                output_index=len(self._items),
                content_index=0,
                part=AudioPart() if self.speaks else TextPart(),
            )
        )
        return message

    def _close_message(self, message: OpenItem) -> ContentPart:
        """Say that the message's text and sound are over; return its content."""
        new_id, item_id, index = self.out.event_id, message.entry.id, len(self._items)
        part: TextPart | AudioPart = TextPart(message.text)
        content: ContentPart = OutputText(message.text)
        if message.entry.speech is not None:
            message.entry.speech.settle(message.text)
        if message.encoder is not None:
            part, content = AudioPart(message.text), OutputAudio(message.text)
            self._send_audio(message, message.encoder.flush())
            self.out.send(
                ev.ResponseOutputAudioDone(
                    event_id=new_id(),
                    response_id=self.id,
                    item_id=item_id,
                    output_index=index,
                    content_index=0,
                )
            )
            self.out.send(
                ev.ResponseOutputAudioTranscriptDone(
                    event_id=new_id(),
                    response_id=self.id,
                    item_id=item_id,
                    output_index=index,
                    content_index=0,
                    transcript=message.text,
                )
            )
        else:
            self.out.send(
                ev.ResponseOutputTextDone(
                    event_id=new_id(),
                    response_id=self.id,
                    item_id=item_id,
                    output_index=index,
                    content_index=0,
                    text=message.text,
                )
            )
        self.out.send(
            ev.ResponseContentPartDone(
                event_id=new_id(),
                response_id=self.id,
                item_id=item_id,
                output_index=index,
                content_index=0,
                part=part,
            )
        )
        return content

    # Function calls

    def _open_call(self, name: str) -> None:
        self._close("completed")
        item_id, call_id = self.out.new_id("item"), self.out.new_id("call")
        item = FunctionCallItem(id=item_id, name=name, call_id=call_id, arguments="", status="in_progress")
        self._begin(OpenItem(Entry(item_id, item), None, call_id=call_id))

    def _argue(self, text: str) -> None:
        call = self._open
        assert call is not None and call.call_id is not None
        call.text += text
        self.out.send(
            ev.ResponseFunctionCallArgumentsDelta(
                event_id=self.out.event_id(),
                response_id=self.id,
                item_id=call.entry.id,
                output_index=len(self._items),
                call_id=call.call_id,
                delta=text,
            )
        )

    # Items

    def _begin(self, opened: OpenItem) -> OpenItem:
        """Announce an item, first in the response, then in the conversation."""
        entry = opened.entry
        self.out.send(
            ev.ResponseOutputItemAdded(
                event_id=self.out.event_id(),
                response_id=self.id,
                output_index=len(self._items),
                item=entry.item,
            )
        )
        if self.wish.in_conversation:
            opened.previous_id = self.adopt(entry)
            self.out.send(
                ev.ConversationItemAdded(
                    event_id=self.out.event_id(), previous_item_id=opened.previous_id, item=entry.item
                )
            )
        self._open = opened
        return opened

    def _close(self, status: ItemStatus) -> None:
        """End the open item, if there is one: its own tail, then the item's, in the order of the wire."""
        opened, self._open = self._open, None
        if opened is None:
            return
        entry = opened.entry
        if isinstance(entry.item, MessageItem):
            content = self._close_message(opened)
            entry.item = structs.replace(entry.item, content=(content,), status=status)
            self._text_out += self.count_tokens(opened.text)
        else:
            assert isinstance(entry.item, FunctionCallItem)
            self._say_arguments_done(opened, entry.item.name)
            entry.item = structs.replace(entry.item, arguments=opened.text, status=status)
            self._text_out += self.count_tokens(entry.item.name + opened.text)
        if self.wish.in_conversation:
            self.out.send(
                ev.ConversationItemDone(
                    event_id=self.out.event_id(), previous_item_id=opened.previous_id, item=entry.item
                )
            )
        self.out.send(
            ev.ResponseOutputItemDone(
                event_id=self.out.event_id(),
                response_id=self.id,
                output_index=len(self._items),
                item=entry.item,
            )
        )
        self._items.append(entry.item)

    def _say_arguments_done(self, call: OpenItem, name: str) -> None:
        assert call.call_id is not None
        self.out.send(
            ev.ResponseFunctionCallArgumentsDone(
                event_id=self.out.event_id(),
                response_id=self.id,
                item_id=call.entry.id,
                output_index=len(self._items),
                call_id=call.call_id,
                name=name,
                arguments=call.text,
            )
        )
