"""How well a store answers a retrieval task, by mode: measured by ir-measures."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from notekin.errors import ReaderError, UsageError
from notekin.search.export import falling, trec_line, written_whole
from notekin.search.mode import Mode
from notekin.search.ranking import Ranking
from notekin.search.recall import PathRecall, path_recall
from notekin.search.retrieval import Searcher
from notekin.search.significance import randomisation_p
from notekin.search.task import Task, TaskQuery
from notekin.storage.condition_sql import FIELDS
from notekin.storage.conditions import RECORDED_AT, AllOf, Condition, OneOf
from notekin.storage.snapshot import Snapshot
from notekin.text import storable
from notekin.types import Encoder, NoteKey

BATCH_QUERIES = 64
DEPTH = 100
"""Hits a query that the measures look at, at least: recall@100 needs so many."""

Run = Mapping[str, Mapping[str, float]]
"""Query id to document id to score, best first."""


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
    """

    modes: Sequence[Mode] = (Mode.HYBRID,)
    k: int = 10
    filters: bool = False
    recall: bool = False
    field_called: Callable[[str], str | None] = lambda _name: None


@dataclass(frozen=True, slots=True)
class ModeResult:
    """How one mode answers.

    Attributes:
        metrics: The means over the queries.
        by_query: nDCG@k of each query, in the task's order.
        run: What was found.
    """

    mode: Mode
    metrics: Mapping[str, float]
    queries_per_s: float
    by_query: Sequence[float]
    run: Run


@dataclass(frozen=True, slots=True)
class Difference:
    """nDCG@k of one mode less another's, and how often chance makes as much (significance.py)."""

    mode: str
    than: str
    difference: float
    p: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A task's measures by mode, and how fast it was answered.

    Attributes:
        relevant: How many documents are judged relevant to some query.
        not_in_corpus: How many of these the corpus lacks; nothing can find them.
    """

    task: Task
    k: int
    results: Sequence[ModeResult]
    differences: Sequence[Difference]
    recalls: Sequence[PathRecall]
    relevant: int
    not_in_corpus: int

    def to_dict(self) -> dict[str, Any]:
        """Return what ``--json`` prints; the first mode's measures stand by themselves, too."""
        modes = [
            {
                "mode": result.mode.value,
                "metrics": dict(result.metrics),
                "queries_per_s": round(result.queries_per_s, 2),
            }
            for result in self.results
        ]
        return {
            "task": self.task.name,
            "queries": len(self.task.queries),
            "relevant": self.relevant,
            "relevant_not_in_corpus": self.not_in_corpus,
            **modes[0],
            "modes": modes,
            "differences": [asdict(one) for one in self.differences],
            "path_recall": [asdict(one) for one in self.recalls],
        }

    def write_run(self, path: Path) -> None:
        """Write what each mode found as one TREC run; the tag is the mode.

        Raises:
            UsageError: A TREC run can't hold an id.
        """
        with written_whole(path) as part, part.open("w", encoding="utf-8") as file:
            for result in self.results:
                for query, found in result.run.items():
                    for rank, (document, score) in enumerate(found.items(), start=1):
                        file.write(trec_line(query, document, rank, score, result.mode.value))


def check_plan(plan: Plan) -> None:
    """Refuse a plan that measures nothing.

    Raises:
        UsageError: ``k`` is below 1.
    """
    if plan.k < 1:
        raise UsageError(f"k is {plan.k}; measure at least the first hit.")


def check_run(path: Path) -> None:
    """Find out before the work whether a run can be written.

    Raises:
        UsageError: There is no folder for it, or it is one.
    """
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise UsageError(f"{path} can't be written: there is no folder for it, or it is one.")


