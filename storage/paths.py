"""The path a search takes through one segment's vectors: exact, approximate, or both.

Whatever the path, a score is the exact inner product, and as many come back as exist.
"""

from __future__ import annotations

import numpy as np

from notekin.storage.ann import AnnIndex
from notekin.storage.keys import Keys
from notekin.storage.nearest import Nearest, Seen
from notekin.storage.vector_file import VectorFile
from notekin.storage.vector_rows import Rows
from notekin.types import Vectors

EXACT_ROWS = 20_000
"""Allowed rows up to which scoring each one takes no longer than a filtered ANN search."""
ANN_SHARE = 100
"""An approximate search is not asked for more than one in so many of the rows allowed."""


def nearest(
    file: VectorFile, ann: AnnIndex | None, queries: Vectors, count: int, rows: Rows
) -> Nearest:
    """Return the ``count`` nearest of each query among some rows of one file.

    Args:
        file: The vectors.
        ann: The approximate index over them, where there is one.
        queries: float32 of shape (q, dim).
        count: How many a query.
        rows: Where to look.

    Returns:
        Of shape (q, min(count, rows.count)).
    """
    count = min(count, rows.count)
    if count == 0 or ann is None or not _pays(count, rows):
        return _exact(file, queries, count, rows)
    return _approximate(file, ann, queries, count, rows)


def _pays(count: int, rows: Rows) -> bool:
    if rows.chosen is not None and rows.count <= EXACT_ROWS:
        return False
    return count * ANN_SHARE <= rows.count


def _exact(file: VectorFile, queries: Vectors, count: int, rows: Rows) -> Nearest:
    """Scan the file where no filter is; else score each of the rows that are allowed."""
    seen = Seen(exact=True, candidates=rows.count)
    if count == 0:
        empty = (len(queries), 0)
        return Nearest(np.empty(empty, np.float32), np.empty(empty, np.int64), seen)
    if rows.chosen is None:
        scores, found = file.scan(queries, count, rows.bits)
        order = np.lexsort((found, -scores), axis=1)
        ranked = np.take_along_axis(found, order, axis=1)
        return Nearest(np.take_along_axis(scores, order, axis=1), file.ids[ranked], seen)
    return _stack([_best(file, query, count, rows.chosen) for query in queries], seen)


def _approximate(
    file: VectorFile, ann: AnnIndex, queries: Vectors, count: int, rows: Rows
) -> Nearest:
    """Score what the index proposes; a query for which that is too little is done exactly."""
    bits = rows.selector_bits(len(file.ids))
    proposed = ann.candidates(queries, count, bits, rows.count)
    seen = Seen(ann=True, candidates=proposed.shape[1])
    found = []
    for query, some in zip(queries, proposed, strict=True):
        some = some[some >= 0]
        if len(some) >= count:
            found.append(_best(file, query, count, some))
            continue
        again = _exact(file, query[None], count, rows)
        found.append((again.scores[0], again.keys[0]))
        seen += Seen(exact=True, candidates=0 if seen.exact else rows.count)
    return _stack(found, seen)


def _best(file: VectorFile, query: Vectors, count: int, rows: Keys) -> tuple[Vectors, Keys]:
    """Return scores and keys of the best of some rows; equal scores in the order of their keys."""
    scores = file.score(query, rows)
    if count < len(rows):
        least = np.partition(scores, len(rows) - count)[len(rows) - count]
        near = np.flatnonzero(scores >= least)
        scores, rows = scores[near], rows[near]
    order = np.lexsort((rows, -scores))[:count]
    return scores[order], file.ids[rows[order]]


def _stack(found: list[tuple[Vectors, Keys]], seen: Seen) -> Nearest:
    if len(found) == 1:
        ((scores, keys),) = found
        return Nearest(scores[None], keys[None], seen)
    return Nearest(
        np.stack([scores for scores, _ in found]), np.stack([keys for _, keys in found]), seen
    )
