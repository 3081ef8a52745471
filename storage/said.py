"""What the notes of one segment say of one thing that a query wants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from notekin.storage.array_file import Numbers
from notekin.storage.keys import Keys, contains
from notekin.storage.lexical import LexicalPart
from notekin.storage.postings import title_term
from notekin.storage.wanted import Phrase, Wanted
from notekin.storage.words_file import Posted

OTHER_WORDS = 0.7
"""What the same in other words counts."""
_HALF_STRETCH = 15
"""Places in half a stretch; a stretch begins every so many places."""
_BITS = 32

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stretches:
    """Stretches of notes that say something.

    Attributes:
        keys: The note's row among those asked after and the stretch's number, in one integer;
            ascending.
        values: What each says.
    """

    keys: Keys
    values: Scores


def row_of_stretch(keys: Keys) -> Keys:
    """Return the row of each stretch's note among those asked after."""
    return keys >> _BITS


@dataclass(frozen=True, slots=True)
class Said:
    """Where a segment's notes hold the words of one ``Wanted``, and where other words for it."""

    words: tuple[Posted, ...]
    others: Posted

    def add_often(self, totals: Scores, values: Sequence[float], norm: Scores) -> None:
        """Add to each note's total the words' values, each by how often the note holds it."""
        self._add(
            totals, values, lambda posted: posted.counts / (posted.counts + norm[posted.rows])
        )

    def add_presence(self, totals: Scores, values: Sequence[float]) -> None:
        """Add to each note's total the values of the words that it holds."""
        self._add(totals, values, lambda posted: np.ones(len(posted.rows)))

    def stretches(self, rows: Keys, values: Sequence[float]) -> Stretches:
        """Return the stretches of some notes, ascending, that hold any of it."""
        found = [_stretches(word, rows) for word in self.words]
        if len(found) == 1 and not len(self.others.rows):
            return Stretches(found[0], np.full(len(found[0]), values[0]))
        instead = _stretches(self.others, rows)
        keys = np.unique(np.concatenate([*found, instead]))
        said = np.zeros(len(keys))
        for word, value in zip(found, values, strict=True):
            said[np.searchsorted(keys, word)] += value
        at = np.searchsorted(keys, instead)
        said[at] = np.maximum(said[at], OTHER_WORDS * sum(values))
        return Stretches(keys, said)

    def _add(
        self, totals: Scores, values: Sequence[float], share: Callable[[Posted], Scores]
    ) -> None:
        own = np.zeros(len(totals)) if len(self.others.rows) else totals
        for word, value in zip(self.words, values, strict=True):
            own[word.rows] += value * share(word)
        if len(self.others.rows):
            rows = self.others.rows
            own[rows] = np.maximum(own[rows], OTHER_WORDS * sum(values) * share(self.others))
            totals += own


@dataclass(frozen=True, slots=True)
class Look:
    """Looks up in one segment what is wanted, in some sections or anywhere.

    Attributes:
        titles: Whether notes' titles count, too; a title is in no section.
    """

    part: LexicalPart
    sections: Sequence[str] | None
    titles: bool = True

    @property
    def _with_titles(self) -> bool:
        return self.titles and self.sections is None

    def words(self, wanted: Wanted) -> tuple[Posted, ...]:
        """Return where each of the words stands."""
        return tuple(self._any_of(terms) for terms in wanted.words)

    def said(self, wanted: Wanted, words: tuple[Posted, ...]) -> Said:
        """Return where the words stand, as they were found, and where other words for them do."""
        phrases = list(wanted.others)
        if self._with_titles:
            phrases += [tuple((title_term(term), at) for term, at in one) for one in phrases]
        others = [self._phrase(phrase) for phrase in phrases]
        return Said(words, _posted(np.concatenate([np.empty(0, np.int64), *others])))

    def _find(self, term: str) -> Posted | None:
        posted = self.part.find(term)
        if posted is None or self.sections is None:
            return posted
        return self.part.within(posted, self.sections)

    def _any_of(self, terms: Sequence[str]) -> Posted:
        """Return where the segment holds any of some terms, in texts or, anywhere, in titles."""
        if self._with_titles:
            terms = [*terms, *map(title_term, terms)]
        found = [posted for term in terms if (posted := self._find(term)) is not None]
        if len(found) == 1:
            return found[0]
        return _posted(np.concatenate([np.empty(0, np.int64), *map(_packed, found)]))

    def _phrase(self, phrase: Phrase) -> Keys:
        """Return the rows and places, packed, where a phrase begins."""
        found = [(self._find(term), distance) for term, distance in phrase]
        common: Keys | None = None
        for posted, distance in sorted(found, key=_size):
            if posted is None:
                return np.empty(0, np.int64)
            begins = _packed(posted) - distance
            common = begins if common is None else common[contains(begins, common)]
        return np.empty(0, np.int64) if common is None else common


def _size(found: tuple[Posted | None, int]) -> int:
    return 0 if found[0] is None else len(found[0].places)


def _packed(posted: Posted) -> Keys:
    """Return row and place of each occurrence in one integer, ascending."""
    rows = np.repeat(posted.rows.astype(np.int64), posted.counts)
    packed: Keys = (rows << _BITS) + posted.places
    return packed


def _posted(packed: Keys) -> Posted:
    """Return occurrences, packed in any order, as postings; each counts once."""
    packed = np.unique(packed)
    rows, counts = np.unique(packed >> _BITS, return_counts=True)
    return Posted(rows, counts, packed & ((1 << _BITS) - 1))


def _stretches(posted: Posted, rows: Keys) -> Keys:
    """Return the stretches of some notes, ascending, that hold a word; ascending, each once."""
    at, places = places_in(posted, rows)
    half = places // _HALF_STRETCH
    keys = (at << _BITS) + half
    return np.unique(np.concatenate([keys, keys[half > 0] - 1]))


def places_in(posted: Posted, rows: Keys) -> tuple[Keys, Numbers]:
    """Return, of each occurrence in some notes, the note's number among them and the place."""
    if not len(posted.rows):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    at = np.minimum(np.searchsorted(posted.rows, rows), len(posted.rows) - 1)
    held = np.flatnonzero(posted.rows[at] == rows)
    counts = posted.counts[at[held]].astype(np.int64)
    starts = (np.cumsum(posted.counts, dtype=np.int64) - posted.counts)[at[held]]
    before = np.cumsum(counts) - counts
    chosen = np.repeat(starts - before, counts) + np.arange(counts.sum())
    return np.repeat(held, counts), posted.places[chosen].astype(np.int64)
