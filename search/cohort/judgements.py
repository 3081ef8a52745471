"""What a person said of pieces of evidence, and what learns from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from notekin.search.cohort.rules import Criterion
from notekin.storage.keys import Keys
from notekin.types import NoteKey, Vectors


class Verdict(Enum):
    """Whether the evidence means what its criterion asks."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Judgement:
    """One verdict on one place in one note; it is kept with the cohort, by reference.

    Attributes:
        start: Offsets in the note's text of what was judged.
        drawn: Whether the random sample asked for it: what precision and recall are estimated
            from. Else it was chosen, for what it teaches, or brought in.
        judged_at: In UTC, without a zone.
    """

    criterion: str
    note_key: NoteKey
    start: int
    end: int
    verdict: Verdict
    drawn: bool
    judged_at: datetime


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """A criterion's scores as judgements teach to read them.

    Attributes:
        probabilities: That each note means the criterion: 1 and 0 where a person said yes and
            no. float32 of shape (notes,).
        cut: The lowest probability that passes.
    """

    probabilities: Vectors
    cut: float


class Calibration(Protocol):
    """Turns a criterion's scores into probabilities, as judgements taught it."""

    def calibrated(self, criterion: Criterion, keys: Keys, scores: Vectors) -> Calibrated | None:
        """Return the probability of each note, and the cut that the criterion aims at.

        The same judgements, notes and scores give the same probabilities, to the bit.

        Args:
            criterion: One whose cut is calibrated.
            keys: The notes that have a score, ascending.
            scores: float32, one a note.

        Returns:
            None where nothing was judged.
        """
        ...
