"""Tokens: what a response took in and gave out, as the protocol counts them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from louro.protocol.items import InputImage, MessageItem
from louro.protocol.response import CachedTokensDetails, InputTokenDetails, OutputTokenDetails, Usage
from louro.protocol.session import FunctionTool
from louro.session.conversation import Entry, text_of
from louro.session.tokens import Tokens

CountTokens = Callable[[str], int]

INPUT_MS_PER_TOKEN = 100
OUTPUT_MS_PER_TOKEN = 50
TOKENS_PER_MESSAGE = 4
"""The marks around a message in a chat template."""
TOKENS_PER_IMAGE = {"low": 85}
TOKENS_PER_LARGE_IMAGE = 765
"""As chat models of the provider count a picture of about a megapixel; an estimate for any other model."""


def in_context(entry: Entry, count: CountTokens) -> int:
    """How much of a context window it takes: its words, audio by its transcript."""
    return _words(entry, count) + TOKENS_PER_MESSAGE + _image_tokens(entry)


def as_input(entry: Entry, count: CountTokens) -> Tokens:
    """As the protocol counts input: sound by its length, the rest by its words."""
    audio_ms = entry.audio_ms + (entry.speech.length_ms if entry.speech else 0)
    words = 0 if audio_ms else _words(entry, count)
    return Tokens(TOKENS_PER_MESSAGE + words, _ceil(audio_ms, INPUT_MS_PER_TOKEN), _image_tokens(entry))


def _words(entry: Entry, count: CountTokens) -> int:
    """Counted once for each reading of the item: every turn asks again about the whole conversation."""
    if entry.word_tokens is None:
        entry.word_tokens = count(text_of(entry.reading))
    return entry.word_tokens


def tokens_of_preamble(instructions: str, tools: Sequence[FunctionTool], count: CountTokens) -> int:
    schemas = msgspec.json.encode(tools).decode() if tools else ""
    return count(instructions + schemas) + TOKENS_PER_MESSAGE


def usage_of(taken: Tokens, cached_share: float, text_out: int, audio_out_ms: int) -> Usage:
    """*cached_share*: how much of the prompt the model did not compute again, 0 to 1."""
    cached = taken.part(cached_share)
    audio_out = _ceil(audio_out_ms, OUTPUT_MS_PER_TOKEN)
    return Usage(
        total_tokens=taken.total + text_out + audio_out,
        input_tokens=taken.total,
        output_tokens=text_out + audio_out,
        input_token_details=InputTokenDetails(
            text_tokens=taken.text,
            audio_tokens=taken.audio,
            image_tokens=taken.image,
            cached_tokens=cached.total,
            cached_tokens_details=CachedTokensDetails(
                text_tokens=cached.text, audio_tokens=cached.audio, image_tokens=cached.image
            ),
        ),
        output_token_details=OutputTokenDetails(text_tokens=text_out, audio_tokens=audio_out),
    )


def _image_tokens(entry: Entry) -> int:
    if not isinstance(entry.item, MessageItem):
        return 0
    images = (part for part in entry.item.content if isinstance(part, InputImage))
    return sum(TOKENS_PER_IMAGE.get(image.detail or "auto", TOKENS_PER_LARGE_IMAGE) for image in images)


def _ceil(amount: int, unit: int) -> int:
    return -(-amount // unit)
