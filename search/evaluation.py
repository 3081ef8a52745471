"""How well a store answers a retrieval task, by mode: measured by ir-measures."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from notekin.errors import UsageError
from notekin.search.mode import Mode
from notekin.search.ranking import Ranking
from notekin.search.recall import PathRecall, path_recall
from notekin.search.retrieval import Searcher
from notekin.search.significance import randomisation_p
from notekin.search.task import Task, TaskQuery
from notekin.storage.conditions import AllOf, Condition
from notekin.storage.snapshot import Snapshot
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
    """

    modes: Sequence[Mode] = (Mode.HYBRID,)
    k: int = 10
    filters: bool = False
    recall: bool = False


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
    """A task's measures by mode, and how fast it was answered."""

    task: Task
    k: int
    results: Sequence[ModeResult]
    differences: Sequence[Difference]
    recalls: Sequence[PathRecall]

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
            **modes[0],
            "modes": modes,
            "differences": [asdict(one) for one in self.differences],
            "path_recall": [asdict(one) for one in self.recalls],
        }

    def write_run(self, path: Path) -> None:
        """Write what each mode found as one TREC run; the tag is the mode."""
        with path.open("w", encoding="utf-8") as file:
            for result in self.results:
                for query, found in result.run.items():
                    for rank, (document, score) in enumerate(found.items(), start=1):
                        line = (query, "Q0", document, str(rank), f"{score:.6f}", result.mode.value)
                        file.write("\t".join(line) + "\n")


def check_plan(plan: Plan) -> None:
    """Refuse a plan that measures nothing.

    Raises:
        UsageError: ``k`` is below 1.
    """
    if plan.k < 1:
        raise UsageError(f"k is {plan.k}; measure at least the first hit.")


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
    """
    asked = _Asked(task, Searcher(snapshot, encoder), snapshot, corpus, plan)
    results = [_measured(task, asked, mode, plan.k) for mode in plan.modes]
    texts = [query.text for query in task.queries if query.text.strip()]
    recalls = path_recall(snapshot, encoder, corpus, texts, plan.k) if plan.recall else []
    return Evaluation(task, plan.k, results, _differences(results), recalls)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The queries, and of whom they are asked."""

    task: Task
    searcher: Searcher
    snapshot: Snapshot
    corpus: Condition
    plan: Plan

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
            text, condition = query.filtered() if self.plan.filters else (query.text, None)
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

    def _found(self, query: TaskQuery, ranking: Ranking, depth: int) -> dict[str, float]:
        notes = self.snapshot.notes([NoteKey(int(key)) for key in ranking.keys])
        scored = zip(notes, ranking.scores, strict=True)
        found = [
            (str(note.note_id), float(score))
            for note, score in scored
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
