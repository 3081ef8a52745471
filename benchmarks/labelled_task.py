"""A retrieval task in BEIR form: notes, queries, and which notes answer which query."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class LabelledTask:
    """A task, or as much of it as was asked for.

    Attributes:
        qrels: For each query, the notes that answer it and how well.
    """

    name: str
    ids: list[str]
    texts: list[str]
    queries: dict[str, str]
    qrels: dict[str, dict[str, int]]


def load(folder: Path, limit: int) -> LabelledTask:
    """Return a task with its first ``limit`` notes, and the queries that these answer."""
    with gzip.open(folder / "corpus.jsonl.gz", "rt") as file:
        rows = [json.loads(line) for line in file][:limit]
    kept = {row["_id"] for row in rows}
    qrels: dict[str, dict[str, int]] = defaultdict(dict)
    for line in (folder / "qrels.tsv").read_text().splitlines()[1:]:
        query, document, score = line.split("\t")
        if document in kept:
            qrels[query][document] = int(score)
    queries = {}
    for line in (folder / "queries.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row["_id"] in qrels:
            queries[row["_id"]] = row["text"]
    return LabelledTask(
        folder.name,
        [row["_id"] for row in rows],
        [f"{row['title']} {row['text']}".strip() for row in rows],
        queries,
        dict(qrels),
    )


def ndcg(task: LabelledTask, scores: np.ndarray) -> float:
    """Return the mean nDCG@10 of scores of shape (queries, notes)."""
    total = 0.0
    for row, (query, _) in zip(scores, task.queries.items(), strict=True):
        relevant = task.qrels[query]
        order = np.argsort(-row, kind="stable")
        ranked = [task.ids[i] for i in order[:12] if task.ids[i] != query][:10]
        gain = sum(relevant.get(d, 0) / np.log2(i + 2) for i, d in enumerate(ranked))
        ideal = sorted(relevant.values(), reverse=True)[:10]
        total += gain / sum(g / np.log2(i + 2) for i, g in enumerate(ideal))
    return total / len(task.queries)
