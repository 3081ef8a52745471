"""What a person writes as a filter, in Python, on the command line, in a file."""

import json
import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import select
from sqlalchemy.dialects import registry

from notekin import NotekinError, field, from_predicates
from notekin.errors import FilterError, NoSuchSourceError
from notekin.search.filter_file import read_filters
from notekin.search.filters import Expression, condition_of
from notekin.search.where import parse_where
from notekin.storage.condition_sql import to_sql
from notekin.storage.conditions import AllOf, Condition, OneOf
from notekin.storage.schema import NoteRow
from notekin.storage.snapshot import Snapshot
from notekin.types import NoteKey
from tests.support.notes import CANARY, note, store_of
from tests.support.words import WordEncoder

POSTGRESQL = registry.load("postgresql")()


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    drugs = {"drugs": ["insulin glargine", "ASA"], "ward": "A%7", "age": 63}
    return store_of(
        tmp_path_factory.mktemp("expressions") / "store",
        WordEncoder(),
        note("a", "x", category="Echo", recorded="2020-01-01", attributes=drugs),
        note("b", "x", category="ECG", recorded="2020-01-31T23:59", attributes={"age": 40}),
        note("c", "x", recorded="2020-02-01", attributes={"age": 80.5, "seen": "2020-03-04"}),
        note("d", "x", attributes={"drugs": ["ASA"], "x>y": "z", "code": "007", 'q"': 1}),
        note("e", "x", attributes={"ward": "AB7", "died": True, "seen": "2020-03-04T10:00"}),
    ).snapshot()


def found(snapshot: Snapshot, where: Any) -> str:
    condition = condition_of(where) or AllOf(())
    keys = [NoteKey(int(key)) for key in snapshot.select(condition)]
    return "".join(one.note_id for one in snapshot.notes(keys))


@pytest.mark.parametrize(
    ("where", "notes"),
    [
        (field("age") >= 63, "ac"),
        (field("age") > 63, "c"),
        (field("age") <= 63, "ab"),
        (field("age") < 63, "b"),
        (field("age").between(40, 63), "ab"),
        (field("age") == "63.0", "a"),
        (field("age") != 63, "bcde"),
        (field("died") == True, "e"),  # noqa: E712 - asks
        (field("category").one_of("Echo", "ECG"), "ab"),
        (field("category").contains("EC"), "ab"),
        (field("ward").missing(), "bcd"),
        (field("ward").present(), "ae"),
        (field("ward").contains("a%7"), "a"),
        (field("ward").contains("a_7"), ""),
        (field("ward") == "' OR 1=1 --", ""),
        (field("ward").contains("' OR 1=1 --"), ""),
        (field("drugs").contains("INSULIN"), "a"),
        (field("drugs") != "ASA", "bce"),
        (field("seen") == date(2020, 3, 4), "ce"),
        (field("seen") > "2020-03-04", ""),
        (field("recorded_at") == date(2020, 1, 31), "b"),
        (field("recorded_at").between(date(2020, 1, 1), date(2020, 1, 31)), "ab"),
        (field("recorded_at") > "2020-01-31", "c"),
        (field("recorded_at") <= "2020-01-31", "ab"),
        (field("recorded_at") < datetime(2020, 1, 31, 23, 59), "a"),
        (field("recorded_at").missing(), "de"),
        (field("recorded_at") == datetime(2020, 1, 31, 23, 59), "b"),
        (~(field("age") >= 63), "bde"),
        ((field("age") >= 63) & field("ward").missing(), "c"),
        ((field("age") > 70) | (field("category") == "ECG"), "bc"),
        (~((field("age") > 70) | (field("category") == "ECG")), "ade"),
    ],
)
def test_an_expression_finds_just_the_notes_it_says(
    snapshot: Snapshot, where: Expression, notes: str
) -> None:
    assert found(snapshot, where) == notes


