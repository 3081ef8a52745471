"""An approximate index beside a segment's vectors: built, measured, opened, asked.

It only proposes rows; their scores are computed from the vectors themselves
(storage/paths.py). The recall it was measured at is kept with the segment
(docs/decisions/0008-index-choice.md).
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from notekin.errors import DamagedStoreError
from notekin.storage.index_choice import IndexChoice, Recipe
from notekin.storage.keys import Keys
from notekin.storage.vector_file import VectorFile, faiss, selector, write_faiss
from notekin.storage.vector_rows import Bits
from notekin.types import Vectors

ENOUGH_RECALL = 0.99
RECALL_AT = 10
SAMPLE = 200
NOISE = 0.3
"""Length of the random vector added to each sampled one, to make a query of cosine .96."""
_FEWEST_EFFORT = {IndexChoice.IVF: 8, IndexChoice.HNSW: 32}
_MOST_EFFORT = 512
_FILTERED_EFFORT = 3
"""Measured: thrice the effort keeps the recall at any share of allowed rows."""
_NEARLY_ALL = 0.9
"""The share of rows that live above which the measured effort does."""
_PLAIN_COUNT = 100
"""Up to so many are asked for at the measured effort; a multiple takes a multiple of it."""
_TRAINING_A_LIST = 40
_TRAINING_ROUNDS = 8
_ADDED_AT_ONCE = 65_536
_BUILD_EFFORT = 2
"""Of HNSW: candidates looked at for each link made."""


class AnnIndex:
    """An approximate index over the rows of one vector file.

    Attributes:
        facts: ``kind``, ``effort``, ``recall``, ``recall_at``, ``build_s``.
    """

    def __init__(self, faiss_index: Any, facts: Mapping[str, Any]) -> None:
        self.facts = facts
        self._index = faiss_index
        self._kind = IndexChoice(facts["kind"])

    @classmethod
    def open(cls, path: Path, facts: Mapping[str, Any]) -> AnnIndex:
        """Open the index at ``path``; its pages are mapped and shared between processes.

        Raises:
            DamagedStoreError: The file is not what was written.
        """
        try:
            return cls(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC), facts)
        except RuntimeError:
            raise DamagedStoreError(
                f"{path} is missing or is not what was written. Restore it from a backup, "
                "or index the notes into a new store."
            ) from None

    def write(self, path: Path) -> None:
        """Write the index as one file."""
        write_faiss(path, self._index)

    def candidates(self, queries: Vectors, count: int, bits: Bits | None, allowed: int) -> Keys:
        """Return rows among which the ``count`` nearest of each query are, most likely.

        Args:
            queries: float32 of shape (q, dim).
            count: How many are wanted; more rows come back, for the exact scores to pick from.
            bits: The rows that may come back; None for all.
            allowed: How many those are.

        Returns:
            int64 of shape (q, more than count); -1 where too few were found.
        """
        effort = self.facts["effort"] * math.ceil(count / _PLAIN_COUNT)
        if allowed < _NEARLY_ALL * self._index.ntotal:
            effort *= _FILTERED_EFFORT
        return self._propose(queries, count, bits, effort)

    def measure(self, file: VectorFile, queries: Vectors, exact: Keys, effort: int) -> float:
        """Return the recall against the exact rows, of shape (q, RECALL_AT), at an effort."""
        proposed = self._propose(queries, RECALL_AT, None, effort)
        found = 0
        for query, rows, wanted in zip(queries, proposed, exact, strict=True):
            rows = rows[rows >= 0]
            best = rows[np.argsort(-file.score(query, rows))[:RECALL_AT]]
            found += len(np.intersect1d(best, wanted))
        return found / exact.size

    def _propose(self, queries: Vectors, count: int, bits: Bits | None, effort: int) -> Keys:
        fetch = 2 * count + 20
        chosen = selector(bits)
        if self._kind is IndexChoice.IVF:
            effort = min(effort, self._index.nlist)
            params = faiss.SearchParametersIVF(nprobe=effort, sel=chosen)
        else:
            params = faiss.SearchParametersHNSW(efSearch=max(effort, fetch), sel=chosen)
        rows: Keys = self._index.search(queries, fetch, params=params)[1]
        return rows


def build(file: VectorFile, recipes: tuple[Recipe, ...]) -> tuple[AnnIndex | None, dict[str, Any]]:
    """Return an index of enough recall over a file, and what to keep of it in the catalog.

    Recall@10 is measured against the exact scan at growing effort; the least of those tried
    that reaches 0.99 is kept. Queries are vectors of the file with noise added. A recipe that
    does not reach it gives way to the next.

    Returns:
        The index; None where no recipe reaches the recall. Then the facts say
        ``exact``, with the recall that was reached.
    """
    began = time.perf_counter()
    queries = _queries(file.vectors)
    exact = file.scan(queries, RECALL_AT, None)[1]
    reached = 0.0
    for recipe in recipes:
        faiss_index = _built(file.vectors, recipe)
        index = AnnIndex(faiss_index, {"kind": recipe.kind.value})
        for effort in _efforts(recipe.kind, _most_effort(faiss_index)):
            recall = index.measure(file, queries, exact, effort)
            reached = max(reached, recall)
            if recall >= ENOUGH_RECALL:
                facts = _facts(recipe.kind, recall, began) | {"effort": effort}
                return AnnIndex(faiss_index, facts), facts
    return None, _facts(IndexChoice.EXACT, reached, began)


def _facts(kind: IndexChoice, recall: float, began: float) -> dict[str, Any]:
    return {
        "kind": kind.value,
        "recall": round(recall, 5),
        "recall_at": RECALL_AT,
        "build_s": round(time.perf_counter() - began, 2),
    }


def _queries(vectors: Vectors) -> Vectors:
    """Return some of the vectors, moved a little: never one that the index holds."""
    random = np.random.default_rng(0)
    rows = np.sort(random.choice(len(vectors), min(SAMPLE, len(vectors)), replace=False))
    moves = random.standard_normal((len(rows), vectors.shape[1]))
    moves *= NOISE / np.linalg.norm(moves, axis=1, keepdims=True)
    moved = vectors[rows] + moves
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), np.float32)


def _efforts(kind: IndexChoice, most: int) -> Iterator[int]:
    """Give the efforts to try, least first: each, half as much again, and twice as much."""
    effort = _FEWEST_EFFORT[kind]
    yield effort
    while effort < most:
        for more in (3 * effort // 2, 2 * effort):
            if more <= most:
                yield more
        effort *= 2


def _most_effort(faiss_index: Any) -> int:
    """Return how much effort may be made: of IVF, half the lists; a scan reads four times that."""
    lists = getattr(faiss_index, "nlist", None)
    return _MOST_EFFORT if lists is None else lists // 2


def _built(vectors: Vectors, recipe: Recipe) -> Any:
    return (_ivf if recipe.kind is IndexChoice.IVF else _hnsw)(vectors, recipe.fineness)


def _ivf(vectors: Vectors, fineness: int) -> Any:
    count, dim = vectors.shape
    lists = 2 ** round(math.log2(max(1, fineness * math.sqrt(count))))
    lists = max(1, min(lists, count // 4))
    faiss_index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(dim),
        dim,
        lists,
        faiss.ScalarQuantizer.QT_8bit,
        faiss.METRIC_INNER_PRODUCT,
        False,  # the codes are of the vectors, not of what remains beside a list's centre
    )
    clustering = faiss_index.cp
    clustering.niter, clustering.spherical = _TRAINING_ROUNDS, True
    clustering.min_points_per_centroid = 1
    clustering.max_points_per_centroid = _TRAINING_A_LIST
    faiss_index.train(_sample(vectors, lists * _TRAINING_A_LIST))
    _add(faiss_index, vectors)
    return faiss_index


def _hnsw(vectors: Vectors, links: int) -> Any:
    faiss_index = faiss.IndexHNSWSQ(
        vectors.shape[1], faiss.ScalarQuantizer.QT_8bit, links, faiss.METRIC_INNER_PRODUCT
    )
    faiss_index.hnsw.efConstruction = _BUILD_EFFORT * links
    faiss_index.train(_sample(vectors, _ADDED_AT_ONCE))
    _add(faiss_index, vectors)
    return faiss_index


def _add(faiss_index: Any, vectors: Vectors) -> None:
    for start in range(0, len(vectors), _ADDED_AT_ONCE):
        faiss_index.add(vectors[start : start + _ADDED_AT_ONCE])


def _sample(vectors: Vectors, count: int) -> Vectors:
    """Return so many of the vectors, or all; the same ones every time."""
    if count >= len(vectors):
        return vectors
    return vectors[np.sort(np.random.default_rng(1).choice(len(vectors), count, replace=False))]
