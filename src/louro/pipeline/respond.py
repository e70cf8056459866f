"""The cascade: a language model and a voice that do not wait for each other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TypeAlias

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from louro.engines.base import (
    AnswerPiece,
    LanguageModel,
    Manner,
    Order,
    ResponsePiece,
    Spoken,
    TextDelta,
    Voice,
    Word,
)
from louro.pipeline.clauses import ClauseSplitter

CLAUSES_AHEAD = 8
"""How far the writing may run ahead of the speaking."""
PIECES_AHEAD = 64

ToSay: TypeAlias = str | AnswerPiece
"""A clause, or a piece that goes out once everything before it has been said."""


class Cascade:
    """A `Responder`. Clause n is spoken while clause n + 1 is written."""

    def __init__(self, model: LanguageModel, voice: Voice) -> None:
        self._model = model
        self._voice = voice

    async def respond(self, order: Order) -> AsyncIterator[ResponsePiece]:
        if not order.speaks:
            async with aclosing(self._model.generate(order.prompt)) as pieces:  # type: ignore[type-var]
                async for piece in pieces:
                    yield piece
            return
        send, receive = anyio.create_memory_object_stream[ResponsePiece](PIECES_AHEAD)
        say, said = anyio.create_memory_object_stream[ToSay](CLAUSES_AHEAD)
        writes = send.clone()
        # A task that is cancelled before it began closes nothing: all ends are closed here as well.
        with send, receive, say, said, writes:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._write, order, writes, say)
                tasks.start_soon(self._speak, order.manner, said, send)
                async for answered in receive:
                    try:
                        yield answered
                    except GeneratorExit:  # nobody wants the rest; a group would wrap it
                        break
                tasks.cancel_scope.cancel()

    async def _write(
        self, order: Order, out: MemoryObjectSendStream[ResponsePiece], say: MemoryObjectSendStream[ToSay]
    ) -> None:
        splitter = ClauseSplitter()
        async with out, say, aclosing(self._model.generate(order.prompt)) as pieces:  # type: ignore[type-var]
            async for piece in pieces:
                if isinstance(piece, TextDelta):
                    await out.send(piece)
                    for clause in splitter.feed(piece.text):
                        await say.send(clause)
                    continue
                for clause in splitter.flush():
                    await say.send(clause)
                await say.send(piece)

    async def _speak(
        self,
        manner: Manner,
        said: MemoryObjectReceiveStream[ToSay],
        out: MemoryObjectSendStream[ResponsePiece],
    ) -> None:
        begin_ms = 0
        async with said, out:
            async for item in said:
                if not isinstance(item, str):
                    await out.send(item)
                    continue
                length_bytes = 0
                async with aclosing(self._voice.speak(item, manner)) as chunks:  # type: ignore[type-var]
                    async for chunk in chunks:
                        length_bytes += len(chunk.pcm)
                        await out.send(_placed(chunk, begin_ms))
                begin_ms += length_bytes // 48


def _placed(chunk: Spoken, begin_ms: int) -> Spoken:
    """From the time of the clause to the time of the whole answer."""
    return Spoken(chunk.pcm, tuple(Word(word.text, begin_ms + word.end_ms) for word in chunk.words))
