"""The relevance of notes to a query by its definition, in loops: slow, and right at a glance.

What ``Relevance`` answers must equal this (tests/property/test_relevance_oracle.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from notekin.storage.lexical import K1, B
from notekin.storage.relevance import CLOSE_SHARE, MOST_WANTED, WORDS_A_STRETCH
from notekin.storage.said import OTHER_WORDS
from notekin.storage.wanted import Phrase, Wanted
from notekin.words import read_words, words_of

STRETCH, STEP = 30, 15
"""Places in a stretch, and from one's begin to the next one's."""

TITLE_GAP = 1_000

Places = set[int]


def relevance_of(
    texts: Mapping[int, str],
    wanted: Sequence[Wanted],
    titles: Mapping[int, str | None] | None = None,
) -> dict[int, float]:
    """Return the relevance of every note, by its key, among all that there are.

    Args:
        texts: All notes' texts, by key.
        wanted: What the query asks for.
        titles: Those of the notes that have one.
    """
    notes = {key: _PlainNote(text, (titles or {}).get(key) or "") for key, text in texts.items()}
    values = [[_value(word, notes) for word in one.words] for one in wanted]
    kept = sorted(range(len(wanted)), key=lambda at: -sum(values[at]))[:MOST_WANTED]
    total = sum(sum(values[at]) for at in kept)
    mean = sum(note.length for note in notes.values()) / len(notes) if notes else 1.0
    scores = {}
    for key, note in notes.items():
        norm = K1 * (1 - B + B * note.length / (mean or 1.0))
        often = sum(note.often(wanted[at], values[at], norm) for at in kept)
        close = max(
            (sum(note.says(wanted[at], values[at], start) for at in kept) for start in note.starts),
            default=0.0,
        )
        score = (1 - CLOSE_SHARE) * often + CLOSE_SHARE * close
        scores[key] = score / total if total else 0.0
    return scores


class _PlainNote:
    def __init__(self, text: str, title: str) -> None:
        words = read_words(text)
        self.length = words.length
        self._held = {(word.term, word.place) for word in words_of(text)}
        behind = len(words.starts) + TITLE_GAP
        self._held |= {(word.term, behind + word.place) for word in words_of(title)}
        last = max((place for _, place in self._held), default=0)
        self.starts = range(0, last + 1, STEP)

    def places(self, terms: Sequence[str]) -> Places:
        """Return where any of some terms stands."""
        return {place for term, place in self._held if term in terms}

    def begins(self, phrase: Phrase) -> Places:
        """Return where a phrase begins."""
        first = phrase[0][0]
        return {
            place
            for term, place in self._held
            if term == first and all((other, place + by) in self._held for other, by in phrase)
        }

    def often(self, wanted: Wanted, values: Sequence[float], norm: float) -> float:
        """Return what the note says of what is wanted, by how often it says it."""

        def share(places: Places) -> float:
            return len(places) / (len(places) + norm)

        asked = sum(
            value * share(self.places(word))
            for word, value in zip(wanted.words, values, strict=True)
        )
        return max(asked, OTHER_WORDS * sum(values) * share(self._others(wanted)))

    def says(self, wanted: Wanted, values: Sequence[float], start: int) -> float:
        """Return what one stretch of the note says of what is wanted."""

        def inside(places: Places) -> bool:
            return any(start <= place < start + STRETCH for place in places)

        asked = sum(
            value
            for word, value in zip(wanted.words, values, strict=True)
            if inside(self.places(word))
        )
        return max(asked, OTHER_WORDS * sum(values) * inside(self._others(wanted)))

    def _others(self, wanted: Wanted) -> Places:
        return set[int]().union(*(self.begins(phrase) for phrase in wanted.others))


def _value(word: Sequence[str], notes: Mapping[int, _PlainNote]) -> float:
    stretches = max(len(notes), sum(note.length for note in notes.values()) / WORDS_A_STRETCH)
    counted = min(sum(len(note.places(word)) for note in notes.values()), stretches)
    return math.log1p((stretches - counted + 0.5) / (counted + 0.5))
