"""The notes that a kept cohort refers to, as far as they live."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from sqlalchemy import Connection, and_, func, select

from notekin.storage.reading import notes_of, seen_by
from notekin.storage.records import StoredNote
from notekin.storage.schema import NoteRow
from notekin.storage.sets import among
from notekin.types import NoteKey

_KEYS_AT_ONCE = 2_000


def live_notes_of(
    connection: Connection, generation: int, keys: Iterable[int], members: Iterable[int], grain: str
) -> dict[int, StoredNote]:
    """Return the facts of the live ones among some notes, by key.

    Args:
        connection: To the catalog.
        generation: In which they live.
        keys: The notes.
        members: Those of them that stand for a patient or an encounter; where one lives no
            more and another of theirs does, that one's facts are under its key.
        grain: ``patient`` or ``encounter``.
    """
    found: dict[int, StoredNote] = {}
    standing = set(members)
    for page in _pages(sorted(set(keys))):
        live = set(
            connection.scalars(
                select(NoteRow.note_key).where(among(NoteRow.note_key, page), seen_by(generation))
            )
        )
        facts = notes_of(connection, page)
        found.update((key, facts[key]) for key in page if key in live)
        for key in (key for key in page if key in standing and key not in live and key in facts):
            other = live_note_of(connection, generation, grain, facts[key])
            if other is not None:
                found[key] = notes_of(connection, [other])[other]
    return found


def live_note_of(
    connection: Connection, generation: int, grain: str, of: StoredNote
) -> NoteKey | None:
    """Return the first live note, by key, of the same patient or encounter as a note."""
    patient = NoteRow.patient_id
    theirs = patient.is_(None) if of.patient_id is None else patient == of.patient_id
    if grain == "encounter":
        theirs = and_(theirs, NoteRow.encounter_id == of.encounter_id)
    key = connection.scalar(select(func.min(NoteRow.note_key)).where(seen_by(generation), theirs))
    return None if key is None else NoteKey(key)


def _pages(keys: Sequence[int]) -> Iterator[list[NoteKey]]:
    left = iter(keys)
    while page := [NoteKey(key) for key in islice(left, _KEYS_AT_ONCE)]:
        yield page
