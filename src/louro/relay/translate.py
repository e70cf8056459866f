"""From one side's dialect to the other's. Pure: a frame in, frames out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

import msgspec
from msgspec import structs

from louro.protocol import server_events as ev
from louro.protocol.client_events import AnyClientEvent, ConversationItemCreate
from louro.protocol.errors import ClientError
from louro.protocol.items import FunctionCallItem, FunctionCallOutputItem, MessageItem
from louro.protocol.server_events import AnyServerEvent
from louro.protocol.wire import Dialect
from louro.relay.policy import Policy

View: TypeAlias = Callable[[AnyServerEvent], AnyServerEvent | None]
PLAIN = frozenset(
    {
        "response.output_audio.delta",
        "response.output_audio_transcript.delta",
        "response.output_text.delta",
        "response.audio.delta",
        "response.audio_transcript.delta",
        "response.text.delta",
    }
)
"""There are many of them, and nothing in them is the operator's to decide."""
ABOUT_OUR_KEY = "invalid_api_key"
"""An error of upstream's that may quote a part of the key: it is told in other words."""
LEAST_SECRET = 16
"""Characters. What is shorter, as `none` for a server that needs no key, stands in words and ids as well."""
HIDDEN = "***"
"""Stands for a key, where upstream quotes one."""
MAX_OPEN_ITEMS = 256
"""Whose end has not been told. A server that begins items and never ends them must not fill the memory."""


class Head(msgspec.Struct):
    """What there is to see of a frame without decoding its sound."""

    type: str = ""
    event_id: str | None = None
    item_id: str | None = None
    delta: msgspec.Raw = msgspec.Raw()
    """As it stands in the frame."""


_HEAD = msgspec.json.Decoder(Head)


def head_of(frame: str | bytes) -> Head:
    """Empty of what is no event."""
    try:
        return _HEAD.decode(frame)
    except (msgspec.MsgspecError, RecursionError):
        return Head()


