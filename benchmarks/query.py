"""How long a query takes from text to evidence, by stage, and beside its peers in the same run.

    python benchmarks/query.py                                 both models, 100,000 passages
    python benchmarks/query.py --passages 1000000 --model builtin --folder /data/bench
    python benchmarks/query.py --store my-store --model builtin    a store of one's own

Notes and vectors are generated (benchmarks/query_notes.py); queries are encoded in earnest.
The peers: the same encoder and bare FAISS on the same vectors (flat, which is exact, and the
index that the store built), which know no words, facts, texts or evidence; and transformers'
own Longformer as it comes, the encoding alone. Ways take turns, query by query. The cold
command line is ``notekin search`` from the shell to its last line, in processes of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from encode_ways import model_folder, padded
from query_notes import CATEGORIES, notes, queries
from rich.console import Console
from stopwatch import Stopwatch

from notekin import api, display_hits
from notekin.indexer.encoder import NoteEncoder
from notekin.indexer.longformer.loading import resolve
from notekin.indexer.longformer.tokenizer import NoteTokenizer
from notekin.settings import read_settings
from notekin.storage.store import StoreFolder
from notekin.storage.vector_file import faiss

K = 10
COMMIT_NOTES = 25_000
STAGES = {
    "newest generation": "notekin.api:Store._newest",
    "tokenise": "notekin.indexer.longformer.tokenizer:NoteTokenizer.encode",
    "encode": "notekin.indexer.encoder:NoteEncoder.encode",
    "filter (SQL)": "notekin.storage.snapshot:Snapshot.select",
    "dense search": "notekin.storage.snapshot:Snapshot.nearest_passages",
    "lexical search": "notekin.storage.snapshot:Snapshot.relevance",
    "rank and fuse": "notekin.search.retrieval:Searcher.rank",
    "facts, texts, passages (SQL)": "notekin.storage.snapshot:Snapshot.read",
    "passages' vectors": "notekin.storage.snapshot:Snapshot.passage_vectors",
    "copies (SQL)": "notekin.storage.snapshot:Snapshot.notes_in_families",
    "evidence, assertion": "notekin.search.evidence:Witness.hear",
    "display": "notekin.display_hits:results",
}
REST = "the rest"
Times = dict[str, list[float]]


def main() -> None:
    """Measure what was asked for, print it, and write it as JSON where that was asked."""
    asked = arguments()
    torch.set_num_threads(asked.threads)
    faiss.omp_set_num_threads(asked.threads)
    answers = []
    for model in asked.model:
        with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
            answers.append(measure(model, Path(folder), asked))
    if asked.json:
        asked.json.write_text(json.dumps(answers, indent=2) + "\n")


def arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--model", nargs="+", default=["builtin", "clinical"])
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--cold", type=int, default=7, help="how often to start the command")
    parser.add_argument("--store", type=Path, help="search this one; nothing is generated")
    parser.add_argument("--folder", type=Path, help="where to work; else a temporary folder")
    parser.add_argument("--json", type=Path, help="write the numbers here, too")
    return parser.parse_args()


def measure(model: str, folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """Print and return everything that is measured of one model."""
    found = folder_of(model, folder)
    name = "builtin" if model == "builtin" else str(found)
    encoder = NoteEncoder.load(name, read_settings().cache)
    encoder.encode(["fever"] * 2)  # more than one text loads torch: warm from here on
    path = asked.store or folder / "store"
    if asked.store is None:
        build(path, encoder, asked.passages)
    texts = queries(asked.queries)
    answer: dict[str, Any] = {"model": model, "dim": encoder.fingerprint.dim}
    with api.open(path, encoder=encoder) as store:
        vectors = passage_vectors(path)
        answer |= {"passages": len(vectors), "threads": asked.threads}
        print(f"\n## {model}, {len(vectors):,} passages, {asked.threads} threads\n", flush=True)
        answer["warm"] = warm(store, encoder, bare(path, vectors), texts)
        answer["longformer"] = beside_transformers(found, encoder, texts)
        answer["queries_per_s"] = {n: throughput(store, texts, n) for n in (1, 2)}
        print(f"\nqueries a second, by threads that ask: {answer['queries_per_s']}", flush=True)
        answer["stages"] = stages(store, texts)
    if asked.cold:
        answer["cold"] = cold(path, texts, asked.cold)
    return answer


def folder_of(model: str, folder: Path) -> Path:
    """Return the model's folder; Clinical-Longformer's dimensions get the built-in's tokenizer."""
    found = model_folder(model, folder)
    if model == "clinical":
        builtin = resolve("builtin", read_settings().cache).path
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(builtin / name, found / name)
    return found


