"""How token vectors become the vectors of passages and notes.

Tokens come in window by window, so what is kept is sums and maxima: a note of any length
takes the room of its passages, not of its tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from notekin.errors import UsageError
from notekin.indexer.passages import TokenRange
from notekin.indexer.windows import Window
from notekin.types import Vectors

Floats = npt.NDArray[np.float64]


class Pooling(StrEnum):
    """Which vector stands for a stretch of tokens.

    ``mean`` of its tokens, ``cls`` of the first special token of the windows that hold it,
    ``max`` of each coordinate, or ``mean_max``: mean and max after one another, twice as wide.
    """

    MEAN = "mean"
    CLS = "cls"
    MAX = "max"
    MEAN_MAX = "mean_max"

    def width(self, dim: int) -> int:
        """Return how wide a vector is that is pooled from token vectors ``dim`` wide."""
        return 2 * dim if self is Pooling.MEAN_MAX else dim


def pooling_named(name: str) -> Pooling:
    """Return the pooling of this name.

    Raises:
        UsageError: There is none.
    """
    if name not in list(Pooling):
        raise UsageError(f"There is no pooling {name}: say {', '.join(Pooling)}.")
    return Pooling(name)


class Pool:
    """Sums and maxima over the tokens of one text, by passage."""

    def __init__(self, ranges: Sequence[TokenRange], dim: int) -> None:
        self._ranges = ranges
        self._firsts = np.array([part.first for part in ranges])
        shape = (len(ranges), dim)
        self._sum, self._special, self._cls = (np.zeros(shape) for _ in range(3))
        self._max = np.full(shape, -np.inf)
        self._special_max = np.full(shape, -np.inf)
        self.seen = 0

    def add(self, window: Window, rows: Vectors) -> None:
        """Add what the model gave for one window.

        Args:
            window: Which tokens were read, and which of them count here.
            rows: float32 of shape (tokens read + 2, dim), special tokens first and last.
        """
        edges = rows[[0, -1]].astype(np.float64)
        for place in self._places(window):
            part = rows[1:-1][self._counted(window, place)]
            self._sum[place] += part.sum(axis=0, dtype=np.float64)
            self._max[place] = np.maximum(self._max[place], part.max(axis=0, initial=-np.inf))
            self._special[place] += edges.sum(axis=0)
            self._special_max[place] = np.maximum(self._special_max[place], edges.max(axis=0))
            self._cls[place] += edges[0]
        self.seen += window.count_last - window.count_first

    def passages(self, pooling: Pooling, *, with_special: bool) -> Vectors:
        """Return one unit vector a passage, float32 of shape (passages, width).

        Args:
            pooling: How.
            with_special: Whether the special tokens count as tokens of the passage; where
                it has no others they always do.
        """
        special = with_special or not self.seen
        total = self._sum + self._special if special else self._sum
        highest = np.maximum(self._max, self._special_max) if special else self._max
        return _pooled(pooling, total, highest, self._cls)

    def note(self, pooling: Pooling) -> Vectors:
        """Return the unit vector of the whole text, float32 of shape (width,).

        Special tokens don't count, but where there are no others.
        """
        if not self.seen:
            return _first(self.passages(pooling, with_special=True))
        total, highest = self._sum.sum(axis=0), self._max.max(axis=0)
        return _first(_pooled(pooling, total[None], highest[None], self._cls.sum(axis=0)[None]))

    def _places(self, window: Window) -> range:
        """Return the passages that hold tokens counted in a window."""
        first = int(np.searchsorted(self._firsts, window.count_first, "right")) - 1
        last = int(np.searchsorted(self._firsts, max(window.count_last, 1), "left"))
        return range(first, last)

    def _counted(self, window: Window, place: int) -> slice:
        part = self._ranges[place]
        start = max(part.first, window.count_first) - window.first
        return slice(start, min(part.last, window.count_last) - window.first)


def unit(rows: Floats) -> Vectors:
    """Return the rows at length 1, as float32; a row of zeros stays one."""
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    scaled: Vectors = (rows / np.maximum(length, np.finfo(np.float64).tiny)).astype(np.float32)
    return scaled


def _pooled(pooling: Pooling, total: Floats, highest: Floats, cls: Floats) -> Vectors:
    match pooling:
        case Pooling.MEAN:
            return unit(total)
        case Pooling.CLS:
            return unit(cls)
        case Pooling.MAX:
            return unit(highest)
        case Pooling.MEAN_MAX:
            return unit(np.concatenate([unit(total), unit(highest)], axis=1).astype(np.float64))


def _first(rows: Vectors) -> Vectors:
    first: Vectors = rows[0]
    return first
