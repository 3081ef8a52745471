"""What the samples are there to show: queries to try, assertions to tell apart, deep facts.

Read from the marks in the courses, so that it cannot differ from the notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from notekin.samples.compose import Composed, compose
from notekin.types import NoteId

QUERIES = {
    "thunderclap": "worst headache of her life",
    "orthopnea": "short of breath lying flat, swollen ankles",
    "family-heart": "never smoked, father had a heart attack young",
    "chest-tube": "chest tube placed for collapsed lung",
    "anticoagulant": "stopped blood thinner because of bleeding",
}


@dataclass(frozen=True, slots=True)
class DemoQuery:
    """A query to try: the notes that mean it, and notes that only share words with it."""

    text: str
    means_it: tuple[NoteId, ...]
    shares_words: tuple[NoteId, ...]


@dataclass(frozen=True, slots=True)
class Mention:
    """Where a note affirms a condition, negates it or gives it to the family.

    Attributes:
        kind: ``affirmed``, ``negated`` or ``family``.
        quote: The words, as they stand in the note.
    """

    condition: str
    kind: str
    note_id: NoteId
    quote: str


@dataclass(frozen=True, slots=True)
class DeepFact:
    """A fact that stands further down than one window reaches."""

    note_id: NoteId
    quote: str


def demo_queries() -> list[DemoQuery]:
    """Return the queries to try."""
    written = list(compose())
    return [
        DemoQuery(text, _marked(written, "demo", key), _marked(written, "decoy", key))
        for key, text in QUERIES.items()
    ]


def mentions() -> list[Mention]:
    """Return every marked mention, by condition; each condition has all three kinds."""
    found = []
    for composed in compose():
        for mark in composed.written.values("assert"):
            condition, kind, quote = (part.strip() for part in mark.split("|"))
            found.append(Mention(condition, kind, composed.note.note_id, quote))
    return sorted(found, key=lambda mention: (mention.condition, mention.kind, mention.note_id))


def deep_facts() -> list[DeepFact]:
    """Return the facts that stand past token 4,096 of a note."""
    return [
        DeepFact(composed.note.note_id, quote)
        for composed in compose()
        for quote in composed.written.values("deep")
    ]


def _marked(written: Sequence[Composed], kind: str, key: str) -> tuple[NoteId, ...]:
    return tuple(c.note.note_id for c in written if key in c.written.values(kind))
