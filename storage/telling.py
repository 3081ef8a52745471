"""Which passages of a note say what is wanted, by the words that its segment holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from notekin.storage.keys import Keys, contains
from notekin.storage.lexical import LexicalPart, Lexicon, packed
from notekin.storage.said import Look, Said, places_in
from notekin.storage.wanted import Wanted
from notekin.storage.words_file import Posted
from notekin.types import NoteKey

Word: TypeAlias = tuple[int, int]
"""A word of what is wanted: the number of the ``Wanted``, and of the word in it."""
Told: TypeAlias = Mapping[int, frozenset[Word]]
"""By a passage's number, the words that it says; passages that say none are left out."""


class Telling:
    """Where the notes of a snapshot say what is wanted; titles do not count.

    A passage says a word where the word begins in it, and all words of a ``Wanted`` where
    other words for them begin in it.
    """

    def __init__(self, lexicon: Lexicon, wanted: Sequence[Wanted]) -> None:
        self._parts = [_PartTelling(part, wanted) for part in lexicon.parts]

    def of(self, keys: Sequence[NoteKey]) -> list[Told]:
        """Return what the passages of some notes say, in the order given."""
        ascending = np.unique(np.array(keys, np.int64))
        told: dict[int, Told] = {}
        for part in self._parts:
            told.update(part.of(ascending))
        return [told.get(key, {}) for key in keys]


class _PartTelling:
    """The same, of one segment."""

    def __init__(self, part: LexicalPart, wanted: Sequence[Wanted]) -> None:
        self._part = part
        look = Look(part, None, titles=False)
        self._said = [look.said(one, look.words(one)) for one in wanted]

    def of(self, keys: Keys) -> dict[int, Told]:
        """Return what the passages of those of some notes say that are in the segment.

        Args:
            keys: Ascending.
        """
        keys = keys[contains(self._part.keys, keys)]
        if not len(keys):
            return {}
        rows = np.searchsorted(self._part.keys, keys)
        starts, note_of, first = self._part.passages_of(keys)
        found: list[dict[int, set[Word]]] = [defaultdict(set) for _ in keys]
        for number, said in enumerate(self._said):
            for words, posted in _each(said, number):
                at, places = places_in(posted, rows)
                passages = np.searchsorted(starts, packed(at, places), "right") - 1
                for passage in np.unique(passages).tolist():
                    note = note_of[passage]
                    found[note][passage - first[note]] |= words
        told = ({at: frozenset(words) for at, words in one.items()} for one in found)
        return dict(zip(keys.tolist(), told, strict=True))


def _each(said: Said, number: int) -> Iterator[tuple[set[Word], Posted]]:
    """Give the words of one ``Wanted``, and what says all of them, with where they stand."""
    for word, posted in enumerate(said.words):
        yield {(number, word)}, posted
    yield {(number, word) for word in range(len(said.words))}, said.others
