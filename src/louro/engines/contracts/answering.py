"""What a `Responder` promises."""

from __future__ import annotations

from functools import partial

from louro.engines.base import Order, Responder, Spoken, TextDelta
from louro.engines.contracts.answers import Answering, asked
from louro.engines.contracts.rules import BOUNDS, Bounds, all_of, demand, demand_methods, keep_all
from louro.engines.contracts.speaking import check_spoken


async def check_responder(responder: Responder, bounds: Bounds = BOUNDS) -> None:
    """Asked like a language model, both in writing and aloud."""
    demand_methods(isinstance(responder, Responder), "a responder has respond()", responder)
    written = Answering(lambda prompt: responder.respond(Order(prompt, speaks=False)), bounds)
    aloud = Answering(lambda prompt: responder.respond(Order(prompt, speaks=True)), bounds)
    own = (
        partial(_a_written_answer_is_silent, responder),
        partial(_a_spoken_answer_is_what_is_written, responder),
    )
    await keep_all((*written.rules, *aloud.rules, *own), bounds)


async def _a_written_answer_is_silent(responder: Responder) -> None:
    pieces = await all_of(responder.respond(Order(asked(), speaks=False)), "respond()")
    spoken = [piece for piece in pieces if isinstance(piece, Spoken)]
    demand(
        not spoken,
        "an answer that is not spoken has no audio",
        f"{len(spoken)} chunks",
        "Look at Order.speaks.",
    )


async def _a_spoken_answer_is_what_is_written(responder: Responder) -> None:
    pieces = await all_of(responder.respond(Order(asked("Say hello to me."), speaks=True)), "respond()")
    spoken = [piece for piece in pieces if isinstance(piece, Spoken)]
    check_spoken(spoken, "the answer")
    demand(
        any(any(chunk.pcm) for chunk in spoken),
        "a spoken answer is heard",
        f"{len(spoken)} chunks",
        "Speak it.",
    )
    written = "".join(piece.text for piece in pieces if isinstance(piece, TextDelta)).split()
    told = "".join(word.text for chunk in spoken for word in chunk.words).split()
    demand(
        told == written,
        "TextDelta is the transcript: the words that are spoken are those that are written",
        f"'{' '.join(written)}' written, '{' '.join(told)}' told",
        "Tell every word once, with white space.",
    )
