"""A segment: an immutable folder of the vectors and words of one commit.

::

    segments/0f3c…/notes.faiss       one vector a note, id = note key
    segments/0f3c…/passages.faiss    one vector a passage, id = passage key
    segments/0f3c…/notes.words       which notes hold which words, and where
    segments/0f3c…/passages.ann.faiss    where there are many: an approximate index over them
    segments/0f3c…/notes.ann.faiss       the same for the notes' vectors
"""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from notekin.durable import sync
from notekin.errors import DamagedStoreError
from notekin.storage.ann import AnnIndex, build
from notekin.storage.copying import share_file
from notekin.storage.damage import damaged
from notekin.storage.index_choice import IndexChoice, recipes
from notekin.storage.keys import MAX_PASSAGES, PLACE_BITS, Keys, passage_key
from notekin.storage.postings import NoteWords, Postings, postings_of
from notekin.storage.segment_file import SegmentFile, file_facts
from notekin.storage.vector_file import VectorFile, write_vectors
from notekin.storage.vector_rows import NoteRows
from notekin.storage.words_file import WordsFile, write_words
from notekin.types import EncodedNote, NoteKey, Vectors

SEGMENTS = "segments"
"""The folder of a store that holds them."""
NOTES_FILE = "notes.faiss"
PASSAGES_FILE = "passages.faiss"
WORDS_FILE = "notes.words"
_VECTORS = {NOTES_FILE, PASSAGES_FILE}
ANN_SUFFIX = ".ann.faiss"
UNFINISHED = ".writing-"
"""How the names begin of folders that are still being written."""
_NAME = re.compile("[0-9a-f]{32}")
_FILE_NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")


@dataclass(frozen=True, slots=True)
class SegmentRecord:
    """What the catalog keeps of a segment.

    Attributes:
        files: File name to ``{"size_bytes": int, "sha256": str, "xxh3": str}``; a segment of
            format 1 has no ``xxh3``.
        facts: ``notes`` and ``passages`` to what is known of their approximate index
            (storage/ann.py); what is scanned exactly, being small, has no entry.
    """

    name: str
    notes: int
    passages: int
    files: dict[str, dict[str, object]]
    facts: dict[str, Any] = field(default_factory=dict)


class Segment:
    """An open segment: the vectors of its notes and of their passages.

    Opening checks names and sizes alone; the files are checked in full, and against what
    the catalog says they hold, when their vectors are first asked for.
    """

    def __init__(self, folder: Path, record: SegmentRecord) -> None:
        self.record = record
        self._folder = folder / record.name
        _check_names(folder, record)
        self._files = {
            name: SegmentFile(self._folder / name, facts) for name, facts in record.files.items()
        }

    @cached_property
    def notes(self) -> VectorFile:
        """The vectors of the notes, by note key."""
        return self._vectors(NOTES_FILE, self.record.notes)

    @cached_property
    def passages(self) -> VectorFile:
        """The vectors of the passages, by passage key."""
        return self._vectors(PASSAGES_FILE, self.record.passages)

    @cached_property
    def note_rows(self) -> NoteRows:
        """Where each note's vector stands in ``notes``."""
        return NoteRows(self.notes.ids, 0)

    @cached_property
    def passage_rows(self) -> NoteRows:
        """Where each note's vectors stand in ``passages``."""
        return NoteRows(self.passages.ids, PLACE_BITS)

    @cached_property
    def notes_ann(self) -> AnnIndex | None:
        """The approximate index over the notes' vectors; None where they are scanned."""
        return self._ann(NOTES_FILE)

    @cached_property
    def passages_ann(self) -> AnnIndex | None:
        """The approximate index over the passages' vectors; None where they are scanned."""
        return self._ann(PASSAGES_FILE)

    @cached_property
    def words(self) -> WordsFile:
        """The words of the notes; rows are those of the vectors."""
        file = self._files.get(WORDS_FILE)
        if file is None:
            raise damaged(self._folder / WORDS_FILE, "is missing")
        words = WordsFile(file.checked(), self.record.notes, self.record.passages)
        file.release()
        return words

    def files(self) -> list[SegmentFile]:
        """Return the files, as they are held."""
        return list(self._files.values())

    def _vectors(self, name: str, count: int) -> VectorFile:
        file = self._files[name]
        try:
            vectors = VectorFile(file.checked())
        except DamagedStoreError:
            raise damaged(file.path, "is not what was written") from None
        if len(vectors.ids) != count or np.any(np.diff(vectors.ids) <= 0):
            raise damaged(file.path, "holds other vectors than the catalog says")
        file.release()
        return vectors

    def _ann(self, of: str) -> AnnIndex | None:
        file = self._files.get(_ann_name(of))
        if file is None:
            return None
        try:
            index = AnnIndex.open(file.checked(), self.record.facts[Path(of).stem])
        except (DamagedStoreError, KeyError):
            raise damaged(file.path, "is not what was written") from None
        file.release()
        return index


