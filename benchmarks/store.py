"""How fast a store commits, opens and searches, and how near that is to bare FAISS.

    python benchmarks/store.py                              100,000 notes
    python benchmarks/store.py --peers                      other vector databases in the same run
    python benchmarks/store.py --notes 1000000 --peers --peer-s 7200 --json results.json

Vectors are generated (benchmarks/store_task.py): encoding takes no part. Searching is one
query at a time, with the SQL of its filter; recall is that of the 10 nearest. Bare FAISS
gets the same filter as a bitmap, worked out before: flat, and the indexes that the store
built, at the store's effort, without the exact scores.

What is measured is printed as it comes. A peer has a time; of one that does not finish in it, what
it did until then stays in the tables, and that it did not finish is said.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from store_task import (
    Days,
    Progress,
    Task,
    Vectors,
    be_reader,
    latencies,
    make_task,
    measured,
    tables,
    unmeasured,
)

from notekin.search.filters import condition_of
from notekin.search.ranking import Scope, nearest_notes
from notekin.storage.index_choice import IndexChoice, index_named
from notekin.storage.keys import PLACE_BITS
from notekin.storage.records import NewNote, digest_of
from notekin.storage.store import SEGMENTS, StoreFolder
from notekin.storage.vector_file import VectorFile, faiss
from notekin.types import EncodedNote, Fingerprint, Note, NoteId, Passage, PatientId

AT_ONCE = 250_000
FIRST_DAY = datetime(2000, 1, 1)
PEERS = Path(__file__).with_name("store_peers.py")
PEERS_VENV = Path(__file__).with_name("results") / "peers-venv"
PEER_PACKAGES = ["numpy", "milvus-lite==3.2.2", "pymilvus", "lancedb", "chromadb"]
PEER_PACKAGES += ["qdrant-client", "txtai", "psutil"]
PEER_NAMES = ["milvus-lite", "lancedb", "chromadb", "qdrant-client local", "txtai"]
TEXT = "Generated note."
MOST_OF_FAISS = 1.2
ENOUGH_RECALL = 0.99
OPENS_IN_MS = 200


class NoEncoder:
    """Stands where an encoder must: vectors are given, nothing is encoded."""

    def __init__(self, dim: int) -> None:
        self.fingerprint = Fingerprint("generated", None, "generated", "generated", dim)

    def encode(self, texts: Sequence[str]) -> Vectors:
        raise NotImplementedError

    def encode_notes(self, texts: Sequence[str]) -> list[EncodedNote]:
        raise NotImplementedError


class Ours:
    """A store, searched through its newest snapshot; each filter is one it has not seen before."""

    name = "notekin"
    one_process = False

    def __init__(self, index: IndexChoice = IndexChoice.AUTO) -> None:
        self._index = index
        self._asked = 0

    def create(self, folder: Path, dim: int) -> None:
        encoder = NoEncoder(dim)
        self.folder = StoreFolder.open_or_create(folder, encoder.fingerprint, index=self._index)

    def add(self, first: int, vectors: Vectors, patients: Days, days: Days) -> None:
        with self.folder.write() as writer:
            writer.commit(notes_of(first, vectors, patients, days))

    def finish(self) -> None:
        with self.folder.write() as writer:
            writer.compact()
        self._snapshot = self.folder.snapshot()

    def open(self, folder: Path) -> None:
        self.folder = StoreFolder.open(folder)
        self._snapshot = self.folder.snapshot()

    def search(self, query: Vectors, k: int, limit: int | None) -> list[int]:
        allowed = None
        before = None if limit is None else self._before(limit)
        if condition := condition_of(before=before):
            allowed = self._snapshot.select(condition)
        (near,) = nearest_notes(self._snapshot, query[None], k, Scope(allowed))
        return [int(key) - 1 for key in near.keys[:k]]

    def _before(self, limit: int) -> datetime:
        """Return a moment after the last note of the days before ``limit``, another each time."""
        self._asked += 1
        return FIRST_DAY + timedelta(days=limit, microseconds=-self._asked)

    def close(self) -> None:
        self.folder.close()


class OursAgain(Ours):
    """The same store, asked with one filter again and again, as in a session."""

    name = "notekin, filter again"

    def _before(self, limit: int) -> datetime:
        return FIRST_DAY + timedelta(days=limit)


class Flat:
    """Bare FAISS, exact."""

    name = "faiss flat"

    def __init__(self, task: Task) -> None:
        self._days = task.days
        self._index: Any = faiss.IndexFlatIP(task.vectors.shape[1])
        self._index.add(np.asarray(task.vectors))

    def search(self, query: Vectors, k: int, limit: int | None) -> list[int]:
        params = None
        if limit is not None:
            bits = np.packbits(self._days < limit, bitorder="little")
            params = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bits))
        rows = self._index.search(query[None], k, params=params)[1][0]
        return [int(row) for row in rows if row >= 0]


class SameAnn:
    """Bare FAISS on the files that the store built, asked for as many rows as the store asks."""

    name = "faiss, the store's index"

    def __init__(self, store: StoreFolder, task: Task) -> None:
        self._parts: list[tuple[Any, dict[str, Any], np.ndarray, np.ndarray]] = []
        with store.catalog.transaction() as connection:
            from notekin.storage import reading

            records = reading.segments(connection, reading.newest(connection))
        for record in records:
            folder = store.path / SEGMENTS / record.name
            file = folder / "passages.ann.faiss"
            if file.exists():
                index = faiss.read_index(str(file), faiss.IO_FLAG_MMAP_IFC)
                rows = (VectorFile(folder / "passages.faiss").ids >> PLACE_BITS) - 1
                self._parts.append((index, record.facts["passages"], rows, task.days[rows]))

    @property
    def is_there(self) -> bool:
        return bool(self._parts)

    def search(self, query: Vectors, k: int, limit: int | None) -> list[int]:
        scores, found = [], []
        for index, facts, ids, days in self._parts:
            selector = None
            if limit is not None:
                bits = np.packbits(days < limit, bitorder="little")
                selector = faiss.IDSelectorBitmap(bits)
            effort = facts["effort"]
            if facts["kind"] == "ivf":
                params = faiss.SearchParametersIVF(nprobe=effort, sel=selector)
            else:
                params = faiss.SearchParametersHNSW(efSearch=max(effort, 10 * k), sel=selector)
            near, rows = index.search(query[None], 10 * k, params=params)
            scores.append(near[0][rows[0] >= 0])
            found.append(ids[rows[0][rows[0] >= 0]])
        best = np.argsort(-np.concatenate(scores))[:k]
        return [int(row) for row in np.concatenate(found)[best]]


def notes_of(first: int, vectors: Vectors, patients: Days, days: Days) -> list[NewNote]:
    """Return a note of one passage for each vector."""
    fingerprint = NoEncoder(vectors.shape[1]).fingerprint
    passages = (Passage(0, len(TEXT), 3),)
    notes = []
    rows = zip(vectors, patients.tolist(), days.tolist(), strict=True)
    for number, (vector, patient, day) in enumerate(rows, start=first):
        note = Note(
            NoteId(f"n{number}"),
            TEXT,
            "generated",
            patient_id=PatientId(f"p{patient}"),
            recorded_at=FIRST_DAY + timedelta(days=day),
        )
        encoded = EncodedNote(vector, passages, vector[None], 3, 3)
        notes.append(NewNote(note, encoded, digest_of(note, fingerprint)))
    return notes


def peers_python(venv: Path) -> Path:
    """Return the Python of the peers' environment, which is made where it is not there."""
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        for package in PEER_PACKAGES:
            subprocess.run([str(python), "-m", "pip", "install", "--quiet", package], check=False)
    return python


