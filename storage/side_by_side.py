"""Work on several segments at once: FAISS and numpy let other threads run while they compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from notekin.storage.vector_file import set_threads, threads

WORTH_IT = 50_000
"""Rows in all from which it pays; handing work over takes as long as reading some thousands."""

Item = TypeVar("Item")
Done = TypeVar("Done")


def each(work: Callable[[Item], Done], items: Sequence[Item], rows: int) -> list[Done]:
    """Return what the work makes of each item, in order.

    No more threads are used than FAISS may use in the thread that asks.

    Args:
        work: Must bear that it runs in several threads.
        items: Such as segments.
        rows: How many it has to look through, in all.
    """
    allowed = min(threads(), len(items))
    if allowed < 2 or rows < WORTH_IT:
        return [work(item) for item in items]
    return list(_pool(allowed).map(work, items))


@cache
def _pool(size: int) -> ThreadPoolExecutor:
    """Return threads that are kept; in each, FAISS uses no others."""
    return ThreadPoolExecutor(size, "notekin-segments", initializer=set_threads, initargs=(1,))