def test_and_or_not_and_chains_are_refused_with_a_hint() -> None:
    old = field("age") >= 65
    with pytest.raises(FilterError, match=re.escape("& | ~")):
        bool(old)
    with pytest.raises(FilterError, match="between"):
        assert 18 <= field("age") <= 65  # pyright: ignore[reportGeneralTypeIssues]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: field("category") >= "a",
        lambda: field("category") > 3,
        lambda: field("age") >= "007",
        lambda: field("age") >= float("nan"),
        lambda: field("age") >= True,
        lambda: field("age").between(1, "2020-01-01"),
        lambda: field("age") >= None,  # type: ignore[operator]  # refused, too
        lambda: field("age") == None,  # noqa: E711 - asks
        lambda: field("age") == 10**400,
        lambda: field("seen") >= datetime(2020, 1, 1, 10),
        lambda: field("recorded_at") >= 2020,
        lambda: field("recorded_at") == "someday",
        lambda: field("recorded_at").contains("2020"),
        lambda: field("drugs").contains(""),
        lambda: field(""),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: Any) -> None:
    with pytest.raises(FilterError):
        wrong()


def test_a_filter_too_large_for_a_database_is_refused() -> None:
    many = parse_where([f"age!={number}" for number in range(600)])
    deep = field("age") == 1
    for _ in range(3000):
        deep = ~deep
    for too_much in (many, deep):
        with pytest.raises(FilterError, match="filter"):
            condition_of(too_much)


def test_a_hundred_thousand_values_are_one_parameter_in_both_databases(snapshot: Snapshot) -> None:
    texts = OneOf("note_id", tuple(f"n{at}" for at in range(100_000)))
    numbers = OneOf("age", tuple(range(100_000)))
    assert len(to_sql(texts).compile(dialect=POSTGRESQL).params) == 1
    assert len(to_sql(numbers).compile(dialect=POSTGRESQL).params) == 3  # name, texts, numbers
    assert snapshot.select(numbers).tolist() == [1, 2]


def test_every_condition_compiles_for_postgresql() -> None:
    asked = (field("age") >= 63) & ~field("ward").missing() & field("ward").contains("Ä")
    asked = (asked | (field("seen") > "2020-03-04")) & (field("recorded_at") < "2020-01-01")
    asked &= field("recorded_at").one_of(datetime(2020, 1, 1, 1)) & field("title").missing()
    query = select(NoteRow.note_key).where(to_sql(asked.condition))
    sql = str(query.compile(dialect=POSTGRESQL))
    for part in ("EXISTS", "strpos", "translate", "~ '^[0-9]{4}", "AS TIMESTAMP", "IS NOT NULL"):
        assert part in sql
    assert "Ä" not in sql
    assert "GLOB" not in sql
    assert sql.count("FROM notes") == 1


@pytest.mark.parametrize(
    ("texts", "notes"),
    [
        (["category=Echo", "category=ECG"], "ab"),
        (["category!=Echo", "category!=ECG"], "cde"),
        (["age>=63"], "ac"),
        (["age > 63"], "c"),
        (["age<=63", "age>40"], "a"),
        (["age<63"], "b"),
        (["ward~a%"], "a"),
        (["ward:missing"], "bcd"),
        (["ward:present"], "ae"),
        (['"x>y"=z'], "d"),
        (['"x>y":present'], "d"),
        (['"q"""=1'], "d"),
        (["ward==>"], ""),
        (["ward="], ""),
        (["code=007"], "d"),
        (["ward=A%7", "age=63"], "a"),
        (["recorded_at>=2020-01-31"], "bc"),
        (["recorded_at=2020-01-31"], "b"),
        ([], "abcde"),
    ],
)
def test_where_texts_ask_what_they_say(snapshot: Snapshot, texts: list[str], notes: str) -> None:
    assert found(snapshot, parse_where(texts)) == notes


def test_where_takes_a_value_with_signs_in_it() -> None:
    asked = parse_where(["a=b=c", "d=", "a=x>y"])
    assert asked is not None
    assert asked.condition == AllOf((OneOf("a", ("b=c", "x>y")), OneOf("d", ("",))))


