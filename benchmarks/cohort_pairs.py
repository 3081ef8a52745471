"""Cohorts of paired notes, with the assertion that is asked for and with ``assertion: any``.

``benchmarks/cohort.py --tasks pairs`` runs it. The notes are those of benchmarks/assertion.py: 12
conditions, each said in four wordings to be so, denied, possible, somebody else's or to be
watched for, of three patients each. A cohort for each condition and each of the five: who of all
720 is of that kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from assertion import CONDITIONS, paired_notes
from cohort_measures import Quality, quality, table

import notekin
from notekin.search.cohort.definition_file import definition_of

ASKED: Mapping[str, Any] = {
    "affirmed": "affirmed",
    "negated": "negated",
    "possible": "possible",
    "family": {"experiencer": "other"},
    "hypothetical": {"polarity": "any", "temporality": "hypothetical"},
}
HEADS = ["precision", "recall", "F1"]


def pairs_table() -> None:
    """Print how right the cohorts are, by what is asked for, in the mean over conditions."""
    notes = paired_notes()
    print(f"\n### Paired notes: {len(notes)}, {len(CONDITIONS)} conditions\n")
    rows: list[list[str | float]] = []
    with TemporaryDirectory() as folder:
        store = notekin.open(Path(folder) / "store", model="builtin")
        store.index(pd.DataFrame(list(notes)), source="pairs")
        with store:
            for kind, asked in ASKED.items():
                found = [_means(store, notes, kind, one) for one in (asked, "any")]
                rows.append([kind, *found[0], *found[1]])
    table(["asked", *HEADS, *(f"{head}, any" for head in HEADS)], rows)


def _means(store: notekin.Store, notes: Any, kind: str, assertion: Any) -> list[float]:
    found = [_quality(store, notes, kind, assertion, one) for one in CONDITIONS]
    return [float(value) for value in np.mean([astuple(one) for one in found], axis=0)]


def _quality(
    store: notekin.Store, notes: Any, kind: str, assertion: Any, condition: str
) -> Quality:
    include = {"meaning": condition, "assertion": assertion}
    answer = store.cohort.screen(definition_of({"name": "pairs", "include": include})).answer
    truth = {
        note["patient_id"] for note in notes if note["note_id"].startswith(f"{kind}/{condition}/")
    }
    return quality({str(one.patient_id) for one in answer.members}, truth)
