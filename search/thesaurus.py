"""What says the same in clinical notes: short forms, everyday words and the learned ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from notekin.search.spelling import american
from notekin.storage.wanted import Phrase
from notekin.words import words_of

_FILE = "thesaurus.txt"


@dataclass(frozen=True, slots=True)
class Thesaurus:
    """Phrases by the terms of what they say the same as.

    Attributes:
        longest: Terms in the longest entry.
    """

    entries: Mapping[tuple[str, ...], tuple[Phrase, ...]]
    longest: int

    def find(self, terms: tuple[str, ...]) -> tuple[Phrase, ...]:
        """Return what says the same as these terms in a row; nothing where none is known."""
        return self.entries.get(terms, ())


@cache
def built_in() -> Thesaurus:
    """Return the thesaurus that comes with Notekin; read once, in some milliseconds."""
    text = (files("notekin.search") / _FILE).read_text(encoding="utf-8")
    found: dict[tuple[str, ...], dict[Phrase, None]] = {}
    for asked, others in _pairs(text):
        terms = tuple(term for term, _ in asked)
        found.setdefault(terms, {}).update(dict.fromkeys(one for one in others if one != asked))
    entries = {terms: tuple(phrases) for terms, phrases in found.items() if phrases}
    return Thesaurus(entries, max(map(len, entries)))


def _pairs(text: str) -> Iterator[tuple[Phrase, list[Phrase]]]:
    """Give each phrase of the file with those that say the same."""
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        left, one_way, right = line.partition(" > ")
        phrases = [_phrase(said) for said in (right if one_way else left).split(" = ")]
        for asked in [_phrase(left)] if one_way else phrases:
            yield asked, phrases


def _phrase(said: str) -> Phrase:
    """Return a phrase's terms; it is written in American spelling."""
    words = words_of(american(said))
    return tuple((word.term, word.place - words[0].place) for word in words)
