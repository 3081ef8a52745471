"""Filters answered from an index, kept for the next query, and still of one generation."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from notekin.errors import StaleSnapshotError
from notekin.storage import reading
from notekin.storage.conditions import AllOf, AnyOf, Condition, Not, OneOf, Range
from notekin.storage.deleting import Condemned
from notekin.storage.selecting import Selections
from notekin.storage.snapshot import Snapshot
from notekin.storage.store import StoreFolder
from notekin.storage.vector_rows import NoteRows, rows_of
from notekin.types import Note
from tests.support.notes import commit, note, store_of
from tests.support.words import WordEncoder

ENCODER = WordEncoder(dim=2)
WARD = OneOf("category", ("ward",))
CONDITIONS = (
    AllOf(()),
    AnyOf(()),
    WARD,
    Not(WARD),
    Range("recorded_at", datetime(2020, 1, 1), None),
    OneOf("beds", (7,)),
)


def ward(name: str, beds: int = 7) -> Note:
    return note(name, "x", category="ward", recorded="2021-05-01", attributes={"beds": beds})


def plainly(folder: StoreFolder, snapshot: Snapshot, condition: Condition) -> list[int]:
    """Return what the plain statement says of the snapshot's generation."""
    with folder.catalog.transaction() as connection:
        keys = reading.select_keys(connection, snapshot.generation, condition)
    return [int(key) for key in keys]


def agree(folder: StoreFolder, snapshot: Snapshot) -> None:
    for condition in CONDITIONS:
        assert snapshot.select(condition).tolist() == plainly(folder, snapshot, condition)


def test_a_snapshot_selects_its_own_generation_whatever_was_committed_after(tmp_path: Path) -> None:
    folder = store_of(tmp_path / "store", ENCODER, ward("a"), ward("b"), note("c", "x"))
    before = folder.snapshot()
    commit(folder, ENCODER, ward("b"), ward("d"))
    replaced = folder.snapshot()
    with folder.write() as writer:
        writer.delete(Condemned(notes=frozenset({"a"})))
    deleted = folder.snapshot()
    with folder.write() as writer:
        writer.compact()
    for snapshot in (before, replaced, deleted, folder.snapshot()):
        agree(folder, snapshot)
    assert before.select(WARD).tolist() == [1, 2]
    assert replaced.select(WARD).tolist() == [1, 4, 5]
    assert deleted.select(WARD).tolist() == [4, 5]


def test_a_store_without_notes_selects_none(tmp_path: Path) -> None:
    folder = store_of(tmp_path / "store", ENCODER)
    assert folder.snapshot().select(AllOf(())).tolist() == []


def test_a_kept_selection_ends_with_its_snapshot(tmp_path: Path) -> None:
    folder = store_of(tmp_path / "store", ENCODER, ward("a"), ward("b"))
    snapshot = folder.snapshot()
    assert snapshot.select(WARD).tolist() == snapshot.select(WARD).tolist() == [1, 2]
    with folder.write() as writer:
        writer.delete(Condemned(notes=frozenset({"a"})))
        writer.purge()
    with pytest.raises(StaleSnapshotError):
        snapshot.select(WARD)


def test_what_was_selected_is_not_asked_of_the_catalog_again(tmp_path: Path) -> None:
    folder = store_of(tmp_path / "store", ENCODER, ward("a"))
    snapshot = folder.snapshot()
    first = snapshot.select(WARD)
    assert snapshot.select(OneOf("category", ("ward",))) is first
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 9


def test_a_filter_on_an_indexed_column_reads_no_rows_of_notes(tmp_path: Path) -> None:
    folder = store_of(tmp_path / "store", ENCODER, ward("a"))
    snapshot = folder.snapshot()
    asked: list[tuple[str, Any]] = []
    event.listen(
        folder.catalog.engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, values, *_: asked.append((statement, values)),
    )
    for condition in (WARD, CONDITIONS[4]):
        snapshot.select(condition)
        statement, values = next(pair for pair in reversed(asked) if "FROM notes" in pair[0])
        with folder.catalog.transaction() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
        assert "SEARCH notes USING COVERING INDEX" in plan[0][3]


def test_what_an_index_gives_in_its_own_order_comes_in_the_order_of_keys(tmp_path: Path) -> None:
    days = [note(f"n{day}", "x", recorded=f"2020-01-{31 - day}") for day in range(9)]
    folder = store_of(tmp_path / "store", ENCODER, *days)
    assert folder.snapshot().select(CONDITIONS[4]).tolist() == list(range(1, 10))


def test_conditions_that_only_python_takes_for_equal_are_kept_apart() -> None:
    kept = Selections()
    assert OneOf("x", (1,)) == OneOf("x", (True,))
    kept.keep(OneOf("x", (1,)), np.array([1]))
    assert kept.of(OneOf("x", (True,))) is None
    assert kept.of(OneOf("x", (1,))) is not None


def test_the_selection_used_longest_ago_goes_first() -> None:
    kept = Selections(room_bytes=32)
    for number in range(2):
        kept.keep(OneOf("x", (number,)), np.arange(2))
    assert kept.of(OneOf("x", (0,))) is not None
    kept.keep(OneOf("x", (2,)), np.arange(2))
    assert [kept.of(OneOf("x", (number,))) is not None for number in range(3)] == [
        True,
        False,
        True,
    ]


def test_a_selection_without_room_is_returned_all_the_same() -> None:
    kept = Selections(room_bytes=8)
    assert kept.keep(WARD, np.arange(9)).tolist() == list(range(9))
    assert kept.of(WARD) is None


@given(
    notes=st.lists(st.integers(0, 60) | st.integers(0, 2**40), unique=True, max_size=12),
    passages=st.lists(st.integers(1, 3), min_size=12, max_size=12),
    asked=st.lists(st.integers(0, 70) | st.integers(0, 2**40), unique=True, max_size=20),
    bits=st.sampled_from([0, 20]),
)
def test_rows_are_looked_up_as_they_are_searched(
    notes: list[int], passages: list[int], asked: list[int], bits: int
) -> None:
    each = [1] * 12 if bits == 0 else passages
    pairs = zip(sorted(notes), each, strict=False)
    ids = np.array([(key << bits) + at for key, count in pairs for at in range(count)], np.int64)
    some = np.unique(np.array([*asked, *notes[::2]], np.int64))
    assert NoteRows(ids, bits).of(some).tolist() == rows_of(ids, some, bits).tolist()
