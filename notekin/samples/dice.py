"""Dice that always fall the same way: the seeded choices of the sample notes."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")

SEED = "notekin-samples-1"


class Dice:
    """Choices that depend on the seed, the key and the number of throws before, nothing else.

    Made from a hash rather than from ``random``, so that every Python version
    and every machine composes the same bytes.
    """

    def __init__(self, key: str) -> None:
        self._key = key
        self._throws = 0

    def below(self, sides: int) -> int:
        """Return a whole number from 0 up to, not including, ``sides``."""
        self._throws += 1
        digest = blake2b(f"{SEED}/{self._key}/{self._throws}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") % sides

    def between(self, low: int, high: int) -> int:
        """Return a whole number from ``low`` to ``high``, both possible."""
        return low + self.below(high - low + 1)

    def pick(self, options: Sequence[T]) -> T:
        """Return one of the options."""
        return options[self.below(len(options))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Return the items in another order."""
        left = list(items)
        return [left.pop(self.below(len(left))) for _ in range(len(left))]