def evaluate(
    task: Task, snapshot: Snapshot, encoder: Encoder, corpus: Condition, plan: Plan
) -> Evaluation:
    """Answer a task's queries from the notes that the condition lets pass, and measure.

    A document with the query's own id is not counted, as in BEIR.

    Args:
        task: What to ask.
        snapshot: Where to look.
        encoder: The store's.
        corpus: Which notes are the task's.
        plan: What to measure.

    Raises:
        FilterError: Filters are asked for, and one is none, or names no field of the store.
        ReaderError: The corpus has none of the documents that are judged relevant.
    """
    relevant, missing = _judged(task, snapshot, corpus)
    known = {*FIELDS, RECORDED_AT, *snapshot.attribute_names()} if plan.filters else ()
    asked = _Asked(task, Searcher(snapshot, encoder), snapshot, corpus, plan, known)
    results = [_measured(task, asked, mode, plan.k) for mode in plan.modes]
    texts = [query.text for query in task.queries if query.text.strip()]
    recalls = path_recall(snapshot, encoder, corpus, texts, plan.k) if plan.recall else []
    return Evaluation(task, plan.k, results, _differences(results), recalls, relevant, missing)


def _judged(task: Task, snapshot: Snapshot, corpus: Condition) -> tuple[int, int]:
    """Return how many documents are judged relevant, and how many of these aren't there."""
    judged = [task.qrels[query.query_id] for query in task.queries]
    relevant = {storable(name) for one in judged for name, grade in one.items() if grade > 0}
    there = snapshot.select(AllOf((corpus, OneOf("note_id", tuple(sorted(relevant))))))
    if relevant and not len(there):
        raise ReaderError(
            f"The corpus of {task.name} holds none of the documents that its qrels judge relevant. "
            "Do they name something else, such as patients?"
        )
    return len(relevant), len(relevant) - len(there)


@dataclass(frozen=True, slots=True)
class _Asked:
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
        by_condition: dict[Condition | None, list[tuple[TaskQuery, str]]] = {}
        for query in queries:
            text, condition = (query.text, None)
            if self.plan.filters:
                text, condition = query.filtered(self._field)
            if text.strip():
                by_condition.setdefault(condition, []).append((query, text))
            else:
                yield query.query_id, {}
        for condition, asked in by_condition.items():
            within = self.corpus if condition is None else AllOf((self.corpus, condition))
            texts = [text for _, text in asked]
            rankings = self.searcher.rank(texts, depth + 1, within, mode)
            for (query, _), ranking in zip(asked, rankings, strict=True):
                yield query.query_id, self._found(query, ranking, depth)

    def _field(self, name: str) -> str:
        """Return a predicate's field: the store's of this name, else the one it usually is."""
        if name in self.known:
            return name
        return self.plan.field_called(name) or name

    def _found(self, query: TaskQuery, ranking: Ranking, depth: int) -> dict[str, float]:
        notes = self.snapshot.notes([NoteKey(int(key)) for key in ranking.keys])
        scores = falling(map(float, ranking.scores))
        found = [
            (str(note.note_id), score)
            for note, score in zip(notes, scores, strict=True)
            if note.note_id != query.query_id
        ]
        return dict(found[:depth])


def _measured(task: Task, asked: _Asked, mode: Mode, k: int) -> ModeResult:
    from ir_measures import AP, RR, R, calc_aggregate, iter_calc, nDCG

    began = time.perf_counter()
    run = dict(asked.answers(mode))
    took_s = time.perf_counter() - began
    wanted = list(dict.fromkeys([nDCG @ k, R @ k, R @ DEPTH, RR @ k, AP]))
    qrels = {query.query_id: dict(task.qrels[query.query_id]) for query in task.queries}
    means = calc_aggregate(wanted, qrels, run)
    ndcg = {one.query_id: one.value for one in iter_calc([nDCG @ k], qrels, run)}
    return ModeResult(
        mode,
        {_name(measure): round(float(means[measure]), 5) for measure in wanted},
        len(run) / took_s,
        [float(ndcg[query.query_id]) for query in task.queries],
        run,
    )


def _differences(results: Sequence[ModeResult]) -> list[Difference]:
    found = []
    for one, other in combinations(results, 2):
        ours, theirs = np.asarray(one.by_query), np.asarray(other.by_query)
        mean = round(float(np.mean(ours - theirs)), 5)
        p = round(randomisation_p(ours, theirs), 5)
        found.append(Difference(one.mode.value, other.mode.value, mean, p))
    return found


def _name(measure: object) -> str:
    return str(measure).replace("R@", "recall@").replace("Rrecall@", "RR@")
