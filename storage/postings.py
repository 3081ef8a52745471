"""Which notes hold which words, and where: an inverted index in arrays."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from notekin.storage.array_file import Numbers
from notekin.words import Words, read_words

_TITLE = "title:"
_TITLE_GAP = 1_000
"""Places between a text and its title, so that nothing of one stands close to the other."""


@dataclass(frozen=True, slots=True)
class Postings:
    """The words of some notes, term by term.

    A posting is a term in a note; its occurrences are the places of the words there.

    Attributes:
        posting_ends: Where each term's postings end.
        occurrence_ends: Where each term's occurrences end.
        rows: The note of each posting, by its row; ascending within a term.
        counts: How many occurrences each posting has.
        places: The places (notekin/words.py) of the occurrences, ascending within a posting.
        vocabulary: The terms as UTF-8, ascending.
        lengths: Of each note, how many words are compared.
        passage_places: Of each passage, the place of its first word; 0 for a note's first.
        sections: The titles of sections as UTF-8, ascending.
        passage_sections: Of each passage, one more than the row of its section; 0 for none.
    """

    posting_ends: Numbers
    occurrence_ends: Numbers
    rows: Numbers
    counts: Numbers
    places: Numbers
    vocabulary: Sequence[bytes]
    lengths: Numbers
    passage_places: Numbers
    sections: Sequence[bytes]
    passage_sections: Numbers


@dataclass(frozen=True, slots=True)
class NoteWords:
    """What is indexed of one note.

    Attributes:
        text: The note's.
        starts: Of its passages.
        sections: The title of each passage's section; None for none.
        title: The note's; its words are kept apart from the text's (``title_term``).
    """

    text: str
    starts: Sequence[int]
    sections: Sequence[str | None]
    title: str | None = None


def title_term(term: str) -> str:
    """Return how a title's word is kept: no word of a text is equal to it."""
    return f"{_TITLE}{term}"


@dataclass(frozen=True, slots=True)
class Kept:
    """What of some postings goes into others: old rows, ascending, and the new row of each."""

    postings: Postings
    notes: Numbers
    new_notes: Numbers
    passages: Numbers
    new_passages: Numbers


def postings_of(notes: Iterable[NoteWords]) -> Postings:
    """Return the postings of some notes, whose rows are their places in the order given."""
    ids: defaultdict[str, int] = defaultdict()
    ids.default_factory = ids.__len__
    terms: list[int] = []
    places: list[int] = []
    found: list[int] = []
    lengths: list[int] = []
    passage_places: list[int] = []
    sections: list[str | None] = []
    for note in notes:
        words = read_words(note.text)
        terms += map(ids.__getitem__, words.terms)
        places += words.firsts
        title = _title_words(note, len(words.starts))
        terms += (ids[term] for term, _ in title)
        places += (place for _, place in title)
        found.append(len(words.terms) + len(title))
        lengths.append(words.length)
        passage_places += _first_places(words, note.starts)
        sections += note.sections
    vocabulary = sorted(ids)
    rank = np.empty(len(ids), np.int64)
    rank[[ids[term] for term in vocabulary]] = np.arange(len(ids))
    names = sorted({name for name in sections if name is not None})
    numbers = {name: number for number, name in enumerate(names, 1)}
    return Postings(
        *_grouped(
            len(vocabulary),
            rank[np.asarray(terms, np.int64)],
            np.repeat(np.arange(len(found)), found),
            np.asarray(places, np.int64),
        ),
        vocabulary=[term.encode() for term in vocabulary],
        lengths=np.asarray(lengths, np.int64),
        passage_places=np.asarray(passage_places, np.int64),
        sections=[name.encode() for name in names],
        passage_sections=np.asarray(
            [0 if name is None else numbers[name] for name in sections], np.int64
        ),
    )


