"""The places in notes that speak of a meaning or hold a phrase, and what is said there.

Texts are read only where a criterion asks how a thing is said, and only of notes above the cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from notekin.search.assertion import assess
from notekin.search.cohort.mentions import NONE, Mentions
from notekin.search.cohort.phrases import places_of_phrases
from notekin.search.cohort.rules import Criterion
from notekin.search.cohort.screening import ASSERTIONS
from notekin.storage.keys import Keys, note_keys_of
from notekin.storage.records import StoredPassage
from notekin.storage.snapshot import Snapshot
from notekin.types import NoteKey, Vectors

PASSAGES_HEARD = 3
"""Passages of one note that are listened to for a meaning, the nearest first."""
_CODES = {one: at for at, one in enumerate(ASSERTIONS)}
Row = tuple[int, int, int, int, int]
"""Note key, start, end, assertion, family."""


class Speaking:
    """Reads what the notes of one snapshot say."""

    def __init__(self, snapshot: Snapshot, encode: Callable[[Sequence[str]], Vectors]) -> None:
        self._snapshot = snapshot
        self._encode = encode

    def of_meaning(self, criterion: Criterion, keys: Keys) -> Mentions:
        """Return the passages of these notes that are nearest to a criterion's meaning."""
        passages = self._nearest(criterion.meaning or "", keys)
        places = self._snapshot.passage_places(passages)
        notes = note_keys_of(passages)
        said = np.full(len(passages), NONE, np.int8)
        if criterion.asserted is not None:
            texts = _Texts(self._snapshot)
            said = np.array(
                [
                    _CODES[assess(texts.of(NoteKey(key)), start, end)]
                    for key, start, end in zip(
                        notes.tolist(), places.start.tolist(), places.end.tolist(), strict=True
                    )
                ],
                np.int8,
            )
        return Mentions(notes, places.start, places.end, said, places.family)

    def of_phrases(self, criterion: Criterion, keys: Keys) -> Mentions:
        """Return the places in these notes that hold one of a criterion's phrases."""
        rows = [row for key in keys.tolist() for row in self._held(criterion, NoteKey(key))]
        columns = np.array(rows, np.int64).reshape(-1, 5).T
        note, start, end, said, family = columns
        return Mentions(note, start, end, said.astype(np.int8), family)

    def _nearest(self, meaning: str, keys: Keys) -> Keys:
        """Return the nearest passages of each note, by note, the nearest first."""
        if not len(keys):
            return np.empty(0, np.int64)
        every = self._snapshot.nearest_passages(self._encode([meaning]), 1 << 62, keys).keys[0]
        order = np.argsort(note_keys_of(every), kind="stable")
        notes = note_keys_of(every)[order]
        first = np.searchsorted(notes, notes)
        nearest: Keys = every[order[np.arange(len(notes)) - first < PASSAGES_HEARD]]
        return nearest

    def _held(self, criterion: Criterion, key: NoteKey) -> Iterator[Row]:
        text, passages = self._snapshot.text(key), self._snapshot.passages(key)
        for start, end in places_of_phrases(text, criterion.phrases):
            asked = criterion.asserted is not None
            said = _CODES[assess(text, start, end)] if asked else NONE
            yield key, start, end, said, _family_at(passages, start)


def _family_at(passages: Sequence[StoredPassage], place: int) -> int:
    """Return the family of the passage that holds a place of the text."""
    family = next((one.family for one in passages if one.start <= place < one.end), None)
    return NONE if family is None else family


class _Texts:
    """The text of the note that is being read; its passages come one after the other."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._key: NoteKey | None = None
        self._text = ""

    def of(self, key: NoteKey) -> str:
        """Return a note's text."""
        if key != self._key:
            self._key, self._text = key, self._snapshot.text(key)
        return self._text
