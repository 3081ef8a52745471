"""Whose the notes of a store are: subjects as numbers, in the order of their ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import numpy as np

from notekin.search.cohort.rules import Grain
from notekin.search.cohort.screening import NO_MOMENT, Codes, Subjects
from notekin.storage.owners import Owners

Pair = tuple[str | None, str | None]


def subjects_of(owners: Owners, grain: Grain) -> Subjects:
    """Return the subjects of a store's notes.

    A note without a patient, or, where the cohort is of encounters, without an encounter, is
    nobody's. Encounters are told apart by patient and encounter id together.
    """
    pairs = list(zip(owners.patients, owners.encounters, strict=True))
    if grain is Grain.PATIENT:
        whose: list[Pair | None] = [
            None if patient is None else (patient, None) for patient in owners.patients
        ]
    else:
        whose = [
            None if encounter is None else (patient, encounter) for patient, encounter in pairs
        ]
    subject, ids = _numbered(whose)
    encounter = _coded(
        [pair if pair[1] is not None else None for pair in pairs], dict.fromkeys(pairs)
    )
    return Subjects(
        keys=owners.keys,
        subject=subject,
        encounter=encounter,
        moment=moments_of(owners.recorded),
        patient_ids=[patient for patient, _ in ids],
        encounter_ids=[encounter for _, encounter in ids],
    )


def moments_of(recorded: Sequence[datetime | None]) -> Codes:
    """Return moments as microseconds from 1970-01-01; ``NO_MOMENT`` where there is none."""
    moments = np.array(recorded, "datetime64[us]").astype(np.int64)
    return np.where(moments == np.datetime64("NaT").astype(np.int64), NO_MOMENT, moments)


def _numbered(values: Sequence[Pair | None]) -> tuple[Codes, list[Pair]]:
    """Return each value's place among the sorted ones, -1 for None; and those."""
    ids = sorted({value for value in values if value is not None}, key=_in_order)
    return _coded(values, ids), ids


def _coded(values: Sequence[Pair | None], ids: Iterable[Pair]) -> Codes:
    """Return each value's place among some, -1 for None."""
    places: dict[Pair | None, int] = {value: at for at, value in enumerate(ids)}
    places[None] = -1
    return np.fromiter((places[value] for value in values), np.int64)


def _in_order(pair: Pair) -> tuple[tuple[bool, str], ...]:
    return tuple((part is not None, part or "") for part in pair)
