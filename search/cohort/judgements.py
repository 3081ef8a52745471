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
        judged_at: In UTC, without a zone.
    """

    criterion: str
    note_key: NoteKey
    start: int
    end: int
    verdict: Verdict
    judged_at: datetime


class Calibration(Protocol):
    """Turns a criterion's scores into probabilities, as judgements taught it."""

    def probabilities(self, criterion: Criterion, keys: Keys, scores: Vectors) -> Vectors | None:
        """Return for each note the probability that it means the criterion.

        The same judgements, notes and scores give the same probabilities, to the bit.

        Returns:
            float32 of shape (len(keys),); None where too little was judged to say.
        """
        ...
