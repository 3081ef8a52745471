"""Do lower precisions find the same notes? Note vectors and retrieval, against fp32.

    python benchmarks/fidelity.py --notes notes.parquet --tasks DATA/tasks

Prints for each precision the cosine of the notes' vectors to those of fp32, the share of
each note's ten nearest notes that are the same, and nDCG@10 of dense search (a note's best
passage) on tasks in BEIR form. "bf16, asked in fp32" scores fp32's query vectors against
passages made in bf16: what a store that was made on another machine answers.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from labelled_task import LabelledTask, load, ndcg

from notekin.indexer.encoder import NoteEncoder

PRECISIONS = ("fp32", "bf16", "int8")
EXACT = PRECISIONS[0]
NEIGHBOURS = 10
LONG = "long_charts"
TOGETHER = 100


@dataclass(frozen=True, slots=True)
class Encoded:
    """Texts in one precision.

    Attributes:
        notes: float32 of shape (texts, dim).
        passages: float32 of shape (passages, dim), text by text.
        first: Where each text's passages begin, shape (texts,).
    """

    notes: np.ndarray
    passages: np.ndarray
    first: np.ndarray


def main() -> None:
    """Measure what was asked for and print it."""
    asked = arguments()
    torch.set_num_threads(asked.threads)
    encoders = {
        name: NoteEncoder.load(asked.model, asked.cache, precision=name) for name in PRECISIONS
    }
    if asked.notes:
        print_vectors(encoders, sample_of(asked.notes, asked.sample))
    if asked.tasks:
        print_tasks(encoders, asked)


def arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--model", default="builtin")
    parser.add_argument("--notes", help="a Parquet file with a text column")
    parser.add_argument("--sample", type=int, default=500, help="notes of it to compare")
    parser.add_argument("--tasks", type=Path, help="a folder of tasks in BEIR form")
    parser.add_argument("--task-notes", type=int, default=400, help="of each task's corpus")
    parser.add_argument("--charts", type=int, default=15, help=f"of the corpus of {LONG}")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "notekin")
    return parser.parse_args()


def sample_of(path: str, count: int) -> list[str]:
    """Return seeded texts of a Parquet file."""
    import pandas as pd

    texts = pd.read_parquet(path, columns=["text"])["text"].dropna()
    return texts.sample(min(count, len(texts)), random_state=0).tolist()


def encoded(encoder: NoteEncoder, texts: Sequence[str]) -> Encoded:
    """Encode texts a hundred at a time."""
    edges = [*range(0, len(texts), TOGETHER), len(texts)]
    parts = (encoder.encode_notes(texts[low:high]) for low, high in pairwise(edges))
    notes = [note for part in parts for note in part]
    counts = [len(note.passage_vectors) for note in notes]
    return Encoded(
        notes=np.stack([note.vector for note in notes]),
        passages=np.concatenate([note.passage_vectors for note in notes]),
        first=np.cumsum([0, *counts[:-1]]),
    )


def print_vectors(encoders: dict[str, NoteEncoder], texts: Sequence[str]) -> None:
    """Print how near each precision's note vectors are to fp32's."""
    notes = {name: encoded(encoder, texts).notes for name, encoder in encoders.items()}
    exact = notes.pop(EXACT)
    near = neighbours(exact)
    print(f"| {len(texts)} notes | cosine, mean | cosine, worst | same ten neighbours |")
    print("| --- | --- | --- | --- |")
    for name, vectors in notes.items():
        cosines = (vectors * exact).sum(axis=1)
        same = np.mean(
            [len(one & other) for one, other in zip(near, neighbours(vectors), strict=True)]
        )
        print(f"| {name} | {cosines.mean():.5f} | {cosines.min():.5f} | {same / NEIGHBOURS:.1%} |")


def neighbours(vectors: np.ndarray) -> list[set[int]]:
    """Return each note's nearest others."""
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -np.inf)
    return [set(row.tolist()) for row in np.argsort(-scores, axis=1)[:, :NEIGHBOURS]]


def print_tasks(encoders: dict[str, NoteEncoder], asked: argparse.Namespace) -> None:
    """Print nDCG@10 of each task, a column a precision."""
    columns = [*PRECISIONS, "bf16, asked in fp32"]
    print("\n| nDCG@10 | notes | queries | " + " | ".join(columns) + " |")
    print("| --- |" + " --- |" * (len(columns) + 2))
    for task, notes in tasks(encoders, asked):
        asks = {name: one.encode(list(task.queries.values())) for name, one in encoders.items()}
        pairs = [*((name, name) for name in PRECISIONS), ("fp32", "bf16")]
        cells = [f"{ndcg(task, best_passages(asks[q], notes[n])):.4f}" for q, n in pairs]
        counts = f"{len(task.ids)} | {len(task.queries)}"
        print(f"| {task.name} | {counts} | " + " | ".join(cells) + " |", flush=True)


def tasks(
    encoders: dict[str, NoteEncoder], asked: argparse.Namespace
) -> Iterator[tuple[LabelledTask, dict[str, Encoded]]]:
    """Give each task with its notes in every precision; a corpus that two share is read once."""
    texts: list[str] = []
    notes: dict[str, Encoded] = {}
    for path in sorted(asked.tasks.iterdir()):
        task = load(path, asked.charts if path.name == LONG else asked.task_notes)
        if task.texts != texts:
            texts = task.texts
            notes = {name: encoded(encoder, texts) for name, encoder in encoders.items()}
        yield task, notes


def best_passages(queries: np.ndarray, notes: Encoded) -> np.ndarray:
    """Return each note's score, its best passage's, shape (queries, notes)."""
    return np.maximum.reduceat(queries @ notes.passages.T, notes.first, axis=1)


if __name__ == "__main__":
    main()
