"""What of a note speaks for it: its passages that matched, and what they say of the query.

Passages are chosen by nearness in meaning and by the query's words that they say. Which say
any, the store knows (storage/telling.py); only the likeliest are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from notekin.search.asserted import Asserted, is_asserted
from notekin.search.assertion import assess_whole
from notekin.search.concepts import Concepts, Mention, distance
from notekin.search.highlight import widened
from notekin.search.hits import Evidence
from notekin.storage.records import StoredPassage
from notekin.storage.telling import Told
from notekin.storage.wanted import Wanted
from notekin.types import Assertion, Vectors

SHOWN = 3
"""Passages that a hit shows at most."""
_LIKELIEST = 4
"""Passages that are read at least, where there are so many."""
_WORDS_COUNT = 0.35
"""What saying all of the query's words is worth, beside a cosine."""


@dataclass(frozen=True, slots=True)
class Testimony:
    """What a note says.

    Attributes:
        evidence: Its passages that matched, best first.
        family: Of the best one; None where it has none.
        holds: Whether it says what is asked for.
    """

    evidence: tuple[Evidence, ...]
    family: int | None
    holds: bool


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A passage that may be shown, and the sentences of it that matched."""

    passage: StoredPassage
    score: float
    worth: float
    mentions: tuple[Mention, ...] = ()


class Witness:
    """Finds the evidence of one query in notes.

    Args:
        query: The query's vector; None where meaning does not count.
        concepts: What the query speaks of; None where words do not count.
        sections: Titles; only passages that begin in one of these are shown. None for all.
        asserted: What notes are to say of the concepts, one of these; empty for no matter what.
        context: Sentences that are shown to either side of a passage.
    """

    def __init__(
        self,
        query: Vectors | None,
        concepts: Concepts | None,
        sections: Sequence[str] | None = None,
        asserted: Sequence[Asserted] = (),
        context: int = 0,
    ) -> None:
        self._query = query
        self._concepts = concepts if concepts is not None and concepts.all else None
        self._sections = None if sections is None else frozenset(sections)
        self._asserted = tuple(asserted)
        self._context = context

    @property
    def wanted(self) -> list[Wanted]:
        """What passages are to say; nothing where words do not count."""
        return self._concepts.wanted if self._concepts else []

    @property
    def compares(self) -> bool:
        """Whether it needs passages' vectors."""
        return self._query is not None

    def hear(
        self, text: str, passages: Sequence[StoredPassage], vectors: Vectors | None, told: Told
    ) -> Testimony:
        """Return what a note says.

        Args:
            text: The note.
            passages: All of its passages, in order.
            vectors: Theirs, float32 of shape (passages, dim); None where meaning does not count.
            told: Which of them say what of ``wanted``.
        """
        scores = np.zeros(len(passages), np.float32)
        if self._query is not None and vectors is not None:
            scores = vectors @ self._query
        places = self._places(passages, scores, told)
        candidates = [self._candidate(text, passages[at], float(scores[at])) for at in places]
        candidates.sort(key=lambda one: -one.worth)
        holding = self._holding(text, candidates)
        shown = (holding or candidates)[:SHOWN]
        return Testimony(
            tuple(self._evidence(text, one) for one in shown),
            shown[0].passage.family if shown else None,
            bool(holding),
        )

    def _places(self, passages: Sequence[StoredPassage], scores: Vectors, told: Told) -> list[int]:
        """Return which passages to look into: the likeliest.

        Where it is asked what they say of the words, all that say any are looked into.
        """
        said = np.zeros(len(passages), np.float32)
        for at, words in told.items():
            said[at] = len(words)
        order = np.argsort(-scores - self._word_worth * said, kind="stable").tolist()
        inside = [
            at for at in order if self._sections is None or passages[at].section in self._sections
        ]
        if not self._asserted:
            return inside[:_LIKELIEST]
        return [at for place, at in enumerate(inside) if place < _LIKELIEST or at in told]

    @property
    def _word_worth(self) -> float:
        """What a passage is worth more for each of the query's words that it says."""
        return _WORDS_COUNT / self._concepts.size if self._concepts else 0.0

    def _candidate(self, text: str, passage: StoredPassage, score: float) -> _Candidate:
        if self._concepts is None:
            return _Candidate(passage, score, score)
        mentions = self._concepts.mentions(text, passage.start, passage.end, passage.section)
        said = len({place for one in mentions for place in one.parts})
        return _Candidate(passage, score, score + self._word_worth * said, mentions)

    def _best(self, one: _Candidate) -> Mention | None:
        """Return the sentence of a passage that matched best; None where none did."""
        return max(one.mentions, key=self._rank_of, default=None)

    def _rank_of(self, mention: Mention) -> tuple[object, ...]:
        """Return what the best mention has most of: words, what is asked for, certainty."""
        holds = is_asserted(self._asserted, mention.assertions, mention.assertion)
        nearness = tuple(not far for far in distance(mention.assertion))
        return len(mention.parts), holds, nearness

    def _holding(self, text: str, candidates: Sequence[_Candidate]) -> list[_Candidate]:
        """Return the passages that say what is asked for, of those that say most of the words."""
        if not self._asserted:
            return list(candidates)
        bests = [self._best(one) for one in candidates]
        sizes = [len(best.parts) if best else 0 for best in bests]
        most = max(sizes, default=0)
        looked_at = zip(candidates, bests, sizes, strict=True)
        return [
            one
            for one, best, size in islice(looked_at, None if most else 1)
            if size == most and self._holds(text, one.passage, best)
        ]

    def _holds(self, text: str, passage: StoredPassage, best: Mention | None) -> bool:
        if best is not None:
            return is_asserted(self._asserted, best.assertions, best.assertion)
        whole = _whole(text, passage)
        return whole is not None and is_asserted(self._asserted, {}, whole)

    def _evidence(self, text: str, one: _Candidate) -> Evidence:
        passage = one.passage
        start, end = widened(text, passage.start, passage.end, self._context)
        assertion, best = None, self._best(one)
        if best is not None:
            assertion = best.assertion
        elif self._concepts is not None:
            assertion = _whole(text, passage)
        return Evidence(
            start=start,
            end=end,
            text=text[start:end],
            score=one.score,
            passage=(passage.start, passage.end),
            section=passage.section,
            sentence=best.sentence if best else None,
            terms=tuple(sorted(span for mention in one.mentions for span in mention.terms)),
            assertion=assertion,
        )


def _whole(text: str, passage: StoredPassage) -> Assertion | None:
    return assess_whole(text, passage.start, passage.end, passage.section)
