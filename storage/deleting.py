"""The statements of a deletion; the catalog runs them inside one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, distinct, func, select, update
from sqlalchemy.orm import InstrumentedAttribute

from notekin.errors import AmbiguousNoteError
from notekin.storage.records import Generation, storable
from notekin.storage.schema import NoteRow
from notekin.storage.sets import among
from notekin.storage.writing import add_generation, next_number

IdColumn = InstrumentedAttribute[str] | InstrumentedAttribute[str | None]


@dataclass(frozen=True, slots=True)
class Condemned:
    """Which notes to delete: those of these note ids, and all those of these patients.

    Attributes:
        source: Only notes of this source; None where any will do.
    """

    notes: frozenset[str] = frozenset()
    patients: frozenset[str] = frozenset()
    source: str | None = None

    @classmethod
    def of(
        cls, notes: Iterable[str], patients: Iterable[str], source: str | None = None
    ) -> Condemned:
        """Return the request with its ids as the catalog holds them."""
        return cls(
            frozenset(map(storable, notes)),
            frozenset(map(storable, patients)),
            None if source is None else storable(source),
        )

    def __len__(self) -> int:
        return len(self.notes) + len(self.patients)


@dataclass(frozen=True, slots=True)
class DeleteReport:
    """What a deletion did.

    Attributes:
        deleted: Notes that were found and are not any more.
        notes_not_found: Note ids given of which the store held no note.
        patients_not_found: Patient ids given of whom the store held no note.
        generation: The newest one; that of before where nothing was found.
    """

    deleted: int
    notes_not_found: int
    patients_not_found: int
    generation: int


def delete_notes(
    connection: Connection, condemned: Condemned, committed_at: datetime
) -> DeleteReport:
    """Set the tombstones of some notes, as one generation; none where no note is found.

    The statements are as many for one id as for a million.

    Raises:
        AmbiguousNoteError: A note id stands in several sources, and none was named.
    """
    of_notes = _live_of(NoteRow.note_id, condemned.notes, condemned.source)
    of_patients = _live_of(NoteRow.patient_id, condemned.patients, condemned.source)
    if condemned.source is None:
        _refuse_ambiguous(connection, of_notes)
    notes_found = _distinct(connection, NoteRow.note_id, of_notes)
    patients_found = _distinct(connection, NoteRow.patient_id, of_patients)
    number = next_number(connection)
    deleted = sum(_bury(connection, which, number) for which in (of_notes, of_patients))
    if deleted:
        add_generation(connection, Generation(number, committed_at, 0, 0, deleted))
    return DeleteReport(
        deleted,
        len(condemned.notes) - notes_found,
        len(condemned.patients) - patients_found,
        number if deleted else number - 1,
    )


def _live_of(column: IdColumn, ids: frozenset[str], source: str | None) -> ColumnElement[bool]:
    anywhere = and_(NoteRow.died.is_(None), among(column, ids))
    return anywhere if source is None else and_(anywhere, NoteRow.source == source)


def _refuse_ambiguous(connection: Connection, of_notes: ColumnElement[bool]) -> None:
    sources = func.count(distinct(NoteRow.source))
    most = connection.scalar(
        select(sources).where(of_notes).group_by(NoteRow.note_id).order_by(sources.desc()).limit(1)
    )
    if most is not None and most > 1:
        raise AmbiguousNoteError(most)


def _distinct(connection: Connection, column: IdColumn, which: ColumnElement[bool]) -> int:
    return connection.scalar(select(func.count(distinct(column))).where(which)) or 0


def _bury(connection: Connection, which: ColumnElement[bool], number: int) -> int:
    return connection.execute(update(NoteRow).where(which).values(died=number)).rowcount
