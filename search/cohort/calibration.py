"""From scores to probabilities, and where to cut them: what a person's verdicts teach.

A logistic model over a unit's score, its rank and its evidence's vector says how probable it
is that a person would say yes (docs/decisions/0012-calibration.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from notekin.search.cohort.logistic import Array, Prior, fit, probability_of
from notekin.search.cohort.sampling import Ids, Places
from notekin.types import Vectors

Flags: TypeAlias = npt.NDArray[np.bool_]

SCORE_PRIOR = Prior(mean=np.array([1.0, 1.2, 0.0]), deviation=np.array([2.0, 0.5, 1.0]))
"""Of the intercept, the rank and the score. The first hit is likely right, and the odds fall
with the rank, somewhat faster than one over it; verdicts soon outweigh this."""
VECTOR_DEVIATION = 4.0
MOST_DIRECTIONS = 32


class AimKind(Enum):
    """What a cut is to give."""

    F1 = "f1"
    PRECISION = "precision"
    RECALL = "recall"


@dataclass(frozen=True, slots=True)
class Aim:
    """What a cut is to give.

    Attributes:
        value: The least precision or recall that is expected; of no meaning to F1, which is
            made as high as can be.
    """

    kind: AimKind = AimKind.F1
    value: float = 1.0


@dataclass(frozen=True, slots=True)
class Candidates:
    """The units of one criterion, each with the evidence that decides.

    Attributes:
        ids: int64 of shape (units,): the key of the note that decides; unique.
        scores: float of shape (units,); higher is likelier.
        vectors: Of shape (units, dim): the vector of the passage that decides; None where
            there are none, and scores alone are calibrated.
    """

    ids: Ids
    scores: Vectors
    vectors: Vectors | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def only(self, places: Places) -> Candidates:
        """Return some of them, in the order given."""
        vectors = None if self.vectors is None else self.vectors[places]
        return Candidates(self.ids[places], self.scores[places], vectors)


@dataclass(frozen=True, slots=True)
class Judged:
    """Units with a verdict of yes or no; unsure is no verdict.

    Attributes:
        places: Which of the candidates; unique.
        truths: 1.0 for yes, 0.0 for no, one a place.
    """

    places: Places
    truths: Array

    def __len__(self) -> int:
        return len(self.places)

    def but(self, place: int) -> Judged:
        """Return all but the one at a place of this list."""
        return Judged(np.delete(self.places, place), np.delete(self.truths, place))


@dataclass(frozen=True, slots=True)
class Calibration:
    """What verdicts made of the scores.

    Attributes:
        probabilities: That a person says yes, of shape (units,): the model's, also for the
            judged.
        passes: Which units meet the criterion: what was judged as it was judged, the rest
            where the probability is at least ``cut``.
        cut: 1.0 where nothing passes but what was judged.
    """

    probabilities: Array
    passes: Flags
    cut: float


class Model:
    """Probabilities of candidates, learnt from some of them.

    The vectors are reduced to the directions in which the judged ones differ most.
    """

    def __init__(self, candidates: Candidates, judged: Judged) -> None:
        self._candidates = candidates
        self._centre, self._directions = _directions(candidates.vectors, judged)

    def probabilities(self, judged: Judged, of: Candidates | None = None) -> Array:
        """Return probabilities after these verdicts, of shape (units,).

        Args:
            judged: The verdicts on the candidates.
            of: Whose; the candidates' where None. A score's rank is among the candidates.
        """
        of = self._candidates if of is None else of
        weights = self._fit(judged)
        scored = len(SCORE_PRIOR.mean)
        logits = self._of_scores(of.scores) @ weights[:scored]
        if of.vectors is not None:
            towards = self._directions.T @ weights[scored:]
            logits = logits + (of.vectors @ towards - self._centre @ towards)
        return probability_of(logits)

    def left_out(self, judged: Judged) -> Array:
        """Return what each judged unit's probability would be without its own verdict."""
        features = self._features(judged.places)
        logits = [features[place] @ self._fit(judged.but(place)) for place in range(len(judged))]
        return probability_of(np.array(logits, np.float64))

    def _fit(self, judged: Judged) -> Array:
        return fit(self._features(judged.places), judged.truths, self._prior())

    def _features(self, places: Places) -> Array:
        of_scores = self._of_scores(self._candidates.scores[places])
        if self._candidates.vectors is None:
            return of_scores
        of_vectors = (self._candidates.vectors[places] - self._centre) @ self._directions.T
        return np.concatenate([of_scores, of_vectors], axis=1)

    def _of_scores(self, scores: Vectors) -> Array:
        """Return a constant, the falling logarithm of the rank, and the score in deviations."""
        own = np.sort(self._candidates.scores).astype(np.float64)
        wide = scores.astype(np.float64)
        better = len(own) - np.searchsorted(own, wide, side="right")
        spread = float(own.std()) if len(own) else 0.0
        standard = (wide - own.mean()) / spread if spread > 0 else np.zeros(len(wide))
        return np.stack([np.ones(len(wide)), -np.log1p(better), standard], axis=1)

    def _prior(self) -> Prior:
        further = len(self._directions)
        return Prior(
            np.concatenate([SCORE_PRIOR.mean, np.zeros(further)]),
            np.concatenate([SCORE_PRIOR.deviation, np.full(further, VECTOR_DEVIATION)]),
        )


