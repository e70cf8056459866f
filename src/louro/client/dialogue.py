"""What both sides know of a session, and what a new one must be told when the connection is lost. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import UNSET

from louro.client.answers import Answers
from louro.client.conversation import Change, Conversation
from louro.client.recent import RecentSound
from louro.protocol import client_events as ce
from louro.protocol import server_events as ev
from louro.protocol.session import (
    AudioInputPatch,
    RealtimeAudioPatch,
    RealtimeSessionPatch,
    Session,
    merge_patches,
)


class Dialogue:
    def __init__(self) -> None:
        self.session: Session | None = None
        self.settings = RealtimeSessionPatch()
        """All that was ever agreed on."""
        self._asked: list[RealtimeSessionPatch] = []
        """And what the server has not agreed to yet."""
        self.conversation = Conversation()
        self.answers = Answers()
        self.sound = RecentSound()
        self.is_user_speaking = False

    @property
    def is_by_hand(self) -> bool:
        """Whether the client ends the turns. A session that has just begun does not say yet what was agreed on."""
        match self.settings.audio:
            case RealtimeAudioPatch(input=AudioInputPatch(turn_detection=None)):
                return True
            case RealtimeAudioPatch(input=AudioInputPatch(turn_detection=agreed)) if agreed is not UNSET:
                return False
            case _:
                return self.session is not None and self.session.audio.input.turn_detection is None

    # What the client does

    def said(self, pcm: bytes) -> None:
        self.conversation.said(pcm)
        self.sound.add(pcm)

    @contextmanager
    def asking(self, change: RealtimeSessionPatch) -> Iterator[None]:
        """A change of the session, as long as the server is asked for it; it is agreed on unless that raises."""
        self._asked.append(change)
        try:
            yield
            self.settings = merge_patches(self.settings, change)
        finally:
            self._asked.remove(change)

    @contextmanager
    def cutting(self, item_id: str, heard_ms: int) -> Iterator[None]:
        """An answer of which the server is asked to keep what was heard; it is whole again if that raises."""
        before = self.conversation.cut(item_id, heard_ms)
        try:
            yield
        except BaseException:
            self.conversation.cut(item_id, before)
            raise

    # What the server says

    def receive(self, event: ev.AnyServerEvent) -> list[Change]:
        """Returns what has changed in the conversation."""
        self.answers.receive(event)
        match event:
            case ev.SessionCreated(session=session) | ev.SessionUpdated(session=session):
                self.session = session
            case ev.InputAudioBufferSpeechStarted():
                self.is_user_speaking = True
                self.sound.speaking = True
            case ev.InputAudioBufferSpeechStopped():
                self.is_user_speaking = False
            case ev.InputAudioBufferCommitted():
                self.sound.clear()
            case _:
                pass
        return self.conversation.receive(event)

    # What the connection does

    def broken(self) -> None:
        self.is_user_speaking = False
        self.conversation.break_off()

    def ended(self) -> None:
        """No answer will come any more."""
        self.is_user_speaking = False
        self.answers.refused()

    def tell_again(self) -> Iterator[ce.AnyClientEvent]:
        """What a new session is to be told: its settings, the conversation, and what the user was saying."""
        self.conversation.begin_again()
        if self.settings != RealtimeSessionPatch():
            yield ce.SessionUpdate(session=self.settings)
        for change in self._asked:
            yield ce.SessionUpdate(session=change)
        for item in self.conversation.history():
            yield ce.ConversationItemCreate(item=item)
        if pcm := self.sound.kept():
            self.conversation.said(pcm)
            yield ce.InputAudioBufferAppend(audio=pcm)
        if (again := self.answers.ask_again()) is not None:
            yield again
