"""The best notes of one snapshot by two channels: a few from each, then all of both's scores.

The candidates are the notes of the nearest passages and those that can be most relevant. Each
gets its exact score in both channels. A note that is no candidate has no passage nearer than
the last one fetched, and a relevance that is bounded; where that could still bring it among the
best, it is scored, too. So what is found equals a scan of all notes; where passages come from
an approximate index, up to its recall.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from notekin.search.fusion import Fusion
from notekin.storage.keys import Keys, contains, note_keys_of
from notekin.storage.nearest import NoteScores, Seen
from notekin.storage.relevance import Relevance
from notekin.storage.snapshot import Snapshot
from notekin.types import Vectors

FIRST_FETCH = 4
"""Passages fetched first for each note asked for."""
FETCH_GROWTH = 4
FEWEST_CANDIDATES = 50
MOST_UNSEEN = 2_000
"""Notes beside the candidates that are scored where an approximate index found the passages."""
_ROUNDING = 1e-6
"""How far a bound, a sum of float32, may lie below what it bounds."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to look.

    Attributes:
        allowed: Keys of the notes that may be found, ascending; None for all.
        sections: Titles of sections; only what stands in one of them counts. None for all.
    """

    allowed: Keys | None = None
    sections: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How one channel sees some notes.

    Attributes:
        ranks: Of each among the candidates that this channel scores, counted from 1.
        scores: The channel's own: a cosine, or a relevance.
    """

    ranks: Keys
    scores: Vectors


@dataclass(frozen=True, slots=True)
class Ranking:
    """Notes, best first, equal scores by key.

    Attributes:
        keys: int64 of shape (notes,).
        scores: float32 of shape (notes,).
        seen: How they were found.
        channels: Channel's name to how it sees these notes.
    """

    keys: Keys
    scores: Vectors
    seen: Seen
    channels: Mapping[str, Standing]


@dataclass(frozen=True, slots=True)
class NearestNotes:
    """Notes by their best passages, best first.

    Attributes:
        floor: No other note has a passage with a higher score; below all scores where there is
            no other note.
    """

    keys: Keys
    scores: Vectors
    seen: Seen
    floor: float

    @property
    def whole(self) -> bool:
        """Whether these are all the notes that there are."""
        return self.floor == -np.inf


def nearest_notes(
    snapshot: Snapshot, queries: Vectors, count: int, scope: Scope, fetch: int | None = None
) -> list[NearestNotes]:
    """Return for each query at least ``count`` notes, or all that there are."""
    fetch = fetch or max(count * FIRST_FETCH, FEWEST_CANDIDATES)
    found = snapshot.nearest_passages(queries, fetch, scope.allowed, scope.sections)
    whole = found.keys.shape[1] < fetch
    lists = []
    for scores, passages in zip(found.scores, found.keys, strict=True):
        keys, first = np.unique(note_keys_of(passages), return_index=True)
        order = np.argsort(first)
        floor = -np.inf if whole else float(scores[-1])
        lists.append(NearestNotes(keys[order], scores[first[order]], found.seen, floor))
    short = [at for at, one in enumerate(lists) if len(one.keys) < count and not one.whole]
    if short:
        again = nearest_notes(snapshot, queries[short], count, scope, fetch * FETCH_GROWTH)
        for at, one in zip(short, again, strict=True):
            lists[at] = one
    return lists


def by_dense(near: NearestNotes, k: int) -> Ranking:
    """Return the ``k`` notes with the best passages."""
    keys, scores = near.keys[:k], near.scores[:k]
    standing = Standing(np.arange(1, len(keys) + 1), scores)
    return Ranking(keys, scores, near.seen, {"dense": standing})


def by_lexical(relevance: Relevance, k: int, scope: Scope) -> Ranking:
    """Return the ``k`` most relevant notes; only notes that say something of the query."""
    most = relevance.at_most(scope.allowed)
    keys = _highest(most, max(k, FEWEST_CANDIDATES))
    keys = most.keys[most.scores >= _kth(relevance.of(keys), k) - _ROUNDING]
    scores = relevance.of(keys)
    best = _best(keys, scores, k)
    seen = Seen(exact=True, candidates=len(keys))
    return Ranking(keys[best], scores[best], seen, {"lexical": _standing(scores, best)})


