"""Who belongs to a cohort, worked out in plain loops: slow, and right at a glance.

It reads notes as they are and what each is said to speak of; the arrays of
search/cohort/screen.py must agree with it on any notes and rules. docs/cohorts.md shows it
as tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeAlias

from notekin.search.cohort.answer import AttritionRow, Standing, Status
from notekin.search.cohort.rules import (
    All,
    Any,
    Criterion,
    CutKind,
    Grain,
    Not,
    Rule,
    Rules,
    Unit,
)
from notekin.storage.condition_oracle import meets
from notekin.storage.conditions import AllOf, AnyOf, Condition, Missing
from notekin.storage.conditions import Not as NotMet
from notekin.storage.records import StoredNote
from notekin.types import Assertion, NoteKey

SubjectId: TypeAlias = tuple[str | None, str | None]
"""A patient's id and an encounter's; the latter None where the cohort is of patients."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A place in a note that speaks of something; a note's are ordered, the best first.

    Attributes:
        family: The same for copies of one passage; None where it has none.
    """

    start: int
    end: int
    assertion: Assertion | None = None
    family: int | None = None


@dataclass(frozen=True, slots=True)
class Spoken:
    """What one note says of one criterion."""

    score: float
    mentions: tuple[Mention, ...]


@dataclass(frozen=True, slots=True)
class PlainNote:
    """A note's facts, and what it says of each criterion, by id, before any cut."""

    facts: StoredNote
    says: Mapping[str, Spoken] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stood:
    """How one note stands to one criterion: the place that shows it, and whether it counts."""

    note: PlainNote
    mention: Mention
    standing: Standing
    score: float


@dataclass(frozen=True, slots=True)
class Found:
    """How one subject stands to one criterion."""

    status: Status
    count: int
    score: float
    stood: tuple[Stood, ...]


@dataclass(frozen=True, slots=True)
class PlainAnswer:
    """Who belongs: subjects, best first, how each stands to each criterion, who was left.

    Attributes:
        found: Of every subject, in the cohort or not, by criterion.
        members: (subject, score), best first.
    """

    found: Mapping[SubjectId, Mapping[str, Found]]
    members: Sequence[tuple[SubjectId, float]]
    attrition: Sequence[AttritionRow]


def evaluate(
    rules: Rules,
    notes: Sequence[PlainNote],
    likeness: Mapping[SubjectId, float] | None = None,
) -> PlainAnswer:
    """Return who belongs to a cohort.

    Args:
        rules: What it asks.
        notes: All notes of the store; those that name no subject take no part.
        likeness: From 0 to 1 for every subject, where the rules name examples.
    """
    by_subject: dict[SubjectId, list[PlainNote]] = {}
    for note in sorted(notes, key=_when):
        subject = subject_of(note.facts, rules.grain)
        if subject is not None:
            by_subject.setdefault(subject, []).append(note)
    passing = {one.id: _passing(one, by_subject.values()) for one in rules.criteria()}
    found = {subject: _found(rules, own, passing) for subject, own in by_subject.items()}
    attrition, left = _attrition(rules, found)
    scored = [(subject, _total(rules, found[subject], likeness, subject)) for subject in left]
    scored.sort(key=lambda pair: (-pair[1], in_order(pair[0])))
    if rules.limit is not None:
        scored = scored[: rules.limit]
        attrition.append(AttritionRow("limit", "", len(scored), len(left) - len(scored)))
    return PlainAnswer(found, scored, attrition)


def subject_of(facts: StoredNote, grain: Grain) -> SubjectId | None:
    """Return whose a note is; None where it names nobody."""
    if grain is Grain.PATIENT:
        return None if facts.patient_id is None else (facts.patient_id, None)
    return None if facts.encounter_id is None else (facts.patient_id, facts.encounter_id)


def in_order(subject: SubjectId) -> tuple[tuple[bool, str], ...]:
    """Return what subjects of equal score are sorted by: the ids, none before any."""
    return tuple((part is not None, part or "") for part in subject)


def is_known(condition: Condition, facts: StoredNote) -> bool:
    """Whether a note has a value for any field that a condition asks about."""
    return any(not meets(Missing(name), facts) for name in sorted(_fields(condition)))


def _fields(condition: Condition) -> set[str]:
    match condition:
        case AllOf(conditions=parts) | AnyOf(conditions=parts):
            return set().union(*map(_fields, parts))
        case NotMet(condition=part):
            return _fields(part)
        case _:
            return {condition.field}


def _when(note: PlainNote) -> tuple[bool, datetime, NoteKey]:
    """Sort by time, those without one last; then by key."""
    recorded = note.facts.recorded_at
    return recorded is None, recorded or datetime.min, note.facts.note_key


def _passing(
    criterion: Criterion, subjects: Iterable[Sequence[PlainNote]]
) -> dict[NoteKey, Spoken]:
    """Return which notes speak of a criterion at all, and what each says."""
    spoken: dict[NoteKey, Spoken] = {}
    for note in (note for own in subjects for note in own):
        if criterion.condition is not None and not meets(criterion.condition, note.facts):
            continue
        if criterion.is_about_facts:
            spoken[note.facts.note_key] = Spoken(1.0, (Mention(0, 0),))
        elif criterion.id in note.says:
            said = note.says[criterion.id]
            score = 1.0 if criterion.meaning is None else said.score
            spoken[note.facts.note_key] = Spoken(score, said.mentions)
    if criterion.meaning is None:
        return spoken
    if criterion.cut.kind is CutKind.TOP:
        best = sorted(spoken, key=lambda key: (-spoken[key].score, key))
        return {key: spoken[key] for key in best[: int(criterion.cut.value)]}
    return {key: one for key, one in spoken.items() if one.score >= criterion.cut.value}


