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
from notekin.storage.lexical_oracle import bm25, holds_phrase
from notekin.storage.likeness import ALIKE, likeness_of
from notekin.storage.marks import section_titles
from notekin.storage.nearest import NoteScores
from notekin.storage.records import NewNote, StoredNote, StoredPassage
from notekin.types import NoteKey, Vectors

Identity = tuple[str, str]
"""A note's source and note id."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One live note: what was committed, and its facts and passages as they are answered."""

    new: NewNote
    facts: StoredNote
    passages: tuple[StoredPassage, ...]


@dataclass(slots=True)
class OracleStore:
    """What a store should hold after what was done to it."""

    notes: dict[Identity, Kept] = field(default_factory=dict)
    next_key: int = 1

    def commit(self, notes: Sequence[NewNote]) -> None:
        """Add these notes, each in place of the live one of its (source, note_id)."""
        for new in notes:
            self.notes.pop((new.note.source, new.note.note_id), None)
        for new in notes:
            key = NoteKey(self.next_key)
            kept = Kept(new, _facts(key, new), self._passages(key, new))
            self.notes[new.note.source, new.note.note_id] = kept
            self.next_key += 1

    def delete(self, condemned: Condemned) -> int:
        """Delete notes; return how many were there."""
        found = [identity for identity, kept in self.notes.items() if _is_of(condemned, kept)]
        for identity in found:
            del self.notes[identity]
        return len(found)

    def _passages(self, key: NoteKey, new: NewNote) -> tuple[StoredPassage, ...]:
        """Return a new note's passages, each with its section and its family."""
        text, patient = new.note.text, new.note.patient_id
        parts = new.encoded.passages
        titles = section_titles(text, [part.start for part in parts])
        earlier = [
            (kept.new.note.text[part.start : part.end], part.family)
            for kept in sorted(self.notes.values(), key=lambda one: one.facts.note_key)
            if kept.facts.patient_id == patient
            for part in kept.passages
        ]
        passages = []
        for place, (part, title) in enumerate(zip(parts, titles, strict=True)):
            family = None
            if patient is not None:
                said = text[part.start : part.end]
                family = _family(said, earlier) or passage_key(key, place)
                earlier.append((said, family))
            passages.append(StoredPassage(part.start, part.end, part.tokens, title, family))
        return tuple(passages)

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
        self,
        queries: Vectors,
        count: int,
        allowed: Keys | None = None,
        sections: Sequence[str] | None = None,
    ) -> tuple[Vectors, Keys]:
        """Return the passages with the highest score for each query, by comparing with all."""
        pairs = [
            (passage_key(key, place), vector)
            for key, kept in sorted(self.kept.items())
            for place, vector in enumerate(kept.new.encoded.passage_vectors)
            if sections is None or kept.passages[place].section in sections
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

    def passages(self, key: NoteKey) -> list[StoredPassage]:
        """Return a note's passages in text order."""
        return list(self.kept[key].passages)

    def lexical(
        self,
        terms: Sequence[str],
        allowed: Keys | None = None,
        sections: Sequence[str] | None = None,
    ) -> NoteScores:
        """Return the BM25 of every allowed note that holds any of these terms."""
        notes = {key: (kept.new.note.text, kept.passages) for key, kept in self.kept.items()}
        scores = sorted(bm25(notes, terms, sections).items())
        fit = [one for one in scores if allowed is None or one[0] in allowed]
        return NoteScores(
            np.array([key for key, _ in fit], np.int64),
            np.array([score for _, score in fit], np.float32),
        )

    def with_phrase(self, text: str, allowed: Keys | None = None) -> Keys:
        """Return the allowed notes that hold a phrase, ascending."""
        found = [
            key
            for key in sorted(self.kept)
            if (allowed is None or key in allowed) and holds_phrase(self.text(key), text)
        ]
        return np.array(found, np.int64)


def _is_of(condemned: Condemned, kept: Kept) -> bool:
    if condemned.source is not None and kept.facts.source != condemned.source:
        return False
    return kept.facts.note_id in condemned.notes or kept.facts.patient_id in condemned.patients


def _family(text: str, earlier: Sequence[tuple[str, int | None]]) -> int | None:
    """Return the family of the passage most like a text, the oldest of equals; None for none."""
    mine = likeness_of([text])[0].tolist()
    best, family = ALIKE - 1, None
    for other, its_family in earlier:
        theirs = likeness_of([other])[0].tolist()
        agreed = sum(one == two for one, two in zip(mine, theirs, strict=True))
        if agreed > best:
            best, family = agreed, its_family
    return family


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