def build(path: Path, encoder: NoteEncoder, passages: int) -> None:
    """Make a store of generated notes."""
    began = time.perf_counter()
    folder = StoreFolder.open_or_create(path, encoder.fingerprint)
    made = notes(passages, encoder.fingerprint)
    while some := list(islice(made, COMMIT_NOTES)):
        with folder.write() as writer:
            writer.commit(some)
    folder.close()
    print(f"store of {passages:,} passages made in {time.perf_counter() - began:.0f} s", flush=True)


def passage_vectors(path: Path) -> Any:
    """Return the vectors of all passages of a store."""
    parts = StoreFolder.open(path).snapshot()._segments
    return np.concatenate([part.passages.vectors for part in parts])


def bare(path: Path, vectors: Any) -> dict[str, Callable[[Any], object]]:
    """Return bare FAISS over the same vectors: flat, and the store's own indexes."""
    flat: Any = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(vectors)
    ways: dict[str, Callable[[Any], object]] = {"FAISS flat": lambda query: flat.search(query, K)}
    files = sorted((path / "segments").glob("*/passages.ann.faiss"))
    indexes: list[Any] = [faiss.read_index(str(file), faiss.IO_FLAG_MMAP_IFC) for file in files]
    facts = [part["passages"] for part in StoreFolder.open(path).snapshot().index_facts() if part]
    if files and all(fact["kind"] == "ivf" for fact in facts):
        params = faiss.SearchParametersIVF(nprobe=max(fact["effort"] for fact in facts))
        ways["FAISS IVF, the store's"] = lambda query: [
            index.search(query, K, params=params) for index in indexes
        ]
    return ways


def warm(
    store: api.Store,
    encoder: NoteEncoder,
    peers: dict[str, Callable[[Any], object]],
    texts: Sequence[str],
) -> dict[str, Any]:
    """Print and return latencies of ours and of the encoder with bare FAISS, taking turns."""
    filtered = {"category": CATEGORIES[0]}
    ways: dict[str, Callable[[str], object]] = {
        "encoder": lambda text: encoder.encode([text]),
        "notekin": lambda text: store.search(text, K),
        "notekin, by meaning alone": lambda text: store.search(text, K, mode="dense"),
        "notekin, filtered": lambda text: store.search(text, K, where=filtered),
    }
    for name, search in peers.items():
        ways[f"encoder + {name}"] = lambda text, search=search: search(encoder.encode([text]))
    times = taking_turns(ways, texts)
    table = summary(times)
    for name, row in table.items():
        ratio = table["notekin"]["median_ms"] / row["median_ms"]
        row["notekin_takes"] = round(ratio, 2)
        print(
            f"{name:<34} median {row['median_ms']:>8.2f} ms  p99 {row['p99_ms']:>8.2f} ms"
            f"   notekin takes {ratio:.2f}x",
            flush=True,
        )
    return table


def taking_turns(ways: dict[str, Callable[[str], object]], texts: Sequence[str]) -> Times:
    """Return how long each way takes for each text, after a warm-up with the first of them."""
    times: Times = defaultdict(list)
    first = texts[:10]
    for text in [*first, *texts]:
        for name, call in ways.items():
            began = time.perf_counter()
            call(text)
            times[name].append(time.perf_counter() - began)
    return {name: taken[len(first) :] for name, taken in times.items()}


def summary(times: Times) -> dict[str, dict[str, float]]:
    """Return median and 99th percentile of each, in milliseconds."""
    return {
        name: {
            "median_ms": round(statistics.median(taken) * 1000, 3),
            "p99_ms": round(float(np.percentile(taken, 99)) * 1000, 3),
        }
        for name, taken in times.items()
    }


