from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from notekin.errors import FilterError
from notekin.search.filters import condition_of
from notekin.search.where import parse_where
from notekin.storage.snapshot import Snapshot
from tests.support.notes import note, store_of
from tests.support.words import WordEncoder


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return store_of(
        tmp_path_factory.mktemp("filters") / "store",
        WordEncoder(),
        note("a", "x", category="ED note", recorded="2020-01-01", attributes={"age": 63}),
        note("b", "x", category="Consult", recorded="2020-01-31T23:59:59", attributes={"age": 7}),
        note("c", "x", patient="007", attributes={"age": 63.5, "died": True, "code": "007"}),
        note("d", "x", recorded="2021-06-01", attributes={"vaccines": ["FLU3", "PNC"]}),
        note("e", "x", source="t", attributes={"vaccines": ["HEPB"], "died": False}),
    ).snapshot()


def found(snapshot: Snapshot, **asked: Any) -> str:
    condition = condition_of(**asked)
    assert condition is not None
    keys = snapshot.select(condition)
    return "".join(sorted(one.note_id for one in snapshot.notes([int(key) for key in keys])))  # type: ignore[misc]  # keys


@pytest.mark.parametrize(
    ("where", "notes"),
    [
        ({"category": "ED note"}, "a"),
        ({"category": ["ED note", "Consult"]}, "ab"),
        ({"category": "ed note"}, ""),
        ({"age": 63}, "a"),
        ({"age": "63"}, "a"),
        ({"age": "63.0"}, "a"),
        ({"age": [7, 63.5]}, "bc"),
        ({"died": True}, "c"),
        ({"died": "false"}, "e"),
        ({"code": "007"}, "c"),
        ({"age": "007"}, ""),
        ({"patient_id": "007"}, "c"),
        ({"patient_id": "7"}, ""),
        ({"vaccines": "PNC"}, "d"),
        ({"vaccines": ["HEPB", "PNC"]}, "de"),
        ({"source": "t"}, "e"),
        ({"note_id": ["a", "e", "zzz"]}, "ae"),
        ({"died": True, "age": 63.5}, "c"),
        ({"died": True, "age": 63}, ""),
        ({"recorded_at": "2020-01-01"}, "a"),
        ({"category": []}, ""),
        ({"category": "x' OR 1=1 --"}, ""),
    ],
)
def test_a_filter_finds_just_the_notes_that_have_the_fact(
    snapshot: Snapshot, where: dict[str, Any], notes: str
) -> None:
    assert found(snapshot, where=where) == notes


@pytest.mark.parametrize(
    ("after", "before", "notes"),
    [
        ("2020-01-01", None, "abd"),
        ("2020-01-02", None, "bd"),
        (None, "2020-01-31", "a"),
        (None, "2020-02-01", "ab"),
        (date(2020, 1, 31), datetime(2021, 6, 1), "b"),
        ("2020-01-31T23:59:59", "2020-02-01", "b"),
    ],
)
def test_after_takes_its_day_in_and_before_leaves_it_out(
    snapshot: Snapshot, after: Any, before: Any, notes: str
) -> None:
    assert found(snapshot, after=after, before=before) == notes


def test_an_unknown_field_is_named_with_those_there_are(snapshot: Snapshot) -> None:
    with pytest.raises(FilterError, match=r"'ward'.*category.*age, code, died, vaccines"):
        found(snapshot, where={"ward": "7"})


@pytest.mark.parametrize("when", ["yesterday", "2020-13-01", ""])
def test_what_is_no_date_is_refused(snapshot: Snapshot, when: str) -> None:
    with pytest.raises(FilterError, match="2024-03-01"):
        found(snapshot, after=when)


@pytest.mark.parametrize(
    ("where", "notes"),
    [
        (f"serial < {2**53 + 1}", "a"),
        (f"serial <= {2**53 + 1}", "a"),
        (f"serial > {2**53 + 1}", "b"),
        (f"serial > {2**53 + 3}", "b"),
    ],
)
def test_a_range_ends_at_a_whole_number_that_no_float_is(
    tmp_path: Path, where: str, notes: str
) -> None:
    a = note("a", "x", attributes={"serial": 2**53})
    b = note("b", "x", attributes={"serial": 2**53 + 4})
    snapshot = store_of(tmp_path / "s", WordEncoder(), a, b).snapshot()
    assert found(snapshot, where=parse_where([where])) == notes
