"""Families: passages of one patient that are copies of one another, or nearly so.

A passage belongs to the family of the passage most like it among the patient's earlier ones;
where none is like it, it begins one, named by its own key. So a family never changes once it
is written. A passage is compared with the patient's newest ``POOL`` live passages, from
whatever source: notes are copied forward from recent ones, and a commit's cost is bounded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, func, select

from notekin.storage.keys import passage_key
from notekin.storage.likeness import ALIKE, HASHES, Likeness, agreement
from notekin.storage.schema import NoteRow, PassageRow
from notekin.types import NoteKey

POOL = 5_000
_NEVER = 2**62


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
    by_patient: dict[str, list[Newcomer]] = defaultdict(list)
    for newcomer in newcomers:
        if newcomer.patient_id is not None:
            by_patient[newcomer.patient_id].append(newcomer)
    found: dict[NoteKey, list[int]] = {}
    for patient_id, some in by_patient.items():
        pool = _pool(connection, patient_id, sum(len(one.likeness) for one in some))
        for one in some:
            found[one.note_key] = [
                pool.place(passage_key(one.note_key, place), likeness)
                for place, likeness in enumerate(one.likeness)
            ]
    return found


def _pool(connection: Connection, patient_id: str, room: int) -> _Pool:
    rows = connection.execute(
        select(PassageRow.family, PassageRow.likeness)
        .join(NoteRow, NoteRow.note_key == PassageRow.note_key)
        .where(
            NoteRow.patient_id == patient_id,
            func.coalesce(NoteRow.died, _NEVER) == _NEVER,
            PassageRow.likeness.is_not(None),
        )
        .order_by(NoteRow.note_key.desc(), PassageRow.passage_key.desc())
        .limit(POOL)
    ).all()[::-1]
    likeness = np.frombuffer(b"".join(row.likeness for row in rows), np.uint8)
    return _Pool([row.family for row in rows], likeness.reshape(-1, HASHES), room)
