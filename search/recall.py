"""How many of the truly nearest notes the path that searches take finds, by filter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from notekin.search.ranking import Scope, nearest_notes
from notekin.storage.conditions import Condition
from notekin.storage.snapshot import Snapshot
from notekin.types import Encoder, Vectors

SHARES = (1.0, 0.5, 0.2, 0.1, 0.05, 0.01)
MOST_QUERIES = 50
_SEED = 20_240_301


@dataclass(frozen=True, slots=True)
class PathRecall:
    """The recall of dense search where a filter lets some notes pass.

    Attributes:
        share: Of the task's notes, drawn at random.
        notes: How many those are.
        path: ``exact``, ``ann`` or ``ann+exact``, as in ``Results``.
        recall: Of the k nearest by scoring all vectors, the share that was found.
    """

    share: float
    notes: int
    path: str
    recall: float


def path_recall(
    snapshot: Snapshot, encoder: Encoder, corpus: Condition, texts: Sequence[str], k: int
) -> list[PathRecall]:
    """Return the recall@k of up to 50 of the queries, at several shares of the notes."""
    queries = encoder.encode(list(texts[:MOST_QUERIES]))
    notes = snapshot.select(corpus)
    random = np.random.default_rng(_SEED)
    measured = []
    for share in SHARES:
        count = max(round(share * len(notes)), min(k, len(notes)))
        allowed = np.sort(random.choice(notes, count, replace=False))
        measured.append(_measured(snapshot, queries, Scope(allowed), share, k))
    return measured


def _measured(
    snapshot: Snapshot, queries: Vectors, scope: Scope, share: float, k: int
) -> PathRecall:
    found = nearest_notes(snapshot, queries, k, scope)
    shares, path = [], ""
    for query, near in zip(queries, found, strict=True):
        truth = snapshot.best_passages(query, scope.allowed)
        least = np.sort(truth.scores)[-k:][0]
        # An equal score is as near; the two sum in another order, hence the margin.
        shares.append(float(np.mean(near.scores[:k] >= least - 1e-5)))
        path = near.seen.path
    count = 0 if scope.allowed is None else len(scope.allowed)
    return PathRecall(share, count, path, round(float(np.mean(shares)), 4))
