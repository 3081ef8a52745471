"""The score of each note's best passage, for all notes or for some."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from notekin.storage.keys import note_keys_of
from notekin.storage.nearest import NoteScores
from notekin.storage.vector_file import VectorFile
from notekin.storage.vector_rows import Rows
from notekin.types import Vectors


def best_of(file: VectorFile, query: Vectors, rows: Rows) -> NoteScores:
    """Return the notes of some of a file's rows, each with its best; every row is scored."""
    if not rows.count:
        return NoteScores(np.empty(0, np.int64), np.empty(0, np.float32))
    if rows.chosen is not None:
        ids, scores = file.ids[rows.chosen], file.score(query, rows.chosen)
    else:
        live = rows.mask(len(file.ids))
        ids, scores = file.ids, file.vectors @ query
        if live is not None:
            ids, scores = ids[live], scores[live]
    notes = note_keys_of(ids)
    firsts = np.flatnonzero(np.diff(notes, prepend=-1))
    return NoteScores(notes[firsts], np.maximum.reduceat(scores, firsts))


def ascending(parts: Sequence[NoteScores]) -> NoteScores:
    """Return the scores of several segments in the order of their keys; no note is in two."""
    keys = np.concatenate([np.empty(0, np.int64), *(part.keys for part in parts)])
    scores = np.concatenate([np.empty(0, np.float32), *(part.scores for part in parts)])
    if np.all(keys[:-1] < keys[1:]):
        return NoteScores(keys, scores)
    order = np.argsort(keys)
    return NoteScores(keys[order], scores[order])
