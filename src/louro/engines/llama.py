"""Thinking by llama.cpp, in the process: any GGUF model with a ChatML template, as the Qwen family has.

One copy of the weights serves all sessions, each in a slot of its own while it answers; what a prompt has in common
with the last one in its slot is not computed again.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import os
import platform
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import anyio

# OpenMP's threads spin while they wait for each other, at each of the hundreds of barriers of a token; whoever else
# needs the core must wait for them. On two cores, beside one other busy program, the first sound came after 4.1 s
# (median) with 20000 turns, 1.6 s with 1000, 1.9 s with none; with nothing beside it 1000 is as quick as 20000. Read
# when the library is loaded, so it stands here.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
import xllamacpp

from louro.engines import catalogue, chatml
from louro.engines.base import AnswerPiece, ConfigError, EngineError, Prompt
from louro.engines.desk import Desk
from louro.engines.llama_answers import TURN_TOKENS, Answer, AnswerReader, Chunk
from louro.engines.llama_door import LlamaDoor
from louro.engines.registry import EngineSettings
from louro.engines.schemas import simplify
from louro.engines.slots import Slots

DEFAULT = "qwen2.5-coder-0.5b"
CONTEXT_TOKENS = 4096
"""For each slot, 26 MB with the default model. Slots that shared one pool would fail all together when it is full."""
MAX_ANSWER_TOKENS = 512
"""Where the client sets no bound: four minutes of speech."""
BATCH = 64
"""A prefill is cancelled, and lets the others say a word, after so many tokens: half a second on two old cores. With
32 a prefill takes a tenth longer, with 2048 a tenth less, and eight seconds to notice that nobody is waiting."""
CACHE_TYPE = xllamacpp.ggml_type.GGML_TYPE_Q8_0
"""Half the memory of 16 bits."""
TEMPERATURE = 0.3
"""Where the client sets none: a small model wanders soon."""
TEXT_ONLY = "%llguidance {}\nstart: TEXT\nTEXT: /[^{<`*#\\s][^`*]*/\n"
"""No JSON and no markup: it is to be said aloud."""
SOON_S = 2.0
"""An answer gives way to another that will have been heard so far by then."""
CHUNKS = MAX_ANSWER_TOKENS + CONTEXT_TOKENS // BATCH + 4 * MAX_ANSWER_TOKENS // TURN_TOKENS + 16
"""One for each token, one for each batch that is read at first and a few for each time that the answer is taken up
again, and the last: more than this never waits to be read."""


def load(argument: str, settings: EngineSettings) -> Llama:
    """*argument*: a model of the catalogue, or a path to a .gguf file; empty for the default."""
    name = argument or DEFAULT
    path = Path(name)
    if path.suffix != ".gguf":
        files = catalogue.find(name)
        weights = [file.name for file in files.model.files if file.name.endswith(".gguf")]
        if not weights:
            raise ConfigError(f"The model '{name}' does not think. `louro models list` shows what each does.")
        path = files.path(weights[0])
    elif not path.exists():
        raise ConfigError(f"There is no file {path}.")
    settings.report(f"{path.stem}, thinking")
    return Llama(path, settings)


def _at_once(settings: EngineSettings) -> int:
    """How many answers are computed at a time; the others wait, each keeping its slot and what is cached in it.

    Answers are short. Side by side on the same cores each takes as long as all of them together: four sessions on two
    cores heard their first sound after 3.0 s (median), one after the other after 1.6 s.
    """
    cores = os.cpu_count() or 1
    return max(1, min(settings.sessions, cores // settings.threads))


class Llama:
    sees_images = False

    def __init__(self, path: Path, settings: EngineSettings) -> None:
        self._door = LlamaDoor(_kept_file(path))
        params = _parameters(path, settings)
        params.hostnames, params.api_keys = [self._door.address], [self._door.key]
        params.slot_save_path = self._door.shelf
        try:
            self._server = xllamacpp.Server(params)
        except RuntimeError as error:
            raise ConfigError(f"llama.cpp cannot load {path.name}: {error}") from error
        self._slots = Slots(settings.sessions)
        if self._door.has_kept:
            self._slots.at_hand = chatml.DEMONSTRATION
        self._slots_lock = threading.Lock()
        self._demonstrated: set[int] = set()
        """The slots in which the demonstration of tools has been read, and nothing else has taken its place."""
        self._desk = Desk(_at_once(settings), "llama")
        self._count_tokens = lru_cache(maxsize=4096)(self._door.count_tokens)
        self._read_beforehand(Prompt(settings.instructions), settings.sessions)

    def count_tokens(self, text: str) -> int:
        return self._count_tokens(text)

    def _read_beforehand(self, prompt: Prompt, slots: int) -> None:
        """Have the beginning of most conversations read in every slot: several that begin together need not wait."""
        text = chatml.render_beginning(prompt)
        body = {**self._body(prompt), "prompt": text, "n_predict": 1, "stream": False}
        for slot in [self._slots.take(text) for _ in range(slots)]:
            self._server.handle_completions({**body, "id_slot": slot})
            self._slots.give_back(slot, text)

    async def warm(self, prompt: Prompt) -> None:
        prompt = _prepared(prompt)
        body = {**self._body(prompt), "prompt": chatml.render_beginning(prompt), "n_predict": 1}
        async with aclosing(self._chunks(body, math.inf)) as chunks:
            async for _ in chunks:
                pass

    async def generate(self, prompt: Prompt) -> AsyncGenerator[AnswerPiece, None]:
        prompt = _prepared(prompt)
        reader = AnswerReader(chatml.offered(prompt))
        async with aclosing(self._chunks(self._body(prompt))) as chunks:
            async for chunk in chunks:
                for piece in reader.read(chunk):
                    yield piece
        for piece in reader.finish():
            yield piece

    def _body(self, prompt: Prompt) -> Chunk:
        is_choosing = bool(chatml.offered(prompt))
        temperature = 0.0 if is_choosing else TEMPERATURE
        bound = MAX_ANSWER_TOKENS if prompt.max_tokens is None else prompt.max_tokens
        grammar = chatml.grammar(prompt)
        return {
            "prompt": chatml.render(prompt),
            "n_predict": max(1, min(bound, MAX_ANSWER_TOKENS)),
            "temperature": temperature if prompt.temperature is None or is_choosing else prompt.temperature,
            "cache_prompt": True,
            "stream": True,
            "return_progress": True,  # so that a prefill can be stopped between its batches
            "timings_per_token": True,
            "stop": ["<|im_end|>", "<|im_start|>"],
            "grammar": grammar or TEXT_ONLY,
            "logit_bias": chatml.bias(prompt) if grammar else (),
        }

    async def _chunks(self, body: Chunk, due: float = 0.0) -> AsyncGenerator[Chunk, None]:
        send, receive = anyio.create_memory_object_stream[Chunk | EngineError | None](CHUNKS)
        loop = asyncio.get_running_loop()
        stop = threading.Event()

        def deliver(chunk: Chunk | EngineError | None) -> None:
            with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                send.send_nowait(chunk)

        def emit(chunk: Chunk | EngineError | None) -> None:
            # Not through anyio: it would keep this thread waiting for the event loop at every token.
            with suppress(RuntimeError):  # the loop is closed, and everybody gone
                loop.call_soon_threadsafe(deliver, chunk)

        answer = Answer(body, emit, stop, max(due, time.monotonic()))
        self._desk.put(answer, self._complete)
        with send, receive:
            try:
                async for chunk in receive:
                    if chunk is None:
                        return
                    if isinstance(chunk, EngineError):
                        raise chunk
                    yield chunk
            finally:
                stop.set()
                self._desk.drop(answer)

    def _complete(self, answer: Answer) -> bool:
        """Run in a thread, one at a time for each slot. Return whether it gave way before it was done."""
        if answer.stop.is_set():
            return False
        body = answer.rest()
        text = str(body["prompt"])
        with self._slots_lock:
            slot = self._slots.take(text)
        try:
            body = {**body, "id_slot": slot}
            gives_way = self._demonstrate(answer, body, slot) or self._write(answer, body)
        except RuntimeError as error:
            answer.emit(EngineError(f"The language model failed: {error}"))
            return False
        finally:
            with self._slots_lock:
                self._slots.give_back(slot, text)
        if not gives_way:
            answer.emit(None)
        return gives_way and not answer.stop.is_set()

    def _demonstrate(self, answer: Answer, body: Chunk, slot: int) -> bool:
        """Have in the slot what all prompts with tools begin with: read once for all. Return whether it gave way.

        Fetching it takes 2 ms, reading it five seconds at best: a session that brings tools should not wait for that.
        """
        if not str(body["prompt"]).startswith(chatml.DEMONSTRATION):
            self._demonstrated.discard(slot)
            return False
        if slot not in self._demonstrated and not self._door.fetch(slot):
            alone = {**body, "prompt": chatml.DEMONSTRATION, "n_predict": 1, "grammar": TEXT_ONLY}
            if self._run(answer, alone, lambda _: None):
                return True
            if answer.stop.is_set():
                return False
            if self._door.keep(slot):
                self._slots.at_hand = chatml.DEMONSTRATION
        self._demonstrated.add(slot)
        return False

    def _write(self, answer: Answer, body: Chunk) -> bool:
        answer.begin()
        return self._run(answer, body, lambda chunk: answer.emit(answer.read(chunk)))

    def _run(self, answer: Answer, body: Chunk, hear: Callable[[Chunk], None]) -> bool:
        """Return whether it gave way."""
        gives_way = False

        def go_on(chunk: Chunk) -> bool:
            """Return whether to stop."""
            nonlocal gives_way
            hear(chunk)
            gives_way = answer.may_give_way and self._desk.due < min(answer.due, time.monotonic() + SOON_S)
            return gives_way or answer.stop.is_set()

        self._server.handle_completions(body, go_on)
        return gives_way


def _parameters(path: Path, settings: EngineSettings) -> xllamacpp.CommonParams:
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_parallel = settings.sessions
    params.n_ctx = CONTEXT_TOKENS * settings.sessions
    params.cache_type_k = params.cache_type_v = CACHE_TYPE
    params.n_batch = params.n_ubatch = BATCH
    params.cache_ram_mib = 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings.threads
    # Threads that spin while they wait steal time from the ear and the voice.
    params.cpuparams.poll = params.cpuparams_batch.poll = 0
    params.verbosity = -1
    return params


def _kept_file(model: Path) -> Path:
    """Where what this model has read of the demonstration is kept for the next server, named by all that it depends on."""
    about = model.stat()
    depends_on = (
        str(model.absolute()),
        about.st_size,
        about.st_mtime_ns,
        xllamacpp.__version__,
        platform.machine(),
        str(CACHE_TYPE),
        chatml.DEMONSTRATION,
    )
    name = hashlib.sha256(repr(depends_on).encode()).hexdigest()[:16]
    return catalogue.models_folder() / "read" / f"{name}.bin"


def _prepared(prompt: Prompt) -> Prompt:
    return replace(
        prompt, tools=tuple(replace(t, parameters=json.dumps(simplify(t.parameters))) for t in prompt.tools)
    )
