"""What a relayed session uses, from upstream's own words."""

from __future__ import annotations

import msgspec
from msgspec import structs

from louro.protocol import server_events as ev
from louro.protocol.errors import ClientError
from louro.protocol.wire import Dialect
from louro.store.account import Account

CREATE = "response.create"
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


class _Typed(msgspec.Struct):
    type: str = ""
    event_id: str | None = None


_TYPED = msgspec.json.Decoder(_Typed)


class RelayMeter:
    """One session's. Frames are looked at, never changed."""

    def __init__(self, account: Account, upstream: Dialect) -> None:
        self._account = account
        self._upstream = upstream
        self._awaits_sound = False
        self.refusal: str | None = None
        """Why nothing more is answered."""

    def check(self, frame: str) -> None:
        """Something that the client says.

        Raises:
            ClientError: it asks for an answer, and nobody pays for it.
        """
        if self.refusal is None:
            return
        asked = _typed(frame)
        if asked.type == CREATE:
            error = ClientError("insufficient_quota", self.refusal)
            error.event_id = asked.event_id
            raise error

    async def count(self, frame: str) -> bool:
        """Something that upstream says, before the client is told; return whether it begins an answer that nobody
        pays for. Returns when what was used is written down."""
        kind = _typed(frame).type
        if kind not in COUNTED or (kind in FIRST_SOUND and not self._awaits_sound):
            return False
        try:
            event = self._upstream.decode_server(frame)
        except ClientError:
            return False
        self._awaits_sound = isinstance(event, ev.ResponseCreated)
        if isinstance(event, ev.ResponseOutputAudioDelta):
            event = structs.replace(event, delta=b"")  # only its time; how long it all is the usage tells
        if self._account.observe(event, self._account.now()):
            self.refusal = (await self._account.settle()).refusal
        return self.refusal is not None and isinstance(event, ev.ResponseCreated)


def _typed(frame: str) -> _Typed:
    try:
        return _TYPED.decode(frame)
    except msgspec.MsgspecError:
        return _Typed()
