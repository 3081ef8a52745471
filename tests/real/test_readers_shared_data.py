"""The readers on real exports, where they are at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from notekin.indexer.readers import open_source
from notekin.types import Note

DATA = Path(os.environ.get("NOTEKIN_DATA") or Path(__file__).parents[2] / "../shared/data")

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the shared data is not here; NOTEKIN_DATA says where it is"
)


def notes_of(path: Path) -> list[Note]:
    notes = []
    for read in open_source(path):
        assert isinstance(read, Note), read
        notes.append(read)
    return notes


def test_all_shared_notes_are_read_with_their_facts() -> None:
    path = DATA / "notes/notes.parquet"
    notes = notes_of(path)
    assert len(notes) == open_source(path).total == 5024
    assert len({(note.source, note.note_id) for note in notes}) == 5024
    assert all(note.text.strip() and note.patient_id and note.category for note in notes)
    assert sum(note.recorded_at is not None for note in notes) > 5000
    assert len({note.source for note in notes}) == 3
    ages = [note.attributes["age"] for note in notes if "age" in note.attributes]
    assert ages
    assert all(isinstance(age, float) and age == age for age in ages)
    assert not any("text" in note.attributes or "note_date" in note.attributes for note in notes)


def test_the_bulk_export_gives_every_document_with_its_patient() -> None:
    notes = notes_of(DATA / "fhir/DocumentReference.ndjson.gz")
    assert len({note.note_id for note in notes}) == len(notes) == 1215
    assert len({note.patient_id for note in notes}) == 13
    assert all(note.encounter_id and note.recorded_at and note.text.strip() for note in notes)
    assert {str(note.attributes["status"]) for note in notes} == {"current", "superseded"}


def test_the_export_s_folder_gives_the_same_notes() -> None:
    alone = notes_of(DATA / "fhir/DocumentReference.ndjson.gz")
    folder = notes_of(DATA / "fhir")
    assert [(note.note_id, note.text) for note in folder] == [
        (note.note_id, note.text) for note in alone
    ]


def test_the_export_s_texts_are_those_of_the_shared_notes() -> None:
    documents = {note.text.strip() for note in notes_of(DATA / "fhir")}
    synthea = {
        note.text.strip()
        for note in notes_of(DATA / "notes/notes.parquet")
        if note.source.startswith("synthea")
    }
    assert len(synthea & documents) > 0.9 * len(documents)


@pytest.mark.parametrize(
    ("task", "documents"),
    [
        ("mts_desc", 2309),
        ("mts_keyword_cohort", 2309),
        ("vaers_pt_cohort", 4942),
        ("vaers_filtered_cohort", 4942),
        ("long_charts", 230),
    ],
)
def test_a_task_s_corpus_is_read_with_its_metadata(task: str, documents: int) -> None:
    notes = notes_of(DATA / "tasks" / task)
    assert len({note.note_id for note in notes}) == len(notes) == documents
    assert all(note.patient_id and note.attributes for note in notes)
    assert not any(name.startswith("metadata") for note in notes for name in note.attributes)
