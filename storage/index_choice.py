"""Which index a segment's vectors get: by their number, unless the store says which.

What was measured: docs/decisions/0008-index-choice.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from notekin.errors import UsageError

AUTO_FLOOR = 100_000
"""Vectors from which a segment gets an approximate index unasked; below, a scan takes 10 ms."""
ASKED_FLOOR = 10_000
"""The same where the store asks for one; below, a scan takes a millisecond."""


class IndexChoice(Enum):
    """How a store's vectors are searched: by size, or always one way."""

    AUTO = "auto"
    EXACT = "exact"
    HNSW = "hnsw"
    IVF = "ivf"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an approximate index is built.

    Attributes:
        kind: HNSW or IVF; both over vectors of one byte a number.
        fineness: Of IVF, the lists for each square root of the vectors; of HNSW, the links
            a vector.
    """

    kind: IndexChoice
    fineness: int


_IVF = Recipe(IndexChoice.IVF, 4)
_FINER_IVF = Recipe(IndexChoice.IVF, 8)
_HNSW = Recipe(IndexChoice.HNSW, 32)
_FINER_HNSW = Recipe(IndexChoice.HNSW, 64)


def index_named(name: str) -> IndexChoice:
    """Return the choice of this name.

    Raises:
        UsageError: There is none.
    """
    try:
        return IndexChoice(name)
    except ValueError:
        names = ", ".join(choice.value for choice in IndexChoice)
        raise UsageError(f"There is no index {name!r}. Choose one of: {names}.") from None


def recipes(choice: IndexChoice, vectors: int) -> tuple[Recipe, ...]:
    """Return what to build for so many vectors, the next where one falls short of the recall.

    None of them means that the vectors are scanned exactly.
    """
    if choice is IndexChoice.EXACT or vectors < _floor(choice):
        return ()
    if choice is IndexChoice.AUTO:
        return (_IVF, _HNSW)
    return (_IVF, _FINER_IVF) if choice is IndexChoice.IVF else (_HNSW, _FINER_HNSW)


def _floor(choice: IndexChoice) -> int:
    return AUTO_FLOOR if choice is IndexChoice.AUTO else ASKED_FLOOR
