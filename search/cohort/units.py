"""Of which a review asks: each subject by the one note that decides whether it meets a criterion.

Where one note is enough, that is the subject's best; where two must count, the second best.
"""

from __future__ import annotations

import numpy as np

from notekin.search.cohort.sampling import Ids, Places
from notekin.types import Vectors


def deciding(scores: Vectors, owners: Ids, at_least: int = 1) -> Places:
    """Return the places of the notes that decide, one a subject that has enough notes.

    Args:
        scores: One a note; equal ones are in the order of the notes.
        owners: Whose each note is; -1 for nobody's, which decide nothing.
        at_least: How many of a subject's notes must be found.

    Returns:
        Ascending.
    """
    order = np.lexsort((-scores, owners))
    of = owners[order]
    turn = np.arange(len(of)) - np.searchsorted(of, of)
    places: Places = np.sort(order[(of >= 0) & (turn == at_least - 1)])
    return places
