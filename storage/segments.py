"""A segment: an immutable folder of the vectors of one commit.

::

    segments/0f3c…/notes.faiss       one vector a note, id = note key
    segments/0f3c…/passages.faiss    one vector a passage, id = passage key
    segments/0f3c…/passages.ann.faiss    where there are many: an approximate index over them
    segments/0f3c…/notes.ann.faiss       the same for the notes' vectors
"""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from notekin.durable import sync
from notekin.errors import DamagedStoreError
from notekin.storage.ann import AnnIndex, build
from notekin.storage.index_choice import IndexChoice, recipes
from notekin.storage.keys import MAX_PASSAGES, Keys, passage_key
from notekin.storage.vector_file import VectorFile, write_vectors
from notekin.types import EncodedNote, NoteKey, Vectors

NOTES_FILE = "notes.faiss"
PASSAGES_FILE = "passages.faiss"
_ANN_SUFFIX = ".ann.faiss"
_UNFINISHED = ".writing-"


@dataclass(frozen=True, slots=True)
class SegmentRecord:
    """What the catalog keeps of a segment.

    Attributes:
        files: File name to ``{"size_bytes": int, "sha256": str}``.
        facts: ``notes`` and ``passages`` to what is known of their approximate index
            (storage/ann.py); what is scanned exactly, being small, has no entry.
    """

    name: str
    notes: int
    passages: int
    files: dict[str, dict[str, object]]
    facts: dict[str, Any] = field(default_factory=dict)


class Segment:
    """An open segment: the vectors of its notes and of their passages."""

    def __init__(self, folder: Path, record: SegmentRecord) -> None:
        self.record = record
        for name, facts in record.files.items():
            _check_size(folder / record.name / name, facts["size_bytes"])
        self.notes = VectorFile(folder / record.name / NOTES_FILE)
        self.passages = VectorFile(folder / record.name / PASSAGES_FILE)
        self.notes_ann = self._ann(folder / record.name, NOTES_FILE)
        self.passages_ann = self._ann(folder / record.name, PASSAGES_FILE)

    def _ann(self, folder: Path, of: str) -> AnnIndex | None:
        name = _ann_name(of)
        if name not in self.record.files:
            return None
        return AnnIndex.open(folder / name, self.record.facts[Path(of).stem])


def write_segment(
    folder: Path,
    keys: Sequence[NoteKey],
    notes: Sequence[EncodedNote],
    choice: IndexChoice = IndexChoice.AUTO,
) -> SegmentRecord:
    """Write the vectors of some notes as a new segment, durably, and return its record.

    The files are on disk under their final name when this returns. Until the catalog
    names the segment nobody reads it; ``sweep`` removes one that was never named.

    Args:
        folder: The store's ``segments`` folder.
        keys: One a note, ascending.
        notes: At least one.
        choice: The store's, of the index.
    """
    note_vectors = np.stack([note.vector for note in notes])
    passage_vectors = np.concatenate([note.passage_vectors for note in notes])
    return write_arrays(
        folder,
        (np.asarray(keys, np.int64), note_vectors),
        (_passage_keys(keys, notes), passage_vectors),
        choice,
    )


def write_arrays(
    folder: Path,
    notes: tuple[Keys, Vectors],
    passages: tuple[Keys, Vectors],
    choice: IndexChoice = IndexChoice.AUTO,
) -> SegmentRecord:
    """Write notes' and passages' keys (ascending) and vectors as a new segment, durably.

    Where there are many, an approximate index is built beside them: seconds for each
    100,000 vectors.
    """
    name = uuid.uuid4().hex
    unfinished = folder / f"{_UNFINISHED}{name}"
    unfinished.mkdir(mode=0o700)
    write_vectors(unfinished / NOTES_FILE, *notes)
    write_vectors(unfinished / PASSAGES_FILE, *passages)
    facts = _index(unfinished, (NOTES_FILE, PASSAGES_FILE), choice)
    files = {path.name: _settle(path) for path in sorted(unfinished.iterdir())}
    sync(unfinished)
    unfinished.rename(folder / name)
    sync(folder)
    return SegmentRecord(name, len(notes[0]), len(passages[0]), files, facts)


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


def _index(folder: Path, names: Sequence[str], choice: IndexChoice) -> dict[str, Any]:
    """Build an approximate index beside each file of many vectors; return the facts."""
    facts: dict[str, Any] = {}
    for name in names:
        file = VectorFile(folder / name)
        if wanted := recipes(choice, len(file.ids)):
            ann, facts[Path(name).stem] = build(file, wanted)
            if ann is not None:
                ann.write(folder / _ann_name(name))
    return facts


def _ann_name(of: str) -> str:
    return Path(of).stem + _ANN_SUFFIX


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