def peers(args: argparse.Namespace, work: Path) -> list[dict[str, Any]]:
    """Measure the other systems, each in a process of its own and within a time.

    Of one that fails or runs out of time, what was measured until then stays, and is said to be
    all there is.
    """
    python, answers = peers_python(args.peers_venv), []
    for name in args.only or PEER_NAMES:
        to = work / f"{name.replace(' ', '-')}.json"
        command = [str(python), str(PEERS), "--only", name, "--task", str(work), "--json", str(to)]
        ended = _within(args.peer_s, command)
        answer = json.loads(to.read_text()) if to.exists() else unmeasured(name, args.notes)
        if answer["unfinished"]:
            answer["unfinished"] = ended or "failed"
            print(f"{name:<26} {answer['unfinished']}", flush=True)
        answers.append(answer)
        print(tables([answer]), end="\n\n", flush=True)
    return answers


def _within(limit_s: float, command: Sequence[str]) -> str | None:
    """Run a command and all that it starts; return how it ended where that was not well."""
    process = subprocess.Popen(command, start_new_session=True)
    try:
        code = process.wait(limit_s)
    except subprocess.TimeoutExpired:
        return f"did not finish in {limit_s:,.0f} s"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # a peer may have started a server
        process.wait()
    return f"failed with exit code {code}" if code else None


