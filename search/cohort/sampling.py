"""Which units to judge so that a few verdicts speak for all: a stratified random sample.

The units of a criterion (patients, encounters or notes, each with the evidence that decides)
lie in strata by the rank of their scores, small ones at the top, where most that meet the
criterion are expected. Each unit has a number between 0 and 1 that looks random and is its
own for ever (permanent random numbers: Ohlsson 1995, "Coordination of samples using permanent
random numbers"): in each stratum the lowest numbers are judged first. So the judged ones are a
simple random sample of each stratum at any time, a review can be left and taken up again, and
units that come or go later change nothing for the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from notekin.types import Vectors

Places: TypeAlias = npt.NDArray[np.int64]
"""int64 of shape (n,): each a unit's place in the arrays of a criterion."""
Strata: TypeAlias = npt.NDArray[np.int64]
"""int64 of shape (units,): the number of each unit's stratum; 0 has the highest scores."""
Ids: TypeAlias = npt.NDArray[np.int64]

MOST_STRATA = 5
TOP_UNITS = 8
"""The size of the first stratum; each further one is larger by the same factor."""
LEAST_GROWTH = 3.0


@dataclass(frozen=True, slots=True)
class Sample:
    """The random part of a review: strata, and the order in which their units are judged.

    Attributes:
        strata: Each unit's stratum.
        order: All units. Of every stratum, those in any first part of ``order`` are a simple
            random sample; strata take turns until they are used up.
    """

    strata: Strata
    order: Places

    def inclusion(self, judged: int) -> npt.NDArray[np.float64]:
        """Return each unit's probability to be among the first ``judged``; shape (units,)."""
        sizes = np.bincount(self.strata, minlength=1)
        taken = np.bincount(self.strata[self.order[:judged]], minlength=len(sizes))
        chances: npt.NDArray[np.float64] = (taken / np.maximum(sizes, 1))[self.strata]
        return chances


def sample_of(scores: Vectors, ids: Ids, seed: int = 0) -> Sample:
    """Return the sample to judge.

    Args:
        scores: float of shape (units,); higher is likelier to meet the criterion.
        ids: Each unit's own number, by which it keeps its place in the draw.
        seed: Another seed draws another sample.
    """
    strata = _strata_of(scores, ids)
    drawn = np.lexsort((permanent_numbers(ids, seed), strata))
    of_drawn = strata[drawn]
    turn = np.arange(len(ids)) - np.searchsorted(of_drawn, of_drawn)
    return Sample(strata, drawn[np.lexsort((of_drawn, turn))])


def ranks_of(scores: Vectors, ids: Ids) -> npt.NDArray[np.int64]:
    """Return each unit's place by falling score, from 0; equal scores by id."""
    ranks = np.empty(len(scores), np.int64)
    ranks[np.lexsort((ids, -scores))] = np.arange(len(scores))
    return ranks


def permanent_numbers(ids: Ids, seed: int) -> npt.NDArray[np.float64]:
    """Return a number in [0, 1) for each id, the same for ever.

    The mixing is SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom
    number generators").
    """
    with np.errstate(over="ignore"):
        mixed = ids.astype(np.uint64) + np.uint64(seed + 1) * np.uint64(0x9E3779B97F4A7C15)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        mixed ^= mixed >> np.uint64(31)
    numbers: npt.NDArray[np.float64] = (mixed >> np.uint64(11)) / float(1 << 53)
    return numbers


def _strata_of(scores: Vectors, ids: Ids) -> Strata:
    """Return the stratum of each unit: by rank, sizes growing by a constant factor."""
    units = len(scores)
    if units <= TOP_UNITS:
        return np.zeros(units, np.int64)
    growth = max(LEAST_GROWTH, (units / TOP_UNITS) ** (1 / (MOST_STRATA - 1)))
    strata: npt.NDArray[np.float64] = np.ceil(
        np.log((ranks_of(scores, ids) + 1) / TOP_UNITS) / np.log(growth) - 1e-9
    )
    return np.maximum(strata, 0).astype(np.int64)
