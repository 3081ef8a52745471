"""What a search gives: the nearest vectors and how they were found, or a score of each note."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from notekin.storage.keys import Keys
from notekin.types import Vectors


@dataclass(frozen=True, slots=True)
class Seen:
    """Which ways a search took, and how many vectors it scored exactly for a query."""

    exact: bool = False
    ann: bool = False
    candidates: int = 0

    def __add__(self, other: Seen) -> Seen:
        """Return what two searches saw together."""
        return Seen(
            self.exact or other.exact,
            self.ann or other.ann,
            self.candidates + other.candidates,
        )

    @property
    def path(self) -> str:
        """``exact``, ``ann``, or ``ann+exact`` where both ran."""
        if self.ann:
            return "ann+exact" if self.exact else "ann"
        return "exact"


@dataclass(frozen=True, slots=True)
class Nearest:
    """The nearest of each query, best first; unpacks into scores and keys.

    Attributes:
        scores: float32 of shape (queries, found).
        keys: int64 of the same shape; equal scores are in the order of their keys.
    """

    scores: Vectors
    keys: Keys
    seen: Seen

    def __iter__(self) -> Iterator[Vectors | Keys]:
        """Give the scores, then the keys."""
        return iter((self.scores, self.keys))


@dataclass(frozen=True, slots=True)
class NoteScores:
    """Scores of notes.

    Attributes:
        keys: int64 of shape (n,), ascending.
        scores: float32 of shape (n,); higher is nearer.
    """

    keys: Keys
    scores: Vectors


def merge(queries: int, count: int, found: Sequence[Nearest]) -> Nearest:
    """Return the best ``count`` of each query over all segments."""
    seen = sum((part.seen for part in found), Seen())
    if not found:
        return Nearest(np.empty((queries, 0), np.float32), np.empty((queries, 0), np.int64), seen)
    if len(found) == 1:
        return found[0]
    scores = np.concatenate([part.scores for part in found], axis=1)
    keys = np.concatenate([part.keys for part in found], axis=1)
    order = np.lexsort((keys, -scores), axis=1)[:, :count]
    return Nearest(
        np.take_along_axis(scores, order, axis=1), np.take_along_axis(keys, order, axis=1), seen
    )
