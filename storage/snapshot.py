"""A reader's view of one generation: what SQL (storage/facts.py) and the segments say together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from notekin.storage import reading
from notekin.storage.ann import AnnIndex
from notekin.storage.best_passages import ascending, best_of
from notekin.storage.catalog import Catalog
from notekin.storage.conditions import Condition
from notekin.storage.damage import damaged
from notekin.storage.facts import Facts
from notekin.storage.keys import PLACE_BITS, Keys, contains, passage_key
from notekin.storage.lexical import LexicalPart, Lexicon
from notekin.storage.nearest import Nearest, NoteScores, merge
from notekin.storage.nearest_vectors import nearest_vectors
from notekin.storage.paths import nearest
from notekin.storage.relevance import Relevance
from notekin.storage.segments import Segment
from notekin.storage.selecting import Selections, keys_meeting
from notekin.storage.side_by_side import each
from notekin.storage.telling import Telling
from notekin.storage.vector_file import VectorFile
from notekin.storage.vector_rows import Rows, all_but, rows_of
from notekin.storage.wanted import Wanted
from notekin.types import NoteKey, Vectors


class Snapshot(Facts):
    """One generation of a store, for reading. A later commit doesn't change what it shows."""

    def __init__(
        self,
        path: Path,
        catalog: Catalog,
        generation: int,
        segments: Sequence[Segment],
        dead: Keys,
        live: int,
    ) -> None:
        super().__init__(path, catalog, generation)
        self._held = segments
        self._dead = dead
        self._live_notes = live
        self._live: dict[VectorFile, Rows] = {}
        self._selections = Selections()

    @cached_property
    def _segments(self) -> Sequence[Segment]:
        """The segments, once they are seen to hold as many live notes as were committed.

        A note that a damaged catalog takes for dead would be missing from every answer.
        """
        live = sum(self._living(part.notes, 0).count for part in self._held)
        if live != self._live_notes:
            raise damaged(self._path / "catalog.sqlite", "names other notes than the segments hold")
        return self._held

    def select(self, condition: Condition) -> Keys:
        """Return the keys of the notes that meet a condition, ascending; they can't be written to.

        What was asked before costs no more than to see that no purge has ended the snapshot.

        Raises:
            FilterError: The condition names a field that no note of the store has.
        """
        with self._reading() as connection:
            chosen = self._selections.of(condition)
            if chosen is None:
                reading.check_fields(connection, self.generation, condition)
                met = self._seen(keys_meeting(connection, condition))
                chosen = self._selections.keep(condition, met)
        return chosen

    def nearest_passages(
        self,
        queries: Vectors,
        count: int,
        allowed: Keys | None = None,
        sections: Sequence[str] | None = None,
    ) -> Nearest:
        """Return the passages with the highest score for each query.

        A large segment is searched through its approximate index, and its scores are exact
        all the same. As many passages come back as are asked for, wherever they exist.

        Args:
            queries: float32 of shape (q, dim), each of length 1.
            count: How many a query.
            allowed: Keys of the notes to look in, ascending; None for all.
            sections: Titles; only passages that begin in one of these are looked at. None for
                all passages.

        Returns:
            Scores and passage keys, each of shape (q, min(count, passages allowed)).
        """
        allowed = self._alive(allowed)
        parts = [
            (part.passages, part.passages_ann, self._passage_rows(place, allowed, sections))
            for place, part in enumerate(self._segments)
        ]
        return _nearest_of_all(parts, queries, count)

    def nearest_notes(self, queries: Vectors, count: int, allowed: Keys | None = None) -> Nearest:
        """Return the notes whose note vector has the highest score; as ``nearest_passages``."""
        allowed = self._alive(allowed)
        parts = [
            (part.notes, part.notes_ann, self._note_rows(part, allowed)) for part in self._segments
        ]
        return _nearest_of_all(parts, queries, count)

    def lexical(
        self,
        terms: Sequence[str],
        allowed: Keys | None = None,
        sections: Sequence[str] | None = None,
    ) -> NoteScores:
        """Return the BM25 of every allowed note that holds any of these terms.

        Args:
            terms: As ``notekin.words.words_of`` gives them; each counts once.
            allowed: Keys of the notes that may come back, ascending; None for all. They change
                nothing in the scores.
            sections: Titles; only what stands in passages of these counts. None for all.
        """
        return self._lexicon.score(terms, allowed, sections)

    def relevance(
        self, wanted: Sequence[Wanted], sections: Sequence[str] | None = None
    ) -> Relevance:
        """Return how well the words of notes answer a query, to be asked note by note.

        Args:
            wanted: What the query asks for.
            sections: Titles; only what stands in passages of these counts. None for all.
        """
        return Relevance(self._lexicon, wanted, sections)

    def telling(self, wanted: Sequence[Wanted]) -> Telling:
        """Return which passages of notes say what is wanted, to be asked note by note."""
        return Telling(self._lexicon, wanted)

    def best_passages(
        self, query: Vectors, allowed: Keys | None = None, sections: Sequence[str] | None = None
    ) -> NoteScores:
        """Return the score of the best passage of every allowed note; all are scored.

        Args:
            query: float32 of shape (dim,), of length 1.
            allowed: Keys of the notes, ascending; None for all.
            sections: Titles; only passages that begin in one of these count. None for all.
        """
        allowed = self._alive(allowed)
        return ascending(
            [
                best_of(segment.passages, query, self._passage_rows(place, allowed, sections))
                for place, segment in enumerate(self._segments)
            ]
        )

    def with_phrase(self, text: str, allowed: Keys | None = None) -> Keys:
        """Return the allowed notes that hold a phrase, ascending; it may cross passages.

        Its words stand in this order and at these distances, stemmed; a stop word is a gap,
        whichever it is. A phrase of stop words alone is in no note.
        """
        return self._lexicon.with_phrase(text, allowed)

    def sections(self) -> dict[str, int]:
        """Count the passages by the section they begin in, most first."""
        return self._lexicon.sections()

    def note_vector(self, key: NoteKey) -> Vectors:
        """Return a note's vector, float32 of shape (dim,)."""
        vector: Vectors = self._vectors([part.notes for part in self._segments], key, key + 1)[0]
        return vector

    def passage_vectors(self, key: NoteKey) -> Vectors:
        """Return a note's passage vectors in text order, float32 of shape (passages, dim)."""
        files = [segment.passages for segment in self._segments]
        return self._vectors(files, passage_key(key, 0), passage_key(NoteKey(key + 1), 0))

    def nearest_vectors(self, query: Vectors, keys: Keys) -> Vectors:
        """Return the vector of each note's passage that is nearest to a query.

        Args:
            query: float32 of shape (dim,), of length 1.
            keys: Live notes, ascending.

        Returns:
            float32 of shape (len(keys), dim); a copy.
        """
        parts = [nearest_vectors(segment.passages, query, keys) for segment in self._segments]
        if not parts:
            return np.empty((0, len(query)), np.float32)
        order = np.argsort(np.concatenate([found for found, _ in parts]))
        vectors: Vectors = np.concatenate([some for _, some in parts])[order]
        return vectors

    def note_vectors(self) -> Vectors:
        """Return the vectors of all live notes, in the order of their keys; a copy."""
        files = [segment.notes for segment in self._segments]
        if not files:
            return np.empty((0, 0), np.float32)
        dead = [rows_of(file.ids, self._dead, 0) for file in files]
        pairs = list(zip(files, dead, strict=True))
        keys = np.concatenate([np.delete(file.ids, rows) for file, rows in pairs])
        vectors = np.concatenate([np.delete(file.vectors, rows, axis=0) for file, rows in pairs])
        return vectors if np.all(np.diff(keys) > 0) else vectors[np.argsort(keys)]

    def index_facts(self) -> list[dict[str, Any]]:
        """Return what is known of each segment's approximate indexes (storage/ann.py)."""
        return [segment.record.facts for segment in self._segments]

    def _alive(self, allowed: Keys | None) -> Keys | None:
        """Leave out of the allowed notes those that this generation no longer holds."""
        if allowed is None or not len(self._dead):
            return allowed
        return allowed[~contains(self._dead, allowed)]

    def _seen(self, keys: Keys) -> Keys:
        """Leave of the notes of all generations, ascending, those that this one sees.

        A later generation's notes have higher keys than any note of this one's segments.
        """
        last = max((int(part.notes.ids[-1]) for part in self._segments), default=-1)
        seen: Keys = keys[: np.searchsorted(keys, last, side="right")]
        return seen[~contains(self._dead, seen)] if len(self._dead) else seen.copy()

    def _living(self, file: VectorFile, place_bits: int) -> Rows:
        """Return the rows of a file that are of live notes, worked out once."""
        if file not in self._live:
            self._live[file] = all_but(len(file.ids), rows_of(file.ids, self._dead, place_bits))
        return self._live[file]

    def _note_rows(self, segment: Segment, allowed: Keys | None) -> Rows:
        """Return which notes of a segment may be found."""
        if allowed is None:
            return self._living(segment.notes, 0)
        chosen = segment.note_rows.of(allowed)
        return Rows(len(chosen), chosen)

    def _passage_rows(
        self, place: int, allowed: Keys | None, sections: Sequence[str] | None
    ) -> Rows:
        """Return which passages of a segment may be found."""
        segment = self._segments[place]
        if allowed is None:
            rows = self._living(segment.passages, PLACE_BITS)
        else:
            chosen = segment.passage_rows.of(allowed)
            rows = Rows(len(chosen), chosen)
        if sections is None:
            return rows
        inside = self._lexicon.parts[place].passages_in(sections)
        within = np.flatnonzero(inside & rows.mask(len(inside)))
        return Rows(len(within), within)

    @cached_property
    def _lexicon(self) -> Lexicon:
        """The words of the segments."""
        return Lexicon(
            [
                LexicalPart(
                    segment.words,
                    segment.notes.ids,
                    segment.passages.ids,
                    rows_of(segment.notes.ids, self._dead, 0),
                )
                for segment in self._segments
            ]
        )

    def _vectors(self, files: Sequence[VectorFile], first: int, last: int) -> Vectors:
        for file in files:
            rows = file.rows_between(first, last)
            if rows.stop > rows.start:
                return file.vectors[rows].copy()  # outlives the file's mapping
        raise damaged(self._path / "segments", "holds no vectors of a note that has facts")


def _nearest_of_all(
    parts: Sequence[tuple[VectorFile, AnnIndex | None, Rows]], queries: Vectors, count: int
) -> Nearest:
    """Return the nearest of each query among the rows of several files."""

    def find(part: tuple[VectorFile, AnnIndex | None, Rows]) -> Nearest:
        file, ann, rows = part
        return nearest(file, ann, queries, count, rows)

    found = each(find, parts, sum(rows.count for _, _, rows in parts))
    return merge(len(queries), count, found)