class HybridRanker:
    """Ranks notes for one query by both channels."""

    def __init__(
        self, snapshot: Snapshot, query: Vectors, relevance: Relevance, fusion: Fusion, scope: Scope
    ) -> None:
        self._snapshot = snapshot
        self._query = query
        self._relevance = relevance
        self._fusion = fusion
        self._scope = scope
        self._most = relevance.at_most(scope.allowed)

    def rank(self, near: NearestNotes, k: int) -> Ranking:
        """Return the ``k`` best notes, given at least ``k`` of the nearest where there are so many.

        A note that says nothing and is not among these is no better than any of them.
        """
        keys = np.union1d(near.keys, _highest(self._most, max(k, FEWEST_CANDIDATES)))
        cosines, relevances = self._scores(keys, near)
        least = _kth(self._fusion.fuse(relevances, cosines), k)
        unseen = self._unseen(keys, near, least)
        if len(unseen):
            more_cosines, more_relevances = self._scores(unseen, near)
            keys = np.concatenate([keys, unseen])
            cosines = np.concatenate([cosines, more_cosines])
            relevances = np.concatenate([relevances, more_relevances])
        fused = self._fusion.fuse(relevances, cosines)
        best = _best(keys, fused, k)
        seen = near.seen + Seen(candidates=len(keys))
        standings = {"dense": _standing(cosines, best), "lexical": _standing(relevances, best)}
        return Ranking(keys[best], fused[best], seen, standings)

    def _scores(self, keys: Keys, near: NearestNotes) -> tuple[Vectors, Vectors]:
        """Return cosine and relevance of some notes, ascending by key."""
        found = self._snapshot.best_passages(
            self._query, np.setdiff1d(keys, near.keys), self._scope.sections
        )
        known = np.concatenate([near.keys, found.keys])
        order = np.argsort(known)
        at = order[np.searchsorted(known, keys, sorter=order)]
        return np.concatenate([near.scores, found.scores])[at], self._relevance.of(keys)

    def _unseen(self, keys: Keys, near: NearestNotes, least: float) -> Keys:
        """Return the notes, ascending, that may be better than ``least`` and are not among keys."""
        most = self._fusion.fuse(self._most.scores, max(near.floor, 0.0))
        may = np.flatnonzero((most >= least - _ROUNDING) & ~contains(keys, self._most.keys))
        if near.seen.ann and len(may) > MOST_UNSEEN:
            may = np.sort(may[np.argpartition(-most[may], MOST_UNSEEN)[:MOST_UNSEEN]])
        return self._most.keys[may]


def _highest(most: NoteScores, count: int) -> Keys:
    """Return the notes, ascending, with the highest scores."""
    if len(most.keys) <= count:
        return most.keys
    return most.keys[np.sort(np.argpartition(-most.scores, count)[:count])]


def _kth(scores: Vectors, k: int) -> float:
    """Return the ``k``th highest score; below all scores where there are fewer."""
    if len(scores) < k:
        return -np.inf
    return float(np.partition(scores, len(scores) - k)[len(scores) - k])


def _best(keys: Keys, scores: Vectors, k: int) -> Keys:
    """Return where the ``k`` highest scores stand, best first; equal ones by key."""
    near = np.flatnonzero(scores >= _kth(scores, k))
    best: Keys = near[np.lexsort((keys[near], -scores[near]))[:k]]
    return best


def _standing(scores: Vectors, chosen: Keys) -> Standing:
    """Return how a channel sees the chosen ones of the candidates, given all their scores."""
    ascending = np.sort(scores)
    ranks = len(scores) - np.searchsorted(ascending, scores[chosen], "right") + 1
    return Standing(ranks, scores[chosen])
