"""How well a store answers a retrieval task in BEIR form: measured by ir-measures.

Source of the form: Thakur et al. 2021, "BEIR: A Heterogeneous Benchmark for Zero-shot
Evaluation of Information Retrieval Models".
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from notekin.errors import NoSuchSourceError, ReaderError
from notekin.search.retrieval import Searcher
from notekin.storage.conditions import Condition
from notekin.storage.snapshot import Snapshot
from notekin.types import Encoder, NoteKey

BATCH_QUERIES = 64
DEPTH = 100
"""Hits a query that the measures look at, at least: recall@100 needs so many."""


@dataclass(frozen=True, slots=True)
class Task:
    """Queries and the documents that answer them.

    Attributes:
        queries: Query id to text, in the file's order; those without judgements left out.
        qrels: Query id to document id to relevance.
    """

    name: str
    corpus: Path
    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A task's measures, and how fast it was answered."""

    task: str
    mode: str
    queries: int
    metrics: Mapping[str, float]
    queries_per_s: float

    def to_dict(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        return {
            "task": self.task,
            "mode": self.mode,
            "queries": self.queries,
            "metrics": dict(self.metrics),
            "queries_per_s": round(self.queries_per_s, 2),
        }


def read_task(folder: Path) -> Task:
    """Read a task's queries and judgements; the corpus is left where it is.

    Raises:
        NoSuchSourceError: There is no such folder.
        ReaderError: A file of the task is missing or is not in BEIR form.
    """
    if not folder.is_dir():
        raise NoSuchSourceError(folder)
    qrels = _read_qrels(folder)
    queries = {row[0]: row[1] for row in _read_queries(_file(folder, "queries.jsonl"))}
    judged = {name: text for name, text in queries.items() if name in qrels}
    if not judged:
        raise ReaderError(f"No query in {folder} has a judgement in its qrels.")
    return Task(folder.resolve().name, _file(folder, "corpus.jsonl"), judged, qrels)


def evaluate(
    task: Task, snapshot: Snapshot, encoder: Encoder, corpus: Condition, k: int
) -> Evaluation:
    """Answer a task's queries from the notes that the condition lets pass, and measure.

    A document with the query's own id is not counted, as in BEIR.

    Args:
        task: What to ask.
        snapshot: Where to look.
        encoder: The store's.
        corpus: Which notes are the task's.
        k: The cut of nDCG, recall and precision; recall@100 is measured beside it.
    """
    began = time.perf_counter()
    run = dict(_answers(task, Searcher(snapshot, encoder), snapshot, corpus, max(k, DEPTH)))
    took_s = time.perf_counter() - began
    return Evaluation(
        task.name, "dense", len(task.queries), _measures(task, run, k), len(run) / took_s
    )


def _answers(
    task: Task, searcher: Searcher, snapshot: Snapshot, corpus: Condition, depth: int
) -> Iterator[tuple[str, dict[str, float]]]:
    names = list(task.queries)
    for start in range(0, len(names), BATCH_QUERIES):
        some = names[start : start + BATCH_QUERIES]
        vectors = searcher.encode([task.queries[name] for name in some])
        rankings = searcher.rank(vectors, depth + 1, corpus)
        for name, ranking in zip(some, rankings, strict=True):
            notes = snapshot.notes([NoteKey(int(key)) for key in ranking.keys])
            scored = zip(notes, ranking.scores, strict=True)
            found = {note.note_id: float(score) for note, score in scored if note.note_id != name}
            yield name, dict(list(found.items())[:depth])


def _measures(task: Task, run: dict[str, dict[str, float]], k: int) -> dict[str, float]:
    import ir_measures
    from ir_measures import AP, RR, R, nDCG

    wanted = dict.fromkeys([nDCG @ k, R @ k, R @ DEPTH, RR @ k, AP])
    qrels = {name: dict(task.qrels[name]) for name in task.queries}
    values = ir_measures.calc_aggregate(list(wanted), qrels, run)
    return {_name(measure): round(float(values[measure]), 5) for measure in wanted}


def _name(measure: object) -> str:
    return str(measure).replace("R@", "recall@").replace("Rrecall@", "RR@")


def _read_qrels(folder: Path) -> dict[str, dict[str, int]]:
    path = _file(folder, "qrels.tsv")
    qrels: dict[str, dict[str, int]] = {}
    for number, line in enumerate(_lines(path), start=1):
        cells = line.split("\t")
        if number == 1 and cells[-1:] == ["score"]:
            continue
        try:
            query, document, score = cells
            qrels.setdefault(query, {})[document] = int(score)
        except ValueError:
            raise ReaderError(
                f"{path} line {number} is not query-id, corpus-id and a whole score, "
                "parted by tabs."
            ) from None
    return qrels


def _read_queries(path: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(_lines(path), start=1):
        try:
            row = json.loads(line)
            yield str(row["_id"]), str(row["text"])
        except (ValueError, KeyError, TypeError):
            raise ReaderError(
                f"{path} line {number} is no JSON object with _id and text."
            ) from None


def _lines(path: Path) -> Sequence[str]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    return [line for line in text.splitlines() if line.strip()]


def _file(folder: Path, name: str) -> Path:
    places = (folder / name, folder / f"{name}.gz", folder / "qrels" / "test.tsv")
    for path in places[: 3 if name == "qrels.tsv" else 2]:
        if path.is_file():
            return path
    raise ReaderError(f"{folder} holds no {name} (or {name}.gz); a BEIR task has one.")
