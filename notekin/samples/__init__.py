"""Invented notes of invented patients, to try Notekin on.

No person, clinician, hospital, date or event in them is real; every note carries the
attribute ``invented``. docs/sample-notes.md tells what is in there.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from notekin.types import Note, NoteId, PatientId

__all__ = ["cohort_path", "notes", "path"]


def path() -> Path:
    """Return the shipped file: JSON Lines in UTF-8, gzipped, one note a line."""
    return Path(__file__).with_name("notes.jsonl.gz")


def cohort_path() -> Path:
    """Return a definition of a cohort of the sample notes, in YAML."""
    return Path(__file__).with_name("bleeding.yaml")


def notes() -> Iterator[Note]:
    """Yield the shipped notes, patients in order of id, each patient's notes in order of time."""
    with gzip.open(path(), "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield Note(
                note_id=NoteId(row["note_id"]),
                text=row["text"],
                source="samples",
                patient_id=PatientId(row["patient_id"]),
                encounter_id=row["encounter_id"],
                category=row["category"],
                recorded_at=datetime.fromisoformat(row["recorded_at"]),
                author=row["author"],
                title=row["title"],
                attributes=row["attributes"],
            )
