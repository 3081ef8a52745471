"""Where a meaning's scores are cut: at a score, after the best, or by what judgements teach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from notekin.search.cohort.answer import UsedCut
from notekin.search.cohort.judgements import Calibration
from notekin.search.cohort.rules import PROVISIONAL, Criterion, Cut, CutKind
from notekin.storage.keys import Keys
from notekin.types import Vectors


@dataclass(frozen=True, slots=True, eq=False)
class Passed:
    """The notes at or above a cut, in the order of their keys.

    Attributes:
        scores: Theirs; probabilities where the cut is calibrated.
    """

    keys: Keys
    scores: Vectors
    cut: UsedCut


def cut(
    criterion: Criterion, keys: Keys, scores: Vectors, calibration: Calibration | None
) -> Passed:
    """Return the notes in which a meaning is found.

    Args:
        criterion: Whose cut is asked.
        keys: The notes that have a score, ascending.
        scores: Theirs.
        calibration: What turns scores into probabilities, where there is one.
    """
    asked, taught = criterion.cut, None
    if asked.is_calibrated:
        if calibration is not None:
            taught = calibration.calibrated(criterion, keys, scores)
        asked = PROVISIONAL if taught is None else Cut(asked.kind, taught.cut)
        scores = scores if taught is None else taught.probabilities
    rows = _rows(asked, scores)
    used = UsedCut(
        criterion=criterion.id,
        kind=criterion.cut.kind,
        score=_lowest(asked, scores[rows]),
        passed=len(rows),
        scored=len(keys),
        calibrated=taught is not None,
    )
    return Passed(keys[rows], scores[rows], used)


def _rows(asked: Cut, scores: Vectors) -> Keys:
    if asked.kind is CutKind.TOP:
        best = np.argsort(-scores, kind="stable")[: int(asked.value)]
        return np.sort(best)
    return np.flatnonzero(scores >= np.float32(asked.value))


def _lowest(asked: Cut, passed: Vectors) -> float:
    if asked.kind is CutKind.TOP:
        return float(passed.min()) if len(passed) else 1.0
    return asked.value
