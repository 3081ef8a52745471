"""One suite over every reader: the same notes in each form come out the same."""

from __future__ import annotations

import base64
import csv
import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from notekin.indexer.readers import FORMATS, NoteSource, open_source
from notekin.types import Note, NoteId, PatientId

TEXTS = (
    "Seen for cough.\r\nNo fever.\n\tPlan: rest, fluids.",
    'He said "it hurts", twice; then | left.',
    "",
    "Température 38,5 °C — 咳嗽 🫁",
    " leading and trailing space \n",
    "line one\rline two\u2028line three\x85line four",
)
NOTES = [
    Note(
        note_id=NoteId(f"00{number}-ä"),
        text=text,
        source="given",
        patient_id=PatientId(f"000{number}"),
        encounter_id=f"E-{number}",
        category="Nursing",
        recorded_at=datetime(2020, 2, number, 23, 30),
        author="Dr. Invented",
        title=f"Note {number}",
    )
    for number, text in enumerate(TEXTS, start=1)
]
FACTS = ("note_id", "patient_id", "encounter_id", "category", "recorded_at", "author", "title")


def as_rows(notes: Sequence[Note]) -> list[dict[str, Any]]:
    return [
        {
            "note_id": note.note_id,
            "patient_id": note.patient_id,
            "encounter_id": note.encounter_id,
            "category": note.category,
            "recorded_at": note.recorded_at.isoformat() if note.recorded_at else None,
            "author": note.author,
            "title": note.title,
            "text": note.text,
        }
        for note in notes
    ]


def as_delimited(path: Path, delimiter: str = ",") -> Path:
    rows = as_rows(NOTES)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def as_json_lines(path: Path) -> Path:
    lines = [json.dumps(row, ensure_ascii=False) for row in as_rows(NOTES)]
    path.write_bytes("\n".join(lines).encode())
    return path


def as_json(path: Path) -> Path:
    path.write_text(json.dumps(as_rows(NOTES), indent=1))
    return path


def as_parquet(path: Path) -> Path:
    pq.write_table(pa.Table.from_pylist(as_rows(NOTES)), path, row_group_size=2)
    return path


def as_parts(folder: Path) -> Path:
    folder.mkdir()
    table = pa.Table.from_pylist(as_rows(NOTES))
    pq.write_table(table.slice(0, 4), folder / "part-00000.snappy.parquet")
    pq.write_table(table.slice(4), folder / "part-00001.snappy.parquet")
    (folder / "_SUCCESS").write_text("")
    return folder


def as_packed(path: Path) -> Path:
    plain = as_json_lines(path.with_suffix(""))
    path.write_bytes(gzip.compress(plain.read_bytes()))
    return path


def as_corpus(path: Path) -> Path:
    lines = [
        json.dumps(
            {
                "_id": row.pop("note_id"),
                "title": row.pop("title"),
                "text": row.pop("text"),
                "metadata": row,
            }
        )
        for row in as_rows(NOTES)
    ]
    path.write_text("\n".join(lines))
    return path


def as_texts(folder: Path) -> Path:
    folder.mkdir()
    for note in NOTES:
        (folder / f"{note.note_id}.txt").write_bytes(note.text.encode())
    return folder


def as_document(note: Note) -> dict[str, Any]:
    attachment = {
        "contentType": "text/plain; charset=utf-8",
        "data": base64.b64encode(note.text.encode()).decode(),
    }
    return {
        "resourceType": "DocumentReference",
        "id": note.note_id,
        "status": "current",
        "type": {"coding": [{"code": "1", "display": note.category}]},
        "subject": {"reference": f"Patient/{note.patient_id}"},
        "date": f"{note.recorded_at:%Y-%m-%dT%H:%M:%S}-05:00",
        "author": [{"display": note.author}],
        "description": note.title,
        "content": [{"attachment": attachment}],
        "context": {"encounter": [{"reference": f"Encounter/{note.encounter_id}"}]},
    }


def as_export(path: Path) -> Path:
    path.write_text("\n".join(json.dumps(as_document(note)) for note in NOTES))
    return path


def as_bundle(path: Path) -> Path:
    entries = [{"resource": as_document(note)} for note in NOTES]
    path.write_text(json.dumps({"resourceType": "Bundle", "entry": entries}, indent=1))
    return path


@dataclass(frozen=True)
class Form:
    """One way to write NOTES down; only some carry facts beside the text."""

    make: Callable[[Path], Any]
    holds_facts: bool = True
    total: int | None = None


