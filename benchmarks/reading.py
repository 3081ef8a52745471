"""How should a long note be read and pooled? Measured on retrieval tasks in BEIR form.

Reads part of each task's corpus with the built-in model in several ways (sentence-aligned
passages read alone, windows of several sizes with passages taken from their context) and
scores notes by their best passage, by one pooled note vector, and by both. Prints nDCG@10.

    python benchmarks/reading.py DATA/tasks --notes 400 --charts 25
"""

from __future__ import annotations

import argparse
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from labelled_task import LabelledTask, load, ndcg

from notekin.indexer import passages, windows
from notekin.indexer.longformer.loading import resolve
from notekin.indexer.longformer.model import PackedLongformer
from notekin.indexer.longformer.tokenizer import NoteTokenizer, TokenizedText

CHUNK = 64


Read = tuple[np.ndarray, list[tuple[int, int]], np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Way:
    """Read in windows of ``size`` (sentence-aligned if ``aligned``), passages of ``passage``."""

    name: str
    size: int
    passage: int
    aligned: bool


WAYS = [
    Way("alone 32", 32, 32, True),
    Way("alone 64", 64, 64, True),
    Way("alone 96", 96, 96, True),
    Way("alone 128", 128, 128, True),
    Way("alone 192", 192, 192, True),
    Way("alone 254", 254, 254, True),
    Way("alone 24", 24, 24, True),
    Way("alone 48", 48, 48, True),
    Way("window 254, passages 32", 254, 32, False),
    Way("window 254, passages 64", 254, 64, False),
    Way("window 126, passages 32", 126, 32, False),
    Way("window 254, passages 128", 254, 128, False),
    Way("window 510, passages 128", 510, 128, False),
    Way("window 1022, passages 128", 1022, 128, False),
    Way("window 4094, passages 128", 4094, 128, False),
]


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)


def read(
    model: PackedLongformer, tokenizer: NoteTokenizer, texts: list[str], way: Way
) -> Iterator[Read]:
    """Give per text: token rows, passage ranges, CLS rows, passage vectors with specials."""
    for start in range(0, len(texts), CHUNK):
        some = texts[start : start + CHUNK]
        tokens = tokenizer.encode(some)
        plans = [plan(text, token, way) for text, token in zip(some, tokens, strict=True)]
        sequences = [
            np.concatenate([[tokenizer.cls_id], token.ids[w.first : w.last], [tokenizer.sep_id]])
            for token, (reads, _) in zip(tokens, plans, strict=True)
            for w in reads
        ]
        out = model.forward(sequences).numpy()
        at = 0
        for reads, ranges in plans:
            rows, cls, whole = [], [], []
            for w in reads:
                part = out[at : at + w.last - w.first + 2]
                at += len(part)
                cls.append(part[0])
                whole.append(part.mean(0))
                rows.append(part[1:-1][w.count_first - w.first : w.count_last - w.first])
            yield np.concatenate(rows), ranges, np.stack(cls), np.stack(whole)


def plan(
    text: str, token: TokenizedText, way: Way
) -> tuple[list[windows.Window], list[tuple[int, int]]]:
    ranges = [(p.first, p.last) for p in passages.split(text, token.starts, way.passage)]
    if way.aligned:
        return [windows.Window(a, b, a, b) for a, b in ranges], ranges
    overlap = min(way.size // 4, 128)
    return windows.split(len(token.ids), way.size, overlap), ranges


def measure(
    task: LabelledTask,
    model: PackedLongformer,
    tokenizer: NoteTokenizer,
    way: Way,
    documents: list[Read],
) -> dict[str, float]:
    whole = Way("query", 4094, 4094, True)
    asked = read(model, tokenizer, list(task.queries.values()), whole)
    queries = unit(np.stack([special.mean(0) for *_, special in asked]))
    parts, owner, notes = [], [], defaultdict(list)
    for number, (rows, ranges, cls, alone) in enumerate(documents):
        content = rows if len(rows) else alone
        mean = np.stack([rows[a:b].mean(0) if b > a else alone[0] for a, b in ranges])
        parts.append(alone if way.aligned else mean)
        owner += [number] * len(ranges)
        notes["note mean"].append(content.mean(0))
        notes["note mean of passages"].append(unit(parts[-1]).mean(0))
        notes["note cls"].append(cls.mean(0))
        notes["note max"].append(content.max(0))
        notes["note mean+max"].append(np.concatenate([unit(content.mean(0)), unit(content.max(0))]))
    passage_scores = queries @ unit(np.concatenate(parts)).T
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    best = np.maximum.reduceat(passage_scores, starts, axis=1)
    result = {"best passage": ndcg(task, best)}
    for name, vectors in notes.items():
        wide = np.concatenate([queries, queries], 1) if name == "note mean+max" else queries
        scores = wide @ unit(np.stack(vectors)).T
        result[name] = ndcg(task, scores)
        if name in ("note mean", "note mean of passages"):
            result[f"best + 0.5 {name}"] = ndcg(task, best + 0.5 * scores)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tasks", type=Path)
    parser.add_argument("--notes", type=int, default=400)
    parser.add_argument("--charts", type=int, default=25)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "notekin")
    parser.add_argument("--ways", nargs="*", help="names of the ways to run; all by default")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    folder = resolve("builtin", args.cache).path
    model = PackedLongformer.from_folder(folder, precision=args.precision)
    tokenizer = NoteTokenizer(folder)
    for way in [w for w in WAYS if not args.ways or w.name in args.ways]:
        texts: list[str] = []
        documents: list[Read] = []
        for path in sorted(args.tasks.iterdir()):
            task = load(path, args.charts if path.name == "long_charts" else args.notes)
            began = time.perf_counter()
            if task.texts != texts:  # neighbours in the alphabet share a corpus
                texts, documents = task.texts, list(read(model, tokenizer, task.texts, way))
            result = measure(task, model, tokenizer, way, documents)
            took = time.perf_counter() - began
            print(
                f"{way.name} | {task.name} | {took:.0f} s | "
                + " | ".join(f"{name} {value:.3f}" for name, value in result.items()),
                flush=True,
            )


if __name__ == "__main__":
    main()
