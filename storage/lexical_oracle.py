"""Lexical search over texts in a dict: slow, and right at a glance.

What a snapshot answers must equal what these do (tests/property/test_store_machine.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from notekin.storage.lexical import K1, B
from notekin.storage.records import StoredPassage
from notekin.types import NoteKey
from notekin.words import phrase_readings, read_words, words_of


def bm25(
    notes: Mapping[NoteKey, tuple[str, Sequence[StoredPassage]]],
    terms: Sequence[str],
    sections: Sequence[str] | None = None,
) -> dict[NoteKey, float]:
    """Return the BM25 of each note that holds any of these terms, by key.

    Args:
        notes: Text and passages of all notes, by key.
        terms: Each counts once.
        sections: Only words in passages of these are counted; None for all words.
    """
    lengths = {key: read_words(text).length for key, (text, _) in notes.items()}
    mean = sum(lengths.values()) / len(notes) if notes else 0
    scores: dict[NoteKey, float] = {}
    for term in sorted(set(terms)):
        df = sum(term in {word.term for word in words_of(text)} for text, _ in notes.values())
        rarity = math.log(1 + (len(notes) - df + 0.5) / (df + 0.5))
        for key, (text, passages) in notes.items():
            if tf := _count(term, text, passages, sections):
                norm = K1 * (1 - B + B * lengths[key] / (mean or 1))
                scores[key] = scores.get(key, 0) + rarity * tf / (tf + norm)
    return scores


def holds_phrase(text: str, phrase: str) -> bool:
    """Return whether a text holds the words of a phrase at the phrase's distances."""
    at: dict[int, set[str]] = {}
    for word in words_of(text):
        at.setdefault(word.place, set()).add(word.term)
    return any(
        all(term in at.get(first + distance, ()) for term, distance in reading)
        for reading in phrase_readings(phrase)
        for first in at
    )


def _count(
    term: str, text: str, passages: Sequence[StoredPassage], sections: Sequence[str] | None
) -> int:
    """Return how often a term stands in a text, or in its passages of some sections."""
    found = [word for word in words_of(text) if word.term == term]
    if sections is None:
        return len(found)
    count = 0
    for word in found:
        before = [part for part in passages if part.start <= word.start] or passages[:1]
        count += before[-1].section in sections
    return count