def run(args: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    task = make_task(args.notes, args.dim, args.patients, args.queries)
    task.save(folder)
    exact = json.loads((folder / "exact.json").read_text())
    ours = Ours(index_named(args.index))
    work = folder / "notekin"
    work.mkdir()

    def reader(store: Path) -> list[str]:
        return [sys.executable, __file__, "--reader", str(store), str(folder / "queries.npy")]

    answers = [measured(ours, task, (work, folder), reader, AT_ONCE, Progress())]
    ours.open(work / "store")
    answers[0]["index"] = ours.folder.snapshot().index_facts()
    print(json.dumps(answers[0]["index"]), flush=True)
    again = OursAgain()
    again.open(work / "store")
    answers.append({"search": list(latencies(again, task, exact))})
    again.close()
    same = SameAnn(ours.folder, task)
    bare = [*([same] if same.is_there else []), Flat(task)]
    answers += [{"search": list(latencies(one, task, exact))} for one in bare]
    if same.is_there:
        answers[0]["of_faiss"] = of_faiss(ours, same, task)
    ours.close()
    print(tables(answers), end="\n\n", flush=True)
    return answers + (peers(args, folder) if args.peers else [])


def of_faiss(ours: Ours, same: SameAnn, task: Task) -> float:
    """Return our time over bare FAISS's, unfiltered: medians of both, which take turns.

    At each turn both get queries, and never the same: who comes second would find its lists in
    the processor's cache.
    """
    times: list[list[float]] = [[], []]
    for turn in range(3 * len(task.queries)):
        for place, system in enumerate((ours, same)):
            query = task.queries[(turn + place * len(task.queries) // 2) % len(task.queries)]
            began = _now()
            system.search(query, 10, None)
            times[place].append(_now() - began)
    return round(float(np.median(times[0]) / np.median(times[1])), 3)


def bars(answers: Sequence[dict[str, Any]]) -> str:
    """Return what was asked for beside what was measured."""
    ours, others = answers[0], answers
    recall = min(one["recall"] for one in ours["search"])
    enough = all(one["enough"] for one in ours["search"])
    opened = (ours["readers_1"] or {}).get("open_ms", float("inf"))
    lines = ["bar                                          measured"]
    if "of_faiss" in ours:
        lines.append(f"{'times bare FAISS on the same index':<44} {ours['of_faiss']:.2f}")
        lines[-1] += _verdict(ours["of_faiss"] <= MOST_OF_FAISS)
    lines.append(f"{'least recall@10':<44} {recall:.4f}" + _verdict(recall >= ENOUGH_RECALL))
    lines.append(f"{'k wherever k exist':<44} {'yes' if enough else 'no'}" + _verdict(enough))
    lines.append(f"{'opened, ms':<44} {opened:.1f}" + _verdict(opened < OPENS_IN_MS))
    for other in others[1:]:
        if "commit_notes_per_s" not in other:
            continue
        name = other["system"]
        if other["unfinished"]:
            lines.append(f"{name:<44} {other['unfinished']}")
        if other["commit_notes_per_s"] is not None:
            times = ours["commit_notes_per_s"] / other["commit_notes_per_s"]
            lines.append(f"{'commits, times ' + name:<44} {times:.2f}" + _verdict(times >= 1))
        lines += [_beside(name, mine, its) for mine, its in _pairs(ours, other)]
    return "\n".join(lines)


def _pairs(
    ours: dict[str, Any], other: dict[str, Any]
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    its = {one["share"]: one for one in other["search"]}
    return [(one, its[one["share"]]) for one in ours["search"] if one["share"] in its]


def _beside(name: str, mine: dict[str, Any], its: dict[str, Any]) -> str:
    times = its["median_ms"] / mine["median_ms"]
    what = f"median, times quicker than {name} at {mine['share']:.2%}"
    equal = "" if its["recall"] >= ENOUGH_RECALL else f"  (its recall is {its['recall']:.3f})"
    return f"{what:<44} {times:.2f}" + _verdict(times >= 1) + equal


def _verdict(met: bool) -> str:
    return "" if met else "   MISSED"


def _now() -> float:
    from time import perf_counter

    return perf_counter()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notes", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--patients", type=int, default=50_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--index", default="auto", help="auto, exact, hnsw or ivf")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--folder", type=Path, help="where to work; else a temporary folder")
    parser.add_argument("--json", type=Path, help="write the numbers here, too")
    parser.add_argument("--peers", action="store_true", help="measure other databases, too")
    parser.add_argument("--only", nargs="*", help="with --peers: these alone")
    parser.add_argument("--peer-s", type=float, default=900, help="seconds a peer may take")
    parser.add_argument("--peers-venv", type=Path, default=PEERS_VENV, help="made where it is not")
    parser.add_argument("--reader", nargs=2, type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    faiss.omp_set_num_threads(args.threads)
    if args.reader:
        return be_reader(Ours(), *args.reader)
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        answers = run(args, Path(folder))
    print(tables(answers), bars(answers), sep="\n\n")
    if args.json:
        args.json.write_text(json.dumps(answers, indent=2) + "\n")
    return None


if __name__ == "__main__":
    main()
