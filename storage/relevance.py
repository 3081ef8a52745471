"""How well the words of notes answer a query, from 0 to 1: how rare, how often, how close.

::

    relevance = sum of value * (0.7 * often + 0.3 * close) / sum of value
    value = log(1 + (S - c + 0.5) / (c + 0.5))
    often = tf / (tf + norm)

``often`` is BM25's share of a word (storage/lexical.py). ``close`` is 1 for the words that the
note's best stretch of 30 words holds: of a long note, the place that says it counts. A word's
value goes by its occurrences ``c`` among the ``S`` stretches that all notes make, since every
word is in some place of a long note. What is said in other words counts 0.7 of the words asked
for; the better of the two counts (docs/decisions/0017-fusion.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from notekin.storage.best_passages import ascending
from notekin.storage.keys import Keys, contains
from notekin.storage.lexical import LexicalPart, Lexicon
from notekin.storage.nearest import NoteScores
from notekin.storage.said import Look, Said, row_of_stretch
from notekin.storage.wanted import Wanted
from notekin.storage.words_file import Posted
from notekin.types import Vectors

CLOSE_SHARE = 0.3
WORDS_A_STRETCH = 32
"""Words that are compared in a stretch, where the value of words is worked out."""
MOST_WANTED = 64
"""Of a long query, so many of what it wants are looked at: those of the highest value."""

Scores = npt.NDArray[np.float64]


class Relevance:
    """The relevance of a snapshot's live notes to one query."""

    def __init__(
        self, lexicon: Lexicon, wanted: Sequence[Wanted], sections: Sequence[str] | None = None
    ) -> None:
        """Look up what is wanted, in a pass over the notes that hold any of it.

        Args:
            lexicon: The snapshot's words.
            wanted: What the query asks for.
            sections: Titles; only what stands in passages of these counts. None for all.
        """
        looks = [Look(part, sections) for part in lexicon.parts]
        found = [[look.words(one) for one in wanted] for look in looks]
        values = [
            [_value(lexicon, [words[at][word] for words in found]) for word in range(count)]
            for at, count in enumerate(len(one.words) for one in wanted)
        ]
        kept = sorted(range(len(wanted)), key=lambda at: -sum(values[at]))[:MOST_WANTED]
        total = sum(sum(values[at]) for at in kept)
        shares = [[value / total for value in values[at]] for at in kept]
        self._parts = [
            _PartRelevance(
                look.part,
                lexicon.norm(place),
                [look.said(wanted[at], words[at]) for at in kept],
                shares,
            )
            for place, (look, words) in enumerate(zip(looks, found, strict=True))
        ]

    def at_most(self, allowed: Keys | None = None) -> NoteScores:
        """Return each live note that says any of it, with what its relevance is at most.

        It costs no look at places: all that a note says is taken to stand close together.

        Args:
            allowed: Keys of the notes that may come back, ascending; None for all. They change
                nothing in the scores.
        """
        return ascending([part.at_most(allowed) for part in self._parts])

    def of(self, keys: Keys) -> Vectors:
        """Return the relevance of some notes, given by ascending keys; float32 of their shape.

        It is 0 of a note that says nothing of what is wanted, or is not live.
        """
        scores = np.zeros(len(keys))
        for part in self._parts:
            scores += part.of(keys)
        return scores.astype(np.float32)


class _PartRelevance:
    """The relevance of one segment's notes."""

    def __init__(
        self,
        part: LexicalPart,
        norm: Scores,
        said: Sequence[Said],
        values: Sequence[Sequence[float]],
    ) -> None:
        self._part = part
        self._said = list(zip(said, values, strict=True))
        self._often = np.zeros(len(part.keys))
        self._presence = np.zeros(len(part.keys))
        for one, worth in self._said:
            one.add_often(self._often, worth, norm)
            one.add_presence(self._presence, worth)

    def at_most(self, allowed: Keys | None) -> NoteScores:
        rows = np.flatnonzero(self._presence)
        rows = rows[self._part.fit(rows, allowed)]
        most = (1 - CLOSE_SHARE) * self._often[rows] + CLOSE_SHARE * self._presence[rows]
        return NoteScores(self._part.keys[rows], most.astype(np.float32))

    def of(self, keys: Keys) -> Scores:
        scores = np.zeros(len(keys))
        here = np.flatnonzero(contains(self._part.keys, keys))
        rows = np.searchsorted(self._part.keys, keys[here])
        live = self._part.fit(rows, None)
        here, rows = here[live], rows[live]
        if not len(rows):
            return scores
        scores[here] = (1 - CLOSE_SHARE) * self._often[rows] + CLOSE_SHARE * self._close(rows)
        return scores

    def _close(self, rows: Keys) -> Scores:
        """Return, of each of some rows (ascending), what its best stretch says."""
        found = [one.stretches(rows, worth) for one, worth in self._said]
        best = np.zeros(len(rows))
        if not found:
            return best
        keys, at = np.unique(np.concatenate([one.keys for one in found]), return_inverse=True)
        if len(keys):
            total = np.bincount(at, np.concatenate([one.values for one in found]))
            row = row_of_stretch(keys)
            firsts = np.flatnonzero(np.diff(row, prepend=-1))
            best[row[firsts]] = np.maximum.reduceat(total, firsts)
        return best


def _value(lexicon: Lexicon, posted: Sequence[Posted]) -> float:
    """Return what a word is worth, by its places in the live notes of each segment."""
    stretches = max(lexicon.notes, lexicon.words / WORDS_A_STRETCH)
    places = sum(part.live_places(one) for part, one in zip(lexicon.parts, posted, strict=True))
    counted = min(float(places), stretches)
    return math.log1p((stretches - counted + 0.5) / (counted + 0.5))
