"""A store in dicts and numpy: slow, forgets everything, and is right at a glance.

What ``StoreFolder`` and ``Snapshot`` answer must equal what these do, after any sequence of
commits, deletions, compactions, purges and crashes (tests/property/test_store_machine.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from notekin.storage.condition_oracle import meets
from notekin.storage.conditions import Condition
from notekin.storage.deleting import Condemned
from notekin.storage.keys import Keys, note_keys_of, passage_key
from notekin.storage.records import NewNote, StoredNote
from notekin.types import NoteKey, Passage, Vectors

Identity = tuple[str, str]
"""A note's source and note id."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One live note: what was committed, and its facts as they are answered."""

    new: NewNote
    facts: StoredNote


@dataclass(slots=True)
class OracleStore:
    """What a store should hold after what was done to it."""

    notes: dict[Identity, Kept] = field(default_factory=dict)
    next_key: int = 1

    def commit(self, notes: Sequence[NewNote]) -> None:
        """Add these notes, each in place of the live one of its (source, note_id)."""
        for new in notes:
            kept = Kept(new, _facts(NoteKey(self.next_key), new))
            self.notes[new.note.source, new.note.note_id] = kept
            self.next_key += 1

    def delete(self, condemned: Condemned) -> int:
        """Delete notes; return how many were there."""
        found = [identity for identity, kept in self.notes.items() if _is_of(condemned, kept)]
        for identity in found:
            del self.notes[identity]
        return len(found)

    def snapshot(self) -> OracleSnapshot:
        """Return a view that later changes don't touch."""
        return OracleSnapshot({kept.facts.note_key: kept for kept in self.notes.values()})


@dataclass(frozen=True, slots=True)
class OracleSnapshot:
    """The live notes of one moment, by key."""

    kept: dict[NoteKey, Kept]

    def select(self, condition: Condition) -> Keys:
        """Return the keys of the notes that meet a condition, ascending."""
        met = [key for key, kept in self.kept.items() if meets(condition, kept.facts)]
        return np.array(sorted(met), np.int64)

    def nearest_passages(
        self, queries: Vectors, count: int, allowed: Keys | None = None
    ) -> tuple[Vectors, Keys]:
        """Return the passages with the highest score for each query, by comparing with all."""
        pairs = [
            (passage_key(key, place), vector)
            for key, kept in sorted(self.kept.items())
            for place, vector in enumerate(kept.new.encoded.passage_vectors)
        ]
        rows = np.array([pair[0] for pair in pairs], np.int64)
        fit = np.ones(len(rows), bool) if allowed is None else np.isin(note_keys_of(rows), allowed)
        return _best(queries, count, rows[fit], [pairs[at][1] for at in np.flatnonzero(fit)])

    def nearest_notes(
        self, queries: Vectors, count: int, allowed: Keys | None = None
    ) -> tuple[Vectors, Keys]:
        """Return the notes whose note vector has the highest score; as ``nearest_passages``."""
        keys = [key for key in sorted(self.kept) if allowed is None or key in set(allowed.tolist())]
        vectors = [self.kept[key].new.encoded.vector for key in keys]
        return _best(queries, count, np.array(keys, np.int64), vectors)

    def note_vector(self, key: NoteKey) -> Vectors:
        """Return a note's vector, float32 of shape (dim,)."""
        return self.kept[key].new.encoded.vector

    def passage_vectors(self, key: NoteKey) -> Vectors:
        """Return a note's passage vectors in text order, float32 of shape (passages, dim)."""
        return self.kept[key].new.encoded.passage_vectors

    def notes(self, keys: Sequence[NoteKey]) -> list[StoredNote]:
        """Return the facts of some notes, in the order of their keys given."""
        return [self.kept[key].facts for key in keys]

    def text(self, key: NoteKey) -> str:
        """Return a note's text to the letter."""
        return self.kept[key].new.note.text

    def passages(self, key: NoteKey) -> list[Passage]:
        """Return a note's passages in text order."""
        return list(self.kept[key].new.encoded.passages)


def _is_of(condemned: Condemned, kept: Kept) -> bool:
    if condemned.source is not None and kept.facts.source != condemned.source:
        return False
    return kept.facts.note_id in condemned.notes or kept.facts.patient_id in condemned.patients


def _best(
    queries: Vectors, count: int, keys: Keys, vectors: Sequence[Vectors]
) -> tuple[Vectors, Keys]:
    """Return the ``count`` best of each query, best first, equal scores by key."""
    if not len(keys):
        return np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
    scores = queries @ np.stack(vectors).T
    order = np.argsort(-scores, axis=1, kind="stable")[:, :count]
    return np.take_along_axis(scores, order, axis=1), keys[order]


def _facts(key: NoteKey, new: NewNote) -> StoredNote:
    note = new.note
    return StoredNote(
        note_key=key,
        source=note.source,
        note_id=note.note_id,
        patient_id=note.patient_id,
        encounter_id=note.encounter_id,
        category=note.category,
        recorded_at=note.recorded_at,
        author=note.author,
        title=note.title,
        tokens_seen=new.encoded.tokens_seen,
        tokens_total=new.encoded.tokens_total,
        attributes={name: value for name, value in note.attributes.items() if value is not None},
    )
