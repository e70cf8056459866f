"""Wrong keys: an address that shows too many of them has to wait."""

from __future__ import annotations

import hashlib
import ipaddress
from collections import OrderedDict
from collections.abc import Callable

from louro.transports.door import Refusal

FREE = 20
"""Wrong keys that an address may show at once: a fleet behind one address may all have the key of yesterday."""
WAIT_S = 6.0
"""For each one more. At ten a minute, nobody guesses 192 bits."""
MAX_ADDRESSES = 10_000
MAX_PROVEN = 1_000


class Attempts:
    """*clock* gives Unix time. An address of IPv6 is as good as its neighbours: a house has 2**64 of them.

    A key that was right before comes in whatever else comes from its address, or one guest of a house could shut the
    others out.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._forgiven_at: OrderedDict[str, float] = OrderedDict()
        """When all that an address did is forgiven; newest last."""
        self._proven: OrderedDict[bytes, None] = OrderedDict()

    def check(self, address: str, key: str) -> None:
        """Raises Refusal: this address has to wait. The key is not looked at."""
        wait_s = self._forgiven_at.get(_house(address), 0.0) - self._clock() - (FREE - 1) * WAIT_S
        if wait_s > 0 and _digest(key) not in self._proven:
            message = f"Too many wrong API keys from this address. Try again in {max(round(wait_s), 1)} s."
            raise Refusal("rate_limit_exceeded", message, 1013)

    def note_wrong(self, address: str) -> None:
        house, now = _house(address), self._clock()
        self._forgiven_at[house] = max(self._forgiven_at.pop(house, now), now) + WAIT_S
        if len(self._forgiven_at) > MAX_ADDRESSES:
            self._forgiven_at.popitem(last=False)

    def note_right(self, key: str) -> None:
        digest = _digest(key)
        self._proven[digest] = None
        self._proven.move_to_end(digest)
        if len(self._proven) > MAX_PROVEN:
            self._proven.popitem(last=False)


def _house(address: str) -> str:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:100]
    if found.version == 4:
        return str(found)
    return str(ipaddress.ip_network((found, 64), strict=False))


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()
