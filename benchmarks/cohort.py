"""Cohorts against BM25 on labelled tasks: the same filters, verdicts, model and cut for both.

    python benchmarks/cohort.py DATA --stores DIR [--queries 60] [--verdicts 40]
    python benchmarks/cohort.py DATA --stores DIR --tasks synthea pairs

Each query of a task is a cohort of one meaning with a calibrated cut, its filters as ``where``.
The task's labels answer a review of so many verdicts; then precision, recall and F1 of what
passes the cut, and AP of the ranking, against all labels. What a person judged counts as judged,
for every system. BM25 is bm25s (pip install bm25s PyStemmer), as in the README. ``synthea``
(benchmarks/cohort_coded.py) and ``pairs`` (benchmarks/cohort_pairs.py) need neither, nor verdicts.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cohort_coded import coded_tables
from cohort_measures import average_precision
from cohort_pairs import pairs_table

import notekin
from notekin.search.cohort.calibration import Aim, Candidates
from notekin.search.cohort.judgements import Verdict
from notekin.search.cohort.review import Review
from notekin.search.predicates import from_predicates
from notekin.search.retrieval import Searcher
from notekin.storage.conditions import AllOf, Condition, OneOf
from notekin.storage.keys import Keys
from notekin.types import NoteKey

TASKS = {
    "vaers_pt_cohort": "vaers_pt_cohort",
    "vaers_filtered_cohort": "vaers_pt_cohort",
    "mts_keyword_cohort": "mts_desc",
}
"""Task to the store that holds its notes; two tasks share theirs."""
SYSTEMS = ("Notekin", "Notekin, scores alone", "BM25")
MEASURES = (
    "precision",
    "recall",
    "F1",
    "AP",
    "AP before",
    "size",
    "coded",
    "covered P",
    "covered R",
)


@dataclass(frozen=True)
class Asked:
    """One query as a cohort."""

    text: str
    condition: Condition
    relevant: frozenset[str]


class Corpus:
    """A task's notes in a store, and BM25 over the same notes."""

    def __init__(self, data: Path, stores: Path, task: str) -> None:
        self._folder = data / "tasks" / task
        holder = (data / "tasks" / TASKS[task] / "corpus.jsonl.gz").resolve()
        self.store = notekin.open(stores / TASKS[task], model="builtin")
        self.store.index(holder, format="beir")
        self.snapshot = self.store._newest()
        self.searcher = Searcher(self.snapshot, self.store._encoder_of_store())
        self._source = OneOf("source", (str(holder),))
        keys = self.snapshot.select(self._source)
        notes = self.snapshot.notes([NoteKey(int(key)) for key in keys])
        self.note_ids = {int(key): note.note_id for key, note in zip(keys, notes, strict=True)}
        self._bm25 = _Bm25(holder, keys, [note.note_id for note in notes])

    def queries(self, most: int) -> Iterator[Asked]:
        """Give so many of the task's queries, the same in every run."""
        labels: dict[str, set[str]] = {}
        for line in (self._folder / "qrels.tsv").read_text().splitlines()[1:]:
            query, note, score = line.split("\t")
            if int(score) > 0:
                labels.setdefault(query, set()).add(note)
        rows = [json.loads(line) for line in (self._folder / "queries.jsonl").open()]
        rows = [row for row in rows if row["_id"] in labels]
        chosen = np.random.default_rng(6).permutation(len(rows))[:most]
        for at in chosen:
            facts = rows[at]["metadata"]
            asked = from_predicates(facts["filters"]).condition if "filters" in facts else None
            condition = AllOf((self._source, asked)) if asked else self._source
            text = facts.get("semantic_text", rows[at]["text"])
            yield Asked(text, condition, frozenset(labels[rows[at]["_id"]]))

    def candidates(self, asked: Asked, system: str) -> Candidates:
        """Return the notes that a query's filters allow, as a system scores them."""
        if system == "BM25":
            allowed = self.snapshot.select(asked.condition)
            return Candidates(allowed, self._bm25.scores(asked.text, allowed))
        scored = self.searcher.score(asked.text, asked.condition)
        if system != "Notekin":
            return Candidates(scored.keys, scored.scores)
        query = self.searcher.encode([asked.text])[0]
        vectors = self.snapshot.nearest_vectors(query, scored.keys)
        return Candidates(scored.keys, scored.scores, vectors)


