"""Notes for tests, made in one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from notekin.storage.location import ServerUrl
from notekin.storage.records import NewNote, digest_of
from notekin.storage.store import StoreFolder
from notekin.types import Encoder, Note, NoteId, PatientId, Reject

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


class Given:
    """A source of notes that are there already."""

    def __init__(self, notes: Sequence[Note | Reject]) -> None:
        self.name, self.total = "s", len(notes)
        self._notes = notes

    def __iter__(self) -> Iterator[Note | Reject]:
        return iter(self._notes)


def encoded(encoder: Encoder, notes: Sequence[Note]) -> list[NewNote]:
    """Return notes with their vectors, as a writer takes them."""
    vectors = encoder.encode_notes([one.text for one in notes])
    return [
        NewNote(one, vector, digest_of(one, encoder.fingerprint))
        for one, vector in zip(notes, vectors, strict=True)
    ]


def commit(folder: StoreFolder, encoder: Encoder, *notes: Note) -> int:
    """Add notes to a store as one generation; return its number."""
    with folder.write() as writer:
        return writer.commit(encoded(encoder, notes)).number


def store_of(
    path: Path, encoder: Encoder, *notes: Note, server: ServerUrl | None = None
) -> StoreFolder:
    """Return a new store that holds these notes."""
    folder = StoreFolder.open_or_create(path, encoder.fingerprint, server=server)
    if notes:
        commit(folder, encoder, *notes)
    return folder
