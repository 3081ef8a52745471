import threading
from collections.abc import Iterator

import pytest
import torch

from notekin.indexer.longformer.workers import run_each


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_every_item_is_run_once_and_the_thread_count_is_as_before(count: int) -> None:
    done: list[int] = []
    run_each(done.append, range(count))
    assert sorted(done) == list(range(count))
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_items_run_side_by_side_with_one_thread_each() -> None:
    both_there = threading.Barrier(2, timeout=10)
    threads: list[int] = []

    def task(_item: int) -> None:
        both_there.wait()
        threads.append(torch.get_num_threads())

    run_each(task, range(4))
    assert threads == [1, 1, 1, 1]


@pytest.mark.usefixtures("two_threads")
def test_an_error_in_one_item_is_raised_and_the_thread_count_is_as_before() -> None:
    def task(item: int) -> None:
        if item == 2:
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        run_each(task, range(4))
    assert torch.get_num_threads() == 2
