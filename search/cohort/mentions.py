"""The places in notes that speak of one criterion, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from notekin.search.cohort.answer import UsedCut
from notekin.search.cohort.screening import Codes, Small
from notekin.storage.keys import Keys
from notekin.types import Vectors

NONE = -1
"""What stands for no assertion and no family."""


@dataclass(frozen=True, slots=True, eq=False)
class Mentions:
    """Places in notes; those of one note stand together, the best first.

    Attributes:
        note: The key of each place's note, ascending.
        start: Where in the note's text each begins; ``end``: ends.
        assertion: The place in ``ASSERTIONS`` of what is said there; -1 where not asked.
        family: The same for copies of one passage; -1 for a passage that has none.
    """

    note: Keys
    start: Codes
    end: Codes
    assertion: Small
    family: Codes

    @classmethod
    def of_whole_notes(cls, keys: Keys) -> Mentions:
        """Return one mention a note that names no place in it: what facts alone say."""
        zeros = np.zeros(len(keys), np.int64)
        none = np.full(len(keys), NONE, np.int64)
        return cls(keys, zeros, zeros, none.astype(np.int8), none)


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """All that the notes of a store say of one criterion.

    Attributes:
        scored: Keys of the notes that have a score, ascending; ``scores``: theirs.
        spoke: Those at or above the cut, ascending; ``spoke_scores``: their scores.
        mentions: At least one for each of ``spoke``.
        known: Keys of the notes that have a value of a field that is asked about, ascending.
        cut: None for phrases and facts.
    """

    scored: Keys
    scores: Vectors
    spoke: Keys
    spoke_scores: Vectors
    mentions: Mentions
    known: Keys
    cut: UsedCut | None
