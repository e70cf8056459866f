"""What the operator of a relay decides, whatever the app asks for. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from msgspec import UNSET, structs

from louro.protocol.client_events import AnyClientEvent, ConversationItemCreate, ResponseCreate, SessionUpdate
from louro.protocol.errors import ClientError
from louro.protocol.items import MessageItem
from louro.protocol.response import ResponseParams
from louro.protocol.server_events import AnyServerEvent, SessionCreated, SessionUpdated
from louro.protocol.session import FunctionTool, RealtimeSession, RealtimeSessionPatch, SessionPatch, Tool


@dataclass(frozen=True)
class Policy:
    models: tuple[str, ...] = ("*",)
    """Names, or patterns as in `gpt-realtime*`, that a client may ask for."""
    model: str | None = None
    """What upstream is asked for instead of the client's own choice."""
    instructions: str | None = None
    """Pinned: the client's own are ignored, its messages of the system are refused, and it is not told them."""
    tools: tuple[FunctionTool, ...] | None = None
    """Pinned: the client's own are ignored."""
    own_tools: tuple[FunctionTool, ...] = ()
    """Run in the relay: offered beside whatever else is."""
    merges: bool = False
    """What the client says comes behind the operator's instructions and tools, instead of being ignored."""
    refused: tuple[str, ...] = ()
    """Types of events that the client may not send, or patterns as in `conversation.item.*`."""
    hidden: tuple[str, ...] = ()
    """Types of events that the client is not told."""
    max_session_s: float = 3600.0
    """How long a session may go on, over as many of upstream's as it takes."""

    @property
    def is_open(self) -> bool:
        """Whether nothing that is said, on either side, is the operator's to decide."""
        return (
            self.instructions is None
            and not self._decides_tools
            and not self._limits_models
            and not self.refused
            and not self.hidden
        )

    @property
    def _limits_models(self) -> bool:
        return self.model is not None or "*" not in self.models

    def has(self, model: str) -> bool:
        return any(fnmatchcase(model, pattern) for pattern in self.models)

    def model_for(self, asked: str) -> str:
        """Raises ClientError: the client may not have this model."""
        if not self.has(asked):
            allowed = ", ".join(self.models)
            raise ClientError(
                "model_not_found",
                f"The model '{asked}' is not available here. Available: {allowed}.",
                param="model",
            )
        return self.model or asked

    def opening(self, start: SessionPatch | None = None) -> SessionUpdate | None:
        """What upstream is told before anything that the client says; *start* is what the session is bound to."""
        if isinstance(start, RealtimeSessionPatch):
            given = structs.replace(
                start,
                instructions=start.instructions or "",
                tools=start.tools or (),
            )
            return SessionUpdate(session=self._pinned(given if self._decides else start))
        if start is not None:
            return SessionUpdate(session=start)
        if not self._decides:
            return None
        return SessionUpdate(session=self._pinned(RealtimeSessionPatch(instructions="", tools=())))

    def allow(self, event: AnyClientEvent) -> AnyClientEvent:
        """The event as it may pass; the very same object if nothing in it is the operator's to decide.

        Raises:
            ClientError: it gives instructions where the operator has given them.
        """
        if any(fnmatchcase(_type(event), pattern) for pattern in self.refused):
            raise ClientError(
                "event_not_allowed",
                f"The operator of this relay does not allow '{_type(event)}'.",
                param="type",
                event_id=event.event_id,
            )
        match event:
            case ConversationItemCreate(item=MessageItem(role="system")) if self._pins_instructions:
                raise _not_yours("item.role", event.event_id)
            case SessionUpdate(session=RealtimeSessionPatch() as patch):
                pinned = self._pinned(patch)
                return event if pinned is patch else structs.replace(event, session=pinned)
            case ResponseCreate(response=ResponseParams(input=tuple(items))) if (
                self._pins_instructions and any(map(_is_of_the_system, items))
            ):
                raise _not_yours("response.input", event.event_id)
            case ResponseCreate(response=ResponseParams() as params):
                freed = self._without_pinned(params)
                return event if freed is params else structs.replace(event, response=freed)
            case _:
                return event

    def shown(self, event: AnyServerEvent) -> AnyServerEvent | None:
        """The event as the client may see it; None: not at all."""
        if any(fnmatchcase(_type(event), pattern) for pattern in self.hidden):
            return None
        match event:
            case (
                SessionCreated(session=RealtimeSession() as session)
                | SessionUpdated(session=RealtimeSession() as session)
            ) if self.instructions is not None:
                return structs.replace(event, session=structs.replace(session, instructions=""))
            case _:
                return event

    @property
    def _pins_instructions(self) -> bool:
        return self.instructions is not None and not self.merges

    @property
    def _decides(self) -> bool:
        return self.instructions is not None or self._decides_tools

    @property
    def _pins_tools(self) -> bool:
        return self.tools is not None and not self.merges

    @property
    def _decides_tools(self) -> bool:
        return self.tools is not None or bool(self.own_tools)

    def _pinned(self, patch: RealtimeSessionPatch) -> RealtimeSessionPatch:
        """What is merged stays as it was where the patch says nothing of it."""
        changes: dict[str, object] = {}
        if self._pins_instructions:
            # A stored prompt is instructions too.
            changes |= {"instructions": self.instructions, "prompt": UNSET}
        elif self.instructions is not None and patch.instructions is not UNSET:
            changes["instructions"] = self._merged(patch.instructions)
        if self._pins_tools or (self._decides_tools and patch.tools is not UNSET):
            changes["tools"] = self._with_tools(patch.tools or ())
        if self._limits_models and patch.model is not UNSET:
            changes["model"] = UNSET  # whether upstream lets a session change it is upstream's to know
        return structs.replace(patch, **changes) if changes else patch

    def _without_pinned(self, params: ResponseParams) -> ResponseParams:
        changes: dict[str, object] = {}
        if self._pins_instructions and (params.instructions is not None or params.prompt is not None):
            changes |= {"instructions": None, "prompt": None}
        elif self.instructions is not None and params.instructions is not None:
            changes["instructions"] = self._merged(params.instructions)
        if self._decides_tools and params.tools is not None:
            changes["tools"] = None if self._pins_tools else self._with_tools(params.tools)
        return structs.replace(params, **changes) if changes else params

    def _merged(self, own: str | None) -> str:
        return f"{self.instructions}\n\n{own}" if self.merges and own else self.instructions or ""

    def _with_tools(self, own: Sequence[Tool]) -> tuple[Tool, ...]:
        first = (*(self.tools or ()), *self.own_tools)
        if self._pins_tools:
            return first
        names = {tool.name for tool in first}
        return (*first, *(tool for tool in own if getattr(tool, "name", None) not in names))


def _is_of_the_system(item: object) -> bool:
    return isinstance(item, MessageItem) and item.role == "system"


def _type(event: AnyClientEvent | AnyServerEvent) -> str:
    return str(event.__struct_config__.tag)


def _not_yours(param: str, event_id: str | None) -> ClientError:
    message = "The operator of this relay gives the instructions: messages of the system are not taken."
    return ClientError("invalid_value", message, param=param, event_id=event_id)
