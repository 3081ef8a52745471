"""The catalog as one generation sees it: the SQL half of a snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    distinct,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.orm import aliased

from notekin.errors import FilterError
from notekin.storage.conditions import FIELDS, Condition, field_names, to_sql
from notekin.storage.keys import Keys
from notekin.storage.records import StoredNote, decode_text, load_attributes, storable
from notekin.storage.schema import (
    AttributeRow,
    GenerationRow,
    NoteRow,
    NoteTextRow,
    PassageRow,
    RejectRow,
    SegmentRow,
)
from notekin.storage.segments import SegmentRecord
from notekin.types import NoteKey, Passage, Reject

_NEVER = 2**62
"""A generation that no store reaches."""

_NOTE_COLUMNS = (
    NoteRow.note_key,
    NoteRow.source,
    NoteRow.note_id,
    NoteRow.patient_id,
    NoteRow.encounter_id,
    NoteRow.category,
    NoteRow.recorded_at,
    NoteRow.author,
    NoteRow.title,
    NoteRow.tokens_seen,
    NoteRow.tokens_total,
    NoteRow.attributes,
)


@dataclass(frozen=True, slots=True)
class Counts:
    """What one generation holds, counted."""

    notes: int
    patients: int
    passages: int
    tokens_seen: int
    tokens_total: int


def seen_by(generation: int) -> ColumnElement[bool]:
    """Return the WHERE clause of the notes that are live in a generation.

    It names ``died`` inside a function so that no database reaches for that column's index,
    which nearly all notes are in, in place of the index of what a filter asks.
    """
    return and_(NoteRow.born <= generation, func.coalesce(NoteRow.died, _NEVER) > generation)


def segments(connection: Connection, generation: int) -> list[SegmentRecord]:
    """Return the segments that a generation reads, oldest first."""
    rows = connection.execute(
        select(
            SegmentRow.name,
            SegmentRow.notes,
            SegmentRow.passages,
            SegmentRow.files,
            SegmentRow.facts,
        )
        .where(
            SegmentRow.born <= generation,
            or_(SegmentRow.died.is_(None), SegmentRow.died > generation),
        )
        .order_by(SegmentRow.born, SegmentRow.name)
    )
    return [SegmentRecord(*row) for row in rows]


def dead_keys(connection: Connection, generation: int) -> Keys:
    """Return the notes that segments may still hold and this generation no longer does."""
    return _keys(
        connection,
        select(NoteRow.note_key).where(NoteRow.died <= generation).order_by(NoteRow.note_key),
    )


def select_keys(connection: Connection, generation: int, condition: Condition) -> Keys:
    """Return the live notes that meet a condition, ascending.

    Raises:
        FilterError: The condition names a field that no note of the store has.
    """
    _check_fields(connection, generation, condition)
    query = select(NoteRow.note_key).where(seen_by(generation), to_sql(condition))
    return np.sort(_keys(connection, query))


def find_notes(
    connection: Connection, generation: int, note_id: str, source: str | None
) -> list[StoredNote]:
    """Return the live notes of this id, one a source, in the order of the sources' names."""
    query = select(*_NOTE_COLUMNS).where(seen_by(generation), NoteRow.note_id == storable(note_id))
    if source is not None:
        query = query.where(NoteRow.source == source)
    return [_stored(row) for row in connection.execute(query.order_by(NoteRow.source)).mappings()]


def notes_of(connection: Connection, keys: Sequence[NoteKey]) -> dict[NoteKey, StoredNote]:
    """Return the facts of a page of notes, by key; meant for hits, not for whole stores."""
    rows = connection.execute(select(*_NOTE_COLUMNS).where(NoteRow.note_key.in_(keys)))
    return {note.note_key: note for note in map(_stored, rows.mappings())}


def text_of(connection: Connection, key: NoteKey) -> str:
    """Return a note's text to the letter."""
    data = connection.scalar(select(NoteTextRow.text).where(NoteTextRow.note_key == key))
    return decode_text(data or b"")


def passages_of(connection: Connection, key: NoteKey) -> list[Passage]:
    """Return a note's passages in text order."""
    rows = connection.execute(
        select(PassageRow.start, PassageRow.end, PassageRow.tokens)
        .where(PassageRow.note_key == key)
        .order_by(PassageRow.passage_key)
    )
    return [Passage(*row) for row in rows]


def count(connection: Connection, generation: int) -> Counts:
    """Count what a generation holds."""
    facts = connection.execute(
        select(
            func.count(),
            func.count(distinct(NoteRow.patient_id)),
            func.coalesce(func.sum(NoteRow.tokens_seen), 0),
            func.coalesce(func.sum(NoteRow.tokens_total), 0),
        ).where(seen_by(generation))
    ).one()
    passages = connection.scalar(
        select(func.count(PassageRow.passage_key)).join(NoteRow).where(seen_by(generation))
    )
    return Counts(facts[0], facts[1], passages or 0, facts[2], facts[3])


def notes_by(connection: Connection, generation: int, field: str) -> dict[str | None, int]:
    """Count the live notes by the values of a named field, most first."""
    column = FIELDS[field]
    rows = connection.execute(
        select(column, func.count())
        .where(seen_by(generation))
        .group_by(column)
        .order_by(func.count().desc(), column)
    )
    return {row[0]: row[1] for row in rows}


def attribute_names(connection: Connection, generation: int) -> list[str]:
    """Return the names of the attributes that live notes have, sorted."""
    query = (
        select(AttributeRow.name)
        .distinct()
        .join(NoteRow, NoteRow.note_key == AttributeRow.note_key)
        .where(seen_by(generation))
        .order_by(AttributeRow.name)
    )
    return list(connection.scalars(query))


def ids_elsewhere(connection: Connection, since: int) -> int:
    """Count the live notes born in ``since`` or later whose id a live note elsewhere has."""
    other = aliased(NoteRow)
    same_id = select(other.note_key).where(
        other.note_id == NoteRow.note_id, other.source != NoteRow.source, other.died.is_(None)
    )
    query = select(func.count()).where(
        NoteRow.born >= since, NoteRow.died.is_(None), exists(same_id)
    )
    return connection.scalar(query) or 0


def rejects(connection: Connection) -> list[Reject]:
    """Return the rows that could not be read, by source and place."""
    rows = connection.execute(
        select(RejectRow.source, RejectRow.place, RejectRow.reason).order_by(
            RejectRow.source, RejectRow.place
        )
    )
    return [Reject(*row) for row in rows]


def newest(connection: Connection) -> int:
    """Return the newest generation's number; 0 before the first commit."""
    return connection.scalar(select(func.max(GenerationRow.number))) or 0


def segment_names(connection: Connection) -> set[str]:
    """Return the segments that any generation names, dead ones too."""
    return set(connection.scalars(select(SegmentRow.name)))


def _check_fields(connection: Connection, generation: int, condition: Condition) -> None:
    asked = field_names(condition) - FIELDS.keys() - {"recorded_at"}
    if not asked:
        return
    known = attribute_names(connection, generation)
    if unknown := sorted(asked - set(known)):
        names = ", ".join([*FIELDS, "recorded_at", *known])
        raise FilterError(f"No note has a field {unknown[0]!r}. Fields of this store: {names}.")


def _keys(connection: Connection, query: Select[Any]) -> Keys:
    return np.fromiter(connection.scalars(query), np.int64)


def _stored(row: RowMapping) -> StoredNote:
    return StoredNote(**{**row, "attributes": load_attributes(row["attributes"])})
