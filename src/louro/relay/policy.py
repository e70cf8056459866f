"""What the operator of a relay decides, whatever the app asks for. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from msgspec import UNSET, structs

from louro.protocol.client_events import AnyClientEvent, ConversationItemCreate, ResponseCreate, SessionUpdate
from louro.protocol.errors import ClientError
from louro.protocol.items import MessageItem
from louro.protocol.response import ResponseParams
from louro.protocol.session import FunctionTool, RealtimeSessionPatch


@dataclass(frozen=True)
class Policy:
    models: tuple[str, ...] = ("*",)
    """Names, or patterns as in `gpt-realtime*`, that a client may ask for."""
    model: str | None = None
    """What upstream is asked for instead of the client's own choice."""
    instructions: str | None = None
    """Pinned: the client's own are ignored, and its messages of the system are refused."""
    tools: tuple[FunctionTool, ...] | None = None
    """Pinned: the client's own are ignored."""

    @property
    def is_open(self) -> bool:
        """Whether nothing that a client could say is the operator's to decide."""
        return self.instructions is None and self.tools is None and not self._limits_models

    @property
    def _limits_models(self) -> bool:
        return self.model is not None or "*" not in self.models

    def model_for(self, asked: str) -> str:
        """Raises ClientError: the client may not have this model."""
        if not any(fnmatchcase(asked, pattern) for pattern in self.models):
            allowed = ", ".join(self.models)
            raise ClientError(
                "model_not_found",
                f"The model '{asked}' is not available here. Available: {allowed}.",
                param="model",
            )
        return self.model or asked

    def opening(self) -> SessionUpdate | None:
        """What upstream is told before anything that the client says."""
        if self.instructions is None and self.tools is None:
            return None
        return SessionUpdate(session=self._pinned(RealtimeSessionPatch()))

    def allow(self, event: AnyClientEvent) -> AnyClientEvent:
        """The event as it may pass; the very same object if nothing in it is the operator's to decide.

        Raises:
            ClientError: it gives instructions where the operator has given them.
        """
        match event:
            case ConversationItemCreate(item=MessageItem(role="system")) if self.instructions is not None:
                raise _not_yours("item.role", event.event_id)
            case SessionUpdate(session=RealtimeSessionPatch() as patch):
                pinned = self._pinned(patch)
                return event if pinned is patch else structs.replace(event, session=pinned)
            case ResponseCreate(response=ResponseParams(input=tuple(items))) if (
                self.instructions is not None and any(map(_is_of_the_system, items))
            ):
                raise _not_yours("response.input", event.event_id)
            case ResponseCreate(response=ResponseParams() as params):
                freed = self._without_pinned(params)
                return event if freed is params else structs.replace(event, response=freed)
            case _:
                return event

    def _pinned(self, patch: RealtimeSessionPatch) -> RealtimeSessionPatch:
        changes: dict[str, object] = {}
        if self.instructions is not None:
            changes["instructions"] = self.instructions
            changes["prompt"] = UNSET  # a stored prompt is instructions too
        if self.tools is not None:
            changes["tools"] = self.tools
        if self._limits_models and patch.model is not UNSET:
            changes["model"] = UNSET  # whether upstream lets a session change it is upstream's to know
        return structs.replace(patch, **changes) if changes else patch

    def _without_pinned(self, params: ResponseParams) -> ResponseParams:
        changes: dict[str, object] = {}
        if self.instructions is not None and (params.instructions is not None or params.prompt is not None):
            changes |= {"instructions": None, "prompt": None}
        if self.tools is not None and params.tools is not None:
            changes["tools"] = None
        return structs.replace(params, **changes) if changes else params


def _is_of_the_system(item: object) -> bool:
    return isinstance(item, MessageItem) and item.role == "system"


def _not_yours(param: str, event_id: str | None) -> ClientError:
    message = "The operator of this relay gives the instructions: messages of the system are not taken."
    return ClientError("invalid_value", message, param=param, event_id=event_id)