def _found(
    rules: Rules, notes: Sequence[PlainNote], passing: Mapping[str, Mapping[NoteKey, Spoken]]
) -> dict[str, Found]:
    """Return how a subject stands to every criterion; one that others hang on goes first."""
    criteria = {one.id: one for one in rules.criteria()}
    found: dict[str, Found] = {}

    def find(criterion: Criterion) -> Found:
        if criterion.id not in found:
            other = find(criteria[criterion.within.of]) if criterion.within else None
            found[criterion.id] = _of_criterion(criterion, notes, passing[criterion.id], other)
        return found[criterion.id]

    for criterion in criteria.values():
        find(criterion)
    return found


def _of_criterion(
    criterion: Criterion,
    notes: Sequence[PlainNote],
    passing: Mapping[NoteKey, Spoken],
    other: Found | None,
) -> Found:
    stood: list[Stood] = []
    seen: set[int] = set()
    for note in notes:
        spoken = passing.get(note.facts.note_key)
        if spoken is not None:
            mention, standing = _standing(criterion, note, spoken, other, seen)
            stood.append(Stood(note, mention, standing, spoken.score))
    counting = [one for one in stood if one.standing is Standing.COUNTS]
    count = _count(criterion.unit, counting)
    best = max((one.score for one in counting), default=0.0)
    return Found(_status(criterion, notes, bool(stood), count), count, best, tuple(stood))


def _standing(
    criterion: Criterion, note: PlainNote, spoken: Spoken, other: Found | None, seen: set[int]
) -> tuple[Mention, Standing]:
    """Return the place that shows how a note stands; notes come in the order of time."""
    as_asked = [one for one in spoken.mentions if _is_as_asked(criterion, one)]
    if not as_asked:
        return spoken.mentions[0], Standing.ASSERTED_OTHERWISE
    if criterion.within is not None and not _is_in_time(criterion, note, other):
        return as_asked[0], Standing.OUT_OF_TIME
    fresh = [one for one in as_asked if one.family is None or one.family not in seen]
    seen.update(one.family for one in as_asked if one.family is not None)
    return (fresh[0], Standing.COUNTS) if fresh else (as_asked[0], Standing.COPY)


def _is_as_asked(criterion: Criterion, mention: Mention) -> bool:
    if criterion.asserted is None or mention.assertion is None:
        return True
    return criterion.asserted.takes(mention.assertion)


def _is_in_time(criterion: Criterion, note: PlainNote, other: Found | None) -> bool:
    within = criterion.within
    if within is None or other is None or other.status is not Status.MET:
        return False
    for one in other.stood:
        if one.standing is not Standing.COUNTS:
            continue
        day, its_day = _day(note), _day(one.note)
        if day is None or its_day is None:
            continue
        later = (its_day - day).days
        if abs(later) > within.days:
            continue
        if (within.before and later < 0) or (within.after and later > 0):
            continue
        return True
    return False


def _day(note: PlainNote) -> date | None:
    return note.facts.recorded_at.date() if note.facts.recorded_at else None


def _count(unit: Unit, counting: Sequence[Stood]) -> int:
    if unit is Unit.NOTES:
        return len(counting)
    encounters = {(one.note.facts.patient_id, one.note.facts.encounter_id) for one in counting}
    return sum(encounter is not None for _patient, encounter in encounters)


def _status(criterion: Criterion, notes: Sequence[PlainNote], spoke: bool, count: int) -> Status:
    if count >= criterion.at_least:
        return Status.MET
    if criterion.is_about_facts and criterion.condition is not None:
        spoke = spoke or any(is_known(criterion.condition, note.facts) for note in notes)
    return Status.NOT_MET if spoke else Status.NO_EVIDENCE


def is_met(rule: Rule, found: Mapping[str, Found]) -> bool:
    """Whether a subject meets a rule."""
    match rule:
        case Criterion():
            return found[rule.id].status is Status.MET
        case All(parts=parts):
            return all(is_met(part, found) for part in parts)
        case Any(parts=parts):
            return any(is_met(part, found) for part in parts)
        case Not(part=part):
            return not is_met(part, found)


def _score(rule: Rule, found: Mapping[str, Found]) -> float | None:
    """Return how well a rule is met: of all the mean, of any the best; not has no score."""
    match rule:
        case Criterion():
            one = found[rule.id]
            return one.score if one.status is Status.MET else 0.0
        case Not():
            return None
        case All(parts=parts) | Any(parts=parts):
            scores = [score for part in parts if (score := _score(part, found)) is not None]
            if not scores:
                return None
            return sum(scores) / len(scores) if isinstance(rule, All) else max(scores)


def _total(
    rules: Rules,
    found: Mapping[str, Found],
    likeness: Mapping[SubjectId, float] | None,
    subject: SubjectId,
) -> float:
    """Return what a subject is ranked by; with both, the mean of rules and likeness."""
    score = None if rules.include is None else _score(rules.include, found)
    if likeness is None:
        return 1.0 if score is None else score
    return likeness[subject] if score is None else (score + likeness[subject]) / 2


def _attrition(
    rules: Rules, found: Mapping[SubjectId, Mapping[str, Found]]
) -> tuple[list[AttritionRow], list[SubjectId]]:
    """Return how many subjects are left after each step, and who is after the last."""
    left = list(found)
    rows = [AttritionRow("all", "", len(left), 0)]
    for step, rule in rules.steps():
        kept = [one for one in left if is_met(rule, found[one]) is (step == "include")]
        rows.append(AttritionRow(step, rule.label(), len(kept), len(left) - len(kept)))
        left = kept
    return rows, left


__all__ = ["Mention", "PlainAnswer", "PlainNote", "Spoken", "evaluate"]
