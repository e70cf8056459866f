"""What a relayed session uses, from upstream's own words."""

from __future__ import annotations

from msgspec import structs

from louro.protocol import server_events as ev
from louro.protocol.client_events import AnyClientEvent, ResponseCreate
from louro.protocol.errors import ClientError
from louro.protocol.wire import Dialect
from louro.relay.translate import head_of
from louro.session.reports import AllowanceChanged
from louro.store.account import Account

OURS = "louro"
"""The name in the price list of whatever works here."""
FIRST_SOUND = ("response.output_audio.delta", "response.audio.delta")
COUNTED = frozenset(
    {
        "session.created",
        "session.updated",
        "response.created",
        "response.done",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "conversation.item.input_audio_transcription.completed",
        *FIRST_SOUND,
    }
)


class RelayMeter:
    """One session's. Frames are looked at, never changed."""

    def __init__(self, account: Account, upstream: Dialect) -> None:
        self._account = account
        self._upstream = upstream
        self._awaits_sound = False
        self._allowed = AllowanceChanged()

    def check(self, event: AnyClientEvent | None) -> None:
        """Something that the client says.

        Raises:
            ClientError: it asks for an answer, and nobody pays for it.
        """
        error = self.refusal()
        if error is None:
            return
        if isinstance(event, ResponseCreate):
            error.event_id = event.event_id
            raise error

    def refusal(self) -> ClientError | None:
        """Why nothing more is answered."""
        self._allowed = self._account.news() or self._allowed
        if not self._allowed.refuses(self._account.now()):
            return None
        return ClientError(self._allowed.code, self._allowed.refusal or "")

    def moved(self) -> None:
        """The session goes on at our own models."""
        self._account.moved(OURS)

    async def count(self, frame: str) -> ClientError | None:
        """Something that upstream says, before the client is told; return why the answer that it begins is one that
        nobody pays for. Returns when what was used is written down."""
        kind = head_of(frame).type
        if kind not in COUNTED or (kind in FIRST_SOUND and not self._awaits_sound):
            return None
        try:
            event = self._upstream.decode_server(frame)
        except ClientError:
            return None
        # Before it is counted: the last one that is allowed uses up what was left.
        refusal = self.refusal() if isinstance(event, ev.ResponseCreated) else None
        self._awaits_sound = isinstance(event, ev.ResponseCreated)
        if isinstance(event, ev.ResponseOutputAudioDelta):
            event = structs.replace(event, delta=b"")  # only its time; how long it all is the usage tells
        if self._account.observe(event, self._account.now()):
            self._allowed = await self._account.settle()
        return refusal
