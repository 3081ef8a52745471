"""Where a text holds a phrase: its words in order, stemmed, as the store finds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from notekin.types import Span
from notekin.words import Word, phrase_readings, words_of

MOST_PLACES = 20
"""Places of one phrase in one note that are looked at; more say nothing new."""


def places_of_phrases(text: str, phrases: tuple[str, ...]) -> list[Span]:
    """Return where a text holds any of some phrases, in order; each place once."""
    readings = [reading for phrase in phrases for reading in phrase_readings(phrase)]
    terms = {term for reading in readings for term, _distance in reading}
    at = {(word.term, word.place): word for word in words_of(text) if word.term in terms}
    found = set()
    for reading in readings:
        beginning = reading[0][0]
        for first in [place for term, place in at if term == beginning]:
            span = _span(at, reading, first)
            if span is not None:
                found.add(span)
    return sorted(found)[:MOST_PLACES]


def _span(
    at: Mapping[tuple[str, int], Word], reading: Sequence[tuple[str, int]], first: int
) -> Span | None:
    words = [at.get((term, first + distance)) for term, distance in reading]
    held = [word for word in words if word is not None]
    if len(held) < len(words):
        return None
    return held[0].start, max(word.end for word in held)
