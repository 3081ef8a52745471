"""How fast a store commits, opens and searches, and how near that is to bare FAISS.

    python benchmarks/store.py                              100,000 notes
    python benchmarks/store.py --notes 1000000 --json results.json
    python benchmarks/store.py --peers                      other vector databases beside it

Vectors are generated (benchmarks/store_task.py): encoding takes no part. Searching is one
query at a time, with the SQL of its filter; recall is that of the 10 nearest. Bare FAISS
gets the same filter as a bitmap: flat, and the index that the store built, at the store's
effort, without the exact scores.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from store_task import HEAD, Days, Measured, Task, Vectors, as_row, line, make_task, measure

from notekin.search.filters import condition_of
from notekin.search.retrieval import Searcher
from notekin.storage.index_choice import IndexChoice, index_named
from notekin.storage.records import NewNote, digest_of
from notekin.storage.store import StoreFolder
from notekin.storage.vector_file import faiss
from notekin.types import EncodedNote, Fingerprint, Note, NoteId, Passage, PatientId

COMMIT_NOTES = 2_048
RATE_COMMITS = 10
FIRST_DAY = datetime(2000, 1, 1)
PEERS = Path(__file__).with_name("store_peers.py")
PEERS_VENV = Path(__file__).with_name("results") / "peers-venv"
PEER_PACKAGES = ["numpy", "milvus-lite==3.2.2", "pymilvus", "lancedb", "chromadb"]
PEER_PACKAGES += ["qdrant-client", "txtai", "psutil"]
TEXT = "Generated note."


class NoEncoder:
    """Stands where an encoder must: vectors are given, nothing is encoded."""

    def __init__(self, dim: int) -> None:
        self.fingerprint = Fingerprint("generated", None, "generated", "generated", dim)

    def encode(self, texts: Sequence[str]) -> Vectors:
        raise NotImplementedError

    def encode_notes(self, texts: Sequence[str]) -> list[EncodedNote]:
        raise NotImplementedError


class Ours:
    """A store of one commit, searched through its newest snapshot."""

    name = "notekin"

    def __init__(self, index: IndexChoice) -> None:
        self._index = index

    def build(self, folder: Path, vectors: Vectors, days: Days) -> None:
        self._encoder = NoEncoder(vectors.shape[1])
        self.folder = StoreFolder.open_or_create(
            folder, self._encoder.fingerprint, index=self._index
        )
        with self.folder.write() as writer:
            writer.commit(notes_of(vectors, days))
        self._searcher = Searcher(self.folder.snapshot(), self._encoder)

    def search(self, query: Vectors, k: int, below: int | None) -> list[int]:
        condition = None
        if below is not None:
            condition = condition_of(before=FIRST_DAY + timedelta(days=below))
        (ranking,) = self._searcher.rank(query[None], k, condition)
        return [int(key) - 1 for key in ranking.keys]

    def path(self, query: Vectors, k: int) -> str:
        return self._searcher.rank(query[None], k)[0].seen.path


class Flat:
    """Bare FAISS, exact."""

    name = "faiss flat"

    def build(self, folder: Path, vectors: Vectors, days: Days) -> None:
        self._days = days
        self.index: Any = faiss.IndexFlatIP(vectors.shape[1])
        self.index.add(vectors)

    def search(self, query: Vectors, k: int, below: int | None) -> list[int]:
        params = None
        if below is not None:
            bits = np.packbits(self._days < below, bitorder="little")
            params = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bits))
        rows = self.index.search(query[None], k, params=params)[1][0]
        return [int(row) for row in rows if row >= 0]


class SameAnn:
    """Bare FAISS on the file that the store built, asked for as many rows as the store asks."""

    name = "faiss, the store's index"

    def __init__(self, path: Path, facts: dict[str, Any]) -> None:
        self._path, self._facts = path, facts

    def build(self, folder: Path, vectors: Vectors, days: Days) -> None:
        self._days = days
        self._index: Any = faiss.read_index(str(self._path), faiss.IO_FLAG_MMAP_IFC)

    def search(self, query: Vectors, k: int, below: int | None) -> list[int]:
        selector = None
        if below is not None:
            bits = np.packbits(self._days < below, bitorder="little")
            selector = faiss.IDSelectorBitmap(bits)
        effort = self._facts["effort"]
        if self._facts["kind"] == "ivf":
            params = faiss.SearchParametersIVF(nprobe=effort, sel=selector)
        else:
            params = faiss.SearchParametersHNSW(efSearch=max(effort, 10 * k), sel=selector)
        rows = self._index.search(query[None], 10 * k, params=params)[1][0][:k]
        return [int(row) for row in rows if row >= 0]


def notes_of(vectors: Vectors, days: Days) -> list[NewNote]:
    """Return a note of one passage for each vector."""
    fingerprint = NoEncoder(vectors.shape[1]).fingerprint
    passages = (Passage(0, len(TEXT), 3),)
    notes = []
    for number, (vector, day) in enumerate(zip(vectors, days, strict=True)):
        note = Note(
            NoteId(f"n{number}"),
            TEXT,
            "generated",
            patient_id=PatientId(f"p{day}"),
            recorded_at=FIRST_DAY + timedelta(days=int(day)),
        )
        encoded = EncodedNote(vector, passages, vector[None], 3, 3)
        notes.append(NewNote(note, encoded, digest_of(note, fingerprint)))
    return notes


def commit_rate(folder: Path, task: Task) -> float:
    """Return notes a second over a few commits of the size that indexing makes."""
    store = StoreFolder.open_or_create(folder, NoEncoder(task.vectors.shape[1]).fingerprint)
    some = notes_of(
        task.vectors[: COMMIT_NOTES * RATE_COMMITS], task.days[: COMMIT_NOTES * RATE_COMMITS]
    )
    began = time.perf_counter()
    for start in range(0, len(some), COMMIT_NOTES):
        with store.write() as writer:
            writer.commit(some[start : start + COMMIT_NOTES])
    took_s = time.perf_counter() - began
    store.close()
    return len(some) / took_s


def read(folder: Path, queries: Path) -> None:
    """Be one reader: open, search, wait for the others, say what it took."""
    loaded = np.load(queries)
    before = _memory_mb()
    began = time.perf_counter()
    searcher = Searcher(StoreFolder.open(folder).snapshot(), NoEncoder(loaded.shape[1]))
    open_ms = (time.perf_counter() - began) * 1000
    opened = _memory_mb()
    for query in loaded:
        searcher.rank(query[None], 10)
    print("ready", flush=True)
    sys.stdin.readline()
    grown = {f"{name}_mb": value - before[name] for name, value in _memory_mb().items()}
    opening = {"open_ms": open_ms, "open_rss_mb": opened["rss"] - before["rss"]}
    print(json.dumps(opening | grown), flush=True)
    sys.stdin.readline()


def readers(folder: Path, queries: Path, count: int) -> dict[str, float]:
    """Return what each of some simultaneous readers took: the worst of them, in MB and ms."""
    command = [sys.executable, __file__, "--reader", str(folder), str(queries)]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(count)
    ]
    for one in running:
        _line(one)
    for one in running:
        _tell(one)
    said = [json.loads(_line(one)) for one in running]
    for one in running:
        _tell(one)
        one.wait()
    return {name: round(max(part[name] for part in said), 1) for name in said[0]}


def peers(args: argparse.Namespace) -> None:
    """Run the other systems in an environment of their own, which is made where it is not."""
    python = PEERS_VENV / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEERS_VENV)], check=True)
        for package in PEER_PACKAGES:
            subprocess.run([str(python), "-m", "pip", "install", "--quiet", package], check=False)
    command = [str(python), str(PEERS), "--notes", str(args.notes), "--dim", str(args.dim)]
    command += ["--patients", str(args.patients), "--queries", str(args.queries)]
    subprocess.run(command, check=True)


def run(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    task = make_task(args.notes, args.dim, args.patients, args.queries)
    answer: dict[str, Any] = {"notes": args.notes, "dim": args.dim, "patients": args.patients}
    answer["commit_notes_per_s"] = round(commit_rate(folder / "rate", task), 1)
    ours = Ours(index_named(args.index))
    began = time.perf_counter()
    ours.build(folder / "store", task.vectors, task.days)
    answer["one_commit_s"] = round(time.perf_counter() - began, 1)
    segment = next((folder / "store" / "segments").iterdir())
    answer["size_mb"] = round(ours.folder.size_bytes() / 1e6, 1)
    answer["index"] = ours.folder.snapshot().index_facts()
    answer["path"] = ours.path(task.queries[0], 10)
    np.save(folder / "queries.npy", task.queries)
    for count in (1, 4):
        answer[f"readers_{count}"] = readers(folder / "store", folder / "queries.npy", count)
    print(json.dumps(answer, indent=2), f"\n{HEAD}", flush=True)
    systems: list[Any] = [ours, Flat()]
    facts = answer["index"][0].get("passages", {})
    if "effort" in facts:
        systems.append(SameAnn(segment / "passages.ann.faiss", facts))
    answer["search"] = [as_row(one) for one in _compared(systems, task, folder)]
    return answer


def _compared(systems: list[Any], task: Task, folder: Path) -> list[Measured]:
    found = []
    for system in systems:
        if not isinstance(system, Ours):
            system.build(folder, task.vectors, task.days)
        for measured in measure(system, task):
            print(line(measured), flush=True)
            found.append(measured)
    return found


def _memory_mb() -> dict[str, float]:
    """Return resident, proportional (shared pages divided) and private memory, in MB."""
    rows = Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
    kb = {row.split(":")[0]: int(row.split()[1]) for row in rows}
    private = kb["Private_Clean"] + kb["Private_Dirty"]
    return {"rss": kb["Rss"] / 1000, "pss": kb["Pss"] / 1000, "private": private / 1000}


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def _tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


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
    parser.add_argument("--peers", action="store_true", help="measure other databases instead")
    parser.add_argument("--reader", nargs=2, type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    faiss.omp_set_num_threads(args.threads)
    if args.reader:
        return read(*args.reader)
    if args.peers:
        return peers(args)
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        answer = run(args, Path(folder))
    if args.json:
        args.json.write_text(json.dumps(answer, indent=2) + "\n")
    return None


if __name__ == "__main__":
    main()
