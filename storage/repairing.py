"""What is damaged, made again from the notes' text: vectors, passages' rows, attributes' rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from sqlalchemy import Connection, insert, update

from notekin.errors import DamagedStoreError
from notekin.storage import reading
from notekin.storage.damage import damaged_catalog
from notekin.storage.keys import Keys, contains
from notekin.storage.orphans import drop_unless_named, writing_segments
from notekin.storage.records import decode_text
from notekin.storage.rows import WholeNote, whole_notes
from notekin.storage.schema import GenerationRow, SegmentRow
from notekin.storage.segments import SegmentRecord, remove_segment, write_segment
from notekin.storage.store import SEGMENTS, StoreFolder
from notekin.storage.verification import check_segment
from notekin.types import EncodedNote, NoteKey

EncodeNotes = Callable[[Sequence[str]], list[EncodedNote]]
_NOTES_A_BATCH = 64


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What a repair did.

    Attributes:
        segments: Damaged segments that others now stand for.
        notes: Notes whose vectors were made again.
        generation: The one it added; None where no segment was damaged.
    """

    segments: int
    notes: int
    generation: int | None


def repair(store: StoreFolder, encode: EncodeNotes, now: datetime) -> RepairReport:
    """Make the vectors of damaged or missing segments again, as one generation.

    Killed at any instant, the store is as before or as after; run again, it starts over.

    Raises:
        StoreLockedError: Another process is writing.
        DamagedStoreError: The catalog itself is damaged where the text is read from; nothing is
            guessed, and nothing is changed.
    """
    folder = store.path / SEGMENTS
    with store.write():
        with store.catalog.transaction() as connection:
            generation = reading.newest(connection)
            records = reading.segments(connection, generation)
        sound, broken = _sorted_out(folder, records)
        if not broken:
            return RepairReport(0, 0, None)
        choice = store.catalog.index_choice()
        with store.catalog.transaction() as connection:
            keys, notes = _encoded_again(connection, sound, encode)
        with writing_segments(folder):
            segment = write_segment(folder, keys, notes, choice) if keys else None
        try:
            with store.catalog.transaction() as connection:
                _replace(connection, generation + 1, broken, segment, now)
        except BaseException:
            if segment:
                drop_unless_named(store.catalog, folder, [segment.name])
            raise
        for record in broken:
            remove_segment(folder, record.name)
    return RepairReport(len(broken), len(keys), generation + 1)


def _sorted_out(folder: Path, records: Sequence[SegmentRecord]) -> tuple[Keys, list[SegmentRecord]]:
    """Return the notes that sound segments hold, ascending, and the segments that are not."""
    held: list[Keys] = [np.empty(0, np.int64)]
    broken: list[SegmentRecord] = []
    for record in records:
        try:
            held.append(check_segment(folder, record).notes.ids)
        except DamagedStoreError:
            broken.append(record)
    return np.sort(np.concatenate(held)), broken


def _encoded_again(
    connection: Connection, held: Keys, encode: EncodeNotes
) -> tuple[list[NoteKey], list[EncodedNote]]:
    """Return the vectors of the live notes that no sound segment holds, by key."""
    keys: list[NoteKey] = []
    notes: list[EncodedNote] = []
    batch: list[WholeNote] = []
    for note in whole_notes(connection):
        if note.live and not contains(held, np.array([note.note_key]))[0]:
            batch.append(note)
        if len(batch) == _NOTES_A_BATCH:
            notes += _encode(connection, batch, encode)
            keys += [NoteKey(one.note_key) for one in batch]
            batch = []
    if batch:
        notes += _encode(connection, batch, encode)
        keys += [NoteKey(one.note_key) for one in batch]
    return keys, notes


def _encode(
    connection: Connection, batch: Sequence[WholeNote], encode: EncodeNotes
) -> list[EncodedNote]:
    """Encode notes whose rows are as written; their passages must come out as they were."""
    if bad := sum(not note.readable for note in batch):
        state = f"does not hold {bad} notes as they were written, whose vectors are lost, too"
        raise damaged_catalog(connection, state)
    encoded = encode([decode_text(note.text) for note in batch])
    for note, made in zip(batch, encoded, strict=True):
        if [(part.start, part.end, part.tokens) for part in made.passages] != note.passages:
            raise damaged_catalog(connection, "does not hold the passages of a note as written")
    return encoded


def _replace(
    connection: Connection,
    generation: int,
    broken: Sequence[SegmentRecord],
    segment: SegmentRecord | None,
    now: datetime,
) -> None:
    """Write the generation in which one segment stands for those that are damaged."""
    for record in broken:
        connection.execute(
            update(SegmentRow).where(SegmentRow.name == record.name).values(died=generation)
        )
    if segment:
        values = {name: getattr(segment, name) for name in ("name", "notes", "passages", "files")}
        values |= {"born": generation, "died": None, "facts": segment.facts}
        connection.execute(insert(SegmentRow), [values])
    counts = {"added": 0, "replaced": 0, "deleted": 0}
    connection.execute(
        insert(GenerationRow), [{"number": generation, "committed_at": now, **counts}]
    )
