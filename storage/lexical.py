"""Lexical search: BM25 and phrases over the words of a snapshot's segments.

BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009) with Lucene's
inverse document frequency and without its constant factor ``K1 + 1``::

    score = sum over terms of log(1 + (N - df + 0.5) / (df + 0.5)) * tf / (tf + norm)
    norm = K1 * (1 - B + B * length / mean length)

N, df and the mean are those of the live notes, so a score doesn't hang on what is dead,
nor on how segments were merged.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from notekin.storage.array_file import Numbers
from notekin.storage.keys import PLACE_BITS, Keys, contains, note_keys_of
from notekin.storage.nearest import NoteScores
from notekin.storage.vector_rows import Mask
from notekin.storage.words_file import Posted, WordsFile
from notekin.words import phrase_readings

K1 = 1.2
B = 0.75
_WORD_BITS = 32
_NONE: Keys = np.empty(0, np.int64)


class LexicalPart:
    """The words of one segment, and which of its notes are dead."""

    def __init__(self, words: WordsFile, note_keys: Keys, passage_keys: Keys, dead: Keys) -> None:
        """Take a segment's words, its keys, both ascending, and the rows of its dead notes."""
        self.words = words
        self.keys = note_keys
        self._passage_keys = passage_keys
        self._dead = np.zeros(len(note_keys), np.bool_)
        self._dead[dead] = True
        self._has_dead = bool(len(dead))
        self.live = len(note_keys) - len(dead)
        lengths = words.postings.lengths
        self.total = int(lengths.sum(dtype=np.int64) - lengths[dead].sum(dtype=np.int64))

    def find(self, term: str) -> Posted | None:
        """Return the postings of a term; None where no note of the segment holds it."""
        return self.words.find(term)

    def live_among(self, posted: Posted) -> int:
        """Return how many live notes hold a term."""
        dead = int(self._dead[posted.rows].sum()) if self._has_dead else 0
        return len(posted.rows) - dead

    def live_places(self, posted: Posted) -> int:
        """Return how often a term stands in live notes."""
        dead = int(posted.counts[self._dead[posted.rows]].sum()) if self._has_dead else 0
        return len(posted.places) - dead

    def fit(self, rows: Numbers, allowed: Keys | None) -> Mask:
        """Return for each of some rows whether its note is live and allowed."""
        fit = ~self._dead[rows]
        return fit if allowed is None else fit & contains(allowed, self.keys[rows])

    def within(self, posted: Posted, sections: Sequence[str]) -> Posted:
        """Return a term's postings with only the occurrences in passages of some sections."""
        rows = np.repeat(posted.rows.astype(np.int64), posted.counts)
        at = np.searchsorted(self._passage_starts, packed(rows, posted.places), "right") - 1
        inside = self.passages_in(sections)[at]
        places = posted.places[inside]
        counts = np.add.reduceat(inside.astype(np.int64), _starts(posted.counts))
        kept = counts > 0
        return Posted(posted.rows[kept], counts[kept], places)

    def passages_by_section(self) -> list[int]:
        """Return how many passages of live notes each section has, by the sections' numbers."""
        live = ~self._dead[self._note_rows]
        found = self.words.postings.passage_sections[live].astype(np.intp)
        counts: list[int] = np.bincount(found, minlength=len(self.words.sections) + 1).tolist()
        return counts[1:]

    def passages_in(self, sections: Sequence[str]) -> Mask:
        """Return for each passage of the segment whether it stands in one of some sections."""
        chosen = np.zeros(len(self.words.sections) + 1, np.bool_)
        numbers = [self.words.sections.find(section) for section in sections]
        chosen[[number + 1 for number in numbers if number is not None]] = True
        return chosen[self.words.postings.passage_sections]

    def passages_of(self, keys: Keys) -> tuple[Keys, list[int], list[int]]:
        """Return the passages of some notes of the segment, in order.

        Args:
            keys: Ascending.

        Returns:
            The first word of each passage: its note's number among these and the place, in one
            number (``packed``); that note's number; and each note's first passage.
        """
        ends = np.searchsorted(self._passage_keys, np.stack([keys, keys + 1]) << PLACE_BITS)
        counts = ends[1] - ends[0]
        first = np.cumsum(counts) - counts
        note_of = np.repeat(np.arange(len(keys)), counts)
        rows = np.arange(len(note_of)) + np.repeat(ends[0] - first, counts)
        places = self.words.postings.passage_places[rows]
        return packed(note_of, places), note_of.tolist(), first.tolist()

    @cached_property
    def _passage_starts(self) -> Keys:
        """The first word of each passage: its note's row and the place, in one number."""
        return packed(self._note_rows, self.words.postings.passage_places)

    @cached_property
    def _note_rows(self) -> Keys:
        """The row of each passage's note."""
        return np.searchsorted(self.keys, note_keys_of(self._passage_keys))


