"""Search by example: notes like these and unlike those, by their note vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from notekin.errors import UsageError
from notekin.search.picking import Ranked
from notekin.search.ranking import Ranking, Standing
from notekin.storage.keys import Keys
from notekin.storage.snapshot import Snapshot
from notekin.types import Encoder, Vectors

_UNLIKE = 0.5
"""What the notes to be unlike weigh, beside those to be like."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Notes of a store, by id, and texts from elsewhere; to be like, or unlike.

    Attributes:
        like: Ids of notes.
        unlike: Ids of notes that hits are to be unlike.
        texts: Texts to be like, of any length; each is read as a note is.
        source: The source of the notes; needed where several hold one of the ids.
    """

    like: Sequence[str] = ()
    unlike: Sequence[str] = ()
    texts: Sequence[str] = ()
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Likeness:
    """Examples, looked up.

    Attributes:
        vector: float32 of shape (dim,), length 1: the mean of the liked ones, less half that
            of the others (Rocchio's way).
        keys: Of the notes among them.
    """

    vector: Vectors
    keys: frozenset[int]


def look_up(examples: Examples, snapshot: Snapshot, encoder: Encoder) -> Likeness:
    """Return what the examples are.

    Raises:
        UsageError: There is nothing to be like, or a text is empty.
        NoSuchNoteError: The store holds no such note.
        AmbiguousNoteError: Several sources hold one, and none is named.
    """
    if not (examples.like or examples.texts):
        raise UsageError("There is nothing to be like: give a text, or a note with --like.")
    if not all(text.strip() for text in examples.texts):
        raise UsageError("The text is empty. Give one that is like the notes to be found.")
    like = [snapshot.find(one, examples.source).note_key for one in examples.like]
    unlike = [snapshot.find(one, examples.source).note_key for one in examples.unlike]
    vectors = [snapshot.note_vector(key) for key in like]
    vectors += [encoded.vector for encoded in encoder.encode_notes(list(examples.texts))]
    vector = np.mean(vectors, axis=0)
    if unlike:
        vector = vector - _UNLIKE * np.mean([snapshot.note_vector(key) for key in unlike], axis=0)
    return Likeness(_unit(vector), frozenset((*like, *unlike)))


def ranked_by(likeness: Likeness, snapshot: Snapshot, allowed: Keys | None) -> Ranked:
    """Return the notes most like the examples, which are not among them."""

    def best(count: int) -> Ranking:
        asked = count + len(likeness.keys)
        found = snapshot.nearest_notes(likeness.vector[None], asked, allowed)
        others = ~np.isin(found.keys[0], list(likeness.keys))
        keys, scores = found.keys[0][others][:count], found.scores[0][others][:count]
        standing = Standing(np.arange(1, len(keys) + 1), scores)
        return Ranking(keys, scores, found.seen, {"note": standing})

    return best


def _unit(vector: Vectors) -> Vectors:
    length = float(np.linalg.norm(vector))
    unit: Vectors = (vector / length if length else vector).astype(np.float32)
    return unit