def calibrate(candidates: Candidates, judged: Judged, aim: Aim = Aim()) -> Calibration:
    """Return what these verdicts make of the scores.

    Without verdicts, the model is what is thought beforehand: the ranks decide.
    """
    probabilities = Model(candidates, judged).probabilities(judged)
    cut = cut_for(probabilities, judged, aim)
    passes = probabilities >= cut
    passes[judged.places] = judged.truths > 0
    return Calibration(probabilities, passes, cut)


def cut_for(probabilities: Array, judged: Judged, aim: Aim) -> float:
    """Return the lowest probability that is to pass.

    The judged count as they were judged. Expected F1 is the ratio of expectations, exact as
    the number of units grows (Ye, Chai, Lee and Chieu 2012, "Optimizing F-measure: a tale of
    two approaches"); a precision or recall that can't be had gives what comes nearest.
    """
    unjudged = np.delete(probabilities, judged.places)
    best_first = np.sort(unjudged)[::-1]
    hits = judged.truths.sum() + np.concatenate([[0.0], np.cumsum(best_first)])
    sizes = judged.truths.sum() + np.arange(len(hits))
    passing = _passing(hits, sizes, aim)
    return float(best_first[passing - 1]) if passing else 1.0


def _passing(hits: Array, sizes: Array, aim: Aim) -> int:
    """Return how many unjudged units pass, given what to expect of the first 0, 1, 2, ..."""
    if aim.kind is AimKind.PRECISION:
        good = np.flatnonzero(hits >= aim.value * sizes)
        return int(good[-1]) if len(good) else 0
    if aim.kind is AimKind.RECALL:
        return int(np.argmax(hits >= aim.value * hits[-1]))
    return int(np.argmax(2 * hits / np.maximum(sizes + hits[-1], 1e-12)))


def _directions(vectors: Vectors | None, judged: Judged) -> tuple[Array, Array]:
    """Return the middle of the judged vectors, and their principal directions as rows."""
    if vectors is None:
        return np.zeros(0), np.zeros((0, 0))
    some = vectors[judged.places].astype(np.float64)
    if len(some) < 2:
        return np.zeros(vectors.shape[1]), np.zeros((0, vectors.shape[1]))
    centre = some.mean(axis=0)
    _, lengths, directions = np.linalg.svd(some - centre, full_matrices=False)
    return centre, directions[:MOST_DIRECTIONS][lengths[:MOST_DIRECTIONS] > 1e-6]
