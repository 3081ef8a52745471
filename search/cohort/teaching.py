"""What judgements teach of all notes: the calibrated cut of one criterion in a store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from notekin.search.cohort.calibration import Aim, AimKind, Candidates, Judged, Model, calibrate
from notekin.search.cohort.judgements import Calibrated, Judgement, Verdict
from notekin.search.cohort.review import Review, Said
from notekin.search.cohort.rules import Criterion, CutKind
from notekin.search.cohort.sampling import Ids
from notekin.search.cohort.units import deciding
from notekin.storage.keys import Keys
from notekin.types import Vectors

VectorsOf = Callable[[str, Keys], Vectors]
"""A meaning and note keys, ascending, to the vector of each note's nearest passage."""

_AIMS = {CutKind.PRECISION: AimKind.PRECISION, CutKind.RECALL: AimKind.RECALL}


class Teaching:
    """Calibrates criteria by what was judged; stands where ``Calibration`` is asked for."""

    def __init__(
        self,
        judgements: Mapping[str, Sequence[Judgement]],
        notes: Keys,
        owners: Ids,
        vectors: VectorsOf,
    ) -> None:
        """Bring together what is needed.

        Args:
            judgements: By criterion.
            notes: The keys of all live notes, ascending.
            owners: Whose each of them is; -1 for nobody's.
            vectors: Gives the vectors of some notes' passages.
        """
        self._judgements = judgements
        self._notes = notes
        self._owners = owners
        self._vectors = vectors

    def calibrated(self, criterion: Criterion, keys: Keys, scores: Vectors) -> Calibrated | None:
        """Return the probability of each note, and the cut that the criterion aims at."""
        said = self.said(criterion.id)
        if not said or criterion.meaning is None:
            return None
        candidates = self._candidates(criterion.meaning, keys, scores)
        units = candidates.only(self._deciding(criterion, keys, scores))
        judged = judged_of(units, said)
        if not len(judged):
            return None
        cut = calibrate(units, judged, aim_of(criterion)).cut
        probabilities = Model(units, judged).probabilities(judged, candidates)
        of_all = judged_of(candidates, said)
        probabilities[of_all.places] = of_all.truths
        return Calibrated(probabilities.astype(np.float32), float(np.float32(cut)))

    def review(self, criterion: Criterion, keys: Keys, scores: Vectors) -> Review:
        """Return the review of a criterion, with what was said of it so far."""
        candidates = self._candidates(criterion.meaning or "", keys, scores)
        units = candidates.only(self._deciding(criterion, keys, scores))
        return Review(units, self.said(criterion.id), aim_of(criterion))

    def said(self, criterion: str) -> dict[int, Said]:
        """Return what was said of each note, by its key; of two verdicts the later."""
        own = sorted(self._judgements.get(criterion, ()), key=lambda one: one.judged_at)
        return {int(one.note_key): Said(one.verdict, one.drawn) for one in own}

    def _candidates(self, meaning: str, keys: Keys, scores: Vectors) -> Candidates:
        return Candidates(keys, scores, self._vectors(meaning, keys))

    def _deciding(self, criterion: Criterion, keys: Keys, scores: Vectors) -> Ids:
        owners = self._owners[np.searchsorted(self._notes, keys)]
        return deciding(scores, owners, criterion.at_least)


def aim_of(criterion: Criterion) -> Aim:
    """Return what a criterion's cut is to give."""
    kind = _AIMS.get(criterion.cut.kind)
    return Aim() if kind is None else Aim(kind, criterion.cut.value)


def judged_of(candidates: Candidates, said: Mapping[int, Said]) -> Judged:
    """Return which candidates have a yes or a no."""
    verdicts = [said[key].verdict if key in said else None for key in candidates.ids.tolist()]
    places = [at for at, one in enumerate(verdicts) if one in (Verdict.YES, Verdict.NO)]
    truths = [float(verdicts[at] is Verdict.YES) for at in places]
    return Judged(np.array(places, np.int64), np.array(truths, np.float64))
