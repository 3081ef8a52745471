import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notekin.indexer import windows
from notekin.indexer.passages import TokenRange
from notekin.indexer.pooling import Pool, Pooling
from notekin.indexer.windows import Window

DIM = 3


def unit(row: np.ndarray) -> np.ndarray:
    return np.asarray(row / np.linalg.norm(row))


def plain(pooling: Pooling, tokens: np.ndarray, cls: np.ndarray) -> np.ndarray:
    """Pool with numpy over all the rows at once."""
    mean, highest = unit(tokens.mean(axis=0)), unit(tokens.max(axis=0))
    return {
        Pooling.MEAN: mean,
        Pooling.MAX: highest,
        Pooling.CLS: unit(cls.mean(axis=0)),
        Pooling.MEAN_MAX: unit(np.concatenate([mean, highest])),
    }[pooling]


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(list(Pooling)),
    st.integers(1, 40),
    st.integers(2, 12),
    st.lists(st.integers(1, 39), max_size=5),
    st.integers(0, 2**32 - 1),
)
def test_pooling_window_by_window_equals_pooling_all_tokens_at_once(
    pooling: Pooling, tokens: int, size: int, cuts: list[int], seed: int
) -> None:
    random = np.random.default_rng(seed)
    rows = random.standard_normal((tokens, DIM)).astype(np.float32)
    edges = sorted({0, tokens, *(cut for cut in cuts if cut < tokens)})
    ranges = [TokenRange(*pair) for pair in itertools.pairwise(edges)]
    pool, specials = Pool(ranges, DIM), []
    found = windows.split(tokens, size, size // 2)
    for window in found:
        special = random.standard_normal((2, DIM)).astype(np.float32)
        specials.append(special)
        read = np.concatenate([special[:1], rows[window.first : window.last], special[1:]])
        pool.add(window, read)

    vectors = pool.passages(pooling, with_special=False)
    assert vectors.shape == (len(ranges), pooling.width(DIM))
    for vector, part in zip(vectors, ranges, strict=True):
        holding = [
            special[0]
            for special, window in zip(specials, found, strict=True)
            if window.count_first < part.last and window.count_last > part.first
        ]
        expected = plain(pooling, rows[part.first : part.last], np.array(holding))
        assert np.allclose(vector, expected, atol=1e-4)
    if pooling is not Pooling.CLS:
        assert np.allclose(pool.note(pooling), plain(pooling, rows, rows), atol=1e-4)
    assert pool.seen == tokens


@pytest.mark.parametrize("pooling", list(Pooling))
def test_a_text_without_tokens_has_the_vector_of_its_special_tokens(pooling: Pooling) -> None:
    pool = Pool([TokenRange(0, 0)], DIM)
    special = np.array([[1, 2, 3], [3, 2, -1]], np.float32)
    pool.add(Window(0, 0, 0, 0), special)
    expected = plain(pooling, special, special[:1])
    assert np.allclose(pool.passages(pooling, with_special=False)[0], expected, atol=1e-6)
    assert np.allclose(pool.note(pooling), expected, atol=1e-6)


def test_special_tokens_count_in_a_passage_that_is_read_alone_and_not_in_the_note() -> None:
    pool = Pool([TokenRange(0, 1)], 1)
    pool.add(Window(0, 1, 0, 1), np.array([[5], [-1], [5]], np.float32))
    assert pool.passages(Pooling.MEAN, with_special=True)[0] == 1
    assert pool.passages(Pooling.MEAN, with_special=False)[0] == -1
    assert pool.note(Pooling.MEAN) == -1