def test_values_out_of_a_table_are_values(snapshot: Snapshot) -> None:
    asked: list[tuple[Any, str]] = [
        ({"age": np.int64(63)}, "a"),
        ({"age": np.float64(63)}, "a"),
        ({"died": np.bool_(True)}, "e"),
        ({"age": np.array([63, 40])}, "ab"),
        (field("age") == np.int64(63), "a"),
        (field("age") >= np.int64(63), "ac"),
        ({"age": [np.float32(63), np.int8(40)]}, "ab"),
    ]
    for where, notes in asked:
        assert found(snapshot, where) == notes
    for wrong in (["age=63"], "age=63"):
        with pytest.raises(FilterError, match="field"):
            condition_of(wrong)  # type: ignore[arg-type]  # what must be refused
    with pytest.raises(FilterError, match="date"):
        condition_of(after=pd.NaT)  # type: ignore[arg-type]  # a datetime all the same


def test_where_set_with_spaces_around_its_sign_asks_the_same(snapshot: Snapshot) -> None:
    for text, notes in (("category = ECG", "b"), ("age =\t63 ", "a"), ("drugs ~ insulin", "a")):
        assert (
            found(snapshot, parse_where([text]))
            == notes
            == found(snapshot, parse_where(["".join(text.split())]))
        )
    asked = parse_where(["a= b "])
    assert asked is not None
    assert asked.condition == AllOf((OneOf("a", (" b ",)),))


@pytest.mark.parametrize("text", ["category", "=x", "", ">5", "a!b=c", "ward:gone", '""=x', '"a=b'])
def test_where_without_field_or_sign_is_refused(text: str) -> None:
    with pytest.raises(FilterError, match="FIELD=VALUE"):
        parse_where([text])


@pytest.mark.parametrize(
    ("held", "notes"),
    [
        ({"field": "age", "at_least": 63}, "ac"),
        ({"field": "age", "above": 40, "at_most": 63.0}, "a"),
        ({"field": "age", "below": 63}, "b"),
        ({"field": "seen", "at_least": "2020-03-04"}, "ce"),
        ({"field": "category", "one_of": ["Echo", "ECG"]}, "ab"),
        ({"field": "died", "equals": True}, "e"),
        ({"field": "age", "not_equals": 63}, "bcde"),
        ({"field": "drugs", "contains": "insulin"}, "a"),
        ({"field": "ward", "missing": True}, "bcd"),
        ({"field": "ward", "missing": False}, "ae"),
        ({"all": []}, "abcde"),
        ({"any": []}, ""),
        (
            {"not": {"any": [{"field": "age", "above": 70}, {"field": "died", "equals": True}]}},
            "abd",
        ),
        (
            {"all": [{"field": "age", "missing": False}, {"not": {"field": "age", "equals": 63}}]},
            "bc",
        ),
    ],
)
def test_a_file_of_filters_finds_just_the_notes_it_says(
    snapshot: Snapshot, tmp_path: Path, held: object, notes: str
) -> None:
    path = tmp_path / "filter.json"
    path.write_text(json.dumps(held))
    assert found(snapshot, read_filters(path)) == notes
    both = parse_where(["age:present"], path)
    assert found(snapshot, both) == "".join(one for one in notes if one in "abc")


