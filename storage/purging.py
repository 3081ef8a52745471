"""The removal of what is dead: rows, and the record of the segments that held them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from notekin.storage.cohort_purging import forget_dead
from notekin.storage.reading import PURGED_AT, newest
from notekin.storage.schema import (
    AttributeRow,
    NoteRow,
    NoteTextRow,
    PassageRow,
    SegmentRow,
    SettingRow,
)


@dataclass(frozen=True, slots=True)
class PurgeReport:
    """What a purge did.

    Attributes:
        notes: Dead versions of notes whose rows were removed.
        segments: Segments that held vectors of dead notes and were rewritten.
        bytes_before: Of the whole store, before and after.
    """

    generation: int
    notes: int
    segments: int
    bytes_before: int
    bytes_after: int


def remove_dead(connection: Connection) -> int:
    """Remove the rows of dead notes and of dead segments; generations are counts, and stay.

    From now on snapshots of older generations are refused: their rows are gone.

    Returns:
        How many versions of notes were removed.
    """
    dead = select(NoteRow.note_key).where(NoteRow.died.is_not(None))
    forget_dead(connection)
    for table in (NoteTextRow, PassageRow, AttributeRow):
        connection.execute(delete(table).where(table.note_key.in_(dead)))
    removed = connection.execute(delete(NoteRow).where(NoteRow.died.is_not(None))).rowcount
    connection.execute(delete(SegmentRow).where(SegmentRow.died.is_not(None)))
    _refuse_older(connection)
    return removed


def _refuse_older(connection: Connection) -> None:
    generation = newest(connection)
    kept = update(SettingRow).where(SettingRow.name == PURGED_AT).values(value=generation)
    if not connection.execute(kept).rowcount:
        connection.execute(insert(SettingRow), [{"name": PURGED_AT, "value": generation}])
