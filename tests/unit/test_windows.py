import itertools

from hypothesis import given
from hypothesis import strategies as st

from notekin.indexer import windows


@given(st.integers(0, 20_000), st.integers(2, 4_094), st.data())
def test_every_token_counts_once_and_is_read_where_it_counts(
    tokens: int, size: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, size - 1))
    found = windows.split(tokens, size, overlap)
    counted = [place for window in found for place in (window.count_first, window.count_last)]
    assert counted[0] == 0
    assert counted[-1] == tokens
    assert counted[1:-1:2] == counted[2::2]
    for window in found:
        assert window.first <= window.count_first <= window.count_last <= window.last
        assert window.last - window.first <= size


@given(st.integers(1, 20_000), st.integers(2, 4_094), st.data())
def test_neighbouring_windows_share_at_least_the_overlap(
    tokens: int, size: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, size - 1))
    found = windows.split(tokens, size, overlap)
    for left, right in itertools.pairwise(found):
        assert left.last - right.first >= overlap


def test_a_text_without_tokens_is_read_once() -> None:
    assert windows.split(0, 510, 64) == [windows.Window(0, 0, 0, 0)]