class _Bm25:
    def __init__(self, corpus: Path, keys: Keys, note_ids: list[str]) -> None:
        import bm25s  # pyright: ignore[reportMissingImports]  # a peer, in the extra of its own
        import Stemmer

        self._stemmer = Stemmer.Stemmer("english")
        with gzip.open(corpus, "rt") as file:
            texts = {row["_id"]: row["text"] for row in map(json.loads, file)}
        self._keys = keys
        self._index: Any = bm25s.BM25(k1=1.2, b=0.75)
        self._tokenize: Callable[[list[str]], Any] = lambda some: bm25s.tokenize(
            some, stopwords="en", stemmer=self._stemmer, show_progress=False, return_ids=False
        )
        self._index.index(self._tokenize([texts[name] for name in note_ids]), show_progress=False)

    def scores(self, text: str, allowed: Keys) -> np.ndarray:
        words = list(dict.fromkeys(self._tokenize([text])[0]))
        scores = self._index.get_scores(words) if words else np.zeros(len(self._keys))
        return scores[np.searchsorted(self._keys, allowed)].astype(np.float32)


def measured(corpus: Corpus, asked: Asked, system: str, verdicts: int) -> list[float]:
    """Return the measures of one cohort after a review that the labels answer."""
    candidates = corpus.candidates(asked, system)
    truths = np.array([corpus.note_ids[int(key)] in asked.relevant for key in candidates.ids])
    truth_of = dict(zip(candidates.ids.tolist(), truths.tolist(), strict=True))
    review = Review(candidates, {}, Aim())
    before = average_precision(truths[np.argsort(-candidates.scores, kind="stable")])
    for _ in range(verdicts):
        one = review.next()
        if one is None:
            break
        review.judge(one.key, Verdict.YES if truth_of[one.key] else Verdict.NO, one.drawn)
    passes = review.calibration().passes
    hits, size, positives = (truths & passes).sum(), passes.sum(), max(truths.sum(), 1)
    ranked = np.array([truth_of[key] for key in review.ranking().tolist()])
    precision, recall = hits / size if size else 1.0, hits / positives
    accuracy = review.accuracy()
    return [
        precision,
        recall,
        2 * hits / (size + positives),
        average_precision(ranked),
        before,
        size,
        positives,
        accuracy.precision.low <= precision <= accuracy.precision.high,
        accuracy.recall.low <= recall <= accuracy.recall.high,
    ]


def task_table(data: Path, stores: Path, task: str, most: int, verdicts: int) -> None:
    """Print the measures of every system on one task."""
    began = time.perf_counter()
    corpus = Corpus(data, stores, task)
    queries = list(corpus.queries(most))
    print(f"\n### {task}: {len(queries)} queries, {verdicts} verdicts each\n")
    print("| system | " + " | ".join(MEASURES) + " |")
    print("| --- |" + " --- |" * len(MEASURES))
    for system in SYSTEMS:
        rows = np.array([measured(corpus, asked, system, verdicts) for asked in queries], float)
        means = rows.mean(axis=0)
        cells = [f"{value:.3f}" if value < 1.5 else f"{value:.1f}" for value in means]
        print(f"| {system} | " + " | ".join(cells) + " |", flush=True)
    print(f"\n{time.perf_counter() - began:.0f} s")


def main() -> None:
    """Run what was asked for and print its tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--stores", type=Path, required=True)
    parser.add_argument("--queries", type=int, default=60)
    parser.add_argument("--verdicts", type=int, default=40)
    every = [*TASKS, "synthea", "pairs"]
    parser.add_argument("--tasks", nargs="*", choices=every, default=every)
    asked = parser.parse_args()
    for task in asked.tasks:
        match task:
            case "synthea":
                coded_tables(asked.data, asked.stores)
            case "pairs":
                pairs_table()
            case _:
                task_table(asked.data, asked.stores, task, asked.queries, asked.verdicts)


if __name__ == "__main__":
    main()
