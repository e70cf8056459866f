"""Engines that follow a script: for tests, demonstrations and load tests. They hear, think and say nothing real.

Each costs next to nothing, and does the same every time.
"""

from __future__ import annotations

import json
import math
import re
from array import array
from collections.abc import AsyncIterator, Sequence
from typing import Literal

import anyio
import anyio.lowlevel

from louro.engines.base import (
    AnswerPiece,
    ArgumentsDelta,
    CallStarted,
    ConfigError,
    EngineError,
    Generated,
    Hints,
    Manner,
    Message,
    Prompt,
    Score,
    Spoken,
    TextDelta,
    ToolResult,
    Word,
)
from louro.engines.registry import EngineSettings
from louro.engines.tokens import estimate_tokens

LOUD_RMS = 1_000
WINDOW_MS = 20
WINDOW_BYTES = WINDOW_MS * 48
SAMPLED = 8
WINDOW_SAMPLES = WINDOW_BYTES // 2 // SAMPLED


def load_detector(argument: str, settings: EngineSettings) -> LoudnessDetector:
    return LoudnessDetector()


def load_transcriber(argument: str, settings: EngineSettings) -> ScriptedTranscriber:
    """*argument*: what is always heard."""
    return ScriptedTranscriber(argument or "What is the capital of France?")


def load_model(argument: str, settings: EngineSettings) -> ScriptedModel:
    """*argument*: `key=value` pairs: `delay_ms`, `words_per_s`, `text` (last: it may hold commas), or `fail`."""
    if argument == "fail":
        return ScriptedModel(fails=True)
    values: dict[str, str] = {}
    rest = argument
    while rest:
        key, _, rest = rest.partition("=")
        if key not in ("delay_ms", "words_per_s", "text"):
            raise ConfigError(f"llm scripted: '{key}' is not one of delay_ms, words_per_s, text.")
        values[key], _, rest = (rest, "", "") if key == "text" else rest.partition(",")
    try:
        delay_s, rate = float(values.get("delay_ms", 0)) / 1000, float(values.get("words_per_s", 0))
    except ValueError as error:
        raise ConfigError(f"llm scripted: {error}") from None
    return ScriptedModel(values.get("text"), delay_s=delay_s, words_per_s=rate)


def load_voice(argument: str, settings: EngineSettings) -> ScriptedVoice:
    return ScriptedVoice()


class LoudnessDetector:
    """Calls a window speech when its RMS, of every eighth sample, is above 1000 of 32768."""

    def open(self) -> LoudnessStream:
        return LoudnessStream()


class LoudnessStream:
    def __init__(self) -> None:
        self._pending = b""
        self._scored = 0

    async def feed(self, pcm: bytes) -> list[Score]:
        pcm = self._pending + pcm if self._pending else pcm
        whole = len(pcm) // WINDOW_BYTES * WINDOW_BYTES
        self._pending = pcm[whole:]
        samples = memoryview(pcm)[:whole].cast("h")[::SAMPLED]
        scores: list[Score] = []
        for start in range(0, len(samples), WINDOW_SAMPLES):
            loud = math.hypot(*samples[start : start + WINDOW_SAMPLES]) > LOUD_RMS * math.sqrt(WINDOW_SAMPLES)
            self._scored += 1
            scores.append(Score(1.0 if loud else 0.0, float(self._scored * WINDOW_MS)))
        return scores

    def close(self) -> None:
        self._pending = b""


class ScriptedTranscriber:
    """Hears the same words in every sound, and none in silence."""

    def __init__(self, text: str) -> None:
        self._text = text

    async def transcribe(self, pcm: bytes, hints: Hints) -> AsyncIterator[str]:
        await anyio.lowlevel.checkpoint()
        if any(pcm):
            for word in _words(self._text):
                yield word


class ScriptedModel:
    """Gives a fixed answer, or says back what it was told. Calls a tool whose name the user says.

    The call's arguments are the numbers in the user's text, in the order of the tool's parameters.
    """

    sees_images = True

    def __init__(
        self,
        answer: str | None = None,
        *,
        delay_s: float = 0.0,
        words_per_s: float = 0.0,
        fails: bool = False,
    ) -> None:
        self._answer = answer
        self._delay_s = delay_s
        self._word_s = 1 / words_per_s if words_per_s else 0.0
        self._fails = fails

    def count_tokens(self, text: str) -> int:
        return estimate_tokens(text)

    async def warm(self, prompt: Prompt) -> None:
        await anyio.lowlevel.checkpoint()

    async def generate(self, prompt: Prompt) -> AsyncIterator[AnswerPiece]:
        await anyio.sleep(self._delay_s)
        if self._fails:
            raise EngineError("The scripted model was told to fail.")
        call = self._call(prompt)
        if call is not None:
            yield CallStarted(call[0])
            yield ArgumentsDelta(call[1])
        words = [] if call else _words(self._text(prompt))
        allowed = words[: prompt.max_tokens]
        for word in allowed:
            await anyio.sleep(self._word_s)
            yield TextDelta(word)
        stop: Literal["stop", "length"] = "length" if len(allowed) < len(words) else "stop"
        yield Generated(stop, self._prompt_tokens(prompt), 0, len(allowed))

    def _prompt_tokens(self, prompt: Prompt) -> int:
        return sum(estimate_tokens(turn.text) for turn in prompt.turns if isinstance(turn, Message))

    def _text(self, prompt: Prompt) -> str:
        last = prompt.turns[-1] if prompt.turns else None
        if isinstance(last, ToolResult):
            return f"The result is {last.output}."
        if self._answer is not None:
            return self._answer
        return f"You said: {last.text}" if isinstance(last, Message) else "You said nothing."

    def _call(self, prompt: Prompt) -> tuple[str, str] | None:
        last = prompt.turns[-1] if prompt.turns else None
        if prompt.tool_choice == "none" or not isinstance(last, Message):
            return None
        said = last.text.lower()
        for tool in prompt.tools:
            forced = prompt.tool_choice in ("required", f"function:{tool.name}")
            if forced or tool.name in said or tool.name.replace("_", " ") in said:
                names = list(json.loads(tool.parameters or "{}").get("properties", {}))
                numbers = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", said)]
                return tool.name, json.dumps(dict(zip(names, numbers, strict=False)))
        return None


class ScriptedVoice:
    """Hums 220 Hz, as long as the text is."""

    def __init__(self, ms_per_character: int = 60) -> None:
        self._ms_per_character = ms_per_character
        period = [int(6_000 * math.sin(2 * math.pi * 220 * n / 24_000)) for n in range(24_000)]
        self._second = array("h", period).tobytes()

    @property
    def voices(self) -> Sequence[str]:
        return ("hum",)

    async def speak(self, clause: str, manner: Manner) -> AsyncIterator[Spoken]:
        said_ms = 0
        for word in _words(clause):
            await anyio.lowlevel.checkpoint()
            length_ms = int(len(word) * self._ms_per_character / manner.speed)
            said_ms += length_ms
            yield Spoken(self._hum(length_ms), (Word(word, said_ms),))

    def _hum(self, length_ms: int) -> bytes:
        return (self._second * (length_ms // 1000 + 1))[: length_ms * 48]


def _words(text: str) -> list[str]:
    return re.findall(r"\s*\S+\s*?(?=\s|$)|\s+$", text)
