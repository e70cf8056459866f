"""Amounts of tokens, by kind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Tokens:
    text: int = 0
    audio: int = 0
    image: int = 0

    @property
    def total(self) -> int:
        return self.text + self.audio + self.image

    @classmethod
    def sum(cls, parts: Iterable[Tokens]) -> Tokens:
        text = audio = image = 0
        for part in parts:
            text, audio, image = text + part.text, audio + part.audio, image + part.image
        return cls(text, audio, image)

    def part(self, share: float) -> Tokens:
        return Tokens(int(self.text * share), int(self.audio * share), int(self.image * share))
