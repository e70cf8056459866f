"""Thinking by llama.cpp, in the process: any GGUF model with a ChatML template, as the Qwen family has.

One copy of the weights serves all sessions, each in a slot of its own while it answers; what two prompts have in
common at their beginning is computed once.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import Literal

import xllamacpp

from louro.engines import catalogue, chatml
from louro.engines.base import (
    AnswerPiece,
    ArgumentsDelta,
    CallStarted,
    ConfigError,
    EngineError,
    Generated,
    Prompt,
    TextDelta,
)
from louro.engines.registry import EngineSettings
from louro.engines.tokens import estimate_tokens
from louro.engines.workers import Workers

DEFAULT = "qwen2.5-coder-0.5b"
CONTEXT_TOKENS = 4096
"""The most that one conversation may take up."""
SHARED_TOKENS = 2048
"""Kept for each slot; what one conversation does not need another can use. 12 kB a token with the default model."""
MAX_ANSWER_TOKENS = 512
"""Where the client sets no bound: four minutes of speech."""
BATCH = 256
"""Prefill can be cancelled between batches; 2048 is 7 % quicker and ten times as deaf."""
TEMPERATURE = 0.3
"""Where the client sets none: a small model wanders soon."""


def load(argument: str, settings: EngineSettings) -> Llama:
    """*argument*: a model of the catalogue, or a path to a .gguf file; empty for the default."""
    name = argument or DEFAULT
    path = Path(name)
    if path.suffix != ".gguf":
        files = catalogue.find(name)
        path = next(files.path(file.name) for file in files.model.files if file.name.endswith(".gguf"))
    elif not path.exists():
        raise ConfigError(f"There is no file {path}.")
    settings.report(f"{path.stem}, thinking")
    return Llama(path, settings)


class Llama:
    sees_images = False

    def __init__(self, path: Path, settings: EngineSettings) -> None:
        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.n_parallel = settings.sessions
        params.n_ctx = max(SHARED_TOKENS * settings.sessions, CONTEXT_TOKENS)
        params.kv_unified = True
        params.n_batch = params.n_ubatch = BATCH
        params.cache_ram_mib = 0
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings.threads
        # Threads that spin while they wait steal time from the ear and the voice.
        params.cpuparams.poll = params.cpuparams_batch.poll = 0
        params.api_keys = [secrets.token_urlsafe(24)]  # it opens a port on loopback that nobody needs
        params.verbosity = -1
        try:
            self._server = xllamacpp.Server(params)
        except RuntimeError as error:
            raise ConfigError(f"llama.cpp cannot load {path.name}: {error}") from error
        self._workers = Workers(settings.sessions)

    def count_tokens(self, text: str) -> int:
        return estimate_tokens(text)

    async def warm(self, prompt: Prompt) -> None:
        body = {"prompt": chatml.render(prompt), "n_predict": 1, "cache_prompt": True, "stream": True}
        await self._workers.run(lambda stop: self._complete(body, lambda _: stop.is_set()))

    async def generate(self, prompt: Prompt) -> AsyncGenerator[AnswerPiece, None]:
        body = self._body(prompt)
        reader = _AnswerReader(calls_only=body["grammar"] is not None)
        chunks: AsyncIterator[dict[str, object]] = self._workers.stream(
            lambda emit, stop: self._stream(body, emit, stop)
        )
        async for chunk in chunks:
            for piece in reader.read(chunk):
                yield piece
        for piece in reader.finish():
            yield piece

    def _body(self, prompt: Prompt) -> dict[str, object]:
        temperature = TEMPERATURE if prompt.temperature is None else prompt.temperature
        grammar = chatml.grammar(prompt)
        return {
            "prompt": chatml.render(prompt),
            "n_predict": min(prompt.max_tokens or MAX_ANSWER_TOKENS, MAX_ANSWER_TOKENS),
            "temperature": 0.0 if grammar else temperature,
            "cache_prompt": True,
            "stream": True,
            "stop": ["<|im_end|>", "<|im_start|>"],
            "grammar": grammar,
        }

    def _stream(
        self, body: dict[str, object], emit: Callable[[dict[str, object]], None], stop: threading.Event
    ) -> None:
        def on_chunk(chunk: dict[str, object]) -> bool:
            if not stop.is_set():
                emit(chunk)
            return stop.is_set()

        self._complete(body, on_chunk)

    def _complete(self, body: dict[str, object], on_chunk: Callable[[dict[str, object]], bool]) -> None:
        wanted = {key: value for key, value in body.items() if value is not None}
        try:
            self._server.handle_completions(wanted, on_chunk)
        except RuntimeError as error:
            raise EngineError(f"The language model failed: {error}") from error


class _AnswerReader:
    """From the chunks of llama.cpp to the pieces of an answer. A call is told when it is whole, a text at once."""

    def __init__(self, *, calls_only: bool) -> None:
        self._may_call = calls_only
        self._call = ""
        self._is_call = False
        self._has_begun = False
        self._final: dict[str, object] = {}

    def read(self, chunk: dict[str, object]) -> list[AnswerPiece]:
        if "error" in chunk or chunk.get("code"):
            raise EngineError(f"The language model failed: {_message_of(chunk)}")
        choices = chunk.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else {}
        text = str(choice.get("text") or "")
        if choice.get("finish_reason"):
            self._final = {**chunk, "finish_reason": choice["finish_reason"]}
        if not self._has_begun:
            text = text.lstrip()
            if not text:
                return []
            self._has_begun = True
            self._is_call = self._may_call and text.startswith("{")
        if self._is_call:
            self._call += text
            return []
        return [TextDelta(text)] if text else []

    def finish(self) -> list[AnswerPiece]:
        pieces: list[AnswerPiece] = []
        stop: Literal["stop", "length"] = "length" if self._final.get("finish_reason") == "length" else "stop"
        if self._is_call:
            try:
                call = json.loads(self._call)
            except ValueError:
                stop = "length"  # cut in the middle: half a call is none
            else:
                pieces += [CallStarted(call["name"]), ArgumentsDelta(json.dumps(call["arguments"]))]
        timings = self._final.get("timings") or {}
        assert isinstance(timings, dict)
        cached = int(timings.get("cache_n", 0))
        read = cached + int(timings.get("prompt_n", 0))
        return [*pieces, Generated(stop, read, cached, int(timings.get("predicted_n", 0)))]


def _message_of(chunk: dict[str, object]) -> object:
    error = chunk.get("error", chunk)
    return error.get("message", error) if isinstance(error, dict) else error
