"""What benchmarks/store.py asks of every system: the notes, the filters, the measures.

Needs numpy alone, so that it runs in the peers' own environment, too.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Days = npt.NDArray[np.int64]

DAYS = 10_000
"""Each patient has one of so many days, so that ``day < limit`` picks any share of them."""
SHARES = (1.0, 0.1, 0.01, 0.001, 0.0001)
K = 10
COMMIT_NOTES = 2_048
RATE_COMMITS = 10
BUDGET_S = 20.0
FEWEST_QUERIES = 10
"""A system that is slow answers fewer queries: as many as fit the budget, at least these."""
_AT_ONCE = 50_000


@dataclass(frozen=True)
class Task:
    """Notes' vectors, a patient and a day each; queries, and what they should find."""

    vectors: Vectors
    patients: Days
    days: Days
    queries: Vectors

    def save(self, folder: Path) -> None:
        """Write it for other processes, with the true nearest at each share."""
        for name in ("vectors", "patients", "days", "queries"):
            np.save(folder / f"{name}.npy", getattr(self, name))
        exact = {str(share): self.exact(below(share)) for share in SHARES}
        (folder / "exact.json").write_text(json.dumps(exact))

    @classmethod
    def load(cls, folder: Path) -> Task:
        """Read what ``save`` wrote; the vectors are mapped."""
        names = ("vectors", "patients", "days", "queries")
        return cls(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in names))

    def exact(self, limit: int | None) -> list[list[int]]:
        """Return the true k nearest of each query among the notes of ``day < limit``."""
        rows = np.arange(len(self.days)) if limit is None else np.flatnonzero(self.days < limit)
        best = [np.empty((len(self.queries), 0))] * 2
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            scores = np.concatenate([best[0], self.queries @ self.vectors[some].T], axis=1)
            ids = np.concatenate([best[1], np.broadcast_to(some, (len(scores), len(some)))], 1)
            top = np.argpartition(-scores, min(K, scores.shape[1] - 1), axis=1)[:, :K]
            best = [np.take_along_axis(part, top, axis=1) for part in (scores, ids)]
        return [list(map(int, found)) for found in best[1]]


class System(Protocol):
    """Something that keeps vectors with a patient and a day each, and finds the nearest."""

    name: str
    one_process: bool
    """Whether a folder can be opened by one process at a time only."""

    def create(self, folder: Path, dim: int) -> None:
        """Make an empty collection."""
        ...

    def add(self, first: int, vectors: Vectors, patients: Days, days: Days) -> None:
        """Take notes in, durably; their ids count from ``first``."""
        ...

    def finish(self) -> None:
        """Build what makes it fast."""
        ...

    def open(self, folder: Path) -> None:
        """Open what another process made."""
        ...

    def search(self, query: Vectors, k: int, limit: int | None) -> list[int]:
        """Return the ids of the k nearest among those of ``day < limit``; None for all."""
        ...

    def close(self) -> None:
        """Let go of the folder."""
        ...


