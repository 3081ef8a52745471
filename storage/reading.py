"""The catalog as one generation sees it: the SQL half of a snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import (
    BindParameter,
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

from notekin.column_names import usual_field
from notekin.errors import FilterError
from notekin.storage.checksums import PASSAGES, seal_of
from notekin.storage.condition_sql import FIELDS, to_sql
from notekin.storage.conditions import Condition, field_names
from notekin.storage.damage import damaged_catalog
from notekin.storage.keys import Keys
from notekin.storage.records import (
    StoredNote,
    StoredPassage,
    decode_text,
    load_attributes,
    storable,
)
from notekin.storage.schema import (
    AttributeRow,
    GenerationRow,
    NoteRow,
    NoteTextRow,
    PassageRow,
    RejectRow,
    SegmentRow,
    SettingRow,
)
from notekin.storage.segments import SegmentRecord
from notekin.storage.sets import among, among_bound, as_array
from notekin.types import NoteKey, Reject

PURGED_AT = "purged_at"
"""The setting that names the generation of the last purge."""
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
_SEALED_COLUMNS = (*_NOTE_COLUMNS, NoteRow.born, NoteRow.digest, NoteRow.checksum)
# Statements that every search runs are made once.
_NOTES = select(*_SEALED_COLUMNS).where(among_bound(NoteRow.note_key, "keys"))
_NEWEST = select(func.max(GenerationRow.number))
_PURGED_AT = select(SettingRow.value).where(SettingRow.name == PURGED_AT)


@dataclass(frozen=True, slots=True)
class Counts:
    """What one generation holds, counted."""

    notes: int
    patients: int
    passages: int
    tokens_seen: int
    tokens_total: int


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What a store keeps beside its live notes.

    Attributes:
        dead_notes: Replaced or deleted, and still in the catalog; purge removes them.
    """

    generations: int
    segments: int
    dead_notes: int


def seen_by(generation: int | BindParameter[int]) -> ColumnElement[bool]:
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


def dead_keys(connection: Connection, generation: int, since: int = 0) -> Keys:
    """Return the notes that died after ``since`` and no later than ``generation``, ascending."""
    return _keys(
        connection,
        select(NoteRow.note_key)
        .where(NoteRow.died > since, NoteRow.died <= generation)
        .order_by(NoteRow.note_key),
    )


def select_keys(connection: Connection, generation: int, condition: Condition) -> Keys:
    """Return the live notes that meet a condition, ascending, as plainly as SQL says it.

    A snapshot takes a shorter way to the same keys (storage/selecting.py).

    Raises:
        FilterError: The condition names a field that no note of the store has.
    """
    check_fields(connection, generation, condition)
    query = select(NoteRow.note_key).where(seen_by(generation), to_sql(condition))
    return np.sort(_keys(connection, query))


def find_notes(
    connection: Connection, generation: int, note_id: str, source: str | None
) -> list[StoredNote]:
    """Return the live notes of this id, one a source, in the order of the sources' names."""
    query = select(*_SEALED_COLUMNS).where(
        seen_by(generation), NoteRow.note_id == storable(note_id)
    )
    if source is not None:
        query = query.where(NoteRow.source == source)
    rows = connection.execute(query.order_by(NoteRow.source)).mappings()
    return [_stored(connection, row) for row in rows]


def notes_of(connection: Connection, keys: Sequence[NoteKey]) -> dict[NoteKey, StoredNote]:
    """Return the facts of a page of notes, by key; meant for hits, not for whole stores."""
    rows = connection.execute(_NOTES, {"keys": as_array(keys)})
    return {row["note_key"]: _stored(connection, row) for row in rows.mappings()}


def text_of(connection: Connection, key: NoteKey) -> str:
    """Return a note's text to the letter."""
    row = connection.execute(
        select(NoteTextRow.text, NoteRow.checksum)
        .join(NoteRow, NoteRow.note_key == NoteTextRow.note_key)
        .where(NoteTextRow.note_key == key)
    ).one_or_none()
    if row is None or not seal_of(connection).holds_text(row.checksum, key, row.text):
        raise damaged_catalog(connection, "does not hold the text of a note as it was written")
    return decode_text(row.text)


