"""How fast a Longformer reads notes: transformers, sentence-transformers' way, and Notekin.

    python benchmarks/encode.py                      the whole table, about half an hour
    python benchmarks/encode.py --lengths 128 4096 --repeats 2
    python benchmarks/encode.py --model builtin --notes notes.parquet --plot speed.png

Speeds are real tokens a second, padding not counted; medians over runs in which the ways
take turns, so that whatever else the machine does falls on all of them. "x" is the ratio
to transformers as it comes, in the same run. The model with Clinical-Longformer's
dimensions has random seeded weights: speed does not depend on them.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from encode_costs import flops_a_token, operators, peak_bytes, product_rate
from encode_ways import (
    BASELINE,
    WAYS,
    Way,
    encode_in,
    model_folder,
    random_notes,
    run_size,
    timed,
)

from notekin.indexer.longformer.config import LongformerConfig, read_config
from notekin.indexer.longformer.loading import resolve
from notekin.indexer.longformer.tokenizer import NoteTokenizer

LENGTHS = (16, 32, 128, 256, 512, 1024, 2048, 4096)
PROFILED = (256, 4096)


def main() -> None:
    """Measure what was asked for and print it."""
    asked = arguments()
    torch.set_num_threads(asked.threads)
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
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=8192, help="a run, ours")
    parser.add_argument("--notes", help="a Parquet file with a text column, for the real mix")
    parser.add_argument("--mix", type=int, default=100, help="notes in the real mix")
    parser.add_argument("--plot", help="a PNG to write")
    return parser.parse_args()


def report(folder: Path, asked: argparse.Namespace) -> dict[str, dict[int, float]]:
    """Print every table for one model; return tokens a second by way and length."""
    ways = [Way(name, encode_in(folder, name)) for name in asked.ways]
    config = read_config(folder)
    speeds = speeds_by_length(ways, config, asked)
    print_speeds(speeds)
    query = random_notes([12], config.vocab_size)
    print_query(timed(ways, {one.name: query for one in ways}, 3 * asked.repeats))
    if asked.notes:
        print_mix(ways, config, asked)
    ours = [one for one in ways if one.ours]
    print_operators(ours, config, asked.repeats)
    print_memory(folder, asked)
    return speeds


def speeds_by_length(
    ways: Sequence[Way], config: LongformerConfig, asked: argparse.Namespace
) -> dict[str, dict[int, float]]:
    """Return tokens a second by way and length."""
    speeds: dict[str, dict[int, float]] = {one.name: {} for one in ways}
    for length in asked.lengths:
        sizes = {one.name: run_size(one, length, asked.tokens) for one in ways}
        inputs = {
            name: random_notes([length] * size, config.vocab_size) for name, size in sizes.items()
        }
        for name, (tokens, seconds) in timed(ways, inputs, asked.repeats).items():
            speeds[name][length] = tokens / seconds
    return speeds


def print_speeds(speeds: dict[str, dict[int, float]]) -> None:
    """Print one row for each way, one column for each length, and the ratio to the baseline."""
    lengths = list(next(iter(speeds.values())))
    print("| tokens/s by note length | " + " | ".join(f"{length:,}" for length in lengths) + " |")
    print("| --- |" + " --- |" * len(lengths))
    for name, by_length in speeds.items():
        base = speeds.get(BASELINE, by_length)
        cells = (f"{by_length[n]:,.0f} ({by_length[n] / base[n]:.1f}x)" for n in lengths)
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def print_query(latency: dict[str, tuple[int, float]]) -> None:
    """Print how long a query of 12 tokens takes."""
    base = latency.get(BASELINE, next(iter(latency.values())))[1]
    print("\n12-token query:")
    for name, (_, seconds) in latency.items():
        print(f"  {name}: {seconds * 1e3:.1f} ms ({base / seconds:.1f}x)")


def print_mix(ways: Sequence[Way], config: LongformerConfig, asked: argparse.Namespace) -> None:
    """Print tokens a second over real notes' lengths."""
    import pandas as pd

    texts = pd.read_parquet(asked.notes, columns=["text"])["text"].dropna()
    sample = texts.sample(min(asked.mix, len(texts)), random_state=0).tolist()
    with tempfile.TemporaryDirectory() as cache:
        tokenizer = NoteTokenizer(resolve("builtin", Path(cache)).path)
    lengths = [min(len(tokens.ids) + 2, config.max_tokens) for tokens in tokenizer.encode(sample)]
    notes = random_notes(lengths, config.vocab_size)
    speeds = timed(ways, {one.name: notes for one in ways}, max(1, asked.repeats // 2))
    base = speeds.get(BASELINE, next(iter(speeds.values())))[1]
    print(f"\nreal mix, {len(notes)} notes, median {int(np.median(lengths))} tokens:")
    for name, (tokens, seconds) in speeds.items():
        print(f"  {name}: {tokens / seconds:,.0f} tokens/s ({base / seconds:.1f}x)", flush=True)


def print_operators(ours: Sequence[Way], config: LongformerConfig, repeats: int) -> None:
    """Print where our time goes, and what of the machine's own rate the products reach."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    rates = {one.name: product_rate(config, one.ours or "", repeats) for one in ours}
    torch.set_num_threads(threads)
    flops = flops_a_token(config)
    print(f"\nproducts with weights, {flops / 1e6:.0f} MFLOP a token, alone on one thread:")
    for name, rate in rates.items():
        print(f"  {name}: {rate / 1e9:,.0f} GFLOP/s, so at most {rate / flops:,.0f} tokens/s")
    print("\noperators, one thread, by time, and the products' share of that rate:")
    for length in PROFILED:
        batch = random_notes([length] * max(1, 2048 // length), config.vocab_size)
        for one in ours:
            seen = operators(one, batch)
            total = sum(seen.seconds.values())
            longest = list(seen.seconds.items())[:8]
            shares = ", ".join(f"{name} {taken / total:.0%}" for name, taken in longest)
            reached = seen.tokens * flops / seen.products / rates[one.name]
            print(f"  {one.name} at {length:,}: {shares}; products at {reached:.0%}", flush=True)


def print_memory(folder: Path, asked: argparse.Namespace) -> None:
    """Print the most memory that each way needs."""
    print("\npeak memory, loading included, one note of 4,096 tokens and 8 of 16:")
    for name in asked.ways:
        print(f"  {name}: {peak_bytes(folder, name, asked.threads) / 2**30:.2f} GiB", flush=True)


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
        for scale, dimension in ((axis.set_xscale, axis.xaxis), (axis.set_yscale, axis.yaxis)):
            scale("log", base=2)
            dimension.set_major_formatter("{x:,.0f}")
        axis.set(xlabel="tokens in a note", ylabel="real tokens a second", title=model)
        axis.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    print(f"\nplot: {path}")


if __name__ == "__main__":
    main()
