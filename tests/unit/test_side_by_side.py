"""Work on several segments gives the same in one thread and in several."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from notekin.storage import side_by_side
from notekin.storage.side_by_side import each
from notekin.storage.vector_file import set_threads, threads


@pytest.fixture(autouse=True)
def two_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = threads()
    set_threads(2)
    monkeypatch.setattr(side_by_side, "WORTH_IT", 10)
    yield
    set_threads(before)


def test_what_is_made_of_each_comes_back_in_order() -> None:
    assert each(str, range(20), rows=10) == [str(item) for item in range(20)]
    assert each(str, [], rows=10) == []


def test_large_work_is_done_by_two_threads_at_once_and_small_work_where_it_is_asked() -> None:
    both = threading.Barrier(2, timeout=30)
    each(lambda _: both.wait(), range(2), rows=10)
    here = threading.get_ident()
    assert each(lambda _: threading.get_ident(), range(2), rows=9) == [here, here]


def test_one_thread_allowed_is_one_thread_used() -> None:
    set_threads(1)
    here = threading.get_ident()
    assert each(lambda _: threading.get_ident(), range(2), rows=10) == [here, here]


def test_faiss_uses_one_thread_in_each() -> None:
    assert each(lambda _: threads(), range(2), rows=10) == [1, 1]


def test_an_error_in_one_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        each((1).__floordiv__, [1, 0], rows=10)
