"""What a cohort asks, as plain values: criteria, combined by all, any and not.

::

    Rules
    ├── include, exclude: Rule
    │     ├── Criterion     asks of notes: by meaning, by phrase, or by their facts alone
    │     ├── All, Any      every part is met; at least one is
    │     └── Not           the part is not met: the plain complement
    └── like, unlike: Examples

``search/cohort/definition.py`` makes them from a file; both evaluators read nothing else.
docs/cohorts.md says in tables what each means.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from notekin.storage.conditions import Condition
from notekin.types import Assertion, Experiencer, Polarity, Temporality


class Grain(Enum):
    """Of what a cohort is made. A subject is one of these."""

    PATIENT = "patient"
    ENCOUNTER = "encounter"


class Unit(Enum):
    """What ``at_least`` counts."""

    NOTES = "notes"
    ENCOUNTERS = "encounters"


class CutKind(Enum):
    """How it is decided which notes a meaning is found in."""

    SCORE = "score"
    TOP = "top"
    CALIBRATED = "calibrated"
    PRECISION = "precision"
    RECALL = "recall"


@dataclass(frozen=True, slots=True)
class Cut:
    """Which of the scored notes a meaning is found in.

    Attributes:
        value: SCORE: the lowest score, from 0 to 1. TOP: how many notes. PRECISION, RECALL:
            what is aimed at. CALIBRATED: of no meaning, the aim is the highest F1.
    """

    kind: CutKind
    value: float

    @property
    def is_calibrated(self) -> bool:
        """Whether judgements decide; until there are some, ``PROVISIONAL`` stands in."""
        return self.kind not in (CutKind.SCORE, CutKind.TOP)


PROVISIONAL = Cut(CutKind.SCORE, 0.3)


@dataclass(frozen=True, slots=True)
class Asserted:
    """Which assertions count: each of the three must be among those named."""

    polarity: frozenset[Polarity] = frozenset({Polarity.AFFIRMED})
    experiencer: frozenset[Experiencer] = frozenset({Experiencer.PATIENT})
    temporality: frozenset[Temporality] = frozenset({Temporality.CURRENT, Temporality.HISTORICAL})

    def takes(self, assertion: Assertion) -> bool:
        """Whether an assertion counts."""
        return (
            assertion.polarity in self.polarity
            and assertion.experiencer in self.experiencer
            and assertion.temporality in self.temporality
        )


@dataclass(frozen=True, slots=True)
class Within:
    """A note counts only so many days from a note that counts for another criterion.

    Attributes:
        of: The other criterion's id. It must be met; nothing is within a time of what is not.
        before: Only on an earlier day than the other's, or on the same.
        after: Only on a later day, or on the same.
    """

    of: str
    days: int
    before: bool = False
    after: bool = False


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that is asked of a subject's notes.

    Attributes:
        meaning: What the notes must say, in any words; None where a phrase or facts are asked.
        phrases: Phrases of which a note must hold one; empty where none is asked.
        condition: What the notes' facts must meet; None lets all pass.
        asserted: Which assertions count; None asks for none (facts alone never do).
        at_least: How many of ``unit`` must count; copies of one passage count once.
        cut: Where a meaning's scores are cut.
    """

    id: str
    meaning: str | None = None
    phrases: tuple[str, ...] = ()
    condition: Condition | None = None
    asserted: Asserted | None = None
    at_least: int = 1
    unit: Unit = Unit.NOTES
    within: Within | None = None
    cut: Cut = PROVISIONAL

    def label(self) -> str:
        """Return what tables call it."""
        return self.id

    @property
    def is_about_facts(self) -> bool:
        """Whether the facts of notes are all that it asks about."""
        return self.meaning is None and not self.phrases


@dataclass(frozen=True, slots=True)
class All:
    """Every part is met."""

    parts: tuple[Rule, ...]
    id: str | None = None

    def label(self) -> str:
        """Return its id, or what it is made of."""
        return self.id or " and ".join(map(_in_brackets, self.parts))


@dataclass(frozen=True, slots=True)
class Any:
    """At least one part is met."""

    parts: tuple[Rule, ...]
    id: str | None = None

    def label(self) -> str:
        """Return its id, or what it is made of."""
        return self.id or " or ".join(map(_in_brackets, self.parts))


@dataclass(frozen=True, slots=True)
class Not:
    """The part is not met, whether its evidence speaks against it or there is none."""

    part: Rule
    id: str | None = None

    def label(self) -> str:
        """Return its id, or what it is made of."""
        return self.id or f"not {_in_brackets(self.part)}"


Rule: TypeAlias = "Criterion | All | Any | Not"


@dataclass(frozen=True, slots=True)
class Examples:
    """Patients and notes by their ids, which subjects are to be like or unlike."""

    patients: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.patients or self.notes)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a cohort asks.

    Attributes:
        include: What a subject must meet; None takes all.
        exclude: What none may meet; None keeps all.
        limit: How many subjects at most, the best first; None for all.
    """

    name: str
    grain: Grain = Grain.PATIENT
    include: Rule | None = None
    exclude: Rule | None = None
    like: Examples = field(default=Examples())
    unlike: Examples = field(default=Examples())
    limit: int | None = None

    def steps(self) -> list[tuple[str, Rule]]:
        """Return the steps of the attrition, as ``include`` or ``exclude`` and a rule.

        Each part of an inclusion by all is one, and of an exclusion by any; any other rule is
        one as a whole.
        """
        found: list[tuple[str, Rule]] = []
        if self.include is not None:
            parts = self.include.parts if isinstance(self.include, All) else (self.include,)
            found += [("include", part) for part in parts]
        if self.exclude is not None:
            parts = self.exclude.parts if isinstance(self.exclude, Any) else (self.exclude,)
            found += [("exclude", part) for part in parts]
        return found

    def criteria(self) -> list[Criterion]:
        """Return every criterion, in the definition's order."""
        return [one for rule in (self.include, self.exclude) if rule for one in criteria_of(rule)]


def criteria_of(rule: Rule) -> Iterator[Criterion]:
    """Give the criteria within a rule, in their order."""
    match rule:
        case Criterion():
            yield rule
        case Not(part=part):
            yield from criteria_of(part)
        case All(parts=parts) | Any(parts=parts):
            for part in parts:
                yield from criteria_of(part)


def _in_brackets(rule: Rule) -> str:
    is_group = isinstance(rule, All | Any) and rule.id is None and len(rule.parts) > 1
    return f"({rule.label()})" if is_group else rule.label()
