"""How right a cut is: precision, recall and F1 with 95% intervals, from the random sample.

The units are parted into cells: by stratum of the sample, and by whether they pass. In each
cell the judged ones are a simple random sample. Its share of yes gets a confidence
distribution, half way between the two of Clopper and Pearson (the mid-p), and how many of the
cell's unjudged units would be judged yes follows from it. The cells are melded: values are
drawn from all of them at once, and what 2.5% and 97.5% of the draws don't exceed are the limits.
Where nothing is missed in any of many cells, half way is too far for all of them together: recall's
upper limit comes from the lower of the two distributions alone.

Source: Fay, Proschan and Brittain 2015, "Combining one-sample confidence procedures for
inference in the two-sample case", Biometrics 71:146-156. It holds where a cell has no yes at
all, which a bootstrap takes for certain. docs/decisions/0012-calibration.md says what was measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from notekin.search.cohort.calibration import Calibration, Flags, Judged
from notekin.search.cohort.logistic import Array
from notekin.search.cohort.sampling import Strata

DRAWS = 4000
LIMITS = (0.025, 0.975)
SEED = 20150316


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How right a cut is, in units (patients, encounters or notes).

    Attributes:
        precision: Of those that pass, the share that a person would judge yes.
        recall: Of those that a person would judge yes, the share that passes.
        positives: How many a person would judge yes, if all were judged.
        judged: The verdicts of the random sample that this rests on.
    """

    precision: Estimate
    recall: Estimate
    f1: Estimate
    positives: Estimate
    judged: int


@dataclass(frozen=True, slots=True)
class Given:
    """Verdicts: those of the random sample, or those on units that were chosen.

    Attributes:
        judged: Which units, and the verdicts.
        would_pass: For each whether the model without its verdict lets it pass. With it, what
            was judged passes as it was judged, and says nothing of the unjudged.
    """

    judged: Judged
    would_pass: Flags


@dataclass(frozen=True, slots=True)
class _Cells:
    """Counts of each cell, of shape (strata, 2): first what fails, then what passes.

    Attributes:
        yes: Of the drawn, how many were judged yes, of ``judged``.
        chosen_yes: Of the chosen, how many were judged yes, of ``chosen``.
        unjudged: The others; ``expected`` of them to be yes, as the model has it.
    """

    yes: Array
    judged: Array
    chosen_yes: Array
    chosen: Array
    unjudged: Array
    expected: Array


def accuracy_of(strata: Strata, calibration: Calibration, drawn: Given, chosen: Given) -> Accuracy:
    """Return how right a calibration's cut is, what was judged passing as it was judged.

    Only the drawn say how many of a cell are yes. The chosen were chosen because of what was
    likely to be said of them; what was said is taken off what is left to find.

    Args:
        strata: Each unit's, of shape (units,).
        calibration: Which of them pass.
        drawn: What the random sample asked for.
        chosen: What else was judged.
    """
    cells = _cells(strata, calibration, drawn, chosen)
    known = float(drawn.judged.truths.sum() + chosen.judged.truths.sum())
    size = known + float(cells.unjudged[:, 1].sum())
    values = _measures(_expected_counts(cells)[None], known, size)
    lower, middle, upper = (
        _measures(_drawn_counts(cells, chance), known, size) for chance in (0.0, 0.5, 1.0)
    )
    precision, f1 = (_estimate(values[at][0], middle[at], middle[at]) for at in (0, 2))
    recall = _estimate(values[1][0], middle[1], lower[1])
    positives = _estimate(values[3][0], lower[3], upper[3])
    return Accuracy(precision, recall, f1, positives, len(drawn.judged))


def _cells(strata: Strata, calibration: Calibration, drawn: Given, chosen: Given) -> _Cells:
    shape = (int(strata.max(initial=0)) + 1, 2)
    rest = np.ones(len(strata), np.bool_)
    rest[drawn.judged.places] = rest[chosen.judged.places] = False
    of_rest = strata[rest] * 2 + (calibration.probabilities >= calibration.cut)[rest]
    of_drawn, of_chosen = (
        strata[given.judged.places] * 2 + given.would_pass for given in (drawn, chosen)
    )

    def counted(cell: npt.NDArray[np.int64], weights: Array | None = None) -> Array:
        counts = np.bincount(cell, weights, minlength=shape[0] * 2)
        return counts.reshape(shape).astype(np.float64)

    return _Cells(
        yes=counted(of_drawn, drawn.judged.truths),
        judged=counted(of_drawn),
        chosen_yes=counted(of_chosen, chosen.judged.truths),
        chosen=counted(of_chosen),
        unjudged=counted(of_rest),
        expected=counted(of_rest, calibration.probabilities[rest]),
    )


def _expected_counts(cells: _Cells) -> Array:
    """Return how many unjudged units of each cell to expect to be yes; the model fills gaps."""
    share = cells.yes / np.maximum(cells.judged, 1.0)
    left = _left_to_find(share * (cells.unjudged + cells.chosen), cells)
    found: Array = np.where(cells.judged > 0, left, cells.expected)
    return found


def _drawn_counts(cells: _Cells, chance: float) -> Array:
    """Return draws of how many unjudged units of each cell are yes: (draws, strata, 2).

    Args:
        cells: The counts.
        chance: How often to draw from the upper of the two distributions: 0, 1, or 0.5 for
            the mid-p.
    """
    random = np.random.default_rng(SEED)
    shape = (DRAWS, *cells.yes.shape)
    upper = random.random(shape) < chance
    yes, no = cells.yes + upper, cells.judged - cells.yes + ~upper
    share = random.beta(np.maximum(yes, 1e-12), np.maximum(no, 1e-12), shape)
    share = np.where(yes == 0, 0.0, np.where(no == 0, 1.0, share))
    undrawn = (cells.unjudged + cells.chosen).astype(np.int64)
    return _left_to_find(random.binomial(undrawn, share).astype(np.float64), cells)


def _left_to_find(undrawn_yes: Array, cells: _Cells) -> Array:
    """Return how many of the yes among what was not drawn are among the unjudged."""
    left: Array = np.clip(undrawn_yes - cells.chosen_yes, 0.0, cells.unjudged)
    return left


def _measures(counts: Array, known: float, size: float) -> tuple[Array, Array, Array, Array]:
    """Return precision, recall, F1 and positives of each draw.

    Where nothing passes, precision is 1; where nothing is yes, recall is.
    """
    hits = known + counts[..., 1].sum(axis=-1)
    positives = hits + counts[..., 0].sum(axis=-1)
    precision = hits / size if size else np.ones_like(hits)
    recall = np.where(positives > 0, hits / np.maximum(positives, 1.0), 1.0)
    f1 = np.where(positives > 0, 2 * hits / np.maximum(size + positives, 1.0), 0.0)
    return precision, recall, f1, positives


def _estimate(value: float, lower: Array, upper: Array) -> Estimate:
    low, high = np.quantile(lower, LIMITS[0]), np.quantile(upper, LIMITS[1])
    return Estimate(float(value), float(min(low, value)), float(max(high, value)))
