"""Where a text holds a phrase: its words in order, stemmed, as the store finds them."""

from __future__ import annotations

from notekin.types import Span
from notekin.words import Word, phrase_readings, words_of

MOST_PLACES = 20
"""Places of one phrase in one note that are looked at; more say nothing new."""


def places_of_phrases(text: str, phrases: tuple[str, ...]) -> list[Span]:
    """Return where a text holds any of some phrases, in order; each place once."""
    by_place: dict[int, dict[str, Word]] = {}
    for word in words_of(text):
        by_place.setdefault(word.place, {})[word.term] = word
    found = set()
    for phrase in phrases:
        for reading in phrase_readings(phrase):
            for first in by_place:
                span = _span(by_place, reading, first)
                if span is not None:
                    found.add(span)
    return sorted(found)[:MOST_PLACES]


def _span(
    by_place: dict[int, dict[str, Word]], reading: list[tuple[str, int]], first: int
) -> Span | None:
    words = [by_place.get(first + distance, {}).get(term) for term, distance in reading]
    held = [word for word in words if word is not None]
    if len(held) < len(words):
        return None
    return held[0].start, max(word.end for word in held)
