"""Who may come in, what they use, and who looks after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from louro.store.account import Books
from louro.store.base import Keys

if TYPE_CHECKING:
    from louro.store.sql import Store  # it costs 28 MB, and most servers have no keys


@dataclass(frozen=True)
class Office:
    keys: Keys
    books: Books | None = None
    """None where no key was ever made: nobody is there to be counted."""
    accounts: Store | None = None
    """What an administrator looks after; None where the books are."""
