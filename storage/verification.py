"""Is the store whole? Every invariant between catalog, segments and files, checked."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import Connection

from notekin.errors import DamagedStoreError, StoreError
from notekin.storage import invariants, reading
from notekin.storage.catalog import FILE_NAME
from notekin.storage.damage import catalog_name
from notekin.storage.engine import sqlite_faults
from notekin.storage.location import FILE_NAME as LOCATION_FILE
from notekin.storage.rows import whole_notes
from notekin.storage.segments import SEGMENTS, Segment, SegmentRecord
from notekin.storage.shape import misshapen
from notekin.storage.store import LOCK, StoreFolder
from notekin.storage.upgrade import KEPT_BESIDE

_FILES = {
    FILE_NAME,
    LOCATION_FILE,
    LOCK,
    KEPT_BESIDE,
    *(f"{FILE_NAME}-{end}" for end in ("wal", "shm")),
}
_REPAIR = "notekin repair makes it again from the notes' text; or restore a backup"
_RESTORE = "restore a backup, or index the sources into a new store"
_LENGTH_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it should be: where, what, and what to do about it."""

    file: str
    what: str
    hint: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What was checked and what was found.

    Attributes:
        deep: Whether every row and every byte was looked at.
        segments: How many were checked.
    """

    path: str
    deep: bool
    generation: int | None
    segments: int
    problems: tuple[Problem, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify(store: StoreFolder, deep: bool = False) -> Verification:
    """Check a store as one generation of it is; a writer may go on meanwhile.

    Args:
        store: The store, open.
        deep: Look at every row and every vector, and compare SHA-256, too.
    """
    problems = list(_strangers(store.path)) + list(_open_to_others(store.path))
    generation: int | None = None
    records: list[SegmentRecord] = []
    try:
        store.catalog.fingerprint()
        store.catalog.spread()
        with store.catalog.transaction() as connection:
            generation = reading.newest(connection)
            records = reading.segments(connection, generation)
            segments, broken = _open_all(store.path / SEGMENTS, records, deep)
            problems += broken
            problems += _of_catalog(connection, generation, deep)
            if not broken:
                problems += _between(connection, generation, segments)
    except StoreError as error:
        problems.append(as_problem(store.path / FILE_NAME, error))
    return Verification(str(store.path), deep, generation, len(records), tuple(problems))


def as_problem(file: Path, error: StoreError, hint: str = _RESTORE) -> Problem:
    """Return an error met on the way as a problem; it names its file, or this one is named."""
    if isinstance(error, DamagedStoreError) and error.file:
        return Problem(error.file, error.state, hint)
    return Problem(str(file), str(error), hint)


def check_segment(folder: Path, record: SegmentRecord, deep: bool = False) -> Segment:
    """Open a segment and check every byte of it.

    Raises:
        DamagedStoreError: A file is missing or not what was written.
    """
    segment = check_vectors(folder, record, deep)
    segment.words.check()
    return segment


def check_vectors(folder: Path, record: SegmentRecord, deep: bool = False) -> Segment:
    """Open a segment and check every byte but of its words, and if deep of every file.

    Raises:
        DamagedStoreError: A file is missing or not what was written.
    """
    segment = Segment(folder, record)
    if deep:
        for file in segment.files():
            file.check_sha256()
    _ = segment.notes_ann, segment.passages_ann
    for vectors in (segment.notes, segment.passages):
        if deep:
            _check_lengths(folder / record.name, vectors.vectors)
    return segment


def _open_all(
    folder: Path, records: Sequence[SegmentRecord], deep: bool
) -> tuple[list[Segment], list[Problem]]:
    segments: list[Segment] = []
    problems: list[Problem] = []
    for record in records:
        try:
            segments.append(check_segment(folder, record, deep))
            problems += _strangers_within(folder / record.name, record)
        except StoreError as error:
            problems.append(as_problem(folder / record.name, error, _REPAIR))
    return segments, problems


def _check_lengths(file: Path, vectors: np.ndarray) -> None:
    from notekin.storage.damage import damaged

    for start in range(0, len(vectors), 4096):
        lengths = np.linalg.norm(vectors[start : start + 4096].astype(np.float64), axis=1)
        if not np.all((np.abs(lengths - 1) < _LENGTH_TOLERANCE) | (lengths == 0)):
            raise damaged(file, "holds a vector that is not of length 1")


def _of_catalog(connection: Connection, generation: int, deep: bool) -> Iterator[Problem]:
    """Give what is wrong within the catalog."""
    name = catalog_name(connection)
    checks: list[Callable[[], Sequence[str]]] = [
        lambda: invariants.of_rows(connection, generation),
        lambda: invariants.of_cohorts(connection),
    ]
    if deep:
        checks += [
            lambda: sqlite_faults(connection),
            lambda: misshapen(connection),
            lambda: _of_every_row(connection),
        ]
    for check in checks:
        for what in check():
            yield Problem(name, what, _RESTORE)


def _between(
    connection: Connection, generation: int, segments: Sequence[Segment]
) -> Iterator[Problem]:
    """Give what catalog and segments disagree on."""
    name = catalog_name(connection)
    for what in invariants.of_vectors(connection, generation, segments):
        yield Problem(name, what, _RESTORE)


def _of_every_row(connection: Connection) -> list[str]:
    parts = ("facts", "text", "passages", "attributes")
    bad = dict.fromkeys(parts, 0)
    for note in whole_notes(connection):
        for part in parts:
            bad[part] += not getattr(note, f"{part}_sound")
    return [
        f"does not hold the {part} of {count} notes as they were written"
        for part, count in bad.items()
        if count
    ]


def _strangers(path: Path) -> Iterator[Problem]:
    for entry in sorted(path.iterdir()):
        if entry.name not in _FILES and entry.name != SEGMENTS:
            yield Problem(str(entry), "is no file of a store", "move it elsewhere")


def _strangers_within(folder: Path, record: SegmentRecord) -> Iterator[Problem]:
    for entry in sorted(folder.iterdir()):
        if entry.name not in record.files:
            yield Problem(str(entry), "is no file of this segment", "move it elsewhere")


def _open_to_others(path: Path) -> Iterator[Problem]:
    """Give what others than its owner can read or write."""
    if os.name != "posix":
        return
    for entry in [path, *sorted(path.rglob("*"))]:
        try:
            mode = stat.S_IMODE(entry.lstat().st_mode)
        except FileNotFoundError:  # a writer removed it meanwhile
            continue
        if mode & 0o077:
            right = "700" if entry.is_dir() else "600"
            yield Problem(str(entry), f"has mode {mode:o}", f"chmod {right} {entry}")