@pytest.mark.parametrize(
    ("held", "place"),
    [
        (json.dumps({"all": [{"field": "age", "at_least": [CANARY]}]}), r"all\[0\].at_least"),
        (json.dumps({"any": [{"field": "age", CANARY: CANARY}]}), r"any\[0\] has a name"),
        (json.dumps({"all": [{"field": "age", "at_least": CANARY}]}), r"all\[0\]: "),
        (json.dumps({"not": {"field": "category", "above": 1}}), "not: category is a text"),
        (json.dumps({"field": "age", "at_least": 1, "above": 1}), "once"),
        (json.dumps({"field": CANARY}), "one of all, any, not"),
        (json.dumps({"field": "age", "equals": None}), "null is no filter"),
        (json.dumps({"all": [], "any": []}), "one of all, any, not"),
        (json.dumps({}), "one of all, any, not"),
        (json.dumps([CANARY]), "the filter: takes a JSON object"),
        (json.dumps({"all": [CANARY]}), r"all\[0\]: takes a JSON object"),
        (json.dumps({"all": {"field": CANARY}}), "all: takes a list"),
        (f'{{"field": "{CANARY}", ', "no JSON from line 1"),
        ('{"field": "age", "equals": 1, "equals": 2}', "a name twice"),
        ('{"field": "age", "equals": NaN}', "number that is none"),
        ("[" * 100_000, "deep"),
        ('{"not":' * 300 + '{"all": []}' + "}" * 300, "filter"),
    ],
)
def test_a_file_that_is_no_filter_is_refused_by_its_place_and_not_its_values(
    tmp_path: Path, held: str, place: str
) -> None:
    path = tmp_path / "filter.json"
    path.write_text(held)
    with pytest.raises(FilterError, match=place) as refused:
        condition_of(read_filters(path))
    assert CANARY not in str(refused.value)


def test_a_file_of_filters_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoSuchSourceError, match=r"nowhere\.json"):
        read_filters(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("predicates", "notes"),
    [
        ({"age": [40, 63]}, "ab"),
        ({"age": [40, 63.5], "category": "ECG"}, "b"),
        ({"drugs_contains": "ASA"}, "ad"),
        ({"drugs_contains": "insulin"}, ""),
        ({"died": True}, "e"),
        ({"category": ["Echo", "ECG"]}, "ab"),
        ({"seen": ["2020-03-01", "2020-03-04"]}, "ce"),
        ({"seen": ["2020-03-01", None]}, "ce"),
        ({"recorded_at": ["2020-01-02", "2020-01-31"]}, "b"),
        ({"recorded_at": ["2019-12-31T12:00:00", "2020-01-31T23:00:00"]}, "a"),
        ({"recorded_at": ["2020-01-01T00:00:00", "2020-02-01"]}, "abc"),
        ({"age": [None, 63]}, "ab"),
        ({"age": [41, None]}, "ac"),
        ({"age": ["41", None]}, "ac"),
        ({"age": [None, None]}, "abcde"),
        ({"age": None, "died": True}, "e"),
        ({}, "abcde"),
    ],
)
def test_a_tasks_predicates_find_just_the_notes_they_say(
    snapshot: Snapshot, predicates: dict[str, object], notes: str
) -> None:
    assert found(snapshot, from_predicates(predicates)) == notes


def test_a_predicate_that_is_no_value_is_refused() -> None:
    for value in ({"low": 1}, [1, 2, None]):
        with pytest.raises(NotekinError, match="predicate"):
            from_predicates({"age": value})
    with pytest.raises(NotekinError, match="range"):
        from_predicates({"age": [None, "much"]})


@pytest.mark.parametrize(
    ("name", "kept"),
    [("note_type", "category"), ("NOTE DATE", "recorded_at"), ("mrn", "patient_id")],
)
def test_a_field_asked_for_by_its_columns_name_is_told_of(
    snapshot: Snapshot, name: str, kept: str
) -> None:
    with pytest.raises(FilterError, match=f"kept as {kept}"):
        found(snapshot, field(name) == "x")
    with pytest.raises(FilterError) as refused:
        found(snapshot, field("note_text") == "x")
    assert "kept as" not in str(refused.value)


def test_an_attribute_that_no_live_note_has_is_refused_in_every_condition(
    snapshot: Snapshot,
) -> None:
    asked: list[Condition] = [
        (field("wards") == 1).condition,
        field("wards").missing().condition,
        (~field("wards").contains("x")).condition,
    ]
    for condition in asked:
        with pytest.raises(FilterError, match=r"'wards'.*ward"):
            snapshot.select(condition)
