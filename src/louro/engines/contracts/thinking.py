"""What a `LanguageModel` promises."""

from __future__ import annotations

from functools import partial

import anyio.lowlevel

from louro.engines.base import LanguageModel
from louro.engines.contracts.answers import QUESTION, TOOLS, Answering, asked, check_frame
from louro.engines.contracts.rules import (
    BOUNDS,
    Bounds,
    all_of,
    cancel,
    demand,
    demand_methods,
    keep_all,
)


async def check_model(model: LanguageModel, bounds: Bounds = BOUNDS) -> None:
    """The model is asked in English, and offered two functions."""
    demand_methods(
        isinstance(model, LanguageModel),
        "a language model has sees_images, generate(), warm() and count_tokens()",
        model,
    )
    own = (partial(_warming_changes_no_answer, model, bounds), partial(_counting_is_pure, model))
    await keep_all((*own, *Answering(model.generate, bounds).rules), bounds)


async def _warming_changes_no_answer(model: LanguageModel, bounds: Bounds) -> None:
    async def work() -> None:
        await model.warm(asked(tools=TOOLS))

    await cancel(work, "warm()", bounds)
    await work()
    await work()
    check_frame(await all_of(model.generate(asked(tools=TOOLS)), "generate()"))


async def _counting_is_pure(model: LanguageModel) -> None:
    texts = ("", "Hello", "Hello there, how are you?", "olá, tudo bem? \U0001f99c", QUESTION * 50)
    counts = [model.count_tokens(text) for text in texts]
    await anyio.lowlevel.checkpoint()
    again = [model.count_tokens(text) for text in texts]
    demand(
        counts == again and counts[0] == 0 and 0 < counts[1] < counts[2] < counts[4],
        "count_tokens is a pure count: none for nothing, more for more",
        f"{counts}, then {again}",
        "Use louro.engines.tokens.estimate_tokens where the tokenizer is out of reach.",
    )
