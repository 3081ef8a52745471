"""Families: passages of one patient that are copies of one another, or nearly so.

A passage belongs to the family of the passage most like it among the patient's earlier ones;
where none is like it, it begins one, named by its own key. So a family never changes once it
is written. A passage is compared with the patient's newest ``POOL`` live passages, from
whatever source: notes are copied forward from recent ones, and a commit's cost is bounded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TypeAlias

import numpy as np
from sqlalchemy import Connection, func, select

from notekin.storage.keys import passage_key
from notekin.storage.likeness import ALIKE, HASHES, Likeness, agreement
from notekin.storage.schema import NoteRow, PassageRow
from notekin.storage.sets import among
from notekin.types import NoteKey

POOL = 5_000
_PATIENTS_AT_ONCE = 256
_NEVER = 2**62
Held: TypeAlias = tuple[int, bytes]
"""A passage's family and likeness."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A note whose passages are to find their families.

    Attributes:
        patient_id: As the catalog holds it; without one there are no families.
        likeness: uint8 of shape (passages, HASHES).
    """

    note_key: NoteKey
    patient_id: str | None
    likeness: Likeness


class _Pool:
    """A patient's passages so far, with room for new ones."""

    def __init__(self, families: Sequence[int], likeness: Likeness, room: int) -> None:
        self._families = list(families)
        self._likeness = np.empty((len(likeness) + room, HASHES), np.uint8)
        self._likeness[: len(likeness)] = likeness

    def place(self, key: int, likeness: Likeness) -> int:
        """Take a passage in and return its family; of equally like ones, the oldest's."""
        count = len(self._families)
        family = key
        if count:
            agreed = agreement(likeness, self._likeness[:count])
            nearest = int(agreed.argmax())
            if agreed[nearest] >= ALIKE:
                family = self._families[nearest]
        self._likeness[count] = likeness
        self._families.append(family)
        return family


def families_of(connection: Connection, newcomers: Sequence[Newcomer]) -> dict[NoteKey, list[int]]:
    """Return the family of each passage, by note; notes without a patient are left out.

    Args:
        connection: The transaction that is to write them; those that they replace are dead in it.
        newcomers: In the order of their keys.
    """
    return families_among(partial(_held, connection), newcomers)


def families_among(
    held_by: Callable[[Sequence[str]], Mapping[str, Sequence[Held]]],
    newcomers: Sequence[Newcomer],
) -> dict[NoteKey, list[int]]:
    """Return the family of each passage, by note; notes without a patient are left out.

    Args:
        held_by: Gives the newest ``POOL`` passages of each of some patients, oldest first.
        newcomers: In the order of their keys.
    """
    by_patient: dict[str, list[Newcomer]] = defaultdict(list)
    for newcomer in newcomers:
        if newcomer.patient_id is not None:
            by_patient[newcomer.patient_id].append(newcomer)
    found: dict[NoteKey, list[int]] = {}
    every = iter(by_patient.items())
    while patients := list(islice(every, _PATIENTS_AT_ONCE)):
        held = held_by([patient_id for patient_id, _ in patients])
        for patient_id, some in patients:
            room = sum(len(one.likeness) for one in some)
            if room == 1 and patient_id not in held:  # like nothing, as there is nothing
                found |= {
                    one.note_key: [passage_key(one.note_key, 0)] * len(one.likeness) for one in some
                }
                continue
            pool = _pool(held.get(patient_id, []), room)
            for one in some:
                found[one.note_key] = [
                    pool.place(passage_key(one.note_key, place), likeness)
                    for place, likeness in enumerate(one.likeness)
                ]
    return found


def _held(connection: Connection, patients: Sequence[str]) -> dict[str, list[Held]]:
    """Return the family and the likeness of each patient's newest passages, oldest first."""
    newest = (NoteRow.note_key.desc(), PassageRow.passage_key.desc())
    place = func.row_number().over(partition_by=NoteRow.patient_id, order_by=newest)
    passages = (
        select(NoteRow.patient_id, PassageRow.family, PassageRow.likeness, place.label("place"))
        .join(PassageRow, NoteRow.note_key == PassageRow.note_key)
        .where(
            among(NoteRow.patient_id, patients),
            func.coalesce(NoteRow.died, _NEVER) == _NEVER,
            PassageRow.likeness.is_not(None),
        )
        .subquery()
    )
    columns = (passages.c.patient_id, passages.c.family, passages.c.likeness)
    query = select(*columns).where(passages.c.place <= POOL).order_by(passages.c.place.desc())
    held: dict[str, list[Held]] = defaultdict(list)
    for patient_id, family, likeness in connection.execute(query):
        held[patient_id].append((family, likeness))
    return held


def _pool(held: Sequence[Held], room: int) -> _Pool:
    likeness = np.frombuffer(b"".join(one for _, one in held), np.uint8)
    return _Pool([family for family, _ in held], likeness.reshape(-1, HASHES), room)
