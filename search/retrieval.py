"""Which notes answer a query best: by meaning and by words."""

from __future__ import annotations

from collections.abc import Sequence

from notekin.errors import UsageError
from notekin.search.fusion import Fusion
from notekin.search.mode import Mode
from notekin.search.ranking import (
    HybridRanker,
    Ranking,
    Scope,
    by_dense,
    by_lexical,
    nearest_notes,
)
from notekin.search.wording import wanted_of
from notekin.storage.conditions import Condition
from notekin.storage.nearest import NoteScores
from notekin.storage.relevance import Relevance
from notekin.storage.snapshot import Snapshot
from notekin.types import Encoder, Vectors


class Searcher:
    """Ranks the notes of one snapshot."""

    def __init__(self, snapshot: Snapshot, encoder: Encoder) -> None:
        self._snapshot = snapshot
        self._encoder = encoder

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the query vector of each text, float32 of shape (len(texts), dim)."""
        return self._encoder.encode(texts)

    def rank(
        self,
        texts: Sequence[str],
        k: int,
        condition: Condition | None = None,
        mode: Mode = Mode.HYBRID,
        sections: Sequence[str] | None = None,
        queries: Vectors | None = None,
    ) -> list[Ranking]:
        """Return the ``k`` notes that answer each text best, by key.

        If ``k`` notes meet the condition, ``k`` come back; in lexical mode, ``k`` of those that
        hold a word of the text, or what says the same.

        Args:
            texts: The queries.
            k: How many notes a query; fewer come back only where fewer are allowed.
            condition: What the notes must meet; None lets all pass.
            mode: Which channels are listened to.
            sections: Titles; only what stands in one of these sections counts.
            queries: The texts' vectors, where they are known; float32 of shape (texts, dim).

        Raises:
            UsageError: ``k`` is below 1, or a text is empty.
            FilterError: The condition asks for a field that no note has.
        """
        _check(k)
        _check_texts(texts)
        allowed = None if condition is None else self._snapshot.select(condition)
        scope = Scope(allowed, sections)
        if mode is Mode.LEXICAL:
            return [by_lexical(self._relevance(text, scope)[0], k, scope) for text in texts]
        queries = self.encode(texts) if queries is None else queries
        found = nearest_notes(self._snapshot, queries, k, scope)
        if mode is Mode.DENSE:
            return [by_dense(near, k) for near in found]
        rankings = []
        for text, query, near in zip(texts, queries, found, strict=True):
            relevance, fusion = self._relevance(text, scope)
            ranker = HybridRanker(self._snapshot, query, relevance, fusion, scope)
            rankings.append(ranker.rank(near, k))
        return rankings

    def score(
        self,
        text: str,
        condition: Condition | None = None,
        mode: Mode = Mode.HYBRID,
        sections: Sequence[str] | None = None,
    ) -> NoteScores:
        """Return the score of every allowed note, exactly: all vectors are looked at.

        In hybrid and lexical mode it is from 0 to 1, and means the same for every query, filter
        and store of one model: 0 where a note shares neither meaning nor words with the text.
        In dense mode it is the cosine, from -1 to 1. Lexical mode gives only the notes that
        hold a word of the text, or what says the same.

        Raises:
            UsageError: The text is empty.
            FilterError: The condition asks for a field that no note has.
        """
        _check_texts([text])
        allowed = None if condition is None else self._snapshot.select(condition)
        scope = Scope(allowed, sections)
        if mode is Mode.LEXICAL:
            relevance, _ = self._relevance(text, scope)
            keys = relevance.at_most(allowed).keys
            return NoteScores(keys, relevance.of(keys))
        query = self.encode([text])[0]
        dense = self._snapshot.best_passages(query, allowed, sections)
        if mode is Mode.DENSE:
            return dense
        relevance, fusion = self._relevance(text, scope)
        return NoteScores(dense.keys, fusion.fuse(relevance.of(dense.keys), dense.scores))

    def _relevance(self, text: str, scope: Scope) -> tuple[Relevance, Fusion]:
        wanted = wanted_of(text)
        words = sum(len(one.words) for one in wanted)
        return self._snapshot.relevance(wanted, scope.sections), Fusion.for_words(words)


def _check(k: int) -> None:
    if k < 1:
        raise UsageError(f"k is {k}; ask for at least one hit.")


def _check_texts(texts: Sequence[str]) -> None:
    if not all(text.strip() for text in texts):
        raise UsageError("The query is empty. Say in words what the notes should be about.")
