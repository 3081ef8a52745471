"""What a purge takes out of kept cohorts: all that refers to the notes it removes.

A member stays while a live note of theirs is left, and then refers to that one. Ids that a
definition names and that no live note has any more are written over.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, and_, delete, func, or_, select, update

from notekin.storage.cohort_schema import (
    CohortEvidenceRow,
    CohortJudgementRow,
    CohortMemberRow,
    CohortRow,
    CohortStatusRow,
)
from notekin.storage.cohorts import hold, seal
from notekin.storage.schema import NoteRow
from notekin.storage.sets import among

GONE = "(purged)"
"""What stands in a definition for an id that was purged; ids that it names meet nobody."""
_IDS = ("patient_id", "encounter_id", "note_id")


def forget_dead(connection: Connection) -> None:
    """Take the dead notes out of all kept cohorts, before their own rows go."""
    hold(connection)
    keys = list(connection.scalars(select(CohortRow.cohort_key)))
    if not keys:
        return
    _move_or_remove_members(connection)
    dead = select(NoteRow.note_key).where(NoteRow.died.is_not(None))
    for table in (CohortEvidenceRow, CohortJudgementRow):
        connection.execute(delete(table).where(table.note_key.in_(dead)))
    for column in (CohortMemberRow.first_note, CohortMemberRow.last_note):
        connection.execute(update(CohortMemberRow).where(column.in_(dead)).values({column: None}))
    _write_over_ids(connection)
    for key in keys:
        seal(connection, key)


def _move_or_remove_members(connection: Connection) -> None:
    rows = connection.execute(
        select(
            CohortMemberRow.cohort_key,
            CohortMemberRow.rank,
            CohortRow.grain,
            NoteRow.patient_id,
            NoteRow.encounter_id,
        )
        .join(CohortRow, CohortRow.cohort_key == CohortMemberRow.cohort_key)
        .join(NoteRow, NoteRow.note_key == CohortMemberRow.note_key)
        .where(NoteRow.died.is_not(None))
    ).all()
    for key, rank, grain, patient, encounter in rows:
        note = _live_note(connection, grain, patient, encounter)
        if note is None:
            for table in (CohortMemberRow, CohortStatusRow, CohortEvidenceRow):
                connection.execute(delete(table).where(table.cohort_key == key, table.rank == rank))
        else:
            connection.execute(
                update(CohortMemberRow)
                .where(CohortMemberRow.cohort_key == key, CohortMemberRow.rank == rank)
                .values(note_key=note)
            )


def _live_note(
    connection: Connection, grain: str, patient: str | None, encounter: str | None
) -> int | None:
    """Return the first live note of a member, by key; None where there is none."""
    of_patient = NoteRow.patient_id.is_(None) if patient is None else NoteRow.patient_id == patient
    theirs = and_(NoteRow.died.is_(None), of_patient)
    if grain == "encounter":
        theirs = and_(theirs, NoteRow.encounter_id == encounter)
    return connection.scalar(select(func.min(NoteRow.note_key)).where(theirs))


def _write_over_ids(connection: Connection) -> None:
    for key, text in connection.execute(select(CohortRow.cohort_key, CohortRow.definition)).all():
        definition = json.loads(text)
        gone = _gone(connection, set(_texts(definition)))
        if gone:
            kept = json.dumps(_without(definition, gone))
            connection.execute(
                update(CohortRow).where(CohortRow.cohort_key == key).values(definition=kept)
            )


def _texts(value: Any) -> Iterable[str]:
    """Give every text of a definition that could be an id: those in lists and mappings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)


def _gone(connection: Connection, texts: set[str]) -> set[str]:
    """Return which of these are ids of dead notes, or of their patients, and of no live one."""
    columns = [getattr(NoteRow, name) for name in _IDS]
    rows = connection.execute(
        select(*columns, NoteRow.died).where(or_(*(among(column, texts) for column in columns)))
    )
    dead: set[str] = set()
    live: set[str] = set()
    for *ids, died in rows:
        (live if died is None else dead).update(one for one in ids if one in texts)
    return dead - live


def _without(value: Any, gone: set[str]) -> Any:
    if isinstance(value, str):
        return GONE if value in gone else value
    if isinstance(value, list):
        return [_without(item, gone) for item in value]
    if isinstance(value, dict):
        return {name: _without(item, gone) for name, item in value.items()}
    return value
