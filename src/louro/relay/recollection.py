"""What is known of a relayed session, so that it can go on at another upstream. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import msgspec
from msgspec import structs

from louro.audio.pcm import BYTES_PER_MS, bytes_of_ms
from louro.client.conversation import Conversation
from louro.client.recent import RecentSound
from louro.protocol import client_events as ce
from louro.protocol import server_events as ev
from louro.protocol.items import FunctionCallItem, Item, MessageItem
from louro.protocol.response import Response, ResponseError, StatusDetails
from louro.protocol.session import (
    PcmFormat,
    RealtimeSession,
    RealtimeSessionPatch,
    Session,
    SessionPatch,
    TranscriptionSession,
    TranscriptionSessionPatch,
)

KEPT_MS = 20_000
"""Of the user's sound, for items whose words nobody has written down, and for the turn that is under way: 1 MB each."""
RETOLD = "event_retold_"
"""How the ids of our own events begin: what upstream says of them is not for the client."""
MAX_OPEN_RESPONSES = 64
MAX_UNHEARD = 64


class Recollection:
    """One session's. *new_id* makes the ids of events for the client."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._conversation = Conversation(bytes_of_ms(KEPT_MS), bytes_of_ms(KEPT_MS))
        self._sound = RecentSound(KEPT_MS)
        self._begun: Session | None = None
        self.session: Session | None = None
        self._open: dict[str, Response] = {}
        self._asked: ce.ResponseCreate | None = None
        """The latest; what it asks for may not have begun."""
        self._awaits_answer = False
        self._unheard: deque[ce.ConversationItemCreate] = deque(maxlen=MAX_UNHEARD)
        """Items that upstream has not acknowledged."""
        self.retold_ids: frozenset[str] = frozenset()
        """Items that were put back at the latest upstream."""

    # What is said

    def asked(self, event: ce.AnyClientEvent) -> None:
        match event:
            case ce.InputAudioBufferAppend(audio=pcm):
                if self._hears_pcm:
                    self._sound.add(pcm)
                    self._conversation.said(pcm)
            case ce.ResponseCreate():
                self._asked, self._awaits_answer = event, True
            case ce.ConversationItemCreate():
                self._unheard.append(event)
            case _:
                pass

    def heard(self, event: ev.AnyServerEvent) -> None:
        match event:
            case ev.SessionCreated(session=session):
                self._begun = self.session = session
                self._sound.speaking = not self._detects_turns
            case ev.SessionUpdated(session=session):
                self.session = session
                self._sound.speaking = self._sound.speaking or not self._detects_turns
            case ev.InputAudioBufferSpeechStarted():
                self._sound.speaking = True
            case ev.InputAudioBufferCommitted() | ev.InputAudioBufferCleared():
                self._sound.clear()
                self._sound.speaking = not self._detects_turns
            case ev.Error():
                # What it is about is not always said. Nothing that was refused is to be asked for again.
                self._awaits_answer = False
                self._unheard.clear()
            case _:
                self._follow_answers(event)
        self._conversation.receive(event)

    def _follow_answers(self, event: ev.AnyServerEvent) -> None:
        match event:
            case ev.ResponseCreated(response=response):
                while len(self._open) >= MAX_OPEN_RESPONSES:
                    del self._open[next(iter(self._open))]
                self._open[response.id] = response
                self._awaits_answer = False
            case ev.ResponseDone(response=response):
                self._open.pop(response.id, None)
                if not self._awaits_answer:
                    self._asked = None
            case ev.ResponseOutputItemAdded(response_id=response_id, item=item) if response_id in self._open:
                response = self._open[response_id]
                self._open[response_id] = structs.replace(response, output=(*response.output, item))
            case ev.ConversationItemAdded(item=item):
                self._acknowledge(item)
            case _:
                pass

    def sounded(self, item_id: str, ms: int) -> None:
        """So much of an item was spoken; the sound itself is not kept."""
        item = self._conversation.get(item_id)
        if item is not None:
            item.audio_ms += ms

    # A new upstream

    def unfinished(self) -> str | None:
        """The only answer under way, of which nothing was told yet: it can be asked for once more."""
        if len(self._open) != 1:
            return None
        ((response_id, response),) = self._open.items()
        return None if response.output else response_id

    def retell(self) -> list[ce.AnyClientEvent]:
        """What a new upstream has to be told, in order."""
        self._conversation.break_off()
        self._conversation.begin_again()
        events: list[ce.AnyClientEvent] = []
        patch = self._patch()
        if patch is not None:
            events.append(ce.SessionUpdate(event_id=f"{RETOLD}session", session=patch))
        history = self._conversation.history()
        self.retold_ids = frozenset(item.id for item in history if item.id is not None)
        for number, item in enumerate(history):
            events.append(ce.ConversationItemCreate(event_id=f"{RETOLD}{number}", item=item))
        if pcm := self._sound.kept():
            self._conversation.said(pcm)
            events.append(ce.InputAudioBufferAppend(event_id=f"{RETOLD}sound", audio=pcm))
        events += self._unheard
        if self.unfinished() is not None or self._awaits_answer:
            params = self._asked.response if self._asked is not None else None
            events.append(ce.ResponseCreate(event_id=f"{RETOLD}answer", response=params))
        return events

    def endings(self) -> list[ev.AnyServerEvent]:
        """For the client: the answers that were under way have failed. None of them is known any more."""
        events: list[ev.AnyServerEvent] = []
        for response in self._open.values():
            output = tuple(_cut(item) for item in response.output)
            for index, item in enumerate(output):
                events.append(
                    ev.ResponseOutputItemDone(
                        event_id=self._new_id(), response_id=response.id, output_index=index, item=item
                    )
                )
                events.append(ev.ConversationItemDone(event_id=self._new_id(), item=item))
            failed = structs.replace(
                response, status="failed", status_details=_LOST, output=output, usage=None
            )
            events.append(ev.ResponseDone(event_id=self._new_id(), response=failed))
        self._open.clear()
        return events

    def _acknowledge(self, item: Item) -> None:
        for event in self._unheard:
            mine = event.item
            if mine.id == item.id or (mine.id is None and _kind(mine) == _kind(item)):
                self._unheard.remove(event)
                return

    def _patch(self) -> SessionPatch | None:
        """From how upstream begins a session to what this one was last; None if that is the same."""
        match self._begun, self.session:
            case RealtimeSession(), RealtimeSession():
                kind: type[RealtimeSessionPatch] | type[TranscriptionSessionPatch] = RealtimeSessionPatch
            case TranscriptionSession(), TranscriptionSession():
                kind = TranscriptionSessionPatch
            case _:
                return None
        first, last = msgspec.to_builtins(self._begun), msgspec.to_builtins(self.session)
        names = set(kind.__struct_fields__) - {"model"}
        changed = {name: last[name] for name in names & set(last) if last[name] != first.get(name)}
        return msgspec.convert({"type": last["type"], **changed}, kind) if changed else None

    @property
    def _detects_turns(self) -> bool:
        return self.session is not None and self.session.audio.input.turn_detection is not None

    @property
    def _hears_pcm(self) -> bool:
        return self.session is not None and isinstance(self.session.audio.input.format, PcmFormat)


def ms_of(base64_length: int) -> int:
    """Of 24 kHz PCM. Of telephone sound it says a sixth of it, and then every word counts as heard."""
    return base64_length * 3 // 4 // BYTES_PER_MS


_LOST = StatusDetails(
    type="failed",
    error=ResponseError(
        type="server_error", code="upstream_lost", message="The server behind this relay went away."
    ),
)


def _kind(item: Item) -> tuple[type[Item], str | None]:
    return type(item), item.role if isinstance(item, MessageItem) else None


def _cut(item: Item) -> Item:
    if isinstance(item, MessageItem | FunctionCallItem):
        return structs.replace(item, status="incomplete")
    return item
