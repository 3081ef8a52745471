"""Which notes are nearest: by their best passage to a query, by their vector to a note."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from notekin.errors import UsageError
from notekin.search.hits import Evidence, Hit, Results
from notekin.storage.conditions import Condition
from notekin.storage.keys import Keys, note_keys_of
from notekin.storage.nearest import Nearest, Seen
from notekin.storage.records import StoredNote
from notekin.storage.snapshot import Snapshot
from notekin.types import Encoder, NoteKey, Vectors

EVIDENCE_PASSAGES = 3
_FIRST_FETCH = 4
_FETCH_GROWTH = 4


@dataclass(frozen=True, slots=True)
class Ranking:
    """Notes, best first: keys and scores, each of shape (notes,); and how they were found."""

    keys: Keys
    scores: Vectors
    seen: Seen


class Searcher:
    """Answers queries over one snapshot."""

    def __init__(self, snapshot: Snapshot, encoder: Encoder) -> None:
        self._snapshot = snapshot
        self._encoder = encoder

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the query vector of each text, float32 of shape (len(texts), dim)."""
        return self._encoder.encode(texts)

    def search(self, text: str, k: int, condition: Condition | None = None) -> Results:
        """Return the ``k`` notes whose best passage is nearest to a text in meaning.

        If ``k`` notes meet the condition, ``k`` come back.

        Raises:
            UsageError: ``k`` is below 1, or the text is empty.
            FilterError: The condition asks for a field that no note has.
        """
        began = time.perf_counter()
        if not text.strip():
            raise UsageError("The query is empty. Say in words what the notes should be about.")
        query = self._encoder.encode([text])
        ranking = self.rank(query, k, condition)[0]
        return self._results(query[0], ranking, began)

    def similar(
        self,
        note_id: str,
        k: int,
        condition: Condition | None = None,
        source: str | None = None,
    ) -> Results:
        """Return the ``k`` notes whose vectors are nearest to a note's; the note is not one.

        Raises:
            NoSuchNoteError: The store holds no such note.
            AmbiguousNoteError: Several sources hold one and ``source`` is None.
        """
        began = time.perf_counter()
        _check(k)
        note = self._snapshot.find(note_id, source)
        vector = self._snapshot.note_vector(note.note_key)
        allowed = None if condition is None else self._snapshot.select(condition)
        found = self._snapshot.nearest_notes(vector[None], k + 1, allowed)
        others = found.keys[0] != note.note_key
        ranking = Ranking(found.keys[0][others][:k], found.scores[0][others][:k], found.seen)
        return self._results(vector, ranking, began)

    def rank(self, queries: Vectors, k: int, condition: Condition | None = None) -> list[Ranking]:
        """Return the ``k`` notes with the best passage for each query vector.

        Args:
            queries: float32 of shape (q, dim), each of length 1.
            k: How many notes a query; fewer come back only where fewer are allowed.
            condition: What the notes must meet; None lets all pass.
        """
        _check(k)
        allowed = None if condition is None else self._snapshot.select(condition)
        return self._rank(queries, k, allowed, k * _FIRST_FETCH, Seen())

    def _rank(
        self, queries: Vectors, k: int, allowed: Keys | None, fetch: int, before: Seen
    ) -> list[Ranking]:
        """Fetch passages, and more of them for the queries whose passages share too few notes."""
        found = self._snapshot.nearest_passages(queries, fetch, allowed)
        rankings = _by_note(found, k, before)
        exhausted = found.keys.shape[1] < fetch
        short = [at for at, one in enumerate(rankings) if len(one.keys) < k]
        if short and not exhausted:
            seen = before + found.seen
            again = self._rank(queries[short], k, allowed, fetch * _FETCH_GROWTH, seen)
            for at, ranking in zip(short, again, strict=True):
                rankings[at] = ranking
        return rankings

    def _results(self, query: Vectors, ranking: Ranking, began: float) -> Results:
        notes = self._snapshot.notes([NoteKey(int(key)) for key in ranking.keys])
        hits = tuple(
            self._hit(query, note, rank, float(score))
            for rank, (note, score) in enumerate(zip(notes, ranking.scores, strict=True), start=1)
        )
        took_ms = (time.perf_counter() - began) * 1000
        seen = ranking.seen
        return Results(self._snapshot.generation, seen.path, seen.candidates, took_ms, hits)

    def _hit(self, query: Vectors, note: StoredNote, rank: int, score: float) -> Hit:
        return Hit(
            rank=rank,
            note_id=note.note_id,
            patient_id=note.patient_id,
            score=score,
            category=note.category,
            recorded_at=note.recorded_at,
            title=note.title,
            evidence=self._evidence(query, note.note_key),
            source=note.source,
            encounter_id=note.encounter_id,
            author=note.author,
            attributes=note.attributes,
        )

    def _evidence(self, query: Vectors, key: NoteKey) -> tuple[Evidence, ...]:
        """Return a note's nearest passages, best first, with their place in the text."""
        text = self._snapshot.text(key)
        passages = self._snapshot.passages(key)
        scores = self._snapshot.passage_vectors(key) @ query
        best = np.argsort(-scores, kind="stable")[:EVIDENCE_PASSAGES]
        return tuple(
            Evidence(
                passages[at].start,
                passages[at].end,
                text[passages[at].start : passages[at].end],
                float(scores[at]),
            )
            for at in best
        )


def _by_note(found: Nearest, k: int, before: Seen) -> list[Ranking]:
    """Return for each query the first ``k`` notes among its passages, each with its best."""
    rankings = []
    for scores, passages in zip(found.scores, found.keys, strict=True):
        keys, first = np.unique(note_keys_of(passages), return_index=True)
        order = np.argsort(first)[:k]
        rankings.append(Ranking(keys[order], scores[first[order]], before + found.seen))
    return rankings


def _check(k: int) -> None:
    if k < 1:
        raise UsageError(f"k is {k}; ask for at least one hit.")
