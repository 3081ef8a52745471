"""The places in notes that speak of a meaning or hold a phrase, and what is said there.

Texts are read only where a criterion asks how a thing is said, and only of notes above the cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

import numpy as np

from notekin.search.assertion import assess_in
from notekin.search.cohort.meanings import Meaning
from notekin.search.cohort.mentions import NONE, Mentions
from notekin.search.cohort.phrases import Sought
from notekin.search.cohort.rules import Criterion
from notekin.search.cohort.screening import ASSERTIONS
from notekin.storage.contents import Content
from notekin.storage.keys import Keys, note_keys_of, places_of
from notekin.storage.records import StoredPassage
from notekin.storage.snapshot import Snapshot
from notekin.storage.telling import Told
from notekin.storage.wanted import Wanted
from notekin.types import NoteKey, Span, Vectors

PASSAGES_HEARD = 3
"""Passages of one note that are listened to for a meaning, the nearest first."""
_CODES = {one: at for at, one in enumerate(ASSERTIONS)}
_NOTES_READ = 500
"""Notes whose texts are in memory at once."""
_NOTES_TOLD = 50_000
"""Notes that the store is asked about at once: each time it goes through all places of a word."""
Row: TypeAlias = tuple[NoteKey, Span, int, int | None]
"""Note, where in it, assertion, family."""


class Speaking:
    """Reads what the notes of one snapshot say."""

    def __init__(self, snapshot: Snapshot, encode: Callable[[Sequence[str]], Vectors]) -> None:
        self._snapshot = snapshot
        self._encode = encode

    def of_meaning(self, criterion: Criterion, keys: Keys) -> Mentions:
        """Return where each of these notes speaks of a criterion's meaning."""
        nearest = self._nearest(criterion.meaning or "", keys)
        if criterion.asserted is None:
            places = self._snapshot.passage_places(nearest)
            said = np.full(len(nearest), NONE, np.int8)
            return Mentions(note_keys_of(nearest), places.start, places.end, said, places.family)
        meaning = Meaning(criterion.meaning or "")
        places_near = _by_note(nearest)
        return _mentions(
            (key, place.span, _CODES[place.assertion], place.family)
            for key, content, told in self._read(keys, meaning.wanted)
            for place in meaning.places(content.text, content.passages, places_near[key], told)
        )

    def of_phrases(self, criterion: Criterion, keys: Keys) -> Mentions:
        """Return the places in these notes that hold one of a criterion's phrases."""
        sought = Sought(criterion.phrases)
        return _mentions(
            _held(criterion, key, content, span)
            for key, content, told in self._read(keys, sought.wanted)
            for span in sought.places(content.text, content.passages, told)
        )

    def _read(
        self, keys: Keys, wanted: Sequence[Wanted]
    ) -> Iterator[tuple[NoteKey, Content, Told]]:
        """Give what notes say, and which of their passages say what is wanted, by their keys."""
        telling = self._snapshot.telling(wanted)
        for many in _pages([NoteKey(key) for key in keys.tolist()], _NOTES_TOLD):
            told = dict(zip(many, telling.of(many), strict=True))
            for page in _pages(many, _NOTES_READ):
                for key, content in zip(page, self._snapshot.contents(page), strict=True):
                    yield key, content, told[key]

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


def _pages(keys: Sequence[NoteKey], size: int) -> Iterator[Sequence[NoteKey]]:
    for start in range(0, len(keys), size):
        yield keys[start : start + size]


def _held(criterion: Criterion, key: NoteKey, content: Content, span: Span) -> Row:
    passage = _passage_at(content.passages, span[0])
    said = NONE
    if criterion.asserted is not None:
        section = passage.section if passage else None
        said = _CODES[assess_in(content.text, *span, section)]
    return key, span, said, passage.family if passage else None


def _passage_at(passages: Sequence[StoredPassage], place: int) -> StoredPassage | None:
    """Return the passage that holds a place of the text; None between two of them."""
    return next((one for one in passages if one.start <= place < one.end), None)


def _by_note(passage_keys: Keys) -> dict[int, list[int]]:
    """Return the places of passages within their notes, by note, in the order given."""
    found: dict[int, list[int]] = {}
    notes, places = note_keys_of(passage_keys).tolist(), places_of(passage_keys).tolist()
    for note, place in zip(notes, places, strict=True):
        found.setdefault(note, []).append(place)
    return found


def _mentions(rows: Iterable[Row]) -> Mentions:
    flat = [
        (key, *span, said, NONE if family is None else family) for key, span, said, family in rows
    ]
    note, start, end, said, family = np.array(flat, np.int64).reshape(-1, 5).T
    return Mentions(note, start, end, said.astype(np.int8), family)
