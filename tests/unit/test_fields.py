"""The fields of a store."""

from __future__ import annotations

from pathlib import Path

from notekin.storage.field_counts import FieldType
from notekin.storage.store import StoreFolder
from tests.support.notes import commit, note, store_of
from tests.support.words import WordEncoder

ENCODER = WordEncoder()


def folder(path: Path) -> StoreFolder:
    return store_of(
        path,
        ENCODER,
        note(
            "a",
            "one",
            patient="p1",
            category="ED",
            recorded="2020-05-01",
            attributes={
                "age": 63,
                "ward": "7",
                "drugs": ["insulin", "aspirin"],
                "smoker": True,
                "mixed": 1,
            },
        ),
        note(
            "b",
            "two",
            patient="p1",
            category="ED",
            recorded="2021-05-01",
            attributes={
                "age": 41.5,
                "drugs": ["insulin"],
                "smoker": False,
                "mixed": "unknown",
            },
        ),
        note("c", "three", patient="p2", category="Clinic"),
    )


def test_each_field_tells_its_type_its_notes_and_its_usual_values(tmp_path: Path) -> None:
    found = {one.name: one for one in folder(tmp_path / "s").snapshot().fields()}
    kinds = {name: one.type for name, one in found.items()}
    assert kinds == {
        "note_id": FieldType.TEXT,
        "source": FieldType.TEXT,
        "patient_id": FieldType.TEXT,
        "category": FieldType.TEXT,
        "recorded_at": FieldType.DATE,
        "age": FieldType.NUMBER,
        "ward": FieldType.TEXT,
        "drugs": FieldType.LIST,
        "smoker": FieldType.TRUTH,
        "mixed": FieldType.MIXED,
    }
    assert found["category"].values == (("ED", 2), ("Clinic", 1))
    assert (found["patient_id"].notes, found["patient_id"].distinct) == (3, 2)
    assert found["drugs"].values == (("insulin", 2), ("aspirin", 1))
    assert (found["age"].notes, found["age"].low, found["age"].high) == (2, "41.5", "63")
    assert (found["recorded_at"].low or "").startswith("2020-05-01")


def test_the_ends_of_a_number_are_told_whole(tmp_path: Path) -> None:
    store = store_of(
        tmp_path / "s",
        ENCODER,
        note("a", "one", attributes={"number": 20_240_315, "weight": 63.1234567}),
        note("b", "two", attributes={"number": 2**53, "weight": 1e300}),
    )
    found = {one.name: one for one in store.snapshot().fields()}
    assert (found["number"].low, found["number"].high) == ("20240315", "9007199254740992")
    assert (found["weight"].low, found["weight"].high) == ("63.1234567", "1e+300")


def test_only_live_notes_count(tmp_path: Path) -> None:
    store = folder(tmp_path / "s")
    commit(store, ENCODER, note("a", "new", category="Ward"))
    found = {one.name: one for one in store.snapshot().fields(1)}
    assert "ward" not in found
    assert found["category"].notes == 3
    assert len(found["category"].values) == 1


def test_an_empty_store_has_no_fields(tmp_path: Path) -> None:
    assert store_of(tmp_path / "s", ENCODER).snapshot().fields() == []
