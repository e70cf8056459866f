"""What a conversation is made of: items, and the content parts of messages."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import UNSET, Struct, UnsetType

ItemStatus: TypeAlias = Literal["completed", "incomplete", "in_progress"]
Role: TypeAlias = Literal["system", "user", "assistant"]


class InputText(Struct, frozen=True, gc=False, tag="input_text"):
    text: str


class InputAudio(Struct, frozen=True, gc=False, tag="input_audio"):
    audio: bytes | UnsetType | None = UNSET
    """In the session's input format; base64 on the wire. Sent back only by `conversation.item.retrieved`."""
    transcript: str | None = None


class InputImage(Struct, frozen=True, gc=False, tag="input_image"):
    image_url: str
    """A data URI: PNG or JPEG."""
    detail: Literal["auto", "low", "high"] | None = "auto"


class OutputText(Struct, frozen=True, gc=False, tag="output_text"):
    text: str


class OutputAudio(Struct, frozen=True, gc=False, tag="output_audio"):
    transcript: str | None = None
    audio: bytes | UnsetType | None = UNSET


class TextPart(Struct, frozen=True, gc=False, tag="text"):
    """`output_text` as the beta dialect and `response.content_part.*` call it."""

    text: str = ""


class AudioPart(Struct, frozen=True, gc=False, tag="audio"):
    """`output_audio` as the beta dialect and `response.content_part.*` call it."""

    transcript: str | None = ""
    audio: bytes | UnsetType | None = UNSET


ContentPart: TypeAlias = InputText | InputAudio | InputImage | OutputText | OutputAudio | TextPart | AudioPart


class _Item(Struct, frozen=True, gc=False, kw_only=True):
    id: str | None = None
    object: Literal["realtime.item"] | UnsetType = UNSET
    status: ItemStatus | None = None


class MessageItem(_Item, frozen=True, gc=False, kw_only=True, tag="message"):
    role: Role
    content: tuple[ContentPart, ...]


class FunctionCallItem(_Item, frozen=True, gc=False, kw_only=True, tag="function_call"):
    name: str
    arguments: str
    """A JSON object, as text."""
    call_id: str | None = None


class FunctionCallOutputItem(_Item, frozen=True, gc=False, kw_only=True, tag="function_call_output"):
    output: str
    call_id: str | None = None
    """Required by the protocol; the session says what an absent one means."""


class ItemReference(Struct, frozen=True, kw_only=True, tag="item_reference"):
    """Stands for an item of the conversation; only inside `response.create`."""

    id: str


class McpTool(Struct, frozen=True):
    name: str
    input_schema: dict[str, object]
    description: str | None = None
    annotations: dict[str, object] | None = None


class McpListToolsItem(Struct, frozen=True, kw_only=True, tag="mcp_list_tools"):
    server_label: str
    tools: tuple[McpTool, ...]
    id: str | None = None


class McpCallItem(Struct, frozen=True, kw_only=True, tag="mcp_call"):
    id: str
    server_label: str
    name: str
    arguments: str
    approval_request_id: str | None = None
    output: str | None = None
    error: dict[str, object] | None = None


class McpApprovalRequestItem(Struct, frozen=True, kw_only=True, tag="mcp_approval_request"):
    id: str
    server_label: str
    name: str
    arguments: str


class McpApprovalResponseItem(Struct, frozen=True, kw_only=True, tag="mcp_approval_response"):
    approval_request_id: str
    approve: bool
    id: str | None = None
    reason: str | None = None


McpItem: TypeAlias = McpListToolsItem | McpCallItem | McpApprovalRequestItem | McpApprovalResponseItem
KeptItem: TypeAlias = MessageItem | FunctionCallItem | FunctionCallOutputItem
"""The items that a conversation here can hold."""
Item: TypeAlias = KeptItem | McpItem
InputItem: TypeAlias = Item | ItemReference

CONTENT_BY_ROLE: dict[Role, tuple[type[ContentPart], ...]] = {
    "user": (InputText, InputAudio, InputImage),
    "system": (InputText,),
    "assistant": (OutputText, OutputAudio, TextPart, AudioPart),
}
