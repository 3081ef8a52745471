"""Cohorts by arrays are those of the plain loops, on any notes and any rules."""

from datetime import datetime, timedelta
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from notekin.search.cohort import reference
from notekin.search.cohort.reference import Mention, PlainNote, Spoken
from notekin.search.cohort.rules import (
    All,
    Any,
    Asserted,
    Criterion,
    Cut,
    CutKind,
    Grain,
    Not,
    Rule,
    Rules,
    Unit,
    Within,
)
from notekin.search.cohort.screen import screen
from notekin.search.cohort.screening import ASSERTIONS
from notekin.storage.conditions import Condition, Missing, OneOf, Range
from notekin.storage.conditions import Not as NotMet
from notekin.types import Assertion, Polarity
from tests.support.cohort_notes import (
    as_plain,
    facts,
    hearing,
    members_of,
    of_reference,
    subjects_of,
)

NAMES = ["a", "b", "c", "d"]
START = datetime(1969, 12, 30)  # an unknown day must not pass for 1970-01-01
HOURS = [None, *range(0, 24 * 6, 7)]
CONDITIONS: list[Condition] = [
    OneOf("category", ("ED",)),
    Range("n", 2.0),
    Missing("n"),
    NotMet(OneOf("category", ("ED",))),
]
ASSERTED = [None, Asserted(), Asserted(), Asserted(frozenset({Polarity.NEGATED}))]
CUTS = [Cut(CutKind.SCORE, 0.5), Cut(CutKind.SCORE, 0.5), Cut(CutKind.TOP, 2), Cut(CutKind.TOP, 5)]
SIDES = [(False, False), (True, False), (False, True)]


def notes(random: Random) -> list[PlainNote]:
    """Make notes of few patients and encounters on few days, so that they meet."""
    return [note(random, key) for key in range(1, random.choice([1, 5, 10, 14]) + 1)]


def note(random: Random, key: int) -> PlainNote:
    hours = random.choice(HOURS)
    stored = facts(
        key,
        random.choice([None, "p1", "p1", "p2", "p2", "p3"]),
        encounter_id=random.choice([None, "e1", "e1", "e2"]),
        category=random.choice([None, "ED", "ED", "Echo"]),
        recorded_at=None if hours is None else START + timedelta(hours=hours),
        attributes=random.choice([{}, {"n": 1}, {"n": 3}]),
    )
    return PlainNote(stored, {name: spoken(random) for name in NAMES if random.random() < 0.7})


def spoken(random: Random) -> Spoken:
    mentions = [
        Mention(
            random.randint(0, 3),
            random.randint(4, 6),
            random.choice([Assertion(), Assertion(), None, random.choice(ASSERTIONS)]),
            random.choice([None, None, 0, 1]),
        )
        for _ in range(random.randint(1, 3))
    ]
    return Spoken(random.choice([0.25, 0.5, 0.625, 0.75, 1.0]), tuple(mentions))


def criteria(random: Random) -> list[Criterion]:
    """Make one to four criteria, each perhaps within a time of another made before."""
    made: list[Criterion] = []
    for name in NAMES[: random.choice([1, 2, 3, 4])]:
        kind = random.choice(["meaning", "meaning", "phrase", "facts"])
        has_condition = kind == "facts" or random.random() < 0.3
        within = None
        if made and random.random() < 0.6:
            before, after = random.choice(SIDES)
            within = Within(random.choice(made).id, random.randint(0, 3), before, after)
        made.append(
            Criterion(
                name,
                "m" if kind == "meaning" else None,
                ("p",) if kind == "phrase" else (),
                random.choice(CONDITIONS) if has_condition else None,
                None if kind == "facts" else random.choice(ASSERTED),
                random.choice([1, 1, 1, 2, 3]),
                random.choice([Unit.NOTES, Unit.NOTES, Unit.ENCOUNTERS]),
                within,
                random.choice(CUTS),
            )
        )
    random.shuffle(made)
    return made


def rules(random: Random) -> Rules:
    """Make rules in which each criterion stands once, nested anyhow."""
    leaves = criteria(random)
    split = random.randint(0, len(leaves))
    include, exclude = (
        nested(random, part) if part else None for part in (leaves[:split], leaves[split:])
    )
    grain, limit = random.choice(list(Grain)), random.choice([None, None, 1, 2])
    return Rules("x", grain, include, exclude, limit=limit)


def nested(random: Random, leaves: list[Criterion]) -> Rule:
    rule: Rule = leaves[0]
    if len(leaves) > 1:
        split = random.randint(1, len(leaves) - 1)
        parts = (nested(random, leaves[:split]), nested(random, leaves[split:]))
        rule = All(parts) if random.random() < 0.5 else Any(parts)
    return Not(rule) if random.random() < 0.2 else rule


@settings(max_examples=1500, deadline=None)
@given(st.integers(0, 2**32))
def test_arrays_find_what_the_plain_loops_find(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - drawn, not secret
    held, asked = notes(random), rules(random)
    subjects = subjects_of(held, asked.grain)
    ids = list(zip(subjects.patient_ids, subjects.encounter_ids, strict=True))
    has_examples = random.random() < 0.3
    likeness = {one: random.choice([0.0, 0.5, 0.75]) for one in ids} if has_examples else None
    plain = reference.evaluate(asked, held, likeness)
    vector = None if likeness is None else np.array([likeness[one] for one in ids])
    found = screen(asked, subjects, hearing(held, asked.grain), vector)
    assert as_plain(found) == of_reference(plain)
    assert members_of(found) == list(plain.members)
    assert list(found.attrition) == list(plain.attrition)
