"""SQL and plain Python agree on every note and every condition."""

import tempfile
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from notekin.storage.condition_oracle import meets
from notekin.storage.conditions import (
    TEXT_FIELDS,
    AllOf,
    AnyOf,
    Condition,
    Contains,
    Missing,
    Not,
    OneOf,
    Range,
)
from notekin.types import Note, NoteKey
from tests.support.notes import note, store_of
from tests.support.words import WordEncoder

ENCODER = WordEncoder(dim=2)
ODD = ["a", "A", "%", "_", "\\", "'", '"', "\0", "\ud800", "é", "É", "ß", "İ", "Σ", "ς", "\u212a"]
TEXTS = st.one_of(
    st.sampled_from(["", "63", "63.0", "007", "true", "nan", "2020-01-31", "2020-01-31T10:00"]),
    st.sampled_from(["20200131", "2020-1-31", "1e5", "-0", "9007199254740993", "a%b_c"]),
    st.text(st.sampled_from(ODD), max_size=4),
    st.text(max_size=4),
)
NUMBERS = st.one_of(
    st.sampled_from(
        [0, 0.0, -0.0, 63, 63.0, 63.5, 0.1 + 0.2, 2**53, 2**53 + 1, 2**53 + 3, 1e300, 5e-324]
    ),
    st.integers(-(2**62), 2**62),
    st.floats(),
)
SCALARS = st.one_of(TEXTS, NUMBERS, st.booleans())
MOMENTS = st.one_of(
    st.sampled_from([datetime(2020, 1, 31), datetime(2020, 1, 31, 10, 0, 0, 1)]),
    st.datetimes(),
)
ATTRIBUTES = ["n", "t", "l", "ä 'x"]
FACTS = st.fixed_dictionaries(
    {},
    optional={name: st.none() | SCALARS | st.lists(TEXTS, max_size=3) for name in ATTRIBUTES},
)


@st.composite
def notes(draw: st.DrawFn) -> list[Note]:
    """Draw notes, and one that has every attribute so that each may be asked for."""
    texts = st.none() | TEXTS
    drawn = [
        note(
            f"n{at}",
            "x",
            category=draw(texts),
            author=draw(texts),
            title=draw(texts),
            encounter_id=draw(texts),
            attributes=draw(FACTS),
        )
        for at in range(draw(st.integers(1, 5)))
    ]
    dated = [
        Note(
            one.note_id,
            one.text,
            one.source,
            category=one.category,
            author=one.author,
            title=one.title,
            recorded_at=draw(st.none() | MOMENTS),
            attributes=one.attributes,
        )
        for one in drawn
    ]
    return [*dated, note("all", "x", attributes=dict.fromkeys(ATTRIBUTES, "x"))]


