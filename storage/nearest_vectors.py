"""The vector of each note's passage that is nearest to a query, for some notes of a file."""

from __future__ import annotations

import numpy as np

from notekin.storage.keys import PLACE_BITS, Keys, note_keys_of
from notekin.storage.vector_file import VectorFile
from notekin.storage.vector_rows import rows_of
from notekin.types import Vectors


def nearest_vectors(file: VectorFile, query: Vectors, notes: Keys) -> tuple[Keys, Vectors]:
    """Return the notes that a file has passages of, ascending, and their nearest's vectors.

    Args:
        file: Passages and their vectors.
        query: float32 of shape (dim,).
        notes: Keys, ascending.
    """
    rows = rows_of(file.ids, notes, PLACE_BITS)
    of = note_keys_of(file.ids[rows])
    order = np.lexsort((-file.score(query, rows), of))
    firsts = np.flatnonzero(np.diff(of, prepend=-1))
    return of[firsts], file.vectors[rows[order[firsts]]]
