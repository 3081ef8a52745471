"""Cohorts of the coded conditions of Synthea's patients, against those who bear the code.

``benchmarks/cohort.py --tasks synthea`` runs it. A cohort for each condition that at least 2 of
the patients have coded in their FHIR Conditions, and at least 2 have not; no other choice is made.
What is asked is the code's text without SNOMED's tag in brackets (``(disorder)``), which tells the
groups apart. A condition counts as had whatever its status.

Beside the meaning at the usual cut stand the same without assertion, and the words as a phrase:
Synthea writes the code's text into notes, so that a phrase shows what the notes hold at all. AP and
the best F1 are of all patients, ranked by their best note that counts, equals the worst way round.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cohort_measures import average_precision, best_f1, quality, table

import notekin
from notekin.search.cohort.definition_file import definition_of
from notekin.search.cohort.run import Run

FEWEST = 2
"""So many patients at least have a condition, and so many have not."""
ASKED: Mapping[str, Mapping[str, Any]] = {
    "meaning": {},
    "meaning, assertion: any": {"assertion": "any"},
    "phrase": {},
}
HEADS = ["precision", "recall", "F1", "AP", "best F1"]
_TAG = re.compile(r"\s*\((\w+)\)$")


@dataclass(frozen=True)
class Condition:
    """What some patients have coded.

    Attributes:
        tag: SNOMED's, such as ``finding``; ``untagged`` where the text has none.
    """

    text: str
    tag: str
    patients: frozenset[str]


def conditions_in(folder: Path) -> tuple[list[Condition], frozenset[str]]:
    """Return the conditions that are asked for, by name, and all patients."""
    everybody = frozenset(one["id"] for one in _read(folder / "Patient.ndjson.gz"))
    coded: dict[str, set[str]] = defaultdict(set)
    for one in _read(folder / "Condition.ndjson.gz"):
        coded[one["code"]["text"]].add(one["subject"]["reference"].removeprefix("Patient/"))
    found = []
    for text, patients in sorted(coded.items()):
        if FEWEST <= len(patients) <= len(everybody) - FEWEST:
            tag = _TAG.search(text)
            name = tag[1] if tag else "untagged"
            found.append(Condition(_TAG.sub("", text), name, frozenset(patients)))
    return found, everybody


def coded_tables(data: Path, stores: Path) -> None:
    """Print the measures of each condition by meaning, and the means of every way to ask."""
    conditions, everybody = conditions_in(data / "fhir")
    print(f"\n### Synthea: {len(conditions)} conditions, {len(everybody)} patients\n")
    with notekin.open(stores / "synthea", model="builtin") as store:
        store.index(data / "fhir", source="synthea")
        measured = {
            asked: [_measured(store, one, asked, everybody) for one in conditions]
            for asked in ASKED
        }
    rows: list[list[str | float]] = [
        [one.text, one.tag, str(len(one.patients)), *values]
        for one, values in zip(conditions, measured["meaning"], strict=True)
    ]
    table(["by meaning", "tag", "coded", *HEADS], rows)
    print()
    tags = sorted({one.tag for one in conditions})
    means: list[list[str | float]] = []
    for asked, values in measured.items():
        for tag in ("all", *tags):
            some = [
                value
                for one, value in zip(conditions, values, strict=True)
                if tag in ("all", one.tag)
            ]
            means.append([asked, tag, str(len(some)), *np.mean(some, axis=0)])
    table(["mean", "tag", "conditions", *HEADS], means)


def _measured(
    store: notekin.Store, condition: Condition, asked: str, everybody: frozenset[str]
) -> list[float]:
    name = asked.split(",")[0]
    criterion = {name: condition.text, **ASKED[asked]}
    members = {str(one.patient_id) for one in _found(store, criterion).answer.members}
    ranked = _ranked(store, criterion, condition, everybody)
    return [
        *astuple(quality(members, condition.patients)),
        average_precision(ranked),
        best_f1(ranked),
    ]


def _ranked(
    store: notekin.Store,
    criterion: Mapping[str, Any],
    condition: Condition,
    everybody: frozenset[str],
) -> np.ndarray:
    """Return for each patient, best first, whether the condition is coded."""
    uncut = {"cut": {"score": 0.0}} if "meaning" in criterion else {}
    screening = _found(store, {**criterion, **uncut}).screening
    (one,) = screening.criteria
    scores = dict.fromkeys(everybody, 0.0)
    scores |= zip(map(str, screening.subjects.patient_ids), one.score.tolist(), strict=True)
    best_first = sorted(
        scores, key=lambda patient: (-scores[patient], patient in condition.patients)
    )
    return np.array([patient in condition.patients for patient in best_first])


def _found(store: notekin.Store, criterion: Mapping[str, Any]) -> Run:
    return store.cohort.screen(definition_of({"name": "coded", "include": dict(criterion)}))


def _read(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt") as file:
        yield from map(json.loads, file)
