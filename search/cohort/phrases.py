"""Where a note holds a phrase: its words in order, stemmed, as the store finds them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from notekin.storage.records import StoredPassage
from notekin.storage.telling import Told
from notekin.storage.wanted import Wanted
from notekin.types import Span
from notekin.words import Word, phrase_readings, words_of

MOST_PLACES = 20
"""Places of some phrases in one note that are looked at; more say nothing new."""
_PARTS = 8
"""More words than one that is written with hyphens is made of."""


class Sought:
    """Some phrases, ready to be looked for in notes."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._readings = [reading for phrase in phrases for reading in phrase_readings(phrase)]
        self._terms = {term for reading in self._readings for term, _distance in reading}
        self._farthest = max((reading[-1][1] for reading in self._readings), default=0)

    @property
    def wanted(self) -> list[Wanted]:
        """What the store can tell to begin in passages: any of the phrases."""
        return [Wanted(((),), tuple(tuple(reading) for reading in self._readings))]

    def places(self, text: str, passages: Sequence[StoredPassage], told: Told) -> list[Span]:
        """Return where a note holds any of the phrases, in order; each place once.

        Args:
            text: The note.
            passages: All of its passages, in order.
            told: In which of them one of ``wanted`` begins; no others are read.
        """
        edges = [0, *(passage.start for passage in passages[1:]), len(text)]
        found: list[Span] = []
        for at in sorted(told):
            found += self._beginning_in(text, edges, at)
            if len(found) >= MOST_PLACES:
                break
        return found[:MOST_PLACES]

    def places_in(self, text: str) -> list[Span]:
        """Return the same from the text alone, which is read as a whole."""
        return sorted(set(self._spans(words_of(text))))[:MOST_PLACES]

    def _beginning_in(self, text: str, edges: Sequence[int], at: int) -> list[Span]:
        """Return the places that begin in a passage; they may end in one of the next."""
        begin, until = edges[at], edges[at + 1]
        words: list[Word] = []
        for end in edges[at + 2 :] or edges[-1:]:
            words = words_of(text[begin:end])
            if sum(begin + word.start >= until for word in words) >= self._farthest + _PARTS:
                break
        spans = {(begin + start, begin + end) for start, end in self._spans(words)}
        return sorted(span for span in spans if span[0] < until)

    def _spans(self, words: Iterable[Word]) -> Iterator[Span]:
        at = {(word.term, word.place): word for word in words if word.term in self._terms}
        for reading in self._readings:
            beginning = reading[0][0]
            for first in [place for term, place in at if term == beginning]:
                span = _span(at, reading, first)
                if span is not None:
                    yield span


def _span(
    at: Mapping[tuple[str, int], Word], reading: Sequence[tuple[str, int]], first: int
) -> Span | None:
    words = [at.get((term, first + distance)) for term, distance in reading]
    held = [word for word in words if word is not None]
    if len(held) < len(words):
        return None
    return held[0].start, max(word.end for word in held)
