"""Sequences laid end to end along one token axis, in batches that fit the cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class Run:
    """Sequences of one length that lie side by side: rows ``start`` to ``stop``."""

    start: int
    count: int
    length: int

    @property
    def stop(self) -> int:
        """The row after the last."""
        return self.start + self.count * self.length


@dataclass(frozen=True, slots=True)
class Batch:
    """Sequences that the model reads at once, sorted by length.

    Attributes:
        members: Their places in the caller's order.
        runs: Where each length lies in the packed rows.
    """

    members: tuple[int, ...]
    runs: tuple[Run, ...]


def batches(lengths: Sequence[int], budget: int) -> Iterator[Batch]:
    """Yield batches of at most ``budget`` tokens (or one sequence), shortest sequences first.

    Every sequence is in exactly one batch; empty ones are in none.
    """
    members: list[int] = []
    tokens = 0
    for member in sorted(range(len(lengths)), key=lengths.__getitem__):
        if members and tokens + lengths[member] > budget:
            yield _batch(members, lengths)
            members, tokens = [], 0
        if lengths[member]:
            members.append(member)
            tokens += lengths[member]
    if members:
        yield _batch(members, lengths)


def _batch(members: Sequence[int], lengths: Sequence[int]) -> Batch:
    runs: list[Run] = []
    start = 0
    for length, group in groupby(lengths[member] for member in members):
        run = Run(start, sum(1 for _ in group), length)
        runs.append(run)
        start = run.stop
    return Batch(tuple(members), tuple(runs))
