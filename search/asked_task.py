"""What a task's queries find in a store, mode by mode, under the names that its qrels use."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from notekin.errors import ReaderError, UsageError
from notekin.search.export import falling
from notekin.search.grouping import Grouping, name_of
from notekin.search.mode import Mode
from notekin.search.ranking import Ranking
from notekin.search.retrieval import Searcher
from notekin.search.task import Task, TaskQuery
from notekin.storage.condition_sql import FIELDS
from notekin.storage.conditions import RECORDED_AT, AllOf, AnyOf, Condition, OneOf
from notekin.storage.snapshot import Snapshot
from notekin.text import storable
from notekin.types import Encoder, NoteKey

BATCH_QUERIES = 64
DEPTH = 100
"""Hits a query that the measures look at, at least: recall@100 needs so many."""

_FURTHER = 4
_NAMED_BY: Mapping[Grouping, Sequence[str]] = {
    Grouping.NOTE: (),
    Grouping.PATIENT: ("patient_id",),
    Grouping.ENCOUNTER: ("encounter_id",),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure.

    Attributes:
        modes: Side by side, in this order.
        k: The cut of nDCG, recall and RR; recall@100 is measured beside it.
        filters: Whether a query's ``metadata.filters`` are asked as predicates, and its
            ``metadata.semantic_text`` as the text.
        recall: Whether to measure the recall of the path that searches take.
        field_called: Gives the field that a column of this name usually is: the corpus may
            have told of it so, and a predicate names it as the corpus does.
        by: What the qrels name: notes, or patients or encounters, each as near as its best note.
    """

    modes: Sequence[Mode] = (Mode.HYBRID,)
    k: int = 10
    filters: bool = False
    recall: bool = False
    field_called: Callable[[str], str | None] = lambda _name: None
    by: Grouping = Grouping.NOTE


def check_plan(plan: Plan) -> None:
    """Refuse a plan that measures nothing.

    Raises:
        UsageError: ``k`` is below 1.
    """
    if plan.k < 1:
        raise UsageError(f"k is {plan.k}; measure at least the first hit.")


@dataclass(frozen=True, slots=True)
class Asked:
    """The queries, and of whom they are asked."""

    task: Task
    searcher: Searcher
    snapshot: Snapshot
    corpus: Condition
    plan: Plan
    known: Collection[str]

    def answers(self, mode: Mode) -> Iterator[tuple[str, dict[str, float]]]:
        """Give each query's id with the documents found and their scores, best first."""
        queries = self.task.queries
        for start in range(0, len(queries), BATCH_QUERIES):
            yield from self._some(queries[start : start + BATCH_QUERIES], mode)

    def _some(
        self, queries: Sequence[TaskQuery], mode: Mode
    ) -> Iterator[tuple[str, dict[str, float]]]:
        depth = max(self.plan.k, DEPTH)
        by_condition: dict[str, tuple[Condition | None, list[tuple[TaskQuery, str]]]] = {}
        for query in queries:
            text, condition = (
                query.filtered(self._field) if self.plan.filters else (query.text, None)
            )
            if text.strip():
                by_condition.setdefault(repr(condition), (condition, []))[1].append((query, text))
            else:
                yield query.query_id, {}
        for condition, asked in by_condition.values():  # True is not 1 there
            within = self.corpus if condition is None else AllOf((self.corpus, condition))
            for (query, _), found in zip(
                asked, self._answered(asked, depth, within, mode), strict=True
            ):
                yield query.query_id, found

    def _field(self, name: str) -> str:
        """Return a predicate's field: the store's of this name, else the one it usually is."""
        if name in self.known:
            return name
        return self.plan.field_called(name) or name

    def _answered(
        self, asked: Sequence[tuple[TaskQuery, str]], depth: int, within: Condition, mode: Mode
    ) -> list[dict[str, float]]:
        """Return what each query finds: ``depth`` documents, looking as far as it takes."""
        count = depth + 1
        while True:
            rankings = self.searcher.rank([text for _, text in asked], count, within, mode)
            answers = [
                self._found(query, ranking)
                for (query, _), ranking in zip(asked, rankings, strict=True)
            ]
            if all(
                len(found) >= depth or len(ranking.keys) < count
                for found, ranking in zip(answers, rankings, strict=True)
            ):
                return [dict(islice(found.items(), depth)) for found in answers]
            count *= _FURTHER

    def _found(self, query: TaskQuery, ranking: Ranking) -> dict[str, float]:
        notes = self.snapshot.notes([NoteKey(int(key)) for key in ranking.keys])
        found: dict[str, float] = {}
        for note, score in zip(notes, falling(map(float, ranking.scores)), strict=True):
            if note.note_id != query.query_id:
                found.setdefault(name_of(note, self.plan.by), score)
        return found


def asked_of(
    task: Task, snapshot: Snapshot, encoder: Encoder, corpus: Condition, plan: Plan
) -> Asked:
    """Return a task's queries, to be asked of the notes that the condition lets pass."""
    known = {*FIELDS, RECORDED_AT, *snapshot.attribute_names()} if plan.filters else ()
    return Asked(task, Searcher(snapshot, encoder), snapshot, corpus, plan, known)


def corpus_of(snapshot: Snapshot, documents: Mapping[str, Collection[str]]) -> Condition:
    """Return which notes a corpus is.

    The ids are asked for only where a source holds other notes, too: of an older corpus at the
    same place, or of another reading of notes that name their source themselves.

    Args:
        snapshot: Where the corpus is.
        documents: The ids of its documents by the source they are kept under.
    """
    parts: list[Condition] = []
    for source, names in documents.items():
        within: Condition = OneOf("source", (source,))
        ids = {storable(name) for name in names}
        if len(snapshot.select(within)) > len(ids):
            within = AllOf((within, OneOf("note_id", tuple(sorted(ids)))))
        parts.append(within)
    return AnyOf(tuple(parts))


def judged(task: Task, snapshot: Snapshot, corpus: Condition, by: Grouping) -> tuple[int, int]:
    """Return how many documents are judged relevant, and how many of these aren't there."""
    grades = [task.qrels[query.query_id] for query in task.queries]
    relevant = {name for one in grades for name, grade in one.items() if grade > 0}
    asked = tuple(storable(name) for name in sorted(relevant))
    called = AnyOf(tuple(OneOf(field, asked) for field in ("note_id", *_NAMED_BY[by])))
    keys = [NoteKey(int(key)) for key in snapshot.select(AllOf((corpus, called)))]
    there = {name_of(note, by) for note in snapshot.notes(keys)}
    missing = sum(name not in there for name in asked)
    if relevant and missing == len(relevant):
        raise ReaderError(
            f"The corpus of {task.name} holds nothing that its qrels judge relevant. Do they name "
            "patients or encounters (--by), or the documents of another corpus?"
        )
    return len(relevant), missing