class Translator:
    """One session's. Where both sides speak the same, frames pass as they are, unknown ones too.

    Args:
        view: what of upstream's events the client may see, besides what the policy says.
        hushed: what the client is never told, whoever says it: the keys that only we have.
    """

    def __init__(
        self,
        client: Dialect,
        upstream: Dialect,
        policy: Policy,
        view: View | None = None,
        hushed: tuple[str, ...] = (),
    ) -> None:
        self._hushed = tuple(secret for secret in hushed if len(secret) >= LEAST_SECRET)
        self._client = client
        self._upstream = upstream
        self._policy = policy
        self._view = view
        self._is_open = policy.is_open and view is None
        self._is_same = client.name == upstream.name
        self._open: dict[str, str | None] = {}
        """Items that were added and are not done, and the id before each: beta does not tell that they are done."""
        self._unanswered: deque[tuple[str, str]] = deque(maxlen=MAX_OPEN_ITEMS)
        """Calls without an output, each with its response: in beta, an output without a call_id answers the first one
        of the latest response."""
        self._limits = ev.RateLimitsUpdated(event_id="", rate_limits=())

    def read(self, frame: str) -> AnyClientEvent | None:
        """What the client says; None: upstream says what is wrong with it, in its turn.

        Raises:
            ClientError: it is no event. The session goes on.
        """
        try:
            return self._client.decode(frame)
        except ClientError:
            if self._is_same and self._is_open:
                return None
            raise

    def to_upstream(self, frame: str, event: AnyClientEvent | None) -> tuple[bytes, AnyClientEvent | None]:
        """What was read in *frame*, as the server is to hear it: the frame, and what it says.

        Raises:
            ClientError: the policy forbids it. The session goes on.
        """
        if event is None:
            return frame.encode(), None
        allowed = self._policy.allow(event)
        # Where the operator decides, upstream hears what was understood here, and no other reading of the same bytes:
        # of two keys of one name, or of one in capitals, it might take the other.
        if self._is_same and self._is_open and allowed is event:
            return frame.encode(), event
        allowed = self._addressed(allowed)
        return self._upstream.encode_client(allowed), allowed

    def to_client(self, frame: str) -> list[bytes]:
        """What the server says, as the client is to hear it. What the client's dialect has no word for is left out."""
        frame = self.hush(frame)
        if self._is_same and self._passes(frame):
            return [frame.encode()]
        try:
            event = self._upstream.decode_server(frame)
        except ClientError:
            return []
        if isinstance(event, ev.Error) and event.error.code == ABOUT_OUR_KEY:
            detail = ev.ErrorDetail(
                code="upstream_refused", message="The server behind this relay refuses its key."
            )
            event = structs.replace(event, error=detail)
        elif self._is_same and self._is_open:
            return [frame.encode()]
        return self.tell(event)

    def hush(self, text: str) -> str:
        for secret in self._hushed:
            if secret in text:
                text = text.replace(secret, HIDDEN)
        return text

    def _passes(self, frame: str) -> bool:
        """Whether it is as the client may see it, without a look at all of it."""
        if self._is_open:
            return ABOUT_OUR_KEY not in frame
        return not self._policy.hidden and head_of(frame).type in PLAIN

    def tell(self, event: AnyServerEvent) -> list[bytes]:
        """An event of upstream's, or our own in its place, in the client's dialect."""
        events = [ordered for one in self._completed(event) for ordered in self._with_limits(one)]
        seen = (self._seen(one) for one in events)
        return [told for one in seen if one is not None and (told := self._client.encode(one)) is not None]

    def _seen(self, event: AnyServerEvent) -> AnyServerEvent | None:
        shown = self._policy.shown(event)
        return self._view(shown) if self._view is not None and shown is not None else shown

    def error(self, error: ClientError, event_id: str) -> bytes:
        """As an event of the client's dialect."""
        detail = ev.ErrorDetail(
            code=error.code, message=error.message, param=error.param, event_id=error.event_id
        )
        told = self._client.encode(ev.Error(event_id=event_id, error=detail))
        assert told is not None
        return told

    def _addressed(self, event: AnyClientEvent) -> AnyClientEvent:
        """An output for a call: to the latest one, if it does not say for which."""
        if not isinstance(event, ConversationItemCreate) or not isinstance(
            event.item, FunctionCallOutputItem
        ):
            return event
        latest = self._unanswered[-1][0] if self._unanswered else ""
        waiting = [call_id for response_id, call_id in self._unanswered if response_id == latest]
        call_id = event.item.call_id or (waiting[0] if waiting else None)
        self._unanswered = deque((one for one in self._unanswered if one[1] != call_id), MAX_OPEN_ITEMS)
        return structs.replace(event, item=structs.replace(event.item, call_id=call_id))

    def _with_limits(self, event: AnyServerEvent) -> list[AnyServerEvent]:
        """Rate limits where the client's dialect has them: in beta after `response.created`, today after the end.

        Who wants them before the server tells them gets the last that are known; at first, none.
        """
        if self._client.limits_first == self._upstream.limits_first:
            return [event]
        match event:
            case ev.RateLimitsUpdated():
                self._limits = event
                return []
            case ev.ResponseCreated() if self._client.limits_first:
                return [event, structs.replace(self._limits, event_id=f"{event.event_id}_limits")]
            case ev.ResponseDone() if not self._client.limits_first:
                return [event, structs.replace(self._limits, event_id=f"{event.event_id}_limits")]
            case _:
                return [event]

    def _completed(self, event: AnyServerEvent) -> list[AnyServerEvent]:
        """Today's dialect tells when an item is done; where the server's does not, it is told here."""
        if isinstance(event, ev.ResponseOutputItemDone) and isinstance(event.item, FunctionCallItem):
            self._unanswered.append((event.response_id, event.item.call_id or ""))
        if self._upstream.name == "ga":
            return [event]
        match event:
            case ev.ConversationItemAdded(item=item) if isinstance(item, MessageItem | FunctionCallItem) and (
                item.status == "in_progress"
            ):
                if item.id is not None and len(self._open) < MAX_OPEN_ITEMS:
                    self._open[item.id] = event.previous_item_id
                return [event]
            case ev.ConversationItemAdded(item=item, previous_item_id=before):
                done = ev.ConversationItemDone(
                    event_id=f"{event.event_id}_done", previous_item_id=before, item=item
                )
                return [event, done]
            case ev.ResponseOutputItemDone(item=item) if item.id in self._open:
                before = self._open.pop(item.id)
                done = ev.ConversationItemDone(
                    event_id=f"{event.event_id}_done", previous_item_id=before, item=item
                )
                return [done, event]
            case _:
                return [event]
