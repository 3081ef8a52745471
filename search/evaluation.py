"""How well a store answers a retrieval task, by mode: measured by ir-measures."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from notekin.errors import UsageError
from notekin.search.asked_task import DEPTH, Asked, Plan, asked_of, judged
from notekin.search.export import check_trec_ids, trec_line, written_whole
from notekin.search.grouping import Grouping
from notekin.search.mode import Mode
from notekin.search.recall import PathRecall, path_recall
from notekin.search.significance import randomisation_p
from notekin.search.task import Task
from notekin.storage.conditions import Condition
from notekin.storage.snapshot import Snapshot
from notekin.types import Encoder

Run = Mapping[str, Mapping[str, float]]
"""Query id to document id to score, best first."""


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


def check_run(path: Path) -> None:
    """Find out before the work whether a run can be written.

    Raises:
        UsageError: There is no folder for it, or it is one.
    """
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise UsageError(f"{path} can't be written: there is no folder for it, or it is one.")


def check_ids(task: Task, documents: Iterable[str], by: Grouping) -> None:
    """Find out before the measuring whether a TREC run can hold what it names.

    Raises:
        UsageError: It can't.
    """
    check_trec_ids(query.query_id for query in task.queries)
    if by is Grouping.NOTE:
        check_trec_ids(documents)


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
    relevant, missing = judged(task, snapshot, corpus, plan.by)
    asked = asked_of(task, snapshot, encoder, corpus, plan)
    results = [_measured(task, asked, mode, plan.k) for mode in plan.modes]
    texts = [query.text for query in task.queries if query.text.strip()]
    recalls = path_recall(snapshot, encoder, corpus, texts, plan.k) if plan.recall else []
    return Evaluation(task, plan.k, results, _differences(results), recalls, relevant, missing)


def _measured(task: Task, asked: Asked, mode: Mode, k: int) -> ModeResult:
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
