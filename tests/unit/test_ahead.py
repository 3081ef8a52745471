"""Work done ahead keeps its order, its bounds and its errors."""

from __future__ import annotations

import threading

import pytest

from notekin.indexer.ahead import ahead


def test_results_come_in_the_order_of_the_items() -> None:
    assert list(ahead(lambda n: n * n, range(50))) == [n * n for n in range(50)]
    assert list(ahead(str, [])) == []


def test_work_runs_in_another_thread_and_no_further_ahead_than_asked() -> None:
    begun: list[int] = []
    threads: set[str] = set()

    def work(n: int) -> int:
        begun.append(n)
        threads.add(threading.current_thread().name)
        return n

    results = ahead(work, iter(range(1000)), depth=2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    assert len(begun) <= 6
    assert threading.current_thread().name not in threads
    results.close()


def test_an_error_is_raised_in_its_place() -> None:
    def work(n: int) -> int:
        if n == 3:
            raise ValueError("third")
        return n

    seen: list[int] = []
    with pytest.raises(ValueError, match="third"):
        seen.extend(ahead(work, range(10)))
    results = ahead(work, range(10))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
