"""Which notes are one row of an answer: each by itself, or all of a patient or an encounter."""

from __future__ import annotations

from collections.abc import Hashable
from enum import Enum

from notekin.errors import UsageError
from notekin.storage.records import StoredNote


class Grouping(Enum):
    """What a row of an answer stands for."""

    NOTE = "note"
    PATIENT = "patient"
    ENCOUNTER = "encounter"


def grouping_named(name: str | Grouping | None) -> Grouping:
    """Return the grouping of this name; ``note`` for None.

    Raises:
        UsageError: There is no such grouping.
    """
    if name is None or isinstance(name, Grouping):
        return name or Grouping.NOTE
    try:
        return Grouping(name.strip().lower())
    except ValueError:
        known = ", ".join(one.value for one in Grouping)
        raise UsageError(f"There is no such grouping. Take one of {known}.") from None


def row_of(note: StoredNote, by: Grouping) -> Hashable:
    """Return what is the same for the notes of one row.

    A note that names no patient, or no encounter, is a row of its own.
    """
    if by is Grouping.PATIENT and note.patient_id is not None:
        return note.patient_id
    if by is Grouping.ENCOUNTER and note.encounter_id is not None:
        return note.source, note.patient_id, note.encounter_id
    return note.note_key


def name_of(note: StoredNote, by: Grouping) -> str:
    """Return what qrels call a note's row; one without a patient, or encounter, by its own id."""
    if by is Grouping.PATIENT and note.patient_id is not None:
        return note.patient_id
    if by is Grouping.ENCOUNTER and note.encounter_id is not None:
        return note.encounter_id
    return note.note_id