@dataclass(frozen=True)
class Lexicon:
    """The words of a snapshot."""

    parts: Sequence[LexicalPart]
    _norms: dict[int, npt.NDArray[np.float64]] = field(default_factory=dict)

    @cached_property
    def notes(self) -> int:
        """How many notes are live."""
        return sum(part.live for part in self.parts)

    @cached_property
    def words(self) -> int:
        """How many words of live notes are compared."""
        return sum(part.total for part in self.parts)

    @cached_property
    def mean_length(self) -> float:
        """Words of a live note, at the mean; 1 where there are none."""
        return (self.words / self.notes if self.notes else 0) or 1.0

    def score(
        self,
        terms: Sequence[str],
        allowed: Keys | None = None,
        sections: Sequence[str] | None = None,
    ) -> NoteScores:
        """Return the BM25 of every live, allowed note that holds any of these terms.

        Args:
            terms: Each counts once, however often it is given.
            allowed: Keys of the notes that may come back, ascending; None for all. They change
                nothing in the scores.
            sections: Count only what stands in passages of these; None for the whole note.
        """
        found = [[part.find(term) for part in self.parts] for term in sorted(set(terms))]
        rarity = [self._rarity(posted) for posted in found]
        keys, scores = [_NONE], [np.empty(0, np.float32)]
        for place, part in enumerate(self.parts):
            here = [(posted[place], weight) for posted, weight in zip(found, rarity, strict=True)]
            total = self._totals(place, here, sections)
            hit = np.flatnonzero(total)
            hit = hit[part.fit(hit, allowed)]
            keys.append(part.keys[hit])
            scores.append(total[hit].astype(np.float32))
        return _ascending(np.concatenate(keys), np.concatenate(scores))

    def with_phrase(self, text: str, allowed: Keys | None = None) -> Keys:
        """Return the live, allowed notes that hold a phrase, ascending.

        Its words stand in this order and at these distances, stemmed; a stop word is a gap,
        whichever it is. A phrase of stop words alone is in no note.
        """
        found = [_NONE]
        for reading in phrase_readings(text):
            for part in self.parts:
                rows = _rows_with(part, reading)
                found.append(part.keys[rows[part.fit(rows, allowed)]])
        return np.unique(np.concatenate(found))

    def sections(self) -> dict[str, int]:
        """Count the passages of live notes by section, most first."""
        counts: Counter[str] = Counter()
        for part in self.parts:
            for name, count in zip(part.words.sections, part.passages_by_section(), strict=True):
                counts[name.decode()] += count
        return {name: count for name, count in counts.most_common() if count}

    def _totals(
        self,
        place: int,
        found: Sequence[tuple[Posted | None, float]],
        sections: Sequence[str] | None,
    ) -> npt.NDArray[np.float64]:
        """Return the score of each note of a segment up to the last that holds a term."""
        part = self.parts[place]
        rows, counts, weights = [_NONE], [_NONE], [np.empty(0)]
        for posted, weight in found:
            if posted is None:
                continue
            here = posted if sections is None else part.within(posted, sections)
            rows.append(here.rows.astype(np.int64))
            counts.append(here.counts.astype(np.int64))
            weights.append(np.full(len(here.rows), weight))
        row, tf = np.concatenate(rows), np.concatenate(counts)
        found_here = np.concatenate(weights) * tf / (tf + self.norm(place)[row])
        return np.asarray(np.bincount(row, found_here), np.float64)

    def _rarity(self, posted: Sequence[Posted | None]) -> float:
        """Return a term's inverse document frequency over the live notes."""
        df = sum(
            part.live_among(here)
            for part, here in zip(self.parts, posted, strict=True)
            if here is not None
        )
        return math.log1p((self.notes - df + 0.5) / (df + 0.5))

    def norm(self, place: int) -> npt.NDArray[np.float64]:
        """Return what stands beside tf for each note of a segment; worked out once."""
        if place not in self._norms:
            lengths = self.parts[place].words.postings.lengths.astype(np.float64)
            self._norms[place] = K1 * (1 - B + B * lengths / self.mean_length)
        return self._norms[place]


def _rows_with(part: LexicalPart, reading: Sequence[tuple[str, int]]) -> Keys:
    """Return the rows of the notes that hold these terms at these distances from the first."""
    common: Keys | None = None
    for posted, distance in sorted(
        ((part.find(term), distance) for term, distance in reading),
        key=lambda one: 0 if one[0] is None else len(one[0].places),
    ):
        if posted is None:
            return _NONE
        rows = np.repeat(posted.rows.astype(np.int64), posted.counts)
        firsts = packed(rows, posted.places) - distance
        common = firsts if common is None else common[contains(firsts, common)]
    return _NONE if common is None else np.unique(common >> _WORD_BITS)


def packed(rows: Numbers, places: Numbers) -> Keys:
    """Return row and place as one number each, ascending as the pairs are."""
    packed: Keys = (rows.astype(np.int64) << _WORD_BITS) + places
    return packed


def _starts(counts: Numbers) -> Numbers:
    counts = counts.astype(np.int64)
    return np.cumsum(counts) - counts


def _ascending(keys: Keys, scores: npt.NDArray[np.float32]) -> NoteScores:
    if np.any(keys[:-1] > keys[1:]):
        order = np.argsort(keys)
        keys, scores = keys[order], scores[order]
    return NoteScores(keys, scores)