def make_task(notes: int, dim: int, patients: int, queries: int, seed: int = 0) -> Task:
    """Return clustered vectors whose directions matter less and less, as a language model's do.

    Notes lie around one centre for each hundred of them, clusters differ in size, and a
    patient's notes lie anywhere. Queries are vectors of notes with noise added.
    """
    random = np.random.default_rng(seed)
    spread = np.arange(1, dim + 1, dtype=np.float32) ** -0.6
    spread /= np.linalg.norm(spread)
    centres = random.standard_normal((max(16, notes // 100), dim), dtype=np.float32) * spread
    sizes = random.pareto(1.5, len(centres)) + 0.3
    vectors = np.empty((notes, dim), np.float32)
    for start in range(0, notes, _AT_ONCE):
        part = vectors[start : start + _AT_ONCE]
        noise = 0.6 * spread * random.standard_normal(part.shape, dtype=np.float32)
        part[:] = _unit(
            centres[random.choice(len(centres), len(part), p=sizes / sizes.sum())] + noise
        )
    patient = random.integers(0, patients, notes)
    days = random.permutation(patients)[patient] % DAYS
    chosen = vectors[random.choice(notes, queries, replace=False)]
    noise = random.standard_normal(chosen.shape, dtype=np.float32) * np.float32(0.3 / dim**0.5)
    return Task(vectors, patient, days, _unit(chosen + noise))


def below(share: float) -> int | None:
    """Return the first day that is not allowed; None where all are."""
    return None if share == 1 else max(1, round(DAYS * share))


def commit_rate(system: System, task: Task, folder: Path) -> float:
    """Return notes a second over a few commits of the size that indexing makes.

    A system that is slow makes fewer: no commit begins once the budget is used up.
    """
    count = min(len(task.days), RATE_COMMITS * COMMIT_NOTES)
    system.create(folder, task.vectors.shape[1])
    began, done = time.perf_counter(), 0
    while done < count and time.perf_counter() - began < BUDGET_S:
        done += _add_part(system, task, done, min(done + COMMIT_NOTES, count))
    took_s = time.perf_counter() - began
    system.close()
    return done / took_s


def build(system: System, task: Task, folder: Path, at_once: int) -> float:
    """Take all notes in and make them fast to search; return how many seconds it took."""
    if hasattr(system, "syncs"):
        setattr(system, "syncs", False)  # noqa: B010 - no other system has it
    system.create(folder, task.vectors.shape[1])
    began = time.perf_counter()
    for first in range(0, len(task.days), at_once):
        _add_part(system, task, first, min(first + at_once, len(task.days)))
    system.finish()
    return time.perf_counter() - began


def _add_part(system: System, task: Task, first: int, last: int) -> int:
    part = slice(first, last)
    system.add(first, np.asarray(task.vectors[part]), task.patients[part], task.days[part])
    return last - first


def latencies(system: System, task: Task, exact: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give latency and recall at each share of allowed notes; one query at a time."""
    for share in SHARES:
        limit, wanted = below(share), exact[str(share)]
        if not any(wanted):
            continue  # so small a share of so few notes is none
        began = time.perf_counter()
        for query in task.queries[:20]:
            system.search(query, K, limit)
            if time.perf_counter() - began > BUDGET_S / 4:
                break
        times, found = _asked(system, task.queries, limit)
        hits = sum(len(set(want) & set(got)) for want, got in zip(wanted, found, strict=False))
        yield {
            "system": system.name,
            "share": share,
            "queries": len(found),
            "median_ms": round(float(np.median(times)), 3),
            "p99_ms": round(float(np.percentile(times, 99)), 3),
            "recall": round(hits / sum(map(len, wanted[: len(found)])), 4),
            "fewest": min(map(len, found)),
            "enough": all(len(got) == len(want) for got, want in zip(found, wanted, strict=False)),
        }


def _asked(
    system: System, queries: Vectors, limit: int | None
) -> tuple[list[float], list[list[int]]]:
    times: list[float] = []
    found: list[list[int]] = []
    for query in queries:
        began = time.perf_counter()
        found.append(system.search(query, K, limit))
        times.append((time.perf_counter() - began) * 1000)
        if sum(times) > BUDGET_S * 1000 and len(times) >= FEWEST_QUERIES:
            break
    return times, found


def be_reader(system: System, folder: Path, queries: Path) -> None:
    """Be one reader: open, search, wait for the others, say what it took."""
    loaded = np.load(queries)[:FEWEST_QUERIES]
    before = _memory_mb()
    began = time.perf_counter()
    system.open(folder)
    open_ms = (time.perf_counter() - began) * 1000
    system.search(loaded[0], K, None)
    first_ms = (time.perf_counter() - began) * 1000
    for query in loaded:
        system.search(query, K, None)
    _say("ready")
    sys.stdin.readline()
    grown = {f"{name}_mb": value - before[name] for name, value in _memory_mb().items()}
    _say(json.dumps({"open_ms": open_ms, "first_ms": first_ms} | grown))
    sys.stdin.readline()


def readers(command: Sequence[str], count: int) -> dict[str, float] | None:
    """Return what each of some simultaneous readers took: the worst of them; None if they fail."""
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(count)
    ]
    try:
        if not all(_line(one) for one in running):
            return None
        for one in running:
            _tell(one)
        said = [json.loads(_line(one)) for one in running]
        return {name: round(max(part[name] for part in said), 1) for name in said[0]}
    finally:
        for one in running:
            one.kill()
            one.wait()


def measured(
    system: System,
    task: Task,
    places: tuple[Path, Path],
    reader: Callable[[Path], Sequence[str]],
    at_once: int = COMMIT_NOTES,
    tell: Callable[[dict[str, Any]], None] = lambda _answer: None,
) -> dict[str, Any]:
    """Return all that is measured of one system.

    Args:
        system: Not yet opened.
        task: The same for each.
        places: A folder to work in, and that of the saved task.
        reader: The command that starts a reader of a folder.
        at_once: Notes that are taken in at once when all are.
        tell: Is given the answer so far after each step.
    """
    work, saved = places
    answer: dict[str, Any] = unmeasured(system.name, len(task.days))
    tell(answer)
    answer["commit_notes_per_s"] = round(commit_rate(system, task, work / "rate"), 1)
    tell(answer)
    answer["build_s"] = round(build(system, task, work / "store", at_once), 1)
    tell(answer)
    exact = json.loads((saved / "exact.json").read_text())
    for one in latencies(system, task, exact):
        answer["search"].append(one)
        tell(answer)
    system.close()
    answer["readers_1"] = readers(reader(work / "store"), 1)
    answer["readers_4"] = None if system.one_process else readers(reader(work / "store"), 4)
    answer["size_mb"] = round(_size_mb(work / "store"), 1)
    answer["unfinished"] = None
    tell(answer)
    return answer


def unmeasured(name: str, notes: int) -> dict[str, Any]:
    """Return the answer about a system of which nothing is known yet."""
    nothing = dict.fromkeys(["commit_notes_per_s", "build_s", "readers_1", "readers_4", "size_mb"])
    return {"system": name, "notes": notes, **nothing, "search": [], "unfinished": "did not finish"}


class Progress:
    """Prints what is new of an answer, a line each, and keeps the answer in a file."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._said = 0

    def __call__(self, answer: dict[str, Any]) -> None:
        """Print what was not printed before."""
        name = f"{answer['system']:<26}"
        rate, build_s = answer["commit_notes_per_s"], answer["build_s"]
        lines = [] if rate is None else [f"{name} {rate:,.0f} notes committed a second"]
        lines += [] if build_s is None else [f"{name} all taken in and indexed in {build_s:,.1f} s"]
        lines += map(_latency, answer["search"])
        for line in lines[self._said :]:
            _say(line)
        self._said = len(lines)
        if self._path is not None:
            self._path.write_text(json.dumps(answer))


def tables(answers: Sequence[dict[str, Any]]) -> str:
    """Return what was measured as two tables."""
    lines = [
        f"{'system':<26} {'commit/s':>9} {'build s':>8} {'open ms':>8} {'first ms':>9} "
        f"{'1: rss':>8} {'4: rss':>8} {'4: pss':>8} {'disk MB':>8}"
    ]
    lines += [_overview(answer) for answer in answers if "commit_notes_per_s" in answer]
    unfinished = [answer for answer in answers if answer.get("unfinished")]
    lines += [f"{answer['system']:<26} {answer['unfinished']}" for answer in unfinished]
    lines += ["", f"{'system':<26} {'allowed':>8} {'queries':>7} {'median ms':>9} {'p99 ms':>9} "]
    lines[-1] += f"{'recall':>7} {'fewest':>6}"
    lines += [_latency(one) for answer in answers for one in answer["search"]]
    return "\n".join(lines)


def _overview(answer: dict[str, Any]) -> str:
    one, four = answer["readers_1"] or {}, answer["readers_4"] or {}
    cells = [answer["commit_notes_per_s"], answer["build_s"]]
    cells += [one.get("open_ms"), one.get("first_ms"), one.get("rss_mb")]
    cells += [four.get("rss_mb"), four.get("pss_mb"), answer["size_mb"]]
    widths = (9, 8, 8, 9, 8, 8, 8, 8)
    shown = " ".join(
        f"{'-' if cell is None else format(cell, ',.0f' if cell >= 1000 else ',.1f'):>{width}}"
        for cell, width in zip(cells, widths, strict=True)
    )
    return f"{answer['system']:<26} {shown}"


def _latency(one: dict[str, Any]) -> str:
    return (
        f"{one['system']:<26} {one['share']:>8.2%} {one['queries']:>7} {one['median_ms']:>9.3f} "
        f"{one['p99_ms']:>9.3f} {one['recall']:>7.4f} {one['fewest']:>6}"
    )


def _memory_mb() -> dict[str, float]:
    """Return resident, proportional (shared pages divided) and private memory, in MB."""
    rows = Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
    kb = {row.split(":")[0]: int(row.split()[1]) for row in rows}
    private = kb["Private_Clean"] + kb["Private_Dirty"]
    return {"rss": kb["Rss"] / 1000, "pss": kb["Pss"] / 1000, "private": private / 1000}


def _size_mb(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _line(process: subprocess.Popen[str]) -> str:
    """Return the next line that is a reader's own; some systems print, too."""
    assert process.stdout is not None
    while (line := process.stdout.readline()) and not line.startswith(("ready", "{")):
        pass
    return line


def _tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def _unit(rows: npt.NDArray[Any]) -> Vectors:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)
