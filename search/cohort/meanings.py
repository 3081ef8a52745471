"""The sentences of a note that speak of a meaning, and what they say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from notekin.search.assertion import assess_whole
from notekin.search.concepts import Concept, Concepts, Mention, distance
from notekin.storage.records import StoredPassage
from notekin.storage.telling import Told
from notekin.storage.wanted import Wanted
from notekin.types import Assertion, Experiencer, Polarity, Span, Temporality

MOST_PLACES = 8
"""Places in one note that are told for one meaning; more say nothing new."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a note speaks of a meaning.

    Attributes:
        assertion: What it says of the meaning as the definition words it: a note that says
            "no fever" affirms the meaning "no fever".
        family: Of the passage; None where it has none.
    """

    span: Span
    assertion: Assertion
    family: int | None


class Meaning:
    """One criterion's meaning, ready to be listened for in notes."""

    def __init__(self, text: str) -> None:
        self._concepts = Concepts(text)

    @property
    def wanted(self) -> list[Wanted]:
        """What of it the store can tell to stand in passages: its words, and others for them."""
        return self._concepts.wanted

    def places(
        self, text: str, passages: Sequence[StoredPassage], nearest: Sequence[int], told: Told
    ) -> list[Place]:
        """Return where a note speaks of the meaning, the likeliest place first.

        Those are the sentences that say most of its words, or what means the same. Where none
        says any, it is the passage nearest in meaning, and what most of it asserts counts; where
        that has no words either, nowhere.

        Args:
            text: The note.
            passages: All of its passages, in order.
            nearest: Places among them of those nearest in meaning, the nearest first; at least
                one.
            told: Which of them say what of ``wanted``; no others are read.
        """
        found = self._said_most(text, passages, told)
        if not found:
            passage = passages[nearest[0]]
            span = (passage.start, passage.end)
            said = assess_whole(text, *span, passage.section)
            return [] if said is None else [Place(span, said, passage.family)]
        return [
            Place(one.sentence, _of_whole(one.assertions), passages[at].family)
            for at in dict.fromkeys([*nearest, *sorted(found)])
            for one in found.get(at, ())
        ][:MOST_PLACES]

    def _said_most(
        self, text: str, passages: Sequence[StoredPassage], told: Told
    ) -> dict[int, list[Mention]]:
        """Return the sentences that say most of the words, by their passage.

        No sentence says more words than its passage: those that say fewer than a sentence
        that was found need not be read.
        """
        found: dict[int, list[Mention]] = {}
        most = 1
        for at in sorted(told, key=lambda one: -len(told[one])):
            if len(told[at]) < most:
                break
            for one in self._mentions(text, passages[at]):
                if len(one.parts) > most:
                    most, found = len(one.parts), {}
                if len(one.parts) == most:
                    found.setdefault(at, []).append(one)
        return found

    def _mentions(self, text: str, passage: StoredPassage) -> tuple[Mention, ...]:
        return self._concepts.mentions(text, passage.start, passage.end, passage.section)


def _of_whole(found: Mapping[Concept, Assertion]) -> Assertion:
    """Return what a sentence says of a meaning: as of the concept that is furthest from so."""
    said = (as_worded(concept.asked, assertion) for concept, assertion in found.items())
    return max(said, key=distance)


def as_worded(asked: Assertion, said: Assertion) -> Assertion:
    """Return what is said of a concept as the meaning words it.

    Where the meaning itself denies or doubts, or speaks of somebody else or of what may come,
    that is what affirms it, and the plain statement does not.
    """
    polarity, experiencer, temporality = said.polarity, said.experiencer, said.temporality
    if polarity is asked.polarity:
        polarity = Polarity.AFFIRMED
    elif polarity is Polarity.AFFIRMED:
        polarity = asked.polarity
    if asked.experiencer is Experiencer.OTHER:
        is_other = experiencer is Experiencer.OTHER
        experiencer = Experiencer.PATIENT if is_other else Experiencer.OTHER
    if asked.temporality is Temporality.HYPOTHETICAL:
        is_to_come = temporality is Temporality.HYPOTHETICAL
        temporality = Temporality.CURRENT if is_to_come else Temporality.HYPOTHETICAL
    return Assertion(polarity, experiencer, temporality)