def passages_of(connection: Connection, key: NoteKey) -> list[StoredPassage]:
    """Return a note's passages in text order."""
    rows = connection.execute(
        select(*(getattr(PassageRow, name) for name in PASSAGES))
        .where(PassageRow.note_key == key)
        .order_by(PassageRow.passage_key)
    )
    passages = [tuple(row) for row in rows]
    checksum = connection.scalar(select(NoteRow.checksum).where(NoteRow.note_key == key))
    if checksum is None or not seal_of(connection).holds_passages(checksum, key, passages):
        raise damaged_catalog(connection, "does not hold the passages of a note as written")
    return [StoredPassage(*row[:-1]) for row in passages]


def families(connection: Connection, passage_keys: Keys) -> dict[int, int]:
    """Return the family of each of some passages that has one, by passage key."""
    rows = connection.execute(
        select(PassageRow.passage_key, PassageRow.family).where(
            among(PassageRow.passage_key, passage_keys), PassageRow.family.is_not(None)
        )
    )
    return {row.passage_key: row.family for row in rows if row.family is not None}


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
    return connection.scalar(_NEWEST) or 0


def purged_at(connection: Connection) -> int:
    """Return the oldest generation whose rows are all there; 0 where nothing was purged."""
    value = connection.scalar(_PURGED_AT)
    return value if isinstance(value, int) else 0


def upkeep(connection: Connection, generation: int) -> Upkeep:
    """Count what is kept beside the live notes."""
    dead = select(func.count()).where(NoteRow.died <= generation)
    return Upkeep(
        generations=connection.scalar(select(func.count(GenerationRow.number))) or 0,
        segments=len(segments(connection, generation)),
        dead_notes=connection.scalar(dead) or 0,
    )


def check_newest(connection: Connection, generation: int) -> None:
    """See that the newest generation is: none before it is missing, no row is of a later one."""
    numbered = connection.scalar(select(func.count()).select_from(GenerationRow))
    latest = max(
        connection.scalar(query) or 0
        for query in (
            select(func.max(SegmentRow.born)),
            select(func.max(SegmentRow.died)),
            select(func.max(NoteRow.died)),
        )
    )
    if numbered != generation or latest > generation:
        raise damaged_catalog(connection, "has lost a generation")


def live_notes(connection: Connection, generation: int) -> int:
    """Return how many notes are live in a generation, by what each commit said it changed."""
    return (
        connection.scalar(
            select(
                func.coalesce(func.sum(GenerationRow.added), 0)
                - func.coalesce(func.sum(GenerationRow.deleted), 0)
            ).where(GenerationRow.number <= generation)
        )
        or 0
    )


def check_fields(connection: Connection, generation: int, condition: Condition) -> None:
    """See that live notes have every field that a condition asks about.

    Raises:
        FilterError: There is a field that none has.
    """
    for name in sorted(field_names(condition) - FIELDS.keys() - {"recorded_at"}):
        if not _is_attribute(connection, generation, storable(name)):
            known = attribute_names(connection, generation)
            names = ", ".join([*FIELDS, "recorded_at", *known])
            raise FilterError(
                f"No note has a field {name!r}.{_kept_as(name)} Fields of this store: {names}."
            )


def _kept_as(name: str) -> str:
    field = usual_field(name)
    is_fact = field in FIELDS or field == "recorded_at"
    return f" A column of this name is usually kept as {field}." if is_fact else ""


def _is_attribute(connection: Connection, generation: int, name: str) -> bool:
    """Say whether a live note has the attribute; the first one found is enough."""
    query = (
        select(AttributeRow.note_key)
        .join(NoteRow, NoteRow.note_key == AttributeRow.note_key)
        .where(AttributeRow.name == name, seen_by(generation))
        .limit(1)
    )
    return connection.scalar(query) is not None


def _keys(connection: Connection, query: Select[Any]) -> Keys:
    return np.fromiter(connection.scalars(query), np.int64)


def _stored(connection: Connection, row: RowMapping) -> StoredNote:
    """Return a note's facts, once they are seen to be what was written."""
    if not seal_of(connection).holds_facts(row["checksum"], row):
        raise damaged_catalog(connection, "does not hold the facts of a note as it was written")
    facts = {column.key: row[column.key] for column in _NOTE_COLUMNS}
    return StoredNote(**{**facts, "attributes": load_attributes(row["attributes"])})
