"""English numbers in words, as a speech recogniser writes them, to digits, as a tool wants them.

A model of half a billion parameters that is asked to wake somebody at seven thirty makes it hour 73, and three hundred
becomes 30000.
"""

from __future__ import annotations

import re
from functools import lru_cache

_ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_TEENS = [
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_DIGITS = {word: number for number, word in enumerate(_ONES[1:], 1)}
_SMALL = {**_DIGITS, **{word: number for number, word in enumerate(_TEENS, 10)}}
_ROUND = {word: number for number, word in zip(range(20, 100, 10), _TENS, strict=True)}

_ONE = "|".join(_DIGITS)
_BELOW_100 = rf"(?:(?:{'|'.join(_TENS)})(?:[ -](?:{_ONE})\b)?|{'|'.join(_TEENS)}|{_ONE})"
_BELOW_1000 = rf"(?:{_BELOW_100} hundred(?:(?: and)? {_BELOW_100}\b(?! (?:hundred|thousand)))?|{_BELOW_100})"
_NUMBER = re.compile(
    rf"\b(?:{_BELOW_1000} thousand(?:(?: and)? {_BELOW_1000}\b)?|{_BELOW_1000}|zero)(?: point(?: (?:{_ONE}|zero))+)?\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=1024)  # the same turns are read again at every answer
def to_digits(text: str) -> str:
    """*text* with every number in digits, but a "one" by itself, which seldom is a number."""
    return _NUMBER.sub(lambda match: _digits(match[0]), text)


def _digits(words: str) -> str:
    if words.lower() == "one":
        return words
    whole, _, places = words.lower().replace("-", " ").partition(" point ")
    fraction = "".join(str(_ONES.index(word)) for word in places.split())
    return f"{_value(whole)}.{fraction}" if fraction else str(_value(whole))


def _value(words: str) -> int:
    total = part = 0
    for word in words.split():
        if word == "thousand":
            total, part = part * 1000, 0
        elif word == "hundred":
            part *= 100
        else:
            part += _SMALL.get(word, 0) or _ROUND.get(word, 0)
    return total + part
