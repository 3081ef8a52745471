"""Which criteria the same subjects meet: combinations and their sizes, as in an UpSet plot.

Source: Lex, Gehlenborg, Strobelt, Vuillemot and Pfister 2014, "UpSet: Visualization of
Intersecting Sets", IEEE Transactions on Visualization and Computer Graphics 20:1983-1992.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from notekin.report.counts import Counts
from notekin.search.cohort.screening import MET, Flags, Screening

MOST_COMBINATIONS = 16


@dataclass(frozen=True, slots=True)
class Combination:
    """Subjects that meet exactly these criteria.

    Attributes:
        met: One a criterion.
        taken: Whether they are in the cohort, before its limit.
        length: From 0 to 1, against the largest.
    """

    met: tuple[bool, ...]
    taken: bool
    count: str
    length: float
    label: str


@dataclass(frozen=True, slots=True)
class Overlap:
    """The criteria with their sizes, and the largest combinations of them.

    Attributes:
        criteria: What each is called, how many meet it, and that from 0 to 1.
        left_out: How many smaller combinations are not shown.
        none: How many subjects meet no criterion.
    """

    criteria: Sequence[tuple[str, str, float]]
    combinations: Sequence[Combination]
    left_out: int
    none: str


def overlap(screening: Screening, counts: Counts, names: dict[str, str]) -> Overlap | None:
    """Return which criteria go together; None where there are no criteria or no subjects."""
    if not screening.criteria or not len(screening.subjects):
        return None
    labels = [names.get(one.criterion, one.criterion) for one in screening.criteria]
    met: Flags = np.array([one.status == MET for one in screening.criteria]).T
    patterns, first, sizes = np.unique(met, axis=0, return_index=True, return_counts=True)
    some = patterns.sum(axis=1) > 0
    order = [at for at in np.lexsort((first, -sizes)) if some[at]]
    most = max((counts.length(int(sizes[at])) for at in order), default=1.0)
    combinations = [
        Combination(
            met=tuple(bool(flag) for flag in patterns[at]),
            taken=bool(screening.taken[first[at]]),
            count=counts.text(int(sizes[at])),
            length=counts.length(int(sizes[at])) / most,
            label=" and ".join(
                label for label, flag in zip(labels, patterns[at], strict=True) if flag
            ),
        )
        for at in order[:MOST_COMBINATIONS]
    ]
    totals = met.sum(axis=0)
    largest = max(1.0, max(counts.length(int(total)) for total in totals))
    return Overlap(
        criteria=[
            (label, counts.text(int(total)), counts.length(int(total)) / largest)
            for label, total in zip(labels, totals, strict=True)
        ],
        combinations=combinations,
        left_out=max(0, len(order) - MOST_COMBINATIONS),
        none=counts.text(int(sizes[~some].sum())),
    )
