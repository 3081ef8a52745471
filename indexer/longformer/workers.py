"""Batches side by side: each core runs one of its own, and none waits for another.

Within one batch torch splits every product over the cores and lets them wait for each
other at its end, some hundred times a batch; on a core that another program needs, too,
all wait for that one. Batches don't depend on each other, so where there are enough of
them each gets one thread. What a batch gives is the same either way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

T = TypeVar("T")


def run_each(task: Callable[[T], None], items: Sequence[T]) -> None:
    """Run a task on every item, on as many threads as torch is set to.

    Fewer items than threads are run one after another, each on all threads.
    """
    threads = torch.get_num_threads()
    if threads == 1 or len(items) < threads:
        for item in items:
            task(item)
        return
    try:
        with ThreadPoolExecutor(threads, initializer=_take_one_thread) as pool:
            for _ in pool.map(task, items):
                pass
    finally:
        torch.set_num_threads(threads)


def _take_one_thread() -> None:
    torch.set_num_threads(1)
