"""Every subject of a store held against every criterion, as arrays: the answer is cut from it.

The review samples from it and the report draws it: it holds those who were not taken, too.
It lives as long as a run does, and is never kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product, starmap
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from notekin.search.cohort.answer import AttritionRow, Standing, Status, UsedCut
from notekin.search.cohort.rules import Rules
from notekin.storage.keys import Keys
from notekin.types import Assertion, Experiencer, Polarity, Temporality, Vectors

Codes: TypeAlias = npt.NDArray[np.int64]
"""int64 of shape (n,): places in another array; -1 for none."""
Flags: TypeAlias = npt.NDArray[np.bool_]
Scores: TypeAlias = npt.NDArray[np.float64]
Small: TypeAlias = npt.NDArray[np.int8]

STATUSES = (Status.NO_EVIDENCE, Status.NOT_MET, Status.MET)
"""A status is kept as its place in here."""
NO_EVIDENCE, NOT_MET, MET = range(3)
ASSERTIONS = tuple(starmap(Assertion, product(Polarity, Experiencer, Temporality)))
STANDINGS = (Standing.COUNTS, Standing.COPY, Standing.OUT_OF_TIME, Standing.ASSERTED_OTHERWISE)
COUNTS = 0


@dataclass(frozen=True, slots=True, eq=False)
class Subjects:
    """The live notes of a store and whose they are.

    Attributes:
        keys: The note keys, ascending, shape (notes,).
        subject: Whose each note is: its place in ``patient_ids``; -1 where it names nobody.
        encounter: Which encounter each note is of, a number of its own; -1 where it names none.
        moment: When each was recorded, in microseconds from 1970-01-01; ``NO_MOMENT`` where
            that is unknown.
        patient_ids: One a subject, in order; None for an encounter that names no patient.
        encounter_ids: One a subject; None where the cohort is of patients.
    """

    keys: Keys
    subject: Codes
    encounter: Codes
    moment: Codes
    patient_ids: Sequence[str | None]
    encounter_ids: Sequence[str | None]

    def __len__(self) -> int:
        return len(self.patient_ids)


NO_MOMENT = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True, eq=False)
class Screened:
    """One criterion over all notes and all subjects.

    Attributes:
        scored: Keys of the notes that had a score, ascending.
        scores: Their scores, float32; 1 for phrases and facts.
        spoke: Keys of the notes that speak of it (at or above the cut), ascending.
        spoke_scores: Theirs; where the cut is calibrated, probabilities.
        standing: For each of ``spoke``, its place in ``STANDINGS``.
        start: For each of ``spoke``, where in its text the evidence begins; ``end``: ends.
        assertion: For each of ``spoke``, the place in ``ASSERTIONS`` of what is said there; -1
            where the criterion asks for none.
        status: For each subject, its place in ``STATUSES``.
        score: For each subject, the best score of what counts, else 0.
        count: For each subject, how many notes or encounters count.
        cut: None for phrases and facts.
    """

    criterion: str
    scored: Keys
    scores: Vectors
    spoke: Keys
    spoke_scores: Vectors
    standing: Small
    start: Codes
    end: Codes
    assertion: Small
    status: Small
    score: Vectors
    count: Codes
    cut: UsedCut | None


@dataclass(frozen=True, slots=True, eq=False)
class Screening:
    """All subjects against all criteria.

    Attributes:
        criteria: In the definition's order.
        taken: For each subject, whether it is in the cohort, before the limit.
        score: For each subject, what it is ranked by.
        order: Places of the subjects in the cohort, best first, cut at the limit.
    """

    rules: Rules
    subjects: Subjects
    criteria: Sequence[Screened]
    taken: Flags
    score: Scores
    order: Codes
    attrition: Sequence[AttritionRow]
