"""Makes a small store of the format that the code writes, to keep as test data.

    python -m tests.support.make_golden tests/data/golden

writes ``format-N/store`` and ``format-N/expected.json``. Run it once for each released format,
before the format changes; a store that is there is never made again.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

from notekin.search.finding import Finder
from notekin.search.mode import Mode
from notekin.search.request import Request
from notekin.storage.schema import FORMAT
from notekin.storage.store import StoreFolder
from notekin.types import Reject
from tests.support.notes import commit, note, store_of
from tests.support.words import WordEncoder

ENCODER = WordEncoder(dim=8)
QUERY = "fever and cough"
ODD_TEXT = "NUL \0, half a surrogate \ud800, emoji 😀, CRLF\r\n, fever"
FIRST = [
    note("n1", "chest pain for two days", patient="p1", recorded="2020-02-03T04:05:06"),
    note("n2", "fever and cough for three days and a rash", patient="p2", category="ED note"),
    note("n3", ODD_TEXT, patient="p3", title="Odd", author="A", encounter_id="e1"),
    note("n4", "", patient="p1", attributes={"ward": ["a", "b"], "age": 63, "seen": True}),
]
SECOND = [note("n1", "chest pain, now gone, no fever", patient="p1", category="Progress note")]


def make(folder: Path) -> None:
    """Write the store and what it must answer."""
    folder.mkdir(parents=True)
    store = store_of(folder / "store", ENCODER, *FIRST)
    commit(store, ENCODER, *SECOND)
    with store.write() as writer:
        writer.record_rejects([Reject("s", "row 5", "no text")], "run")
    expected = answers(store)
    store.close()
    _checkpoint(folder / "store")
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


def answers(store: StoreFolder) -> dict[str, Any]:
    """Return what a store says of every note, and one search."""
    snapshot = store.snapshot()
    notes = []
    for name in ("n1", "n2", "n3", "n4"):
        found = snapshot.find(name)
        notes.append(
            {
                "note_id": name,
                "patient_id": found.patient_id,
                "category": found.category,
                "recorded_at": found.recorded_at and found.recorded_at.isoformat(),
                "title": found.title,
                "author": found.author,
                "encounter_id": found.encounter_id,
                "attributes": dict(found.attributes),
                "tokens_seen": found.tokens_seen,
                "text": snapshot.text(found.note_key),
                "passages": [[part.start, part.end] for part in snapshot.passages(found.note_key)],
                "vector": [round(float(x), 5) for x in snapshot.note_vector(found.note_key)],
            }
        )
    hits = Finder(snapshot, ENCODER).search(QUERY, Request(4, mode=Mode.DENSE)).hits
    return {
        "generation": snapshot.generation,
        "notes": notes,
        "search": [[hit.note_id, round(hit.score, 4)] for hit in hits],
        "rejects": [[one.source, one.place, one.reason] for one in store.catalog.rejects()],
    }


def _checkpoint(store: Path) -> None:
    """Bring all into the one catalog file; what is made anew at each opening stays out."""
    connection = sqlite3.connect(store / "catalog.sqlite")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    (store / "writer.lock").unlink(missing_ok=True)


if __name__ == "__main__":
    make(Path(sys.argv[1]) / f"format-{FORMAT}")
