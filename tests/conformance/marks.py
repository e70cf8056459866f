"""How a test says which requirement it shows."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T", bound=Callable[..., object])


def requirement(name: str) -> Callable[[T], T]:
    def mark(test: T) -> T:
        return test

    assert name
    return mark
