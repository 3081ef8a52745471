"""Other searches at the tasks of benchmarks/quality.py, in an environment of their own.

    python benchmarks/quality.py TASKS --peers

makes the environment and runs this file in it. It writes what each peer finds, as TREC runs,
one file a task, which quality.py measures as it measures ours.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

DEPTH = 100
Found = Iterator[tuple[str, Sequence[tuple[str, float]]]]


class Peer(Protocol):
    """A search over one corpus."""

    def __init__(self, corpus: Mapping[str, str], weights: Path) -> None: ...

    def find(self, queries: Mapping[str, str], depth: int) -> Found: ...


class Bm25:
    """bm25s: English stems and stop words, k1 1.2, b 0.75, each query term once."""

    def __init__(self, corpus: Mapping[str, str], weights: Path) -> None:
        import bm25s  # pyright: ignore[reportMissingImports]
        import Stemmer

        self._names = list(corpus)
        self._stemmer: Any = Stemmer.Stemmer("english")
        self._index: Any = bm25s.BM25(k1=1.2, b=0.75)
        self._index.index(self._words(list(corpus.values())), show_progress=False)

    def _words(self, texts: Sequence[str]) -> list[list[str]]:
        import bm25s  # pyright: ignore[reportMissingImports]

        words: Any = bm25s.tokenize(
            list(texts),
            stopwords="en",
            stemmer=self._stemmer,
            return_ids=False,
            show_progress=False,
        )
        return list(words)

    def find(self, queries: Mapping[str, str], depth: int) -> Found:
        for query, words in zip(queries, self._words(list(queries.values())), strict=True):
            once = [list(dict.fromkeys(words))]
            depth = min(depth, len(self._names))
            at, scores = self._index.retrieve(once, k=depth, show_progress=False)
            yield query, [(self._names[i], float(s)) for i, s in zip(at[0], scores[0], strict=True)]


class MiniLm:
    """sentence-transformers as it comes: one vector a text, which is cut at 256 tokens."""

    def __init__(self, corpus: Mapping[str, str], weights: Path) -> None:
        from sentence_transformers import (  # pyright: ignore[reportMissingImports]
            SentenceTransformer,
        )

        self._model: Any = SentenceTransformer(str(weights), device="cpu")
        self._names = list(corpus)
        self._vectors = self._model.encode(list(corpus.values()), normalize_embeddings=True)

    def find(self, queries: Mapping[str, str], depth: int) -> Found:
        asked = self._model.encode(list(queries.values()), normalize_embeddings=True)
        for query, scores in zip(queries, asked @ self._vectors.T, strict=True):
            best = np.argsort(-scores)[:depth]
            yield query, [(self._names[i], float(scores[i])) for i in best]


class Txtai:
    """txtai with hybrid=True, and its defaults otherwise."""

    def __init__(self, corpus: Mapping[str, str], weights: Path) -> None:
        from txtai import Embeddings  # pyright: ignore[reportMissingImports]

        self._index: Any = Embeddings(path=str(weights), hybrid=True, gpu=False)
        self._index.index((name, text, None) for name, text in corpus.items())

    def find(self, queries: Mapping[str, str], depth: int) -> Found:
        for query, text in queries.items():
            yield query, self._index.search(text, depth)


PEERS: dict[str, type[Peer]] = {
    "bm25s": Bm25,
    "sentence-transformers": MiniLm,
    "txtai hybrid": Txtai,
}


def rows(task: Path, name: str) -> Iterator[dict[str, Any]]:
    path = task / name if (task / name).exists() else task / f"{name}.gz"
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    yield from (json.loads(line) for line in text.split("\n") if line.strip())


def queries_of(task: Path, apart: bool) -> dict[str, str]:
    """Return the queries; ``apart``: the text of those that have their predicates apart."""
    return {
        row["_id"]: (row.get("metadata") or {}).get("semantic_text", row["text"])
        if apart
        else row["text"]
        for row in rows(task, "queries.jsonl")
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("tasks", type=Path, nargs="+")
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    args = parser.parse_args()
    made: dict[tuple[str, int], Peer] = {}
    for task in args.tasks:
        corpus = {
            str(row["_id"]): f"{row.get('title') or ''} {row['text']}".strip()
            for row in rows(task, "corpus.jsonl")
        }
        has_filters = any(
            (row.get("metadata") or {}).get("filters") for row in rows(task, "queries.jsonl")
        )
        for suffix, apart, depth in (("", False, DEPTH), (".filters", True, len(corpus))):
            if apart and not has_filters:
                continue
            with (args.to / f"{task.name}{suffix}.run").open("w", encoding="utf-8") as run:
                for name, kind in PEERS.items():
                    key = (name, hash(tuple(corpus.items())))
                    peer = made[key] = made.get(key) or kind(corpus, args.weights)
                    for query, found in peer.find(queries_of(task, apart), depth):
                        for document, score in found:
                            run.write(f"{name}\t{query}\t{document}\t{score}\n")
                    print(f"{task.name}{suffix}: {name}", flush=True)


if __name__ == "__main__":
    main()
