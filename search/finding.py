"""The whole way from a question to its answer: ranking, evidence, copies, groups."""

from __future__ import annotations

import time
from collections.abc import Sequence

from notekin.errors import UsageError
from notekin.search.concepts import Concepts
from notekin.search.evidence import Witness
from notekin.search.examples import Examples, look_up, ranked_by
from notekin.search.hits import ChannelScore, Hit, Results
from notekin.search.mode import Mode
from notekin.search.picking import Picker, Ranked, Row
from notekin.search.request import Request
from notekin.search.retrieval import Searcher
from notekin.storage.snapshot import Snapshot
from notekin.types import Encoder, Vectors


class Finder:
    """Answers questions over one snapshot."""

    def __init__(self, snapshot: Snapshot, encoder: Encoder) -> None:
        self._snapshot = snapshot
        self._encoder = encoder
        self._searcher = Searcher(snapshot, encoder)

    def search(self, text: str, request: Request) -> Results:
        """Return the rows that answer a text best.

        Raises:
            UsageError: The text is empty.
            FilterError: The condition asks for a field that no note has.
        """
        return self.search_many([text], request)[0]

    def search_many(self, texts: Sequence[str], request: Request) -> list[Results]:
        """Return the answer to each text, in the order given; encoded together.

        Raises:
            UsageError: A text is empty.
            FilterError: The condition asks for a field that no note has.
        """
        began = time.perf_counter()
        if not all(text.strip() for text in texts):
            raise UsageError("The query is empty. Say in words what the notes should be about.")
        queries: Sequence[Vectors | None] = [None] * len(texts)
        if request.mode is not Mode.LEXICAL:
            queries = list(self._searcher.encode(texts))
        shared_s = (time.perf_counter() - began) / max(1, len(texts))
        answers = []
        for text, query in zip(texts, queries, strict=True):
            began = time.perf_counter() - shared_s
            witness = Witness(
                query, Concepts(text), request.sections, request.asserted, request.context
            )
            answers.append(
                self._answer(witness, request, self._ranked(text, query, request), began)
            )
        return answers

    def like(self, examples: Examples, request: Request) -> Results:
        """Return the rows of the notes that are most like some, and least like others.

        The examples are not among them; other notes of the same text are.

        Raises:
            UsageError: There is nothing to be like, or an assertion is asked for.
            NoSuchNoteError: The store holds no such note.
            AmbiguousNoteError: Several sources hold one, and none is named.
        """
        began = time.perf_counter()
        if request.asserted:
            raise UsageError("Notes that are like others assert nothing: leave out --assert.")
        likeness = look_up(examples, self._snapshot, self._encoder)
        witness = Witness(likeness.vector, None, request.sections, (), request.context)
        allowed = None
        if request.condition is not None:
            allowed = self._snapshot.select(request.condition)
        ranked = ranked_by(likeness, self._snapshot, allowed)
        return self._answer(witness, request, ranked, began)

    def _ranked(self, text: str, query: Vectors | None, request: Request) -> Ranked:
        vectors = None if query is None else query[None]
        return lambda count: self._searcher.rank(
            [text], count, request.condition, request.mode, request.sections, vectors
        )[0]

    def _answer(self, witness: Witness, request: Request, ranked: Ranked, began: float) -> Results:
        rows, seen = Picker(self._snapshot, witness, request).pick(ranked)
        hits = tuple(_hit(row, rank) for rank, row in enumerate(rows, start=1))
        took_ms = (time.perf_counter() - began) * 1000
        return Results(self._snapshot.generation, seen.path, seen.candidates, took_ms, hits)


def _hit(row: Row, rank: int) -> Hit:
    note, found = row.best.note, row.best
    return Hit(
        rank=rank,
        note_id=note.note_id,
        patient_id=note.patient_id,
        score=float(found.ranking.scores[found.at]),
        channels={
            name: ChannelScore(int(seen.ranks[found.at]), float(seen.scores[found.at]))
            for name, seen in found.ranking.channels.items()
        },
        category=note.category,
        recorded_at=note.recorded_at,
        title=note.title,
        evidence=found.said.evidence,
        source=note.source,
        encounter_id=note.encounter_id,
        author=note.author,
        attributes=note.attributes,
        copies=row.copies,
        notes=row.notes,
        independent_notes=row.independent,
    )
