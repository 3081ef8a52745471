"""What of a note speaks for it: its passages that matched, and what they say of the query.

Passages are ordered by nearness in meaning and by the query's words that they say. Which say
any, the store knows (storage/telling.py); no more of them are read than it takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
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
WORDS_COUNT = 0.35
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
    mentions: tuple[Mention, ...]
    best: Mention | None

    @property
    def size(self) -> int:
        """How many of the query's words its best sentence says."""
        return len(self.best.parts) if self.best else 0


@dataclass(frozen=True, slots=True)
class _Note:
    """A note, and those of its passages that were read.

    Attributes:
        scores: The passages' cosines with the query, float32 of shape (passages,).
        told: Which of them say what.
        read: By their places; a passage is read once.
    """

    text: str
    passages: Sequence[StoredPassage]
    scores: Vectors
    told: Told
    read: dict[int, _Candidate] = field(default_factory=dict)

    def said(self, at: int) -> int:
        """Return how many of the query's words a passage is told to say."""
        return len(self.told.get(at, ()))


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
        note = _Note(text, passages, scores, told)
        order = self._order(note)
        holding = list(islice(self._holding(note, order), SHOWN))
        shown = holding or [self._read(note, at) for at in order[:SHOWN]]
        return Testimony(
            tuple(self._evidence(text, one) for one in shown),
            shown[0].passage.family if shown else None,
            bool(holding),
        )

    def _order(self, note: _Note) -> list[int]:
        """Return the places of the passages that may be shown, the likeliest first."""
        said = np.array([note.said(at) for at in range(len(note.passages))], np.float32)
        worth = note.scores + self._word_worth * said
        order: list[int] = np.argsort(-worth, kind="stable").tolist()
        if self._sections is None:
            return order
        return [at for at in order if note.passages[at].section in self._sections]

    @property
    def _word_worth(self) -> float:
        """What a passage is worth more for each of the query's words that it says."""
        return WORDS_COUNT / self._concepts.size if self._concepts else 0.0

    def _read(self, note: _Note, at: int) -> _Candidate:
        """Return a passage with what it says; one that is told to say nothing is not read."""
        if at not in note.read:
            passage, mentions = note.passages[at], tuple[Mention, ...]()
            if self._concepts is not None and note.said(at):
                mentions = self._concepts.mentions(
                    note.text, passage.start, passage.end, passage.section
                )
            best = self._best(mentions)
            note.read[at] = _Candidate(passage, float(note.scores[at]), mentions, best)
        return note.read[at]

    def _best(self, mentions: Sequence[Mention]) -> Mention | None:
        """Return the sentence that matched best; None where none did."""
        most = max((len(one.parts) for one in mentions), default=0)
        longest = [one for one in mentions if len(one.parts) == most]
        return max(longest, key=self._rank_of) if len(longest) > 1 else next(iter(longest), None)

    def _rank_of(self, mention: Mention) -> tuple[object, ...]:
        """Return what the best of the mentions has most of: what is asked for, certainty."""
        holds = is_asserted(self._asserted, mention.assertions, mention.assertion)
        return holds, tuple(not far for far in distance(mention.assertion))

    def _holding(self, note: _Note, order: Sequence[int]) -> Iterator[_Candidate]:
        """Give the passages that say what is asked for, of those that say most of the words.

        Where none says any, it is the likeliest passage, and what most of it says.
        """
        most = self._most_said(note, order) if self._asserted else 0
        if self._asserted and not most:
            order = order[:1]
        for at in order:
            if note.said(at) >= most:
                one = self._read(note, at)
                if one.size >= most and self._holds(note.text, one):
                    yield one

    def _most_said(self, note: _Note, order: Sequence[int]) -> int:
        """Return how many of the query's words a sentence says at most.

        None says more than its passage: those that are told to say fewer are not read.
        """
        most = 0
        for at in sorted(order, key=note.said, reverse=True):
            if note.said(at) <= most:
                break
            most = max(most, self._read(note, at).size)
        return most

    def _holds(self, text: str, one: _Candidate) -> bool:
        if not self._asserted:
            return True
        if one.best is not None:
            return is_asserted(self._asserted, one.best.assertions, one.best.assertion)
        whole = _whole(text, one.passage)
        return whole is not None and is_asserted(self._asserted, {}, whole)

    def _evidence(self, text: str, one: _Candidate) -> Evidence:
        passage, best = one.passage, one.best
        start, end = widened(text, passage.start, passage.end, self._context)
        assertion = None
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