FIELDS = st.sampled_from([*TEXT_FIELDS, *ATTRIBUTES])
BOUNDS = st.one_of(
    st.tuples(st.none() | NUMBERS, st.none() | NUMBERS),
    st.tuples(st.none() | st.dates(), st.none() | st.just(date(2020, 1, 31)) | st.dates()),
).filter(lambda ends: ends != (None, None) and not any(end != end for end in ends))
RANGES = st.builds(
    lambda field, ends, low, high: Range(field, ends[0], ends[1], low, high),
    st.sampled_from(ATTRIBUTES),
    BOUNDS,
    st.booleans(),
    st.booleans(),
)
RECORDED = st.builds(
    lambda low, high, first, last: Range("recorded_at", low, high, first, last),
    MOMENTS,
    st.none() | MOMENTS,
    st.booleans(),
    st.booleans(),
)
LEAVES: st.SearchStrategy[Condition] = st.one_of(
    st.builds(OneOf, FIELDS, st.lists(SCALARS, max_size=3).map(tuple)),
    st.builds(OneOf, st.just("recorded_at"), st.lists(MOMENTS, max_size=2).map(tuple)),
    st.builds(Missing, st.one_of(FIELDS, st.just("recorded_at"))),
    st.builds(Contains, FIELDS, TEXTS),
    RANGES,
    RECORDED,
)
CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(AllOf, st.lists(inner, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(notes(), st.lists(CONDITIONS, min_size=1, max_size=12))
@example([note("a", "x"), note("all", "x", attributes={"n": 1})], [Not(OneOf("n", (1,)))])
@example(
    [note("a", "x", attributes={"n": 2**53}), note("all", "x", attributes={"n": 2**53 + 4})],
    [
        Range("n", None, 2**53 + 1, True, False),
        Range("n", 2**53 + 3, None),
        Range("n", -(10**400), 10**400),
    ],
)
def test_sql_finds_the_notes_that_meet_the_condition_and_no_other(
    held: list[Note], conditions: list[Condition]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = store_of(Path(folder) / "store", ENCODER, *held)
        snapshot = store.snapshot()
        everything = snapshot.notes([NoteKey(int(key)) for key in snapshot.select(AllOf(()))])
        assert len(everything) == len(held)
        for condition in conditions:
            found = snapshot.select(condition).tolist()
            expected = [one.note_key for one in everything if meets(condition, one)]
            assert found == expected, condition
        store.close()


@pytest.mark.parametrize(
    ("condition", "keys"),
    [
        (OneOf("n", (63,)), [1]),
        (OneOf("n", (63.0,)), [1, 2]),
        (OneOf("n", ("63",)), [1]),
        (OneOf("n", (0,)), [3]),
        (OneOf("n", (2**53 + 1,)), [4]),
        (Contains("n", "ÉT"), [5]),
        (Contains("n", "k"), [6]),
    ],
)
def test_numbers_and_letters_compare_as_documented(
    tmp_path: Path, condition: Condition, keys: list[int]
) -> None:
    values = (63, "63.0", -0.0, 2**53 + 1, "été", "\u212a")
    held = [note(f"n{at}", "x", attributes={"n": value}) for at, value in enumerate(values)]
    snapshot = store_of(tmp_path / "s", ENCODER, *held).snapshot()
    assert snapshot.select(condition).tolist() == keys
    stored = snapshot.notes([NoteKey(at) for at in range(1, 7)])
    assert [one.note_key for one in stored if meets(condition, one)] == keys


def test_the_oracle_says_what_a_person_would(tmp_path: Path) -> None:
    facts = {"age": 63, "ward": "A7", "drugs": ["Insulin glargine", "ASA"], "none": []}
    held = note("a", "x", category="ED note", recorded="2020-01-31T10:00", attributes=facts)
    (stored,) = store_of(tmp_path / "s", ENCODER, held).snapshot().notes([NoteKey(1)])
    for true in (
        OneOf("age", ("63.0",)),
        Range("age", 63, 64),
        Contains("drugs", "INSULIN"),
        Missing("none"),
        Missing("nowhere"),
        Not(OneOf("nowhere", ("x",))),
        Range("recorded_at", datetime(2020, 1, 31), None),
        AnyOf((Missing("age"), OneOf("drugs", ("ASA",)))),
    ):
        assert meets(true, stored)
    for false in (
        OneOf("age", ("063",)),
        Range("age", 63, None, False),
        Range("nowhere", 0, None),
        Contains("ward", "a%"),
        OneOf("drugs", ("asa",)),
        AnyOf(()),
        Not(AllOf(())),
    ):
        assert not meets(false, stored)


@pytest.mark.parametrize("text", ["%", "_", "\\", "a_b", "' OR '1'='1"])
def test_contains_takes_every_sign_for_itself(tmp_path: Path, text: str) -> None:
    folder = store_of(
        tmp_path / "s",
        ENCODER,
        note("a", "x", attributes={"t": f"so {text} it is"}),
        note("b", "x", attributes={"t": "axb"}),
    )
    assert folder.snapshot().select(Contains("t", text)).tolist() == [1]