def write_segment(
    folder: Path,
    keys: Sequence[NoteKey],
    notes: Sequence[EncodedNote],
    words: Sequence[NoteWords],
    choice: IndexChoice = IndexChoice.AUTO,
) -> SegmentRecord:
    """Write the vectors and words of some notes as a new segment, durably, and return its record.

    The files are on disk under their final name when this returns. Until the catalog
    names the segment nobody reads it; one that is never named is removed (storage/orphans.py).

    Args:
        folder: The store's ``segments`` folder.
        keys: One a note, ascending.
        notes: At least one.
        words: The same notes'.
        choice: The store's, of the index.
    """
    note_vectors = np.stack([note.vector for note in notes])
    passage_vectors = np.concatenate([note.passage_vectors for note in notes])
    return write_arrays(
        folder,
        (np.asarray(keys, np.int64), note_vectors),
        (_passage_keys(keys, notes), passage_vectors),
        postings_of(words),
        choice,
    )


def write_arrays(
    folder: Path,
    notes: tuple[Keys, Vectors],
    passages: tuple[Keys, Vectors],
    postings: Postings,
    choice: IndexChoice = IndexChoice.AUTO,
) -> SegmentRecord:
    """Write notes' and passages' keys (ascending), vectors and words as a new segment, durably.

    Where there are many, an approximate index is built beside them: seconds for each
    100,000 vectors.
    """
    name, unfinished = _begin(folder)
    write_vectors(unfinished / NOTES_FILE, *notes)
    write_vectors(unfinished / PASSAGES_FILE, *passages)
    write_words(unfinished / WORDS_FILE, postings)
    facts = _index(unfinished, (NOTES_FILE, PASSAGES_FILE), choice)
    files = _finish(folder, name, {})
    return SegmentRecord(name, len(notes[0]), len(passages[0]), files, facts)


def write_reworded(folder: Path, old: SegmentRecord, postings: Postings) -> SegmentRecord:
    """Write a segment with the vectors of an old one and other words, durably.

    The old one stays as it is; where the file system can, the two share the vectors' files.
    """
    name, unfinished = _begin(folder)
    shared = {file: facts for file, facts in old.files.items() if file != WORDS_FILE}
    for file in shared:
        share_file(folder / old.name / file, unfinished / file)
    write_words(unfinished / WORDS_FILE, postings)
    return replace(old, name=name, files=_finish(folder, name, shared))


def remove_segment(folder: Path, name: str) -> None:
    """Remove a segment's files; that it is gone already is no error."""
    shutil.rmtree(folder / name, ignore_errors=True)


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


def _begin(folder: Path) -> tuple[str, Path]:
    """Return the name of a new segment, and the folder in which it is written."""
    name = uuid.uuid4().hex
    unfinished = folder / f"{UNFINISHED}{name}"
    unfinished.mkdir(mode=0o700)
    return name, unfinished


def _finish(
    folder: Path, name: str, known: Mapping[str, dict[str, object]]
) -> dict[str, dict[str, object]]:
    """Make a segment durable under its name; return its files' facts, those known as they are."""
    unfinished = folder / f"{UNFINISHED}{name}"
    files = {
        path.name: known.get(path.name) or _settle(path) for path in sorted(unfinished.iterdir())
    }
    sync(unfinished)
    unfinished.rename(folder / name)
    sync(folder)
    return files


def _ann_name(of: str) -> str:
    return Path(of).stem + ANN_SUFFIX


def _settle(path: Path) -> dict[str, object]:
    """Make one file durable and private; return its size and checksums."""
    path.chmod(0o600)
    sync(path)
    return file_facts(path)


def _check_names(folder: Path, record: SegmentRecord) -> None:
    """See that a record names files that a segment has, and none elsewhere."""
    plain = all(_FILE_NAME.fullmatch(name) for name in record.files)
    if not _NAME.fullmatch(record.name) or not plain or not record.files.keys() >= _VECTORS:
        raise damaged(folder.parent / "catalog.sqlite", "names a segment that can't be one")
