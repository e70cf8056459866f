"""Text as it is to be said: numbers, times, units and marks written out, word by word.

Every word keeps what it was in the text, so that a transcript cut at a word is a piece of the original.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from num2words import num2words

_SHORT = {
    "dr.": "doctor",
    "mr.": "mister",
    "mrs.": "missus",
    "ms.": "miz",
    "st.": "saint",
    "vs.": "versus",
    "etc.": "et cetera",
    "e.g.": "for example",
    "i.e.": "that is",
    "approx.": "approximately",
    "km": "kilometers",
    "kg": "kilograms",
    "cm": "centimeters",
    "mm": "millimeters",
    "°c": "degrees celsius",
    "°f": "degrees fahrenheit",
    "&": "and",
    "+": "plus",
    "=": "equals",
    "%": "percent",
}
_TIME = re.compile(r"(?P<h>\d{1,2}):(?P<m>\d{2})(?P<half>[ap]\.?m\.?)?", re.IGNORECASE)
_MONEY = re.compile(r"(?P<sign>[$€£])(?P<amount>\d[\d,]*(?:\.\d+)?)")
_CURRENCY = {"$": "dollars", "€": "euros", "£": "pounds"}
_ORDINAL = re.compile(r"(?P<n>\d+)(?:st|nd|rd|th)", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_YEAR = re.compile(r"1[1-9]\d\d|20[1-9]\d")
_MARKUP = re.compile(r"[*_`#~|<>{}\[\]\\^]+|\((?=http)")
_SPOKEN = re.compile(r"[^\W_]")
LARGEST_NUMBER = 10**15
"""Beyond it a number is said digit by digit."""


@dataclass(frozen=True)
class SaidWord:
    original: str
    """As it stands in the text, with the white space around it."""
    said: str
    """As it is to be pronounced; empty for what has no sound."""


def said_words(text: str) -> list[SaidWord]:
    """The words of *text* in order; their originals, joined, are *text*."""
    words = [SaidWord(match[0], _say(match[0].strip())) for match in re.finditer(r"\s*\S+\s*?(?=\s|$)", text)]
    tail = text[sum(len(word.original) for word in words) :]
    if not tail:
        return words
    if not words:
        return [SaidWord(tail, "")]
    return [*words[:-1], SaidWord(words[-1].original + tail, words[-1].said)]


def _say(token: str) -> str:
    if token.lower() in _SHORT:
        return _SHORT[token.lower()]
    token = _MARKUP.sub("", token)
    token = _TIME.sub(_say_time, token)
    token = _MONEY.sub(lambda m: f"{_say_number(m['amount'])} {_CURRENCY[m['sign']]}", token)
    token = _ORDINAL.sub(lambda m: _digits(m["n"]) or num2words(int(m["n"]), to="ordinal"), token)
    token = _NUMBER.sub(lambda m: _say_number(m[0]), token)
    token = (
        token.replace("%", " percent").replace("°C", " degrees celsius").replace("°F", " degrees fahrenheit")
    )
    token = token.replace("\u2019", "'").replace("—", ", ").replace("–", ", ").replace("/", " ")
    return token if _SPOKEN.search(token) else token.strip("\"'()-")


def _say_time(match: re.Match[str]) -> str:
    hour, minute = int(match["h"]), int(match["m"])
    words = [num2words(hour)]
    if minute:
        words.append(("oh " if minute < 10 else "") + num2words(minute))
    elif not match["half"]:
        words.append("o'clock")
    if match["half"]:
        words.append(f"{match['half'][0].lower()} m")
    return " ".join(words)


def _say_number(text: str) -> str:
    number = text.rstrip(",")
    plain = number.replace(",", "")
    said = _digits(plain) or (_year(number) if _YEAR.fullmatch(number) else _quantity(plain))
    return said + text[len(number) :]


def _year(number: str) -> str:
    return str(num2words(int(number), to="year"))


def _quantity(number: str) -> str:
    return str(num2words(float(number) if "." in number else int(number))).replace(",", "")


def _digits(plain: str) -> str:
    """Too long to be a quantity: digit by digit."""
    whole = plain.lstrip("-").split(".")[0]
    if len(whole) < len(str(LARGEST_NUMBER)):
        return ""
    return " ".join(num2words(int(digit)) for digit in plain if digit.isdigit())