def beside_transformers(folder: Path, encoder: NoteEncoder, texts: Sequence[str]) -> dict[str, Any]:
    """Print and return how long encoding a query takes in transformers' Longformer, and in ours."""
    theirs = padded(folder, torch.float32, None)
    tokenizer = NoteTokenizer(folder)

    def read(text: str) -> None:
        ids = tokenizer.encode([text])[0].ids
        theirs([np.concatenate([[tokenizer.cls_id], ids, [tokenizer.sep_id]])])

    ways = {"transformers": read, "notekin": lambda text: encoder.encode([text])}
    table = summary(taking_turns(ways, texts[:10]))
    ratio = table["transformers"]["median_ms"] / table["notekin"]["median_ms"]
    print(
        f"\nencoding one query: transformers {table['transformers']['median_ms']:.1f} ms, "
        f"notekin {table['notekin']['median_ms']:.1f} ms: {ratio:.0f}x",
        flush=True,
    )
    return {**table, "ratio": round(ratio, 1)}


def throughput(store: api.Store, texts: Sequence[str], threads: int) -> float:
    """Return queries a second where so many threads ask at once, each computing by itself."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with ThreadPoolExecutor(threads, initializer=faiss.omp_set_num_threads, initargs=(1,)) as pool:
        list(pool.map(lambda text: store.search(text, K), texts[:10]))
        began = time.perf_counter()
        list(pool.map(lambda text: store.search(text, K), texts))
        took_s = time.perf_counter() - began
    torch.set_num_threads(before)
    return round(len(texts) / took_s, 1)


def stages(store: api.Store, texts: Sequence[str]) -> dict[str, Any]:
    """Print and return what each stage takes of a query with a filter, printed to the end."""
    stopwatch = Stopwatch()
    for stage, place in STAGES.items():
        stopwatch.watch(stage, place)
    filtered = {"category": CATEGORIES[0]}
    for text in texts:
        with stopwatch.whole(REST):
            found = store.search(text, K, where=filtered)
            display_hits.results(Console(file=StringIO(), width=100), found)
    table = summary(stopwatch.stages)
    print("\nby stage, with a filter:", flush=True)
    for name, row in table.items():
        print(f"  {name:<30} median {row['median_ms']:>8.3f} ms  p99 {row['p99_ms']:>8.3f} ms")
    return table


def cold(store: Path, texts: Sequence[str], times: int) -> dict[str, Any]:
    """Print and return how long the command takes from the shell, and what of it is importing."""
    command = [sys.executable, "-m", "notekin", "search", texts[0], "--store", str(store)]
    took = [seconds(command) for _ in range(times + 1)][1:]
    bare_python = [seconds([sys.executable, "-c", "pass"]) for _ in range(times)]
    imports = import_times([sys.executable, "-X", "importtime", *command[1:]])
    answer = {
        "median_s": round(statistics.median(took), 3),
        "fastest_s": round(min(took), 3),
        "slowest_s": round(max(took), 3),
        "python_s": round(statistics.median(bare_python), 3),
        "imports_ms": imports,
        "all_imports_s": round(sum(imports.values()) / 1000, 3),
    }
    print(
        f"\ncold command line: median {answer['median_s']} s, {min(took):.2f} to {max(took):.2f}; "
        f"of these Python itself {answer['python_s']} s; imports, as timed one by one,"
    )
    print("  " + ", ".join(f"{name} {ms} ms" for name, ms in islice(imports.items(), 12)))
    return answer


def seconds(command: Sequence[str]) -> float:
    """Return how long a command takes."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def import_times(command: Sequence[str]) -> dict[str, int]:
    """Return the milliseconds that each top-level package takes to import, most first."""
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    total: dict[str, int] = defaultdict(int)
    for line in done.stderr.splitlines():
        if line.startswith("import time:") and line.count("|") == 2 and "[us]" not in line:
            own, _, name = line.removeprefix("import time:").split("|")
            total[name.strip().split(".")[0]] += int(own)
    ranked = sorted(total.items(), key=lambda pair: -pair[1])
    return {name: round(us / 1000) for name, us in ranked if us >= 500}


if __name__ == "__main__":
    main()
