"""One FAISS file on disk: ids and their vectors, opened without being copied.

This file is the wall to FAISS: what comes out of it is numpy.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faiss as _faiss
import numpy as np
import numpy.typing as npt

from notekin.storage.damage import damaged
from notekin.storage.keys import Keys
from notekin.types import Vectors

faiss: Any = _faiss
"""FAISS's own stubs describe the C++ side and miss what its Python adds."""

Mask = npt.NDArray[np.bool_]


def write_vectors(path: Path, ids: Keys, vectors: Vectors) -> None:
    """Write ids (ascending) and vectors of shape (len(ids), dim) as one FAISS file."""
    if len(ids) != len(vectors) or np.any(np.diff(ids) <= 0):
        raise ValueError("ids must be ascending, one a vector")
    faiss_index = faiss.IndexIDMap(faiss.IndexFlatIP(vectors.shape[1]))
    faiss_index.add_with_ids(np.ascontiguousarray(vectors, np.float32), ids)
    faiss.write_index(faiss_index, str(path))


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

    def nearest(self, queries: Vectors, count: int, mask: Mask) -> tuple[Vectors, Keys]:
        """Return the ``count`` ids of the highest inner product with each query.

        Args:
            queries: float32 of shape (q, dim).
            count: How many a query; fewer come back where fewer are allowed.
            mask: bool of shape (n,), the rows that may be returned.

        Returns:
            Scores and ids, each of shape (q, min(count, allowed)), best first.
        """
        count = min(count, int(mask.sum()))
        if count == 0:
            empty = (len(queries), 0)
            return np.empty(empty, np.float32), np.empty(empty, np.int64)
        scores, rows = self._flat.search(queries, count, params=_only(mask))
        return scores, self.ids[rows]

    def rows_between(self, first: int, last: int) -> slice:
        """Return the rows whose ids lie from ``first`` up to, not including, ``last``."""
        start, stop = np.searchsorted(self.ids, [first, last])
        return slice(int(start), int(stop))


def _only(mask: Mask) -> Any:
    """Return the search parameters that let pass the rows of the mask; None lets all pass."""
    if mask.all():
        return None
    return faiss.SearchParameters(sel=faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little")))
