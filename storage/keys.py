"""The integer keys that SQL rows and FAISS vectors share.

A note's vector has the note's key as its FAISS id. A passage's key is
``note_key * 2**20 + place``: which note a passage belongs to is arithmetic, with no
table between the two that could be out of step.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from notekin.types import NoteKey

PLACE_BITS = 20
MAX_PASSAGES = 1 << PLACE_BITS

Keys: TypeAlias = npt.NDArray[np.int64]
"""int64 of shape (n,)."""


def passage_key(note_key: NoteKey, place: int) -> int:
    """Return the key of a note's passage number ``place``, counted from 0."""
    return (note_key << PLACE_BITS) | place


def note_keys_of(passage_keys: Keys) -> Keys:
    """Return the key of each passage's note, in the order given."""
    return passage_keys >> PLACE_BITS


def places_of(passage_keys: Keys) -> Keys:
    """Return each passage's number within its note, in the order given."""
    return passage_keys & (MAX_PASSAGES - 1)


def contains(sorted_keys: Keys, keys: Keys) -> npt.NDArray[np.bool_]:
    """Return for each of ``keys`` whether ``sorted_keys`` (ascending) holds it."""
    if not len(sorted_keys):
        return np.zeros(len(keys), dtype=np.bool_)
    at = np.searchsorted(sorted_keys, keys)
    at[at == len(sorted_keys)] = 0
    found: npt.NDArray[np.bool_] = sorted_keys[at] == keys
    return found
