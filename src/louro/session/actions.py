"""What the session asks its driver to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from louro.protocol.items import KeptItem
from louro.protocol.session import FunctionTool, ToolChoice


@dataclass(frozen=True)
class Detect:
    """Score this audio for speech, before anything else of this session."""

    pcm: bytes
    """24 kHz mono int16; follows on from the last `Detect`."""
    fresh: bool
    """Open a new stream for it: what was fed before no longer matters."""


@dataclass(frozen=True)
class Transcribe:
    hearing: int
    pcm: bytes
    """24 kHz mono int16, one whole turn."""
    language: str | None
    prompt: str | None


@dataclass(frozen=True)
class StopTranscribing:
    hearing: int


@dataclass(frozen=True)
class Overhear:
    """Hear what was said so far of a turn that goes on, if there is room: it helps to be quick, and to nothing else."""

    item_id: str
    """Of the item that the turn will be."""
    pcm: bytes
    """24 kHz mono int16."""
    language: str | None
    prompt: str | None


@dataclass(frozen=True)
class Respond:
    response_id: str
    instructions: str
    context: tuple[KeptItem, ...]
    """Oldest first. Audio parts carry, as their transcript, exactly what the model is to read."""
    tools: tuple[FunctionTool, ...]
    tool_choice: ToolChoice
    speaks: bool
    voice: str
    speed: float
    language: str | None
    max_tokens: int | None
    temperature: float | None
    draft: bool
    """The turn may not be over: work on it only if there is room. `Confirm` or `Stop` follows."""


@dataclass(frozen=True)
class Confirm:
    """A draft became the answer."""

    response_id: str


@dataclass(frozen=True)
class Stop:
    response_id: str


@dataclass(frozen=True)
class Warm:
    """A response with this beginning is likely to be asked for soon."""

    instructions: str
    tools: tuple[FunctionTool, ...]
    tool_choice: ToolChoice
    context: tuple[KeptItem, ...] = ()
    """Oldest first, as of `Respond`. What the user is saying comes last, as far as it has been heard."""


@dataclass(frozen=True)
class Close:
    """End the connection once everything sent so far is out."""

    code: int
    reason: str


Action: TypeAlias = (
    Detect | Transcribe | StopTranscribing | Overhear | Respond | Confirm | Stop | Warm | Close
)
