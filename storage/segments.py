"""A segment: an immutable folder of the vectors of one commit.

::

    segments/0f3c…/notes.faiss       one vector a note, id = note key
    segments/0f3c…/passages.faiss    one vector a passage, id = passage key
"""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from notekin.durable import sync
from notekin.errors import DamagedStoreError
from notekin.storage.keys import MAX_PASSAGES, Keys, passage_key
from notekin.storage.vector_file import VectorFile, write_vectors
from notekin.types import EncodedNote, NoteKey, Vectors

NOTES_FILE = "notes.faiss"
PASSAGES_FILE = "passages.faiss"
_UNFINISHED = ".writing-"


@dataclass(frozen=True, slots=True)
class SegmentRecord:
    """What the catalog keeps of a segment.

    Attributes:
        files: File name to ``{"size_bytes": int, "sha256": str}``.
    """

    name: str
    notes: int
    passages: int
    files: dict[str, dict[str, object]]


class Segment:
    """An open segment: the vectors of its notes and of their passages."""

    def __init__(self, folder: Path, record: SegmentRecord) -> None:
        self.record = record
        for name, facts in record.files.items():
            _check_size(folder / record.name / name, facts["size_bytes"])
        self.notes = VectorFile(folder / record.name / NOTES_FILE)
        self.passages = VectorFile(folder / record.name / PASSAGES_FILE)


def write_segment(
    folder: Path, keys: Sequence[NoteKey], notes: Sequence[EncodedNote]
) -> SegmentRecord:
    """Write the vectors of some notes as a new segment, durably, and return its record.

    The files are on disk under their final name when this returns. Until the catalog
    names the segment nobody reads it; ``sweep`` removes one that was never named.

    Args:
        folder: The store's ``segments`` folder.
        keys: One a note, ascending.
        notes: At least one.
    """
    note_vectors = np.stack([note.vector for note in notes])
    passage_vectors = np.concatenate([note.passage_vectors for note in notes])
    return write_arrays(
        folder,
        (np.asarray(keys, np.int64), note_vectors),
        (_passage_keys(keys, notes), passage_vectors),
    )


def write_arrays(
    folder: Path, notes: tuple[Keys, Vectors], passages: tuple[Keys, Vectors]
) -> SegmentRecord:
    """Write notes' and passages' keys (ascending) and vectors as a new segment, durably."""
    name = uuid.uuid4().hex
    unfinished = folder / f"{_UNFINISHED}{name}"
    unfinished.mkdir(mode=0o700)
    write_vectors(unfinished / NOTES_FILE, *notes)
    write_vectors(unfinished / PASSAGES_FILE, *passages)
    files = {path.name: _settle(path) for path in sorted(unfinished.iterdir())}
    sync(unfinished)
    unfinished.rename(folder / name)
    sync(folder)
    return SegmentRecord(name, len(notes[0]), len(passages[0]), files)


def remove_segment(folder: Path, name: str) -> None:
    """Remove a segment's files; that it is gone already is no error."""
    shutil.rmtree(folder / name, ignore_errors=True)


def sweep(folder: Path, known: set[str]) -> int:
    """Remove what no generation names, left by a writer that was killed; return how many.

    Only the writer that holds the lock may call this.
    """
    orphans = [path for path in folder.iterdir() if path.name not in known]
    for path in orphans:
        shutil.rmtree(path)
    return len(orphans)


def _passage_keys(keys: Sequence[NoteKey], notes: Sequence[EncodedNote]) -> Keys:
    longest = max(len(note.passages) for note in notes)
    if longest > MAX_PASSAGES:
        raise ValueError(f"a note has {longest} passages; the format holds {MAX_PASSAGES}")
    return np.array(
        [
            passage_key(key, place)
            for key, note in zip(keys, notes, strict=True)
            for place in range(len(note.passages))
        ],
        np.int64,
    )


def _settle(path: Path) -> dict[str, object]:
    """Make one file durable and private; return its size and checksum."""
    path.chmod(0o600)
    sync(path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"size_bytes": path.stat().st_size, "sha256": digest}


def _check_size(path: Path, size_bytes: object) -> None:
    actual = path.stat().st_size if path.exists() else None
    if actual != size_bytes:
        state = "is missing" if actual is None else "has another size than was written"
        raise DamagedStoreError(
            f"{path} {state}. Restore it from a backup, or index the notes into a new store."
        )
