"""One FAISS file on disk: ids and their vectors, opened without being copied.

This file is the wall to FAISS: what comes out of it is numpy.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import faiss as _faiss
import numpy as np

from notekin.storage.damage import damaged
from notekin.storage.keys import Keys
from notekin.storage.segment_file import CHUNK_BYTES
from notekin.storage.vector_rows import Bits
from notekin.types import Vectors

faiss: Any = _faiss
"""FAISS's own stubs describe the C++ side and miss what its Python adds."""


def write_vectors(path: Path, ids: Keys, vectors: Vectors) -> None:
    """Write ids (ascending) and vectors of shape (len(ids), dim) as one FAISS file."""
    if len(ids) != len(vectors) or np.any(np.diff(ids) <= 0):
        raise ValueError("ids must be ascending, one a vector")
    faiss_index = faiss.IndexIDMap(faiss.IndexFlatIP(vectors.shape[1]))
    faiss_index.add_with_ids(np.ascontiguousarray(vectors, np.float32), ids)
    write_faiss(path, faiss_index)


def write_faiss(path: Path, faiss_index: Any) -> None:
    """Write a FAISS object as a file that its owner alone can read.

    FAISS's own writer says nothing when the last bytes find no room; this one raises.

    Raises:
        OSError: The disk is full, or fails.
    """
    failed: list[OSError] = []
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:

        def write(data: bytes) -> None:
            try:
                file.write(data)
            except OSError as error:
                failed.append(error)
                raise

        try:
            faiss.write_index(faiss_index, faiss.PyCallbackIOWriter(write, CHUNK_BYTES))
        except RuntimeError:
            if failed:
                raise failed[0] from None
            raise


class VectorFile:
    """Vectors by id; the pages are mapped from the file and shared between processes.

    Attributes:
        ids: int64 of shape (n,), ascending.
        vectors: float32 of shape (n, dim), a view of the file; never written to.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._index: Any = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError:
            raise damaged(path, "is missing or is not what was written") from None
        self._flat: Any = faiss.downcast_index(self._index.index)
        count, dim = int(self._index.ntotal), int(self._index.d)
        self.ids: Keys = faiss.vector_to_array(self._index.id_map)
        self.vectors: Vectors = faiss.rev_swig_ptr(self._flat.get_xb(), count * dim).reshape(
            count, dim
        )

    def scan(self, queries: Vectors, count: int, bits: Bits | None) -> tuple[Vectors, Keys]:
        """Score every row, and return the ``count`` best of each query.

        Args:
            queries: float32 of shape (q, dim).
            count: At most as many as may come back.
            bits: The rows that may; None for all.

        Returns:
            Scores and rows, each of shape (q, count), best first.
        """
        params = None if bits is None else faiss.SearchParameters(sel=selector(bits))
        scores, rows = self._flat.search(queries, count, params=params)
        return scores, rows

    def score(self, query: Vectors, rows: Keys) -> Vectors:
        """Return the inner product of a query, of shape (dim,), with each of some rows.

        Nothing is copied out of the file: measured, this is faster than a masked scan for
        any share of the rows.
        """
        scores = np.empty(len(rows), np.float32)
        with _one_thread():
            faiss.fvec_inner_products_by_idx(
                faiss.swig_ptr(scores),
                faiss.swig_ptr(np.ascontiguousarray(query, np.float32)),
                self._flat.get_xb(),
                faiss.swig_ptr(np.ascontiguousarray(rows, np.int64)),
                self.vectors.shape[1],
                1,
                len(rows),
            )
        return scores

    def rows_between(self, first: int, last: int) -> slice:
        """Return the rows whose ids lie from ``first`` up to, not including, ``last``."""
        start, stop = np.searchsorted(self.ids, [first, last])
        return slice(int(start), int(stop))


def selector(bits: Bits | None) -> Any:
    """Return what lets FAISS give back the rows of these bits only; None lets all pass."""
    return None if bits is None else faiss.IDSelectorBitmap(bits)


def set_threads(count: int) -> None:
    """Let FAISS use so many processor threads in this process."""
    faiss.omp_set_num_threads(count)


def threads() -> int:
    """Return how many processor threads FAISS may use in calls of this thread."""
    allowed: int = faiss.omp_get_max_threads()
    return allowed


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep FAISS's calls of this thread from waking others, whose start outlasts short work.

    The setting is the calling thread's own; other threads keep theirs.
    """
    allowed = threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(allowed)
