"""What is damaged, made again: an index from the vectors, words or all from the notes' text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from sqlalchemy import Connection, update

from notekin.errors import DamagedStoreError
from notekin.storage import reading
from notekin.storage.compaction import merge
from notekin.storage.damage import damaged_catalog
from notekin.storage.keys import Keys, contains
from notekin.storage.orphans import drop_unless_named, writing_segments
from notekin.storage.postings import NoteWords, postings_of
from notekin.storage.records import Generation, decode_text
from notekin.storage.rows import WholeNote, whole_notes
from notekin.storage.schema import SegmentRow
from notekin.storage.segments import (
    ANN_SUFFIX,
    SEGMENTS,
    WORDS_FILE,
    Segment,
    SegmentRecord,
    remove_segment,
    write_reworded,
    write_segment,
)
from notekin.storage.store import StoreFolder
from notekin.storage.verification import check_segment, check_vectors
from notekin.storage.writing import add_generation, add_segments
from notekin.types import EncodedNote, NoteKey

EncodeNotes = Callable[[Sequence[str]], list[EncodedNote]]
_NOTES_A_BATCH = 64
_NONE: Keys = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What a repair did.

    Attributes:
        segments: Damaged segments that others now stand for; where the vectors were sound, the
            words alone were made again.
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
        found = _sorted_out(folder, records)
        broken = [*found.indexless, *found.wordless, *found.broken]
        if not broken:
            return RepairReport(0, 0, None)
        choice = store.catalog.index_choice()
        made: list[SegmentRecord] = []
        try:
            with store.catalog.transaction() as connection, writing_segments(folder):
                made.extend(_reworded(connection, folder, one) for one in found.wordless)
            with store.catalog.transaction() as connection:
                encoded = _encoded_again(connection, _joined(found.held), encode)
            with writing_segments(folder):
                for record in found.indexless:
                    made.extend(merge(folder, [_without_index(record)], _NONE, choice))
                if encoded.keys:
                    made.append(write_segment(folder, *encoded.columns(), choice))
            with store.catalog.transaction() as connection:
                _replace(connection, generation + 1, broken, made, now)
        except BaseException:
            drop_unless_named(store.catalog, folder, [record.name for record in made])
            raise
        for record in broken:
            remove_segment(folder, record.name)
    return RepairReport(len(broken), len(encoded.keys), generation + 1)


@dataclass(frozen=True, slots=True)
class _Found:
    """The segments by what is wrong with them.

    Attributes:
        held: The notes of each segment whose vectors are sound.
        indexless: Segments of which an approximate index alone is damaged.
        wordless: Segments of which the words alone are damaged.
        broken: Segments whose vectors are.
    """

    held: list[Keys]
    indexless: list[SegmentRecord]
    wordless: list[SegmentRecord]
    broken: list[SegmentRecord]


@dataclass(frozen=True, slots=True)
class _Encoded:
    """Notes whose vectors were made again."""

    keys: list[NoteKey]
    notes: list[EncodedNote]
    words: list[NoteWords]

    def columns(self) -> tuple[list[NoteKey], list[EncodedNote], list[NoteWords]]:
        """Return what a segment is written of."""
        return self.keys, self.notes, self.words


def _sorted_out(folder: Path, records: Sequence[SegmentRecord]) -> _Found:
    """Check every segment."""
    found = _Found([], [], [], [])
    for record in records:
        for check, checked, kind in (
            (check_segment, record, None),
            (check_segment, _without_index(record), found.indexless),
            (check_vectors, _without_words(record), found.wordless),
        ):
            with suppress(DamagedStoreError):
                found.held.append(check(folder, checked).notes.ids)
                if kind is not None:
                    kind.append(record)
                break
        else:
            found.broken.append(record)
    return found


def _joined(held: Sequence[Keys]) -> Keys:
    return np.sort(np.concatenate([_NONE, *held]))


def _without_index(record: SegmentRecord) -> SegmentRecord:
    files = {name: facts for name, facts in record.files.items() if not name.endswith(ANN_SUFFIX)}
    return replace(record, files=files)


def _without_words(record: SegmentRecord) -> SegmentRecord:
    files = {name: facts for name, facts in record.files.items() if name != WORDS_FILE}
    return replace(record, files=files)


def _reworded(connection: Connection, folder: Path, record: SegmentRecord) -> SegmentRecord:
    """Write a segment again with words from the text of its notes, dead ones too."""
    keys = Segment(folder, _without_words(record)).notes.ids.tolist()
    return write_reworded(folder, record, postings_of(_words(connection, key) for key in keys))


def _words(connection: Connection, key: NoteKey) -> NoteWords:
    """Return what is to be indexed of a note, once its rows are seen to be as written."""
    passages = reading.passages_of(connection, key)
    starts, sections = [part.start for part in passages], [part.section for part in passages]
    text = reading.text_of(connection, key)
    return NoteWords(text, starts, sections, reading.notes_of(connection, [key])[key].title)


def _encoded_again(connection: Connection, held: Keys, encode: EncodeNotes) -> _Encoded:
    """Return the vectors of the live notes that no sound segment holds, by key."""
    made = _Encoded([], [], [])
    batch: list[WholeNote] = []
    for note in whole_notes(connection):
        if note.live and not contains(held, np.array([note.note_key]))[0]:
            batch.append(note)
        if len(batch) == _NOTES_A_BATCH:
            _encode_into(made, connection, batch, encode)
            batch = []
    _encode_into(made, connection, batch, encode)
    return made


def _encode_into(
    made: _Encoded, connection: Connection, batch: Sequence[WholeNote], encode: EncodeNotes
) -> None:
    if not batch:
        return
    made.notes.extend(_encode(connection, batch, encode))
    made.keys.extend(NoteKey(one.note_key) for one in batch)
    made.words.extend(_words(connection, NoteKey(one.note_key)) for one in batch)


def _encode(
    connection: Connection, batch: Sequence[WholeNote], encode: EncodeNotes
) -> list[EncodedNote]:
    """Encode notes whose rows are as written; their passages must come out as they were."""
    if bad := sum(not note.readable for note in batch):
        state = f"does not hold {bad} notes as they were written, whose vectors are lost, too"
        raise damaged_catalog(connection, state)
    encoded = encode([decode_text(note.text) for note in batch])
    for note, made in zip(batch, encoded, strict=True):
        if [(part.start, part.end, part.tokens) for part in made.passages] != [
            values[:3] for values in note.passages
        ]:
            raise damaged_catalog(connection, "does not hold the passages of a note as written")
    return encoded


def _replace(
    connection: Connection,
    generation: int,
    broken: Sequence[SegmentRecord],
    made: Sequence[SegmentRecord],
    now: datetime,
) -> None:
    """Write the generation in which others stand for the segments that are damaged."""
    for record in broken:
        connection.execute(
            update(SegmentRow).where(SegmentRow.name == record.name).values(died=generation)
        )
    add_segments(connection, made, generation)
    add_generation(connection, Generation(generation, now, 0, 0, 0))
