"""What both sides know of a session, and what a new one must be told when the connection is lost. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from louro.client.answers import Answers
from louro.client.conversation import Change, Conversation
from louro.client.recent import RecentSound
from louro.protocol import client_events as ce
from louro.protocol import server_events as ev
from louro.protocol.session import RealtimeSessionPatch, Session, merge_patches


class Dialogue:
    def __init__(self) -> None:
        self.session: Session | None = None
        self.settings = RealtimeSessionPatch()
        """All that was ever asked of the session."""
        self.conversation = Conversation()
        self.answers = Answers()
        self.sound = RecentSound()
        self.is_user_speaking = False

    @property
    def is_by_hand(self) -> bool:
        """Whether the client ends the turns."""
        return self.session is not None and self.session.audio.input.turn_detection is None

    # What the client does

    def said(self, pcm: bytes) -> None:
        self.conversation.said(pcm)
        self.sound.add(pcm)

    def changed(self, change: RealtimeSessionPatch) -> None:
        self.settings = merge_patches(self.settings, change)

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

    def ended(self) -> None:
        """No answer will come any more."""
        self.is_user_speaking = False
        self.answers.refused()

    def tell_again(self) -> Iterator[ce.AnyClientEvent]:
        """What a new session is to be told: its settings, the conversation, and what the user was saying."""
        self.conversation.begin_again()
        if self.settings != RealtimeSessionPatch():
            yield ce.SessionUpdate(session=self.settings)
        for item in self.conversation.history():
            yield ce.ConversationItemCreate(item=item)
        if pcm := self.sound.kept():
            self.conversation.said(pcm)
            yield ce.InputAudioBufferAppend(audio=pcm)
        if (again := self.answers.ask_again()) is not None:
            yield again