FORMS = {
    "csv": Form(lambda folder: as_delimited(folder / "notes.csv")),
    "csv with semicolons": Form(lambda folder: as_delimited(folder / "notes.csv", ";")),
    "tsv": Form(lambda folder: as_delimited(folder / "notes.tsv", "\t")),
    "parquet": Form(lambda folder: as_parquet(folder / "notes.parquet"), total=len(NOTES)),
    "parquet parts": Form(lambda folder: as_parts(folder / "parts"), total=len(NOTES)),
    "json lines": Form(lambda folder: as_json_lines(folder / "notes.jsonl")),
    "json list": Form(lambda folder: as_json(folder / "notes.json")),
    "lines in .json": Form(lambda folder: as_json_lines(folder / "notes.json")),
    "json lines packed": Form(lambda folder: as_packed(folder / "notes.ndjson.gz")),
    "beir": Form(lambda folder: as_corpus(folder / "corpus.jsonl")),
    "texts": Form(lambda folder: as_texts(folder / "texts"), False, total=len(NOTES)),
    "fhir export": Form(lambda folder: as_export(folder / "documents.ndjson")),
    "fhir bundle": Form(lambda folder: as_bundle(folder / "bundle.json")),
    "pandas": Form(lambda _: pd.DataFrame(as_rows(NOTES)), total=len(NOTES)),
    "pandas, id as index": Form(
        lambda _: pd.DataFrame(as_rows(NOTES)).set_index("note_id"), total=len(NOTES)
    ),
    "arrow table": Form(lambda _: pa.Table.from_pylist(as_rows(NOTES)), total=len(NOTES)),
    "arrow batch": Form(lambda _: pa.RecordBatch.from_pylist(as_rows(NOTES)), total=len(NOTES)),
}


@pytest.fixture(params=list(FORMS))
def form(request: pytest.FixtureRequest) -> Form:
    return FORMS[request.param]


@pytest.fixture
def source(form: Form, tmp_path: Path) -> NoteSource:
    return open_source(form.make(tmp_path), source_name="given")


def notes_of(source: NoteSource) -> list[Note]:
    notes = []
    for read in source:
        assert isinstance(read, Note), read
        notes.append(read)
    return notes


def test_every_form_gives_the_same_texts_under_the_same_ids(source: NoteSource) -> None:
    found = {note.note_id: note.text for note in notes_of(source)}
    assert found == {note.note_id: note.text for note in NOTES}


def test_every_form_that_holds_facts_gives_the_same_facts(form: Form, source: NoteSource) -> None:
    for read, written in zip(notes_of(source), NOTES, strict=True):
        for fact in FACTS if form.holds_facts else ("note_id",):
            assert getattr(read, fact) == getattr(written, fact), fact


def test_every_form_can_be_read_twice(source: NoteSource) -> None:
    assert list(source) == list(source)


def test_every_form_can_be_left_in_the_middle_and_begun_again(source: NoteSource) -> None:
    first = next(iter(source))
    assert next(iter(source)) == first


def test_every_form_says_its_total_where_it_is_known_cheaply(
    form: Form, source: NoteSource
) -> None:
    assert source.total == form.total


def test_every_note_carries_the_name_that_the_source_was_given(source: NoteSource) -> None:
    assert source.name == "given"
    assert {note.source for note in notes_of(source)} == {"given"}


def test_a_source_is_named_by_its_absolute_path_or_as_a_table(form: Form, tmp_path: Path) -> None:
    made = form.make(tmp_path)
    name = open_source(made).name
    assert name == (str(made.resolve()) if isinstance(made, Path) else "table")


def test_a_path_may_be_given_as_text(tmp_path: Path) -> None:
    assert len(notes_of(open_source(str(as_json_lines(tmp_path / "n.jsonl"))))) == len(NOTES)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("csv", as_delimited),
        ("jsonl", as_json_lines),
        ("json", as_json),
        ("parquet", as_parquet),
        ("fhir", as_export),
        ("fhir", as_bundle),
        ("beir", as_corpus),
        ("folder", as_texts),
        ("text", as_texts),
    ],
)
def test_a_format_that_is_named_is_read_whatever_the_suffix(
    name: str, make: Callable[[Path], Path], tmp_path: Path
) -> None:
    made = make(tmp_path / ("notes.jsonl" if name == "beir" else "notes"))
    assert name in FORMATS
    assert len(notes_of(open_source(made, format=name))) == len(NOTES)


def test_importing_the_readers_loads_no_heavy_library() -> None:
    code = (
        "import sys, notekin.indexer.readers; "
        "print({'pandas', 'pyarrow', 'torch'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
