"""Which of the model's memories a prompt is to use: the one that holds most of it, at nobody's cost.

Each slot remembers the last text that was read in it, and reads again only what follows the part in common. Left to
itself, llama.cpp gives every new conversation with the same instructions the slot of the one before it, and two
conversations that take turns then read each other's slot over and over.
"""

from __future__ import annotations

from dataclasses import dataclass

LOSS_WEIGHT = 2
"""What is forgotten will have to be read again, and forgotten again, as long as both conversations last."""
GIVEN_UP_ROUNDS = 8
"""A slot is anybody's when each of the others could have been used so often since."""


@dataclass
class _Slot:
    text: str = ""
    last_use: int = 0
    is_free: bool = True


class Slots:
    """Not for several threads at once."""

    def __init__(self, count: int) -> None:
        self._slots = [_Slot() for _ in range(count)]
        self._uses = 0
        self.at_hand = ""
        """The beginning of some texts: of these, it need not be read again in any slot."""

    def take(self, text: str) -> int:
        """The number of the free slot to read *text* in. One must be free: whoever takes one gives it back."""
        free = [number for number, slot in enumerate(self._slots) if slot.is_free]
        best = min(
            free, key=lambda number: (self._cost(self._slots[number], text), self._slots[number].last_use)
        )
        self._uses += 1
        self._slots[best] = _Slot(text, self._uses, is_free=False)
        return best

    def give_back(self, number: int, text: str) -> None:
        """*text* is all that was read and written in it."""
        self._slots[number] = _Slot(text, self._slots[number].last_use)

    def _cost(self, slot: _Slot, text: str) -> int:
        shared = _shared_length(slot.text, text)
        is_given_up = self._uses - slot.last_use > GIVEN_UP_ROUNDS * len(self._slots)
        loss = 0 if is_given_up else len(slot.text) - max(shared, self._at_hand_of(slot.text))
        return len(text) - max(shared, self._at_hand_of(text)) + LOSS_WEIGHT * loss

    def _at_hand_of(self, text: str) -> int:
        return len(self.at_hand) if text.startswith(self.at_hand) else 0


def _shared_length(one: str, other: str) -> int:
    length = min(len(one), len(other))
    if one[:length] == other[:length]:
        return length
    return next(index for index in range(length) if one[index] != other[index])
