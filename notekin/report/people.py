"""Who is in the cohort, and what shows it: each piece of evidence with some text around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from notekin.search.cohort.answer import (
    CohortAnswer,
    CriterionAnswer,
    CriterionEvidence,
    Member,
    Standing,
    Status,
)
from notekin.types import Assertion, NoteKey, Polarity

AROUND = 160
"""Characters of the note that are shown before and after a piece of evidence."""
Text = Callable[[NoteKey], str]


@dataclass(frozen=True, slots=True)
class Quote:
    """A piece of evidence: a stretch of a note, with what stands before and after it.

    Attributes:
        counts: Whether it counts towards its criterion; ``why`` says why not.
    """

    note_id: str
    day: str
    score: str
    assertion: str
    counts: bool
    why: str
    before: str
    passage: str
    after: str


@dataclass(frozen=True, slots=True)
class Met:
    """One criterion of one person."""

    label: str
    status: str
    is_met: bool
    count: int
    quotes: Sequence[Quote]


@dataclass(frozen=True, slots=True)
class Person:
    """One subject of the cohort, with the evidence for each criterion."""

    rank: int
    patient: str
    encounter: str
    score: str
    days: str
    criteria: Sequence[Met]


def people(answer: CohortAnswer, text: Text, names: dict[str, str]) -> list[Person]:
    """Return all of the cohort, best first.

    Args:
        answer: What the cohort answers.
        text: Gives a note's text.
        names: What a criterion's id stands for, in words.
    """
    return [_person(member, text, names) for member in answer.members]


def _person(member: Member, text: Text, names: dict[str, str]) -> Person:
    return Person(
        rank=member.rank,
        patient=member.patient_id or "no patient named",
        encounter=member.encounter_id or "",
        score=f"{member.score:.3f}",
        days=_days(member.first, member.last),
        criteria=[_met(one, text, names) for one in member.criteria],
    )


def _days(first: datetime | None, last: datetime | None) -> str:
    if first is None or last is None:
        return "no dates"
    begins, ends = f"{first:%Y-%m-%d}", f"{last:%Y-%m-%d}"
    return begins if begins == ends else f"{begins} to {ends}"


def _met(one: CriterionAnswer, text: Text, names: dict[str, str]) -> Met:
    return Met(
        label=names.get(one.criterion, one.criterion),
        status=one.status.value,
        is_met=one.status is Status.MET,
        count=one.count,
        quotes=[_quote(evidence, text) for evidence in one.evidence],
    )


def _quote(evidence: CriterionEvidence, text: Text) -> Quote:
    whole = text(evidence.note_key)
    start, end = evidence.start, evidence.end
    is_of_facts = start == end
    return Quote(
        note_id=evidence.note_id,
        day="no date" if evidence.recorded_at is None else f"{evidence.recorded_at:%Y-%m-%d}",
        score="" if is_of_facts else f"{evidence.score:.3f}",
        assertion=said_of(evidence.assertion),
        counts=evidence.standing is Standing.COUNTS,
        why=evidence.standing.value,
        before="" if is_of_facts else _shortened(whole[:start], at_start=True),
        passage="" if is_of_facts else " ".join(whole[start:end].split()),
        after="" if is_of_facts else _shortened(whole[end:], at_start=False),
    )


def said_of(assertion: Assertion | None) -> str:
    """Return an assertion in words; what is usual is left out."""
    if assertion is None:
        return ""
    words = [assertion.polarity.value]
    if assertion.experiencer.value != "patient":
        words.append("of somebody else")
    if assertion.temporality.value != "current":
        words.append(assertion.temporality.value)
    usual = assertion.polarity is Polarity.AFFIRMED and len(words) == 1
    return "" if usual else ", ".join(words)


def _shortened(text: str, *, at_start: bool) -> str:
    """Return the end of what stands before, or the start of what stands after."""
    near = text[-AROUND:] if at_start else text[:AROUND]
    words = " ".join(near.split())
    if len(text) <= AROUND:
        return words
    return f"… {words.partition(' ')[2]}" if at_start else f"{words.rpartition(' ')[0]} …"
