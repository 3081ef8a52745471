"""Patients like given ones, by their notes as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from notekin.errors import UsageError
from notekin.search.cohort.likeness import Whole
from notekin.search.cohort.rules import Examples, Grain
from notekin.search.cohort.subjects import subjects_of
from notekin.storage.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class AlikePatient:
    """One patient who is like the given ones.

    Attributes:
        score: Cosine of the mean vectors, at most 1.
        notes: How many notes the patient has.
        note_id: The one that is most like the given patients, and its source.
    """

    rank: int
    patient_id: str
    score: float
    notes: int
    note_id: str
    source: str


@dataclass(frozen=True, slots=True)
class AlikePatients(Sequence[AlikePatient]):
    """Patients, the most alike first.

    Attributes:
        unknown: Given ids that no live note bears.
    """

    generation: int
    unknown: int
    patients: tuple[AlikePatient, ...]

    def __getitem__(self, at: Any) -> Any:
        return self.patients[at]

    def __len__(self) -> int:
        return len(self.patients)

    def __iter__(self) -> Iterator[AlikePatient]:
        return iter(self.patients)

    def to_dict(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        return {
            "generation": self.generation,
            "unknown": self.unknown,
            "patients": [asdict(one) for one in self.patients],
        }


def similar(snapshot: Snapshot, patients: Sequence[str], k: int) -> AlikePatients:
    """Return the ``k`` patients whose notes as a whole are most like those of some; not these.

    Each patient is the mean of their notes' vectors, and the given ones are the mean of theirs.
    Equal scores go by patient id.

    Raises:
        UsageError: ``k`` is below 1.
        CohortError: None of them has a note in the store.
    """
    if k < 1:
        raise UsageError(f"k is {k}; ask for at least one patient.")
    owners = snapshot.owners()
    subjects = subjects_of(owners, Grain.PATIENT)
    whole = Whole(snapshot, owners)
    found = whole.find(Examples(patients=tuple(patients)))
    scores = whole.directions(subjects.subject, len(subjects)) @ found.direction
    given = np.unique(subjects.subject[found.notes & (subjects.subject >= 0)])
    scores[given] = -np.inf
    best = np.argsort(-scores, kind="stable")[:k]
    best = best[np.isfinite(scores[best])]
    rows = [np.flatnonzero(subjects.subject == at) for at in best.tolist()]
    nearest = [int(owners.keys[whole.nearest_note(found.direction, some)]) for some in rows]
    notes = snapshot.notes(nearest)  # type: ignore[arg-type]  # keys of notes
    return AlikePatients(
        snapshot.generation,
        found.unknown,
        tuple(
            AlikePatient(
                rank,
                subjects.patient_ids[at] or "",
                round(float(scores[at]), 6),
                len(some),
                note.note_id,
                note.source,
            )
            for rank, (at, some, note) in enumerate(
                zip(best.tolist(), rows, notes, strict=True), start=1
            )
        ),
    )
