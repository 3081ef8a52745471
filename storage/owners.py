"""Whose every live note is, and when it was recorded: columns for what groups by patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import Connection, select

from notekin.storage.keys import Keys
from notekin.storage.reading import seen_by
from notekin.storage.schema import NoteRow

_ROWS_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Owners:
    """The live notes of one generation, in the order of their keys; one item a note each."""

    keys: Keys
    patients: Sequence[str | None]
    encounters: Sequence[str | None]
    recorded: Sequence[datetime | None]


def owners_of(connection: Connection, generation: int) -> Owners:
    """Return whose every note of a generation is."""
    rows = connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(
        select(NoteRow.note_key, NoteRow.patient_id, NoteRow.encounter_id, NoteRow.recorded_at)
        .where(seen_by(generation))
        .order_by(NoteRow.note_key)
    )
    keys: list[int] = []
    patients: list[str | None] = []
    encounters: list[str | None] = []
    recorded: list[datetime | None] = []
    for key, patient, encounter, moment in rows:
        keys.append(key)
        patients.append(patient)
        encounters.append(encounter)
        recorded.append(moment)
    return Owners(np.array(keys, np.int64), patients, encounters, recorded)
