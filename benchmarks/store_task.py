"""What benchmarks/store.py asks of every system: the vectors, the filters, the measures.

Needs numpy alone, so that it runs in the peers' own environment, too.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
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
_AT_ONCE = 50_000


class System(Protocol):
    """Something that keeps vectors with a day each, and finds the nearest."""

    name: str

    def build(self, folder: Path, vectors: Vectors, days: Days) -> None:
        """Take the vectors in; row number is id."""

    def search(self, query: Vectors, k: int, below: int | None) -> list[int]:
        """Return the ids of the k nearest among those of ``day < below``; None for all."""
        ...


@dataclass(frozen=True)
class Task:
    """Vectors of notes, a day each, and queries."""

    vectors: Vectors
    days: Days
    queries: Vectors

    def exact(self, below: int | None) -> list[set[int]]:
        """Return the true k nearest of each query."""
        rows = np.arange(len(self.days)) if below is None else np.flatnonzero(self.days < below)
        best = [np.empty((len(self.queries), 0))] * 2
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            scores = np.concatenate([best[0], self.queries @ self.vectors[some].T], axis=1)
            ids = np.concatenate([best[1], np.broadcast_to(some, (len(scores), len(some)))], 1)
            top = np.argpartition(-scores, min(K, scores.shape[1] - 1), axis=1)[:, :K]
            best = [np.take_along_axis(part, top, axis=1) for part in (scores, ids)]
        return [set(map(int, found)) for found in best[1]]


@dataclass(frozen=True)
class Measured:
    system: str
    share: float
    median_ms: float
    p99_ms: float
    recall: float
    fewest: int
    """Hits of the query that got fewest; k, wherever k exist."""


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
    return Task(vectors, days, _unit(chosen + noise))


def measure(system: System, task: Task) -> Iterator[Measured]:
    """Give latency and recall at each share of allowed notes; one query at a time."""
    for share in SHARES:
        below = None if share == 1 else max(1, round(DAYS * share))
        exact = task.exact(below)
        if not any(exact):
            continue  # so small a share of so few notes is none
        for query in task.queries[:20]:
            system.search(query, K, below)
        times, found = [], []
        for query in task.queries:
            began = time.perf_counter()
            found.append(system.search(query, K, below))
            times.append((time.perf_counter() - began) * 1000)
        hits = sum(len(wanted & set(got)) for wanted, got in zip(exact, found, strict=True))
        yield Measured(
            system.name,
            share,
            round(float(np.median(times)), 3),
            round(float(np.percentile(times, 99)), 3),
            round(hits / sum(map(len, exact)), 4),
            min(map(len, found)),
        )


def line(measured: Measured) -> str:
    return (
        f"{measured.system:<28} {measured.share:>8.2%} {measured.median_ms:>9.3f} "
        f"{measured.p99_ms:>9.3f} {measured.recall:>7.4f} {measured.fewest:>6}"
    )


HEAD = f"{'system':<28} {'allowed':>8} {'median ms':>9} {'p99 ms':>9} {'recall':>7} {'fewest':>6}"


def as_row(measured: Measured) -> dict[str, Any]:
    return asdict(measured)


def _unit(rows: npt.NDArray[Any]) -> Vectors:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)
