"""How long a cohort of five criteria takes over a large store, and how much memory.

    python benchmarks/cohort_scale.py              1,000,000 passages of 50,000 patients
    python benchmarks/cohort_scale.py --passages 100000 --patients 5000 --json results.json

Notes are generated (benchmarks/store_task.py gives the vectors; sentences come from a small
stock), so encoding takes no part; the store is real. The run is a process of its own: its
peak memory is told beside what it held once the store was open, and how much of the peak was its
own: the rest is files that are mapped, which others share and the system takes back at will.
``--keep`` leaves the store.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from store_task import Vectors, make_task

from notekin.search.cohort.definition_file import read_definition
from notekin.search.cohort.keeping import to_keep
from notekin.search.cohort.run import run
from notekin.storage.index_choice import IndexChoice
from notekin.storage.records import NewNote, digest_of
from notekin.storage.store import StoreFolder
from notekin.types import EncodedNote, Fingerprint, Note, NoteId, Passage, PatientId

NOTES_AT_ONCE = 10_000
FIRST_DAY = datetime(2015, 1, 1)
CATEGORIES = ("Discharge summary", "Progress note", "ED note", "Clinic letter")
COMMON = (
    "Seen on the ward this morning and comfortable at rest.",
    "Blood pressure 128 over 74, pulse 80, afebrile.",
    "Takes her tablets as written and has no complaints.",
    "Wound clean and dry, dressing changed.",
    "Plan is to repeat the bloods on Monday.",
    "Denies chest pain, fever or cough.",
    "Discussed with the family, who agree.",
    "Walks with a frame and needs help on the stairs.",
)
RARE = (
    ("Known heart failure with reduced ejection fraction.", 0.010),
    ("No sign of heart failure today.", 0.010),
    ("Her father died of heart failure.", 0.004),
    ("Started sacubitril last week.", 0.004),
    ("Short of breath on exertion, worse than last year.", 0.010),
    ("Heart transplant in the past.", 0.001),
    ("Continues furosemide 40 mg twice a day.", 0.010),
)
DEFINITION = """
name: scale
include:
  all:
    - id: failure
      meaning: heart failure
      at_least: 1 note
      where: {recorded_at: {after: 2015-06-01}}
    - any:
        - {id: dyspnoea, meaning: short of breath on exertion}
        - {id: drug, phrase: [sacubitril, furosemide]}
    - {id: old, where: {age: {at_least: 50}}}
exclude:
  any:
    - id: transplant
      phrase: heart transplant
      within: {of: failure, days: 3650, before: true}
"""


class GivenVectors:
    """Stands where an encoder must: a text's vector is one of a few that are given."""

    def __init__(self, queries: Vectors) -> None:
        self._queries = queries
        dim = queries.shape[1]
        self.fingerprint = Fingerprint("generated", None, "generated", "generated", dim)

    def encode(self, texts: Sequence[str]) -> Vectors:
        return np.stack([self._queries[len(text) % len(self._queries)] for text in texts])

    def encode_notes(self, texts: Sequence[str]) -> list[EncodedNote]:
        raise NotImplementedError


def build(folder: Path, args: argparse.Namespace) -> float:
    """Write the store; return how long it took."""
    began = time.perf_counter()
    task = make_task(args.passages, args.dim, args.patients, 8)
    np.save(folder / "queries.npy", task.queries)
    encoder = GivenVectors(task.queries)
    store = StoreFolder.open_or_create(
        folder / "store", encoder.fingerprint, index=IndexChoice.EXACT if args.exact else None
    )
    random = np.random.default_rng(1)
    notes = args.passages // args.passages_a_note
    for first in range(0, notes, NOTES_AT_ONCE):
        some = range(first, min(first + NOTES_AT_ONCE, notes))
        made = [note(at, task.vectors, args, random, encoder.fingerprint) for at in some]
        with store.write() as writer:
            writer.commit(made)
        print(f"{some[-1] + 1:,} of {notes:,} notes", end="\r", file=sys.stderr, flush=True)
    store.close()
    return time.perf_counter() - began


