"""What a forward pass costs: its ceiling, its memory, and where its time goes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from encode_ways import Ids, Way, encode_in

from notekin.indexer.longformer.config import LongformerConfig
from notekin.indexer.longformer.linear import Linear
from notekin.indexer.longformer.precision import arithmetic

PRODUCTS = ("_linear_pointwise", "qlinear_pointwise", "linear", "addmm")
ROWS = (256, 1024)


@dataclass(frozen=True, slots=True)
class Operators:
    """Where the time of a batch goes, on one thread.

    Attributes:
        seconds: Of each operator by itself, the longest first.
        tokens: In the batch.
    """

    seconds: dict[str, float]
    tokens: int

    @property
    def products(self) -> float:
        """Seconds in products with weights."""
        return sum(taken for name, taken in self.seconds.items() if name in PRODUCTS)


def flops_a_token(config: LongformerConfig) -> int:
    """Return the floating-point operations of the products with weights, for one token."""
    return 2 * config.num_hidden_layers * sum(into * out for into, out in shapes(config))


def shapes(config: LongformerConfig) -> tuple[tuple[int, int], ...]:
    """Return what each product of a layer takes and gives."""
    hidden, wide = config.hidden_size, config.intermediate_size
    return (hidden, 3 * hidden), (hidden, hidden), (hidden, wide), (wide, hidden)


def product_rate(config: LongformerConfig, precision: str, repeats: int) -> float:
    """Return the floating-point operations a second of the products alone, at the best size."""
    layer = flops_a_token(config) / config.num_hidden_layers
    rates = (
        rows
        * layer
        / sum(product_seconds(precision, *shape, rows, repeats) for shape in shapes(config))
        for rows in ROWS
    )
    return max(rates)


@torch.inference_mode()
def product_seconds(precision: str, into: int, out: int, count: int, repeats: int) -> float:
    """Return the seconds of one product of ``count`` rows by itself, without what rounds for it."""
    numbers = arithmetic(precision, "cpu")
    product: Linear = numbers.linear(torch.randn(out, into) * 0.02, torch.randn(out))
    rows = torch.randn(count, into).to(numbers.dtype)
    product(rows)
    calls = 4 * repeats
    seen = Operators(profiled(lambda: [product(rows) for _ in range(calls)]), calls * count)
    return seen.products / calls


def operators(one: Way, batch: list[Ids]) -> Operators:
    """Return where the time of a batch goes; the profiler sees one thread alone."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    one.encode(batch)
    seconds = profiled(lambda: one.encode(batch))
    torch.set_num_threads(threads)
    return Operators(seconds, sum(map(len, batch)))


def profiled(call: Callable[[], object]) -> dict[str, float]:
    """Return the seconds of each operator by itself, the longest first."""
    from torch.profiler import ProfilerActivity, profile

    with stderr_hushed(), profile(activities=[ProfilerActivity.CPU]) as seen:
        call()
    rows = sorted(seen.key_averages(), key=lambda row: -row.self_cpu_time_total)
    return {row.key.split("::")[-1]: row.self_cpu_time_total / 1e6 for row in rows}


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


def peak_bytes(folder: Path, name: str, threads: int) -> int:
    """Return the most memory that a process of its own needs, loading included."""
    command = [sys.executable, __file__, str(folder), name, str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(json.loads(done.stdout.splitlines()[-1]))


def own_peak_bytes(folder: Path, name: str) -> int:
    """Return the most memory that this process has needed after encoding in one way."""
    encode = encode_in(folder, name)
    encode([np.full(4096, 7, dtype=np.int32)])
    encode([np.full(16, 7, dtype=np.int32)] * 8)
    # Not ru_maxrss: a child starts with its parent's.
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[3]))
    print(own_peak_bytes(Path(sys.argv[1]), sys.argv[2]))
