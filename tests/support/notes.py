"""Notes for tests, made in one line."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from notekin.storage.location import ServerUrl
from notekin.storage.records import NewNote, digest_of
from notekin.storage.store import StoreFolder
from notekin.types import Encoder, Note, NoteId, PatientId

CANARY = "Zebulon Quackenbush"
"""A patient's name that stands in test notes; where it shows up in a log, a test fails."""


def note(note_id: str, text: str, **facts: Any) -> Note:
    """Return a note of source ``s``, recorded when ``recorded`` says, other facts by name."""
    recorded = facts.pop("recorded", None)
    patient = facts.pop("patient", None)
    return Note(
        NoteId(note_id),
        text,
        facts.pop("source", "s"),
        patient_id=PatientId(patient) if patient else None,
        recorded_at=datetime.fromisoformat(recorded) if recorded else None,
        **facts,
    )


def commit(folder: StoreFolder, encoder: Encoder, *notes: Note) -> int:
    """Add notes to a store as one generation; return its number."""
    encoded = encoder.encode_notes([one.text for one in notes])
    news = [
        NewNote(one, vectors, digest_of(one, encoder.fingerprint))
        for one, vectors in zip(notes, encoded, strict=True)
    ]
    with folder.write() as writer:
        return writer.commit(news).number


def store_of(
    path: Path, encoder: Encoder, *notes: Note, server: ServerUrl | None = None
) -> StoreFolder:
    """Return a new store that holds these notes."""
    folder = StoreFolder.open_or_create(path, encoder.fingerprint, server=server)
    if notes:
        commit(folder, encoder, *notes)
    return folder
