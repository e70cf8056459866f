"""What a session is told at its start, and the check of every change of its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from louro.protocol.errors import ClientError, invalid_value
from louro.protocol.session import (
    FunctionTool,
    McpChoice,
    McpServerTool,
    RealtimeSession,
    RealtimeSessionPatch,
    Session,
    SessionPatch,
    StoredPrompt,
    Tool,
    ToolChoice,
    TranscriptionSession,
    VoiceId,
    VoiceName,
    merge,
)
from louro.session.limits import KEPT_AUDIO_S


@dataclass(frozen=True)
class Setup:
    """Everything about a session that its client does not choose."""

    model: str = "louro"
    kind: Literal["realtime", "transcription"] = "realtime"
    instructions: str = ""
    """The default ones, shown in `session.created`."""
    voice: str = "alloy"
    max_duration_s: float = 3600
    context_tokens: int = 4096
    """What the model can read and write in all."""
    reserved_tokens: int = 512
    """Of those, kept free for the answer."""
    sees_images: bool = False
    prompts: Mapping[str, str] = field(default_factory=dict)
    """Stored prompts by id; `{{name}}` stands for a variable."""
    input_rate_hz: int = 24_000
    """Of incoming `audio/pcm`. The protocol knows one rate; a careless client may declare another."""
    start: SessionPatch | None = None
    """What the session's key is bound to: the session begins with it."""
    pause_ms: int | None = None
    """Silence after which an answer is drafted; None: never before the turn is over."""
    kept_audio_s: float = KEPT_AUDIO_S
    token_limit: int = 1_000_000
    """Told by `rate_limits.updated`, per minute."""
    limits_first: bool = False
    """Tell the rate limits after `response.created` instead of after `response.done`."""


def initial_settings(setup: Setup, session_id: str, expires_at: int) -> Session:
    if setup.kind == "transcription":
        transcription = TranscriptionSession(id=session_id, expires_at=expires_at)
        return merge(transcription, setup.start) if setup.start is not None else transcription
    start = RealtimeSession(
        id=session_id, model=setup.model, expires_at=expires_at, instructions=setup.instructions
    )
    return merge(start, setup.start) if setup.start is not None else start


def updated_settings(settings: Session, patch: SessionPatch, setup: Setup, *, has_spoken: bool) -> Session:
    """Return what *patch* makes of *settings*.

    Raises:
        ClientError: any part of the patch is wrong; then nothing of it counts.
    """
    if isinstance(settings, TranscriptionSession) or not isinstance(patch, RealtimeSessionPatch):
        return _updated_transcription(settings, patch)
    changed = merge(settings, patch)
    check_tools(changed.tools, "session.tools")
    check_tool_choice(changed.tool_choice, "session.tool_choice")
    check_modalities(changed.output_modalities, "session.output_modalities")
    check_prompt(changed.prompt, setup, "session.prompt")
    if has_spoken and changed.audio.output.voice != settings.audio.output.voice:
        raise ClientError(
            "cannot_update_voice",
            "Cannot update a conversation's voice if assistant audio is present.",
            param="session.audio.output.voice",
        )
    if settings.tracing is not None and changed.tracing != settings.tracing:
        raise invalid_value("Tracing cannot be changed once it is enabled.", "session.tracing")
    return changed


def _updated_transcription(settings: Session, patch: SessionPatch) -> Session:
    if isinstance(settings, TranscriptionSession) and not isinstance(patch, RealtimeSessionPatch):
        return merge(settings, patch)
    wanted, given = ("transcription", "realtime")
    if isinstance(settings, RealtimeSession):
        wanted, given = given, wanted
    raise ClientError(
        "invalid_parameter",
        f"Passing a {given} session update event to a {wanted} session is not allowed.",
        param="session.type",
    )


def check_tools(tools: tuple[Tool, ...], param: str) -> None:
    for index, tool in enumerate(tools):
        if isinstance(tool, McpServerTool):
            raise invalid_value(
                "Invalid value: 'mcp'. This server does not call MCP servers yet. Supported values are: 'function'.",
                f"{param}[{index}].type",
            )


def check_tool_choice(choice: ToolChoice, param: str) -> None:
    if isinstance(choice, McpChoice):
        raise invalid_value(
            "Invalid value: 'mcp'. This server does not call MCP servers yet. Supported values are: 'function'.",
            f"{param}.type",
        )


def functions(tools: tuple[Tool, ...]) -> tuple[FunctionTool, ...]:
    return tuple(tool for tool in tools if isinstance(tool, FunctionTool))


def check_modalities(modalities: tuple[str, ...], param: str) -> None:
    if modalities not in (("audio",), ("text",)):
        raise invalid_value(
            f"Invalid value: {list(modalities)}. Supported values are: ['audio'] and ['text'].", param
        )


def check_prompt(prompt: StoredPrompt | None, setup: Setup, param: str) -> None:
    if prompt is None:
        return
    if prompt.id not in setup.prompts:
        raise invalid_value(f"There is no prompt with id '{prompt.id}'.", f"{param}.id")
    for name, value in _variables(prompt).items():
        if _text_of(value) is None:
            raise invalid_value(
                f"Invalid value for the variable '{name}': only text can stand in a prompt here.",
                f"{param}.variables.{name}",
            )


def instructions_of(instructions: str, prompt: StoredPrompt | None, setup: Setup) -> str:
    """Instructions with the stored prompt, its variables filled in, before them."""
    if prompt is None:
        return instructions
    text = setup.prompts[prompt.id]
    for name, value in _variables(prompt).items():
        text = text.replace("{{" + name + "}}", _text_of(value) or "")
    return f"{text}\n{instructions}".strip()


def _variables(prompt: StoredPrompt) -> dict[str, object]:
    return prompt.variables if isinstance(prompt.variables, dict) else {}


def _text_of(variable: object) -> str | None:
    """Of a string or an `input_text`; None of anything else."""
    match variable:
        case str(text) | {"type": "input_text", "text": str(text)}:
            return text
        case _:
            return None


def voice_name(voice: VoiceName) -> str:
    return voice.id if isinstance(voice, VoiceId) else voice