def merge_postings(parts: Sequence[Kept]) -> Postings:
    """Return the postings of the rows that are kept, under their new rows.

    A term or a section that no kept note has is gone.
    """
    taken = [_occurrences(part) for part in parts]
    vocabulary, terms = _united(
        [
            (part.postings.vocabulary, terms)
            for part, (terms, _, _) in zip(parts, taken, strict=True)
        ]
    )
    marked = [part.postings.passage_sections[part.passages].astype(np.int64) for part in parts]
    sections, numbers = _united(
        [
            (part.postings.sections, one[one > 0] - 1)
            for part, one in zip(parts, marked, strict=True)
        ]
    )
    for one, number in zip(marked, numbers, strict=True):
        one[one > 0] = number + 1
    return Postings(
        *_grouped(
            len(vocabulary),
            np.concatenate(terms),
            np.concatenate([rows for _, rows, _ in taken]),
            np.concatenate([places for _, _, places in taken]),
        ),
        vocabulary=vocabulary,
        lengths=_placed([(part.new_notes, part.postings.lengths[part.notes]) for part in parts]),
        passage_places=_placed(
            [(part.new_passages, part.postings.passage_places[part.passages]) for part in parts]
        ),
        sections=sections,
        passage_sections=_placed(
            [(part.new_passages, one) for part, one in zip(parts, marked, strict=True)]
        ),
    )


def _title_words(note: NoteWords, places: int) -> list[tuple[str, int]]:
    """Return the terms of a note's title, at places far behind those of its text."""
    if not note.title:
        return []
    words = read_words(note.title)
    begin = places + _TITLE_GAP
    return [
        (title_term(term), begin + first)
        for term, first in zip(words.terms, words.firsts, strict=True)
    ]


def _first_places(words: Words, starts: Sequence[int]) -> list[int]:
    """Return the place of the first word of each passage; the first has all before it, too."""
    return [0, *(bisect_left(words.starts, start) for start in starts[1:])]


def _grouped(
    terms: int, term: Numbers, row: Numbers, place: Numbers
) -> tuple[Numbers, Numbers, Numbers, Numbers, Numbers]:
    """Return the arrays that occurrences make, from ``posting_ends`` to ``places``.

    Args:
        terms: How many there are.
        term: Of each occurrence, by its rank.
        row: Of each, its note.
        place: Of each; those of one term in one note are in ascending order.
    """
    notes = int(row.max()) + 1 if len(row) else 1
    key = term.astype(np.int64) * notes + row
    order = np.argsort(key, kind="stable")
    key = key[order]
    firsts = np.flatnonzero(np.diff(key, prepend=-1))
    posted, occurring = key[firsts] // notes, key // notes
    bounds = np.arange(1, terms + 1)
    return (
        np.searchsorted(posted, bounds),
        np.searchsorted(occurring, bounds),
        key[firsts] % notes,
        np.diff(firsts, append=len(key)),
        place[order],
    )


def _occurrences(part: Kept) -> tuple[Numbers, Numbers, Numbers]:
    """Return term, new row and place of each occurrence in the notes that are kept."""
    postings = part.postings
    new_row = np.full(len(postings.lengths), -1, np.int64)
    new_row[part.notes] = part.new_notes
    ends = postings.posting_ends.astype(np.int64)
    per_term = ends - np.concatenate(([0], ends[:-1]))
    term = np.repeat(np.arange(len(per_term)), per_term)
    row = new_row[postings.rows]
    counts = postings.counts.astype(np.int64)
    kept = np.repeat(row >= 0, counts)
    return (
        np.repeat(term, counts)[kept],
        np.repeat(row, counts)[kept],
        postings.places.astype(np.int64)[kept],
    )


def _united(
    parts: Sequence[tuple[Sequence[bytes], Numbers]],
) -> tuple[list[bytes], list[Numbers]]:
    """Return the names that any part uses, ascending, and the numbers of each in that list."""
    used = [np.unique(numbers) for _, numbers in parts]
    names = [
        [part[0][number] for number in some.tolist()]
        for part, some in zip(parts, used, strict=True)
    ]
    united = sorted(set().union(*names))
    rank = {name: number for number, name in enumerate(united)}
    found: list[Numbers] = [
        np.asarray([rank[name] for name in some], np.int64)[np.searchsorted(old, part[1])]
        for some, old, part in zip(names, used, parts, strict=True)
    ]
    return united, found


def _placed(parts: Sequence[tuple[Numbers, Numbers]]) -> Numbers:
    """Return values of several parts, each at the row that it is to have."""
    placed = np.empty(sum(len(rows) for rows, _ in parts), np.int64)
    for rows, values in parts:
        placed[rows] = values
    return placed
