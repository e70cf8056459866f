"""What an engine must provide. Engines know audio and text, never the protocol.

Audio is 24 kHz mono int16, little-endian, everywhere in this house. Every engine streams, every engine can be
cancelled between two pieces (within about 100 ms of work), and blocking inference stays inside the adapter: none of
these coroutines ever holds up the event loop. One engine object serves all sessions at once.

An engine that cannot do what was asked raises `EngineError`: that response or transcription fails, the session lives.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable


class EngineError(Exception):
    """This one piece of work failed. The message is shown to the client: no secrets, no paths."""


class ConfigError(Exception):
    """The installation or the configuration is wrong. The message names the cure."""


# Speech detection


class Score(NamedTuple):
    """One scored window of a stream."""

    probability: float
    """That the window holds speech, 0 to 1."""
    end_ms: float
    """End of the window in milliseconds of audio since the stream was opened. Grows by one window each time."""


class SpeechStream(Protocol):
    """The ear of one session: it remembers what it heard."""

    async def feed(self, pcm: bytes) -> list[Score]:
        """Score every window that *pcm* completes; keep the rest for the next call.

        *pcm* may be of any length, whole samples. How the audio is chopped changes no score. Calls do not overlap.
        """
        ...

    def close(self) -> None:
        """Free what the stream holds. Idempotent."""
        ...


@runtime_checkable
class SpeechDetector(Protocol):
    def open(self) -> SpeechStream: ...


# Hearing


@dataclass(frozen=True)
class Hints:
    """What is known about a piece of speech before it is heard."""

    language: str | None = None
    """ISO-639-1."""
    prompt: str | None = None
    """Words or names to expect."""


@runtime_checkable
class Transcriber(Protocol):
    def transcribe(self, pcm: bytes, hints: Hints) -> AsyncIterator[str]:
        """Yield the transcript in pieces; joined, they are the whole. Silence yields nothing."""
        ...


@runtime_checkable
class Overhearer(Protocol):
    """A `Transcriber` that is quick, and costs nobody money: it may be asked over and over while somebody speaks."""

    overhears: Literal[True]


# Thinking


@dataclass(frozen=True)
class Text:
    text: str


@dataclass(frozen=True)
class Image:
    data_uri: str
    """`data:image/png;base64,...` or `data:image/jpeg;base64,...`."""
    detail: Literal["auto", "low", "high"] = "auto"


@dataclass(frozen=True)
class Message:
    role: Literal["system", "user", "assistant"]
    content: tuple[Text | Image, ...]

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.content if isinstance(part, Text))


@dataclass(frozen=True)
class ToolCall:
    call_id: str
    name: str
    arguments: str
    """A JSON object, as text."""


@dataclass(frozen=True)
class ToolResult:
    call_id: str
    output: str


Turn: TypeAlias = Message | ToolCall | ToolResult


@dataclass(frozen=True)
class Tool:
    name: str
    description: str
    parameters: str
    """JSON schema of the arguments object, as text."""


@dataclass(frozen=True)
class Prompt:
    instructions: str
    turns: tuple[Turn, ...] = ()
    """Oldest first."""
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    """"auto", "none", "required", or "function:NAME" for exactly that tool."""
    max_tokens: int | None = None
    """Bound on the answer; None leaves it to the engine's own bound."""
    temperature: float | None = None


@dataclass(frozen=True)
class TextDelta:
    text: str


@dataclass(frozen=True)
class CallStarted:
    """The model calls a tool. Its arguments follow as `ArgumentsDelta` until the next piece of another kind."""

    name: str


@dataclass(frozen=True)
class ArgumentsDelta:
    text: str


@dataclass(frozen=True)
class Generated:
    """Always the last piece of an answer that was not cancelled."""

    stop: Literal["stop", "length", "content_filter"] = "stop"
    input_tokens: int = 0
    """Of the whole prompt as the model saw it."""
    cached_tokens: int = 0
    """Of those, how many were not computed again."""
    output_tokens: int = 0


AnswerPiece: TypeAlias = TextDelta | CallStarted | ArgumentsDelta | Generated


@runtime_checkable
class LanguageModel(Protocol):
    sees_images: bool

    def generate(self, prompt: Prompt) -> AsyncIterator[AnswerPiece]:
        """Stream the answer: text, or tool calls, or text followed by tool calls, then `Generated`.

        Arguments of a call, joined, are a JSON object. Closing the iterator stops the model.
        """
        ...

    async def warm(self, prompt: Prompt) -> None:
        """Make the next `generate` with this prefix quick, if the engine can; otherwise nothing. May be cancelled.

        A message of the user that comes last may go on.
        """
        ...

    def count_tokens(self, text: str) -> int:
        """How many tokens *text* is; an estimate where the model's tokenizer is out of reach. Quick, pure."""
        ...


# Speaking


class Word(NamedTuple):
    """Where a word lies in the audio of its clause."""

    text: str
    """With the white space and punctuation that follow: joined, the words of a clause are the clause."""
    end_ms: int
    """When the word has been spoken, in milliseconds from the start of the clause's audio. Never decreases."""


@dataclass(frozen=True)
class Spoken:
    pcm: bytes
    words: tuple[Word, ...] = ()
    """The words that end in this chunk, in order."""


@dataclass(frozen=True)
class Manner:
    """How to say it."""

    voice: str = ""
    """A name of the engine's own, or anything else for its default voice."""
    speed: float = 1.0
    """0.25 to 1.5; 1 is normal."""
    language: str | None = None
    """ISO-639-1; None for the voice's own."""


@runtime_checkable
class Voice(Protocol):
    @property
    def voices(self) -> Sequence[str]:
        """Names that `Manner.voice` knows; the first is the default."""
        ...

    def speak(self, clause: str, manner: Manner) -> AsyncIterator[Spoken]:
        """Speak one clause. Every word of it is in exactly one chunk's `words`, also if nothing of it can be said."""
        ...


# Answering as a whole


@dataclass(frozen=True)
class Order:
    """What a responder is asked to do."""

    prompt: Prompt
    speaks: bool
    """Whether the answer is spoken (and transcribed), or written only."""
    manner: Manner = Manner()


ResponsePiece: TypeAlias = AnswerPiece | Spoken
"""In a spoken answer `TextDelta` is the transcript, which may lead the audio; `Word.end_ms` counts from the start of
the answer's audio."""


@runtime_checkable
class Responder(Protocol):
    """Answers. A cascade of a language model and a voice is one; a speech-to-speech model is another."""

    def respond(self, order: Order) -> AsyncIterator[ResponsePiece]: ...
