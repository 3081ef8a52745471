"""New segments from old ones: what is live is written again, what is dead is left behind."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from notekin.errors import DamagedStoreError
from notekin.storage.index_choice import IndexChoice
from notekin.storage.keys import Keys, contains, note_keys_of, passage_key
from notekin.storage.postings import Kept, merge_postings
from notekin.storage.segments import (
    Segment,
    SegmentRecord,
    remove_segment,
    write_arrays,
)
from notekin.storage.vector_file import VectorFile
from notekin.storage.words_file import WordsFile
from notekin.types import NoteKey, Vectors

LARGEST_BYTES = 1 << 30
"""Passage vectors in one segment that a merge writes; it bounds the memory of a merge."""

_ROWS_AT_ONCE = 65_536


@dataclass(frozen=True, slots=True)
class CompactReport:
    """What a compaction did.

    Attributes:
        generation: The newest one; that of before where nothing was to be done.
        bytes_before: Of all segments, before and after.
    """

    generation: int
    segments_before: int
    segments_after: int
    bytes_before: int
    bytes_after: int


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of one file that are taken over: their places, ascending."""

    file: VectorFile
    places: Keys

    @property
    def ids(self) -> Keys:
        return self.file.ids[self.places]


@dataclass(frozen=True, slots=True)
class _Source:
    """What is taken over of one segment."""

    notes: _Rows
    passages: _Rows
    words: WordsFile


def size_bytes(records: Sequence[SegmentRecord]) -> int:
    """Return how much room the files of some segments take."""
    sizes = [facts["size_bytes"] for record in records for facts in record.files.values()]
    return sum(size for size in sizes if isinstance(size, int))


def largest_rows(dim: int) -> int:
    """Return the passages of the largest segment that a merge writes."""
    return max(1, LARGEST_BYTES // (4 * dim))


def merge(
    folder: Path, records: Sequence[SegmentRecord], dead: Keys, choice: IndexChoice
) -> list[SegmentRecord]:
    """Write what is live of some segments as new ones, durably, and return their records.

    The old ones stay as they are; they are read through their mapping, so memory holds
    the vectors of one new segment at most. Either all new segments are on disk when this
    returns, or it raises and none is.

    Args:
        folder: The store's ``segments`` folder.
        records: At least one.
        dead: The notes to leave behind, ascending.
        choice: The store's, of the index.

    Returns:
        One record, several where it would pass ``LARGEST_BYTES``, none where nothing lives.

    Raises:
        DamagedStoreError: An old file is not what was written; a damaged vector is never
            given a new checksum.
    """
    for record in records:
        _check_content(folder, record)
    old = [_live(Segment(folder, record), dead) for record in records]
    written: list[SegmentRecord] = []
    try:
        for first, last in _ranges([source.passages for source in old]):
            parts = [_between(source, first, last) for source in old]
            written.append(_write(folder, parts, choice))
    except BaseException:
        for record in written:
            remove_segment(folder, record.name)
        raise
    return written


def _write(folder: Path, parts: Sequence[_Source], choice: IndexChoice) -> SegmentRecord:
    """Write what is taken over of some segments as one."""
    notes = _gather([part.notes for part in parts])
    passages = _gather([part.passages for part in parts])
    postings = merge_postings(
        [
            Kept(
                part.words.postings,
                part.notes.places,
                np.searchsorted(notes[0], part.notes.ids),
                part.passages.places,
                np.searchsorted(passages[0], part.passages.ids),
            )
            for part in parts
        ]
    )
    return write_arrays(folder, notes, passages, postings, choice)


def _ranges(passages: Sequence[_Rows]) -> Iterator[tuple[NoteKey, NoteKey]]:
    """Give the range of notes of each new segment, so that all are of about one size."""
    note_keys = note_keys_of(np.sort(np.concatenate([rows.ids for rows in passages])))
    if not len(note_keys):
        return
    parts = -(-len(note_keys) // largest_rows(passages[0].file.vectors.shape[1]))
    firsts = np.unique(note_keys[np.arange(parts) * len(note_keys) // parts])
    for first, last in pairwise([*firsts.tolist(), int(note_keys[-1]) + 1]):
        yield NoteKey(first), NoteKey(last)


def _gather(parts: Sequence[_Rows]) -> tuple[Keys, Vectors]:
    """Return ids, ascending, and vectors of some rows of several files."""
    ids = np.concatenate([rows.ids for rows in parts])
    order = np.argsort(ids)
    target = np.empty_like(order)
    target[order] = np.arange(len(order))
    vectors = np.empty((len(ids), parts[0].file.vectors.shape[1]), np.float32)
    at = 0
    for rows in parts:
        for start in range(0, len(rows.places), _ROWS_AT_ONCE):
            some = rows.places[start : start + _ROWS_AT_ONCE]
            vectors[target[at : at + len(some)]] = rows.file.vectors[some]
            at += len(some)
    return ids[order], vectors


def _live(segment: Segment, dead: Keys) -> _Source:
    """Return a segment without the dead notes."""
    notes, passages = segment.notes, segment.passages
    return _Source(
        _Rows(notes, np.flatnonzero(~contains(dead, notes.ids))),
        _Rows(passages, np.flatnonzero(~contains(dead, note_keys_of(passages.ids)))),
        segment.words,
    )


def _between(source: _Source, first: NoteKey, last: NoteKey) -> _Source:
    """Return the notes from one key up to, not including, another."""
    return _Source(
        _rows_between(source.notes, first, last),
        _rows_between(source.passages, passage_key(first, 0), passage_key(last, 0)),
        source.words,
    )


def _rows_between(rows: _Rows, first: int, last: int) -> _Rows:
    start, stop = np.searchsorted(rows.ids, [first, last])
    return _Rows(rows.file, rows.places[int(start) : int(stop)])


def _check_content(folder: Path, record: SegmentRecord) -> None:
    for name, facts in record.files.items():
        path = folder / record.name / name
        if not path.exists() or _sha256(path) != facts["sha256"]:
            raise DamagedStoreError(
                f"{path} is missing or is not what was written. Restore it from a backup, "
                "or index the notes into a new store."
            )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