def note(
    at: int,
    vectors: Vectors,
    args: argparse.Namespace,
    random: np.random.Generator,
    fingerprint: Fingerprint,
) -> NewNote:
    size = args.passages_a_note
    sentences = [sentence(random) for _ in range(size)]
    text, passages = "", []
    for one in sentences:
        passages.append(Passage(len(text), len(text) + len(one), len(one.split())))
        text += one + " "
    own = vectors[at * size : (at + 1) * size]
    mean = own.mean(axis=0)
    patient = int(random.integers(args.patients))
    made = Note(
        NoteId(f"n{at}"),
        text,
        "generated",
        patient_id=PatientId(f"p{patient:06}"),
        encounter_id=f"e{patient}-{at % 3}",
        category=CATEGORIES[at % len(CATEGORIES)],
        recorded_at=FIRST_DAY + timedelta(hours=int(random.integers(24 * 365 * 5))),
        attributes={"age": 20 + patient % 70},
    )
    tokens = sum(one.tokens for one in passages)
    encoded = EncodedNote(
        np.asarray(mean / np.linalg.norm(mean), np.float32), tuple(passages), own, tokens, tokens
    )
    return NewNote(made, encoded, digest_of(made, fingerprint))


def sentence(random: np.random.Generator) -> str:
    drawn = random.random()
    for text, share in RARE:
        if drawn < share:
            return text
        drawn -= share
    return COMMON[int(random.integers(len(COMMON)))]


def measure(folder: Path, runs: int) -> dict[str, Any]:
    """Run the cohort in this process; return times, memory and what was found."""
    encoder = GivenVectors(np.load(folder / "queries.npy"))
    store = StoreFolder.open(folder / "store")
    snapshot = store.snapshot()
    counted = snapshot.count()
    opened_mb = peak_mb()
    (folder / "definition.yaml").write_text(DEFINITION)
    definition = read_definition(folder / "definition.yaml")
    rules = definition.rules()
    times, answers = [], []
    with Watch() as watch:
        for _ in range(runs):
            began = time.perf_counter()
            answers = [run(rules, snapshot, lambda: encoder, "generated")]
            times.append(time.perf_counter() - began)
    (found,) = answers
    ran_mb = peak_mb()
    kept = to_keep(found.answer, definition.to_dict(), datetime(2026, 1, 1))
    began = time.perf_counter()
    store.cohorts.keep(kept, replace=True)
    kept_s = time.perf_counter() - began
    began = time.perf_counter()
    store.cohorts.read("scale")
    return {
        "notes": counted.notes,
        "passages": counted.passages,
        "patients": counted.patients,
        "runs_s": [round(one, 2) for one in times],
        "keep_s": round(kept_s, 2),
        "read_s": round(time.perf_counter() - began, 2),
        "opened_mb": opened_mb,
        "peak_mb": ran_mb,
        "own_mb": watch.own_mb,
        "members": len(found.answer.members),
        "attrition": [[row.step, row.rule, row.left] for row in found.answer.attrition],
        "spoke": {one.criterion: len(one.spoke) for one in found.screening.criteria},
    }


def peak_mb() -> int:
    """Return what this process held at most; ``ru_maxrss`` would count its parent's, too."""
    return memory_mb("VmHWM")


def memory_mb(name: str) -> int:
    """Return what the system says of this process's memory."""
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) // 1024


class Watch:
    """Looks twenty times a second how much memory this process has that is no mapped file."""

    def __init__(self) -> None:
        self.own_mb = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.05):
            self.own_mb = max(self.own_mb, memory_mb("RssAnon"))


def report(found: dict[str, Any]) -> None:
    size = (f"{found[name]:,} {name}" for name in ("passages", "notes", "patients"))
    print("\n" + ", ".join(size))
    median_s = float(np.median(found["runs_s"]))
    print(f"a cohort of five criteria: median {median_s:.2f} s of {found['runs_s']}")
    print(
        f"peak memory {found['peak_mb']:,} MB, {found['own_mb']:,} MB of it no mapped file; "
        f"{found['opened_mb']:,} MB once the store was open"
    )
    print(f"kept in {found['keep_s']} s, read in {found['read_s']} s; {found['members']:,} members")
    print(f"notes that speak of each: {found['spoke']}")
    print(f"left: {found['attrition']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]  # there is one
    parser.add_argument("--passages", type=int, default=1_000_000)
    parser.add_argument("--passages-a-note", type=int, default=5)
    parser.add_argument("--patients", type=int, default=50_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--exact", action="store_true", help="build no approximate index")
    parser.add_argument("--keep", type=Path, help="build here and leave it; found, it is reused")
    parser.add_argument("--json", type=Path, help="write what was measured here, too")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure(args.measure, args.runs)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        built_s = None if (folder / "store").exists() else round(build(folder, args), 1)
        asked = [sys.executable, __file__, "--measure", str(folder), "--runs", str(args.runs)]
        found = json.loads(subprocess.run(asked, check=True, capture_output=True).stdout)
    found = {"built_s": built_s} | found
    report(found)
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
