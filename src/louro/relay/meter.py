"""What a relayed session uses, from upstream's own words."""

from __future__ import annotations

from msgspec import structs

from louro.audio.pcm import BYTES_PER_MS
from louro.protocol import server_events as ev
from louro.protocol.client_events import (
    AnyClientEvent,
    InputAudioBufferAppend,
    InputAudioBufferCommit,
    ResponseCreate,
    SessionUpdate,
)
from louro.protocol.errors import ClientError
from louro.protocol.session import PcmFormat, Session
from louro.protocol.wire import Dialect
from louro.relay.translate import head_of
from louro.store.account import Account

OURS = "louro"
"""The name in the price list of whatever works here."""
TELEPHONE_BYTES_PER_MS = 8
FIRST_SOUND = ("response.output_audio.delta", "response.audio.delta")
COUNTED = frozenset(
    {
        "session.created",
        "session.updated",
        "transcription_session.created",
        "transcription_session.updated",
        "response.created",
        "response.done",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "input_audio_buffer.cleared",
        "conversation.item.input_audio_transcription.completed",
        "conversation.item.input_audio_transcription.failed",
        *FIRST_SOUND,
    }
)


class RelayMeter:
    """One session's. Frames are looked at, never changed."""

    def __init__(self, account: Account, upstream: Dialect) -> None:
        self._account = account
        self._upstream = upstream
        self._awaits_sound = False
        self._allowed = account.current()
        self._input_ms = 0.0
        """Of the client's sound, ever."""
        self._update_ms = 0.0
        """Of it, before the latest change of settings: the client goes on to speak until upstream has heard of that."""
        self._bytes_per_ms = BYTES_PER_MS

    def check(self, event: AnyClientEvent | None) -> None:
        """Something that the client says.

        Raises:
            ClientError: it asks for an answer, or for a transcription where nothing else is made, and nobody pays for it.
        """
        if isinstance(event, InputAudioBufferAppend):
            self._input_ms += len(event.audio) / self._bytes_per_ms
        elif isinstance(event, SessionUpdate):
            self._update_ms = self._input_ms
        error = self.refusal()
        if error is None:
            return
        if isinstance(event, ResponseCreate) or (
            self._account.only_transcribes
            and isinstance(event, InputAudioBufferAppend | InputAudioBufferCommit)
        ):
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

    def told(self, frame: str, event: ev.RateLimitsUpdated) -> str:
        """The frame as the client is to hear it: of limits, whichever is scarcer, upstream's or ours."""
        if not self._allowed.quotas:
            return frame
        scarcest = {one.name: one for one in event.rate_limits}
        for quota in self._allowed.quotas:
            one = scarcest.get(quota.name)
            if one is None or quota.remaining < one.remaining:
                scarcest[quota.name] = ev.RateLimit(
                    name=quota.name,
                    limit=quota.limit,
                    remaining=quota.remaining,
                    reset_seconds=round(quota.reset_s, 3),
                )
        encoded = self._upstream.encode(structs.replace(event, rate_limits=tuple(scarcest.values())))
        assert encoded is not None
        return encoded.decode()

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
        input_ms = self._input_ms
        match event:
            case ev.ResponseOutputAudioDelta():
                event = structs.replace(event, delta=b"")  # only its time; how long it all is the usage tells
            case ev.SessionCreated(session=session) | ev.SessionUpdated(session=session):
                self._bytes_per_ms = _bytes_per_ms(session)
                input_ms = self._update_ms
            case _:
                pass
        if self._account.observe(event, self._account.now(), int(input_ms)):
            self._allowed = await self._account.settle()
        return refusal


def _bytes_per_ms(session: Session) -> int:
    """Of what the client sends."""
    return BYTES_PER_MS if isinstance(session.audio.input.format, PcmFormat) else TELEPHONE_BYTES_PER_MS
