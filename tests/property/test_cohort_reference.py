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
from notekin.types import Polarity
from tests.support.cohort_notes import (
    as_plain,
    facts,
    hearing,
    members_of,
    of_reference,
    subjects_of,
)

NAMES = ["a", "b", "c", "d"]
SCORES = st.sampled_from([0.0, 0.25, 0.5, 0.5, 0.75, 1.0])
MENTIONS = st.builds(
    Mention,
    st.integers(0, 3),
    st.integers(4, 6),
    st.none() | st.sampled_from(ASSERTIONS),
    st.none() | st.integers(0, 2),
)
SPOKEN = st.builds(Spoken, SCORES, st.lists(MENTIONS, min_size=1, max_size=3).map(tuple))
START = datetime(2020, 1, 1)


@st.composite
def notes(draw: st.DrawFn) -> list[PlainNote]:
    """Draw notes of few patients and encounters on few days, so that they meet."""
    drawn = []
    for key in range(1, draw(st.integers(1, 10)) + 1):
        hours = draw(st.none() | st.integers(0, 24 * 6))
        stored = facts(
            key,
            draw(st.none() | st.sampled_from(["p1", "p2", "p3"])),
            encounter_id=draw(st.none() | st.sampled_from(["e1", "e2"])),
            category=draw(st.none() | st.sampled_from(["ED", "Echo"])),
            recorded_at=None if hours is None else START + timedelta(hours=hours),
            attributes=draw(st.sampled_from([{}, {"n": 1}, {"n": 3}])),
        )
        says = draw(st.dictionaries(st.sampled_from(NAMES), SPOKEN, max_size=4))
        drawn.append(PlainNote(stored, says))
    return drawn


CONDITIONS: st.SearchStrategy[Condition] = st.sampled_from(
    [OneOf("category", ("ED",)), Range("n", 2.0), Missing("n"), NotMet(OneOf("category", ("ED",)))]
)
ASSERTED = st.sampled_from([None, Asserted(), Asserted(frozenset({Polarity.NEGATED}))])
CUTS = st.sampled_from([Cut(CutKind.SCORE, 0.5), Cut(CutKind.TOP, 2), Cut(CutKind.TOP, 4)])
WITHIN = st.sampled_from(
    [(days, *side) for days in range(4) for side in ((False, False), (True, False), (False, True))]
)


@st.composite
def criteria(draw: st.DrawFn) -> list[Criterion]:
    """Draw one to four criteria, each perhaps within a time of another drawn before."""
    drawn: list[Criterion] = []
    for name in NAMES[: draw(st.integers(1, 4))]:
        kind = draw(st.sampled_from(["meaning", "phrase", "facts"]))
        within = None
        if drawn and draw(st.booleans()):
            days, before, after = draw(WITHIN)
            within = Within(draw(st.sampled_from(drawn)).id, days, before, after)
        drawn.append(
            Criterion(
                name,
                "m" if kind == "meaning" else None,
                ("p",) if kind == "phrase" else (),
                draw(CONDITIONS) if kind == "facts" else draw(st.none() | CONDITIONS),
                None if kind == "facts" else draw(ASSERTED),
                draw(st.integers(1, 3)),
                draw(st.sampled_from(Unit)),
                within,
                draw(CUTS),
            )
        )
    return draw(st.permutations(drawn))


@st.composite
def rules(draw: st.DrawFn) -> Rules:
    """Draw rules in which each criterion stands once, nested anyhow."""
    leaves = draw(criteria())
    split = draw(st.integers(0, len(leaves)))
    include, exclude = (
        draw(nested(part)) if part else None for part in (leaves[:split], leaves[split:])
    )
    return Rules(
        "x",
        draw(st.sampled_from(Grain)),
        include,
        exclude,
        limit=draw(st.none() | st.integers(1, 3)),
    )


@st.composite
def nested(draw: st.DrawFn, leaves: list[Criterion]) -> Rule:
    """Draw a tree over these leaves."""
    if len(leaves) == 1:
        rule: Rule = leaves[0]
    else:
        split = draw(st.integers(1, len(leaves) - 1))
        parts = (draw(nested(leaves[:split])), draw(nested(leaves[split:])))
        rule = All(parts) if draw(st.booleans()) else Any(parts)
    return Not(rule) if draw(st.integers(0, 3)) == 0 else rule


@settings(max_examples=600, deadline=None)
@given(notes(), rules(), st.booleans(), st.randoms())
def test_arrays_find_what_the_plain_loops_find(
    held: list[PlainNote], asked: Rules, has_examples: bool, random: Random
) -> None:
    subjects = subjects_of(held, asked.grain)
    ids = list(zip(subjects.patient_ids, subjects.encounter_ids, strict=True))
    likeness = {one: random.choice([0.0, 0.5, 0.75]) for one in ids} if has_examples else None
    plain = reference.evaluate(asked, held, likeness)
    vector = None if likeness is None else np.array([likeness[one] for one in ids])
    found = screen(asked, subjects, hearing(held, asked.grain), vector)
    assert as_plain(found) == of_reference(plain)
    assert members_of(found) == list(plain.members)
    assert list(found.attrition) == list(plain.attrition)
