"""Work done ahead in a thread of its own, while what came before is used."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def ahead(work: Callable[[A], B], items: Iterable[A], depth: int = 2) -> Generator[B]:
    """Give ``work(item)`` of each item, in order; up to ``depth`` more are done meanwhile.

    No more than that is ever held, however many items there are. What the work raises is
    raised here, in its place.
    """
    source = iter(items)
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        waiting: deque[Future[B]] = deque(
            thread.submit(work, item) for item in islice(source, depth + 1)
        )
        try:
            while waiting:
                done = waiting.popleft().result()
                waiting.extend(thread.submit(work, item) for item in islice(source, 1))
                yield done
        finally:
            for future in waiting:
                future.cancel()
