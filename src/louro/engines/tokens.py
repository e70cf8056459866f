"""How many tokens a text is, where no tokenizer is at hand."""

from __future__ import annotations

import re
from functools import lru_cache

_PIECES = re.compile(r"\s?[^\W\d_]+|\d|\s?[^\w\s]+|\s+", re.UNICODE)
LETTERS_PER_TOKEN = 9
"""Words up to this long are one token for the tokenizers of today's models; longer ones are about two."""


@lru_cache(maxsize=4096)
def estimate_tokens(text: str) -> int:
    """Count words, digits and punctuation as byte-pair tokenizers cut them. Scripts without spaces count by letter."""
    return sum(_tokens_of(piece) for piece in _PIECES.findall(text))


def _tokens_of(piece: str) -> int:
    letters = len(piece.strip())
    if not piece.isascii():
        return max(1, (letters + 1) // 2)
    return max(1, -(-letters // LETTERS_PER_TOKEN))
