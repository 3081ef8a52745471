"""What must hold between the tables, and between them and the vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, Integer, Select, exists, func, literal, or_, select

from notekin.errors import DamagedStoreError
from notekin.storage import cohorts, reading
from notekin.storage.keys import PLACE_BITS, Keys, contains, note_keys_of
from notekin.storage.schema import NoteRow, NoteTextRow, PassageRow, SegmentRow, SettingRow
from notekin.storage.segments import Segment

_PLACE_BITS = literal(PLACE_BITS, Integer)
"""PostgreSQL shifts a bigint by an integer only."""


def of_rows(connection: Connection, generation: int) -> list[str]:
    """Return what is wrong among the tables of a catalog; every statement counts."""
    found: list[str] = []
    try:
        reading.check_newest(connection, generation)
    except DamagedStoreError as error:
        found.append(error.state)
    for what, query in _counts(generation).items():
        if number := connection.scalar(query):
            found.append(what.format(number))
    live = connection.scalar(
        select(func.count()).select_from(NoteRow).where(reading.seen_by(generation))
    )
    if live != (said := reading.live_notes(connection, generation)):
        found.append(f"holds {live} live notes where its generations say {said}")
    if (connection.scalar(select(func.max(NoteRow.note_key))) or 0) >= _next_key(connection):
        found.append("would give a note key a second time")
    return found


def of_cohorts(connection: Connection) -> list[str]:
    """Return what is wrong in the kept cohorts: rows of notes that are not there, or not as kept.

    A purge leaves no row of a note that it removes.
    """
    found = []
    for column in cohorts.NOTES:
        there = exists(select(NoteRow.note_key).where(NoteRow.note_key == column))
        lost = select(func.count()).where(column.is_not(None), ~there)
        if number := connection.scalar(lost):
            found.append(
                f"holds {number} rows of {column.class_.__tablename__} for notes not there"
            )
    if number := cohorts.unsound(connection):
        found.append(f"does not hold {number} cohorts as they were kept")
    return found


def of_vectors(connection: Connection, generation: int, segments: Sequence[Segment]) -> list[str]:
    """Return where the vectors of sound segments and the rows of a generation disagree."""
    rows = _keys(connection, select(NoteRow.note_key).order_by(NoteRow.note_key))
    live = _keys(
        connection,
        select(NoteRow.note_key).where(reading.seen_by(generation)).order_by(NoteRow.note_key),
    )
    notes = _joined([segment.notes.ids for segment in segments])
    passages = _joined([segment.passages.ids for segment in segments])
    of_live = passages[contains(live, note_keys_of(passages))]
    said = _keys(
        connection,
        select(PassageRow.passage_key)
        .join(NoteRow, NoteRow.note_key == PassageRow.note_key)
        .where(reading.seen_by(generation))
        .order_by(PassageRow.passage_key),
    )
    checks = {
        "names {} live notes that have no vector": len(np.setdiff1d(live, notes)),
        "has no row of {} notes that have a vector": len(np.setdiff1d(notes, rows)),
        "shares {} notes between segments": len(notes) - len(np.unique(notes)),
        "disagrees with the segments on {} passages": len(np.setxor1d(of_live, said)),
        "shares {} passages between segments": len(passages) - len(np.unique(passages)),
    }
    return [what.format(number) for what, number in checks.items() if number]


def _counts(generation: int) -> dict[str, Select[Any]]:
    """Return statements that count what must not be."""
    notes = select(func.count()).select_from(NoteRow)
    text = exists(select(NoteTextRow.note_key).where(NoteTextRow.note_key == NoteRow.note_key))
    parts = exists(select(PassageRow.note_key).where(PassageRow.note_key == NoteRow.note_key))
    twice = (
        select(NoteRow.source)
        .where(NoteRow.died.is_(None))
        .group_by(NoteRow.source, NoteRow.note_id)
        .having(func.count() > 1)
    )
    return {
        "holds {} notes of generations that are not": notes.where(
            or_(NoteRow.born < 1, NoteRow.born > generation, NoteRow.died <= NoteRow.born)
        ),
        "names {} segments of generations that are not": select(func.count())
        .select_from(SegmentRow)
        .where(
            or_(
                SegmentRow.born < 1,
                SegmentRow.born > generation,
                SegmentRow.died <= SegmentRow.born,
            )
        ),
        "holds {} notes without a text": notes.where(~text),
        "holds {} notes without a passage": notes.where(~parts),
        "holds {} passages under another note": select(func.count())
        .select_from(PassageRow)
        .where(PassageRow.passage_key.bitwise_rshift(_PLACE_BITS) != PassageRow.note_key),
        "holds {} notes twice": select(func.count()).select_from(twice.subquery()),
    }


def _next_key(connection: Connection) -> int:
    value = connection.scalar(select(SettingRow.value).where(SettingRow.name == "next_note_key"))
    return value if isinstance(value, int) else 0


def _keys(connection: Connection, query: Select[Any]) -> Keys:
    return np.fromiter(connection.scalars(query), np.int64)


def _joined(parts: Sequence[Keys]) -> Keys:
    return np.concatenate(parts) if parts else np.empty(0, np.int64)
