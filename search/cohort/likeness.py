"""How like some patients and notes a subject's notes are, as a whole: means of note vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from notekin.errors import CohortError
from notekin.search.cohort.rules import Examples
from notekin.search.cohort.screening import Codes, Flags, Scores
from notekin.storage.conditions import OneOf
from notekin.storage.keys import Keys, contains
from notekin.storage.owners import Owners
from notekin.storage.snapshot import Snapshot

Directions = Scores
"""float64 of shape (n, dim), each row of length 1, or 0 where it has no vector."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Examples as the store knows them.

    Attributes:
        notes: For each live note, whether it belongs to an example.
        direction: The mean of the patients' means and the example notes, of length 1.
        unknown: Ids that no live note bears.
    """

    notes: Flags
    direction: Scores
    unknown: int


class Whole:
    """All live notes of a snapshot, whose they are, and their vectors."""

    def __init__(self, snapshot: Snapshot, owners: Owners) -> None:
        self._snapshot = snapshot
        self._owners = owners
        self._vectors = snapshot.note_vectors()

    def find(self, examples: Examples) -> Found:
        """Look up examples; a patient counts once, however many notes they have.

        Raises:
            CohortError: No live note bears any of their ids.
        """
        patients = np.array([-1 if one is None else 0 for one in self._owners.patients])
        places = {name: at for at, name in enumerate(dict.fromkeys(examples.patients))}
        for row in np.flatnonzero(patients == 0).tolist():
            patients[row] = places.get(self._owners.patients[row] or "", -1)
        named = self._of_notes(examples.notes)
        known = len(np.unique(patients[patients >= 0])) + self._ids_of(named)
        asked = len(places) + len(set(examples.notes))
        if not known:
            raise CohortError(
                f"None of the {asked} examples has a note in this store. Ids are those of the "
                "data it was made from: see them with notekin search --json."
            )
        means = self.directions(patients, len(places))
        total = means.sum(axis=0) + self._vectors[named].sum(axis=0, dtype=np.float64)
        return Found((patients >= 0) | named, _unit(total[None])[0], asked - known)

    def directions(self, subject: Codes, subjects: int) -> Directions:
        """Return the direction of each subject's notes: their mean, of length 1."""
        order = np.argsort(subject, kind="stable")
        order = order[subject[order] >= 0]
        total = np.zeros((subjects, self._vectors.shape[1]))
        if len(order):
            owner, first = np.unique(subject[order], return_index=True)
            for start, stop, rows in _blocks(first, len(order)):
                part = self._vectors[order[rows]].astype(np.float64)
                total[owner[start:stop]] = np.add.reduceat(part, first[start:stop] - rows.start)
        return _unit(total)

    def nearest_note(self, direction: Scores, rows: Codes) -> int:
        """Return which of some notes is most like a direction."""
        return int(rows[np.argmax(self._vectors[rows] @ direction.astype(np.float32))])

    def _of_notes(self, ids: tuple[str, ...]) -> Flags:
        keys: Keys = self._snapshot.select(OneOf("note_id", ids))
        return contains(keys, self._owners.keys)

    def _ids_of(self, named: Flags) -> int:
        keys = self._owners.keys[named].tolist()
        return len({note.note_id for note in self._snapshot.notes(keys)})


def likeness(like: Found | None, unlike: Found | None, directions: Directions) -> Scores:
    """Return how like some and unlike others each subject is, from 0 to 1."""
    cosines = [
        sign * (directions @ one.direction)
        for sign, one in ((1, like), (-1, unlike))
        if one is not None
    ]
    total: Scores = (len(cosines) + np.sum(cosines, axis=0)) / (2 * len(cosines))
    return total


_ROWS_A_BLOCK = 100_000


def _blocks(first: Codes, rows: int) -> list[tuple[int, int, slice]]:
    """Cut subjects, whose notes stand together, into blocks of bounded size."""
    blocks = []
    start = 0
    ends = np.append(first[1:], rows)
    while start < len(first):
        stop = int(np.searchsorted(ends, first[start] + _ROWS_A_BLOCK, "right"))
        stop = max(stop, start + 1)
        blocks.append((start, stop, slice(int(first[start]), int(ends[stop - 1]))))
        start = stop
    return blocks


def _unit(rows: Scores) -> Directions:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Directions = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return unit
