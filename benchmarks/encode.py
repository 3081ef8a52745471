"""How fast a Longformer reads notes: transformers, sentence-transformers' way, and Notekin.

    python benchmarks/encode.py                      the whole table, about half an hour
    python benchmarks/encode.py --lengths 128 4096 --repeats 3
    python benchmarks/encode.py --model builtin --notes notes.parquet --plot speed.png

Speeds are real tokens a second, padding not counted; medians over runs in which the ways
take turns, so that whatever else the machine does falls on all of them. "x" is the ratio
to transformers as it comes, in the same run. The model with Clinical-Longformer's
dimensions has random seeded weights: speed does not depend on them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file

from notekin.indexer.longformer.config import read_config
from notekin.indexer.longformer.linear import Linear
from notekin.indexer.longformer.loading import resolve
from notekin.indexer.longformer.model import PackedLongformer
from notekin.indexer.longformer.precision import arithmetic
from notekin.indexer.longformer.tokenizer import NoteTokenizer

Ids = npt.NDArray[np.int32]
Encode = Callable[[list[Ids]], object]

LENGTHS = (16, 32, 128, 256, 512, 1024, 2048, 4096)
OURS = ("fp32", "bf16", "int8")
BASELINE = "transformers fp32"
WAYS = (BASELINE, "transformers bf16", "batches of 32 fp32", *(f"notekin {name}" for name in OURS))
PADDED_TOKENS = 4096
CLINICAL: dict[str, Any] = {
    "model_type": "longformer",
    "architectures": ["LongformerModel"],
    "vocab_size": 50265,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "attention_window": [512] * 12,
    "max_position_embeddings": 4098,
    "type_vocab_size": 1,
    "pad_token_id": 1,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-5,
}


@dataclass(frozen=True, slots=True)
class Way:
    """One way of running the model."""

    name: str
    encode: Encode


def main() -> None:
    """Measure what was asked for and print it."""
    asked = arguments()
    torch.set_num_threads(asked.threads)
    if asked.memory_of:
        print(json.dumps(peak_bytes(Path(asked.folder), asked.memory_of)))
        return
    print(f"torch {torch.__version__}, {asked.threads} threads, repeats {asked.repeats}")
    curves: dict[str, dict[str, dict[int, float]]] = {}
    with tempfile.TemporaryDirectory() as made:
        for model in asked.model:
            folder = model_folder(model, Path(made))
            print(f"\n## {model}\n")
            curves[model] = report(folder, asked)
    if asked.plot:
        plot(curves, Path(asked.plot))


def arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--model", nargs="+", default=["clinical", "builtin"])
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS)
    parser.add_argument("--ways", nargs="+", default=WAYS, choices=WAYS)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=PADDED_TOKENS, help="a run, ours")
    parser.add_argument("--notes", help="a Parquet file with a text column, for the real mix")
    parser.add_argument("--mix", type=int, default=100, help="notes in the real mix")
    parser.add_argument("--plot", help="a PNG to write")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    return parser.parse_args()


def report(folder: Path, asked: argparse.Namespace) -> dict[str, dict[int, float]]:
    """Print every table for one model; return tokens a second by way and length."""
    ways = [Way(name, way(folder, name)) for name in asked.ways]
    vocabulary = read_config(folder).vocab_size
    speeds: dict[str, dict[int, float]] = {one.name: {} for one in ways}
    for length in asked.lengths:
        sizes = {one.name: run_size(one, length, asked.tokens) for one in ways}
        inputs = {name: random_notes([length] * size, vocabulary) for name, size in sizes.items()}
        for name, (tokens, seconds) in timed(ways, inputs, asked.repeats).items():
            speeds[name][length] = tokens / seconds
    table("tokens/s by note length", speeds)
    query = random_notes([12], vocabulary)
    print_query(timed(ways, {one.name: query for one in ways}, asked.repeats))
    if asked.notes:
        print_mix(ways, folder, asked, vocabulary)
    print_ceiling(folder, speeds, asked)
    print_memory(folder, asked)
    for length in (256, 4096):
        print_breakdown(ways, length, vocabulary)
    return speeds


def random_notes(lengths: Sequence[int], vocabulary: int) -> list[Ids]:
    """Return seeded token ids, one array for each length."""
    generator = np.random.default_rng(0)
    return [generator.integers(5, vocabulary, length).astype(np.int32) for length in lengths]


def run_size(one: Way, length: int, tokens: int) -> int:
    """Return how many notes make a run: what fills one padded batch for the padding ways."""
    if one.name.startswith("notekin"):
        return max(1, tokens // length)
    padded = -(-length // 512) * 512
    return max(1, PADDED_TOKENS // padded)


def timed(
    ways: Sequence[Way], inputs: dict[str, list[Ids]], repeats: int
) -> dict[str, tuple[int, float]]:
    """Return the tokens in a run and its median seconds for each way, after a warm-up."""
    taken: dict[str, list[float]] = {one.name: [] for one in ways}
    for turn in range(repeats + 1):
        for one in ways:
            start = time.perf_counter()
            one.encode(inputs[one.name])
            if turn:
                taken[one.name].append(time.perf_counter() - start)
    return {
        name: (sum(map(len, inputs[name])), statistics.median(seconds))
        for name, seconds in taken.items()
    }


def way(folder: Path, name: str) -> Encode:
    """Return the function that encodes sequences in the way of this name."""
    kind, precision = name.rsplit(" ", 1)
    if kind == "notekin":
        return PackedLongformer.from_folder(folder, precision=precision).forward
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    return padded(folder, dtype, 32 if kind == "batches of 32" else None)


def padded(folder: Path, dtype: torch.dtype, batch: int | None) -> Encode:
    """Return transformers' model over padded batches.

    Args:
        folder: The model.
        dtype: Of its weights.
        batch: Notes in a batch, sorted by length, longest first, as sentence-transformers
            does it; or None for as many as fill 4,096 tokens when padded.
    """
    from transformers import LongformerModel
    from transformers.utils import logging

    quiet: Any = logging
    quiet.set_verbosity_error()
    quiet.disable_progress_bar()
    model: Any = LongformerModel.from_pretrained(folder, dtype=dtype, add_pooling_layer=False)
    model.eval()

    @torch.inference_mode()
    def encode(sequences: list[Ids]) -> None:
        ordered = sorted(sequences, key=len, reverse=True)
        while ordered:
            longest = -(-len(ordered[0]) // 512) * 512
            count = batch or max(1, PADDED_TOKENS // longest)
            part, ordered = ordered[:count], ordered[count:]
            ids = torch.full((len(part), len(part[0])), model.config.pad_token_id)
            mask = torch.zeros_like(ids)
            for row, sequence in enumerate(part):
                ids[row, : len(sequence)] = torch.from_numpy(sequence.astype(np.int64))
                mask[row, : len(sequence)] = 1
            model(ids, attention_mask=mask)

    return encode


def model_folder(model: str, made: Path) -> Path:
    """Return the folder of a model: random weights of Clinical-Longformer's size, or any."""
    if model != "clinical":
        return resolve(model, made).path
    folder = made / "clinical"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CLINICAL))
    from transformers import LongformerConfig, LongformerModel

    torch.manual_seed(0)
    theirs: Any = LongformerModel(LongformerConfig(**CLINICAL), add_pooling_layer=False)
    save_file(theirs.state_dict(), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def table(title: str, speeds: dict[str, dict[int, float]]) -> None:
    """Print one row for each way, one column for each length, and the ratio to the baseline."""
    lengths = list(next(iter(speeds.values())))
    print(f"| {title} | " + " | ".join(f"{length:,}" for length in lengths) + " |")
    print("| --- |" + " --- |" * len(lengths))
    for name, by_length in speeds.items():
        base = speeds.get(BASELINE, by_length)
        cells = (f"{by_length[n]:,.0f} ({by_length[n] / base[n]:.1f}x)" for n in lengths)
        print(f"| {name} | " + " | ".join(cells) + " |")


def print_query(latency: dict[str, tuple[int, float]]) -> None:
    """Print how long a query of 12 tokens takes."""
    base = latency.get(BASELINE, next(iter(latency.values())))[1]
    print("\n12-token query:")
    for name, (_, seconds) in latency.items():
        print(f"  {name}: {seconds * 1e3:.1f} ms ({base / seconds:.1f}x)")


def print_mix(
    ways: Sequence[Way], folder: Path, asked: argparse.Namespace, vocabulary: int
) -> None:
    """Print tokens a second over real notes' lengths."""
    import pandas as pd

    texts = pd.read_parquet(asked.notes, columns=["text"])["text"].dropna()
    sample = texts.sample(min(asked.mix, len(texts)), random_state=0).tolist()
    with tempfile.TemporaryDirectory() as cache:
        tokenizer = NoteTokenizer(resolve("builtin", Path(cache)).path)
    longest = read_config(folder).max_tokens
    lengths = [min(len(tokens.ids) + 2, longest) for tokens in tokenizer.encode(sample)]
    notes = random_notes(lengths, vocabulary)
    speeds = timed(ways, {one.name: notes for one in ways}, asked.repeats)
    base = speeds.get(BASELINE, next(iter(speeds.values())))[1]
    print(f"\nreal mix, {len(notes)} notes, median {int(np.median(lengths))} tokens:")
    for name, (tokens, seconds) in speeds.items():
        print(f"  {name}: {tokens / seconds:,.0f} tokens/s ({base / seconds:.1f}x)")


def print_ceiling(
    folder: Path, speeds: dict[str, dict[int, float]], asked: argparse.Namespace
) -> None:
    """Print what the matrix products alone would allow, and how much of it is reached."""
    config = read_config(folder)
    hidden, wide, layers = config.hidden_size, config.intermediate_size, config.num_hidden_layers
    shapes = ((hidden, 3 * hidden), (hidden, hidden), (hidden, wide), (wide, hidden))
    flops = 2 * layers * sum(into * out for into, out in shapes)
    print(f"\nmatrix products alone ({flops / 1e6:.0f} MFLOP a token, 1,024 rows):")
    for name in OURS:
        if f"notekin {name}" not in speeds:
            continue
        seconds = layers * sum(product_seconds(name, *shape, asked.repeats) for shape in shapes)
        ceiling = 1024 / seconds
        reached = {n: f"{s / ceiling:.0%}" for n, s in speeds[f"notekin {name}"].items()}
        print(f"  {name}: {ceiling * flops / 1e9:,.0f} GFLOP/s, {ceiling:,.0f} tokens/s; {reached}")


@torch.inference_mode()
def product_seconds(precision: str, into: int, out: int, repeats: int) -> float:
    """Return the median seconds of one product as the model takes it."""
    numbers = arithmetic(precision, "cpu")
    product: Linear = numbers.linear(torch.randn(out, into) * 0.02, torch.randn(out))
    rows = torch.randn(1024, into).to(numbers.dtype)
    return timed_calls(lambda: product(rows), 4 * repeats)


def timed_calls(call: Callable[[], object], repeats: int) -> float:
    """Return the median seconds of a call, after a warm-up."""
    call()
    taken: list[float] = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def print_memory(folder: Path, asked: argparse.Namespace) -> None:
    """Print the most memory that a process needed, each way in a process of its own."""
    print("\npeak memory, loading included, one note of 4,096 tokens and 8 of 16:")
    for name in asked.ways:
        command = [sys.executable, __file__, "--memory-of", name, "--folder", str(folder)]
        done = subprocess.run(
            [*command, "--threads", str(asked.threads)], capture_output=True, text=True, check=True
        )
        print(f"  {name}: {json.loads(done.stdout.splitlines()[-1]) / 2**30:.2f} GiB")


def peak_bytes(folder: Path, name: str) -> int:
    """Return the most memory that this process has needed after encoding."""
    encode = way(folder, name)
    encode([np.full(4096, 7, dtype=np.int32)])
    encode([np.full(16, 7, dtype=np.int32)] * 8)
    # Not ru_maxrss: a child starts with its parent's.
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def print_breakdown(ways: Sequence[Way], length: int, vocabulary: int) -> None:
    """Print where our time goes, by operator."""
    from torch.profiler import ProfilerActivity, profile

    for one in ways:
        if not one.name.startswith("notekin"):
            continue
        batch = random_notes([length] * max(1, 2048 // length), vocabulary)
        one.encode(batch)
        with stderr_hushed(), profile(activities=[ProfilerActivity.CPU]) as seen:
            one.encode(batch)
        rows = sorted(seen.key_averages(), key=lambda row: -row.self_cpu_time_total)
        total = sum(row.self_cpu_time_total for row in rows)
        shares = (
            f"{row.key.split('::')[-1]} {row.self_cpu_time_total / total:.0%}" for row in rows
        )
        print(f"\n{one.name} at {length:,} tokens: " + ", ".join(list(shares)[:7]))


@contextmanager
def stderr_hushed() -> Iterator[None]:
    """Keep what the profiler writes about itself out of the report."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def plot(curves: dict[str, dict[str, dict[int, float]]], path: Path) -> None:
    """Draw tokens a second against length; says so and goes on where matplotlib is missing."""
    if not find_spec("matplotlib"):
        print("\nno plot: matplotlib is not installed")
        return
    import_module("matplotlib").use("Agg")
    pyplot: Any = import_module("matplotlib.pyplot")
    figure, axes = pyplot.subplots(1, len(curves), figsize=(6 * len(curves), 4.5), squeeze=False)
    for axis, (model, speeds) in zip(axes[0], curves.items(), strict=True):
        for name, by_length in speeds.items():
            axis.plot(list(by_length), list(by_length.values()), marker="o", label=name)
        axis.set(xscale="log", yscale="log", xlabel="tokens in a note", title=model)
        axis.set_ylabel("real tokens a second")
        axis.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    print(f"\nplot: {path}")


if __name__ == "__main__":
    main()
