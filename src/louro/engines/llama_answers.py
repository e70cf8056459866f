"""An answer of llama.cpp: how it is written, in one go or in several, and what its chunks say."""

from __future__ import annotations

import json
import math
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from louro.engines.base import (
    AnswerPiece,
    ArgumentsDelta,
    CallStarted,
    EngineError,
    Generated,
    TextDelta,
    Tool,
)

TEXT_GOES_ON = "%llguidance {}\nstart: TEXT\nTEXT: /[^`*]*/\n"
TURN_TOKENS = 12
"""An answer gives way once it has written so many at a stretch. They take a third of a second to write."""
TOKEN_S = 0.18
"""How long a token is to be heard, at least: in five answers 185 to 275 ms."""

Chunk: TypeAlias = dict[str, object]
"""What llama.cpp is asked, and what it says, as OpenAI's API for completions has it."""


@dataclass
class Answer:
    """Written in one go, or in several: what follows then goes on after what there is."""

    body: Chunk
    emit: Callable[[Chunk | EngineError | None], None]
    stop: threading.Event
    begun: float
    """When the first of it was asked for, and then when it came; infinite for what can wait."""
    written: int = 0
    """Tokens."""
    _text: str = ""
    _before: int = 0
    """Written before this go."""
    _taken: Chunk | None = None
    """How the prompt itself was read: what was cached of it, and what was not."""
    _is_over: bool = False

    @property
    def due(self) -> float:
        """When what is written will have been heard, if it is spoken."""
        return self.begun + self.written * TOKEN_S

    @property
    def may_give_way(self) -> bool:
        if self._is_over or math.isinf(self.begun):
            return not self._is_over
        # A call is short, and its grammar cannot go on in the middle.
        is_text = bool(self._text.strip()) and not self._text.lstrip().startswith("{")
        return is_text and self.written - self._before >= TURN_TOKENS

    def rest(self) -> Chunk:
        """What llama.cpp is to do to write the rest."""
        if not self._text:
            return self.body
        left = max(1, int(str(self.body["n_predict"])) - self.written)
        prompt = str(self.body["prompt"]) + self._text
        return {**self.body, "prompt": prompt, "grammar": TEXT_GOES_ON, "logit_bias": (), "n_predict": left}

    def begin(self) -> None:
        self._before = self.written

    def read(self, chunk: Chunk) -> Chunk:
        """Note what has come; return it as if all of the answer had been written in one go."""
        choices = chunk.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else {}
        self._text += str(choice.get("text") or "")
        self._is_over = "error" in chunk or bool(choice.get("finish_reason"))
        timings = chunk.get("timings")
        if not isinstance(timings, dict) or not timings.get("predicted_n"):
            return chunk  # still reading
        self._taken = self._taken or {name: timings.get(name, 0) for name in ("cache_n", "prompt_n")}
        written = self._before + int(timings["predicted_n"])
        if not self.written:
            self.begun = max(self.begun, time.monotonic())
        self.written = written
        return {**chunk, "timings": {**timings, **self._taken, "predicted_n": written}}


class AnswerReader:
    """From the chunks of llama.cpp to the pieces of an answer. A call is told when it is whole, a text at once."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._names = {tool.name for tool in tools}
        self._call = ""
        self._is_call = False
        self._has_begun = False
        self._final: Chunk = {}

    def read(self, chunk: Chunk) -> list[AnswerPiece]:
        """Raises EngineError: llama.cpp says that it failed."""
        if "error" in chunk:
            raise EngineError(_failure(chunk["error"]))
        choices = chunk.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else {}
        text = str(choice.get("text") or "")
        if choice.get("finish_reason"):
            self._final = {**chunk, "finish_reason": choice["finish_reason"]}
        if not self._has_begun:
            text = text.lstrip()
            self._has_begun = bool(text)
            self._is_call = bool(self._names) and text.startswith("{")
        if self._is_call:
            self._call += text
            return []
        text = _MARKUP.sub("", text)
        return [TextDelta(text)] if text else []

    def finish(self) -> list[AnswerPiece]:
        """Raises EngineError: what was to be a call is none."""
        stop: Literal["stop", "length"] = "length" if self._final.get("finish_reason") == "length" else "stop"
        pieces: list[AnswerPiece] = self._whole_call(stop) if self._is_call else []
        timings = self._final.get("timings")
        timings = timings if isinstance(timings, dict) else {}
        cached, read = int(timings.get("cache_n", 0)), int(timings.get("prompt_n", 0))
        return [*pieces, Generated(stop, cached + read, cached, int(timings.get("predicted_n", 0)))]

    def _whole_call(self, stop: str) -> list[AnswerPiece]:
        try:
            call = json.loads(self._call)
            name, arguments = call["name"], call["arguments"]
        except (ValueError, KeyError, TypeError) as error:
            if stop == "length":
                return []  # half a call is none
            raise EngineError("The language model began a function call and did not finish it.") from error
        if name not in self._names or not isinstance(arguments, dict):
            raise EngineError("The language model called a function that there is not.")
        return [CallStarted(name), ArgumentsDelta(json.dumps(arguments, ensure_ascii=False))]


_MARKUP = re.compile(r"\*\*|`+")


def _failure(error: object) -> str:
    about = error if isinstance(error, dict) else {"message": error}
    if about.get("type") == "exceed_context_size_error":
        return (
            f"The conversation is too long for this model: {about.get('n_prompt_tokens')} tokens, "
            f"and there is room for {about.get('n_ctx')}. Delete items, or let the session truncate."
        )
    return f"The language model failed: {about.get('message', 'no reason given')}"
