"""Small counts are hidden, and can't be worked out from those that are shown."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from notekin.search.cohort.answer import AttritionRow
from notekin.search.cohort.masking import is_small, masked_attrition


def rows(*left: int) -> list[AttritionRow]:
    lost = [0, *(before - after for before, after in pairwise(left))]
    pairs = zip(left, lost, strict=True)
    return [AttritionRow("include", f"c{at}", *pair) for at, pair in enumerate(pairs)]


def test_counts_from_1_to_9_and_differences_that_give_them_away_are_hidden() -> None:
    found = masked_attrition(rows(100, 80, 75, 60, 60, 9, 0))
    assert [(row.left, row.lost) for row in found] == [
        (100, 0),
        (80, 20),
        (None, None),
        (60, None),
        (60, 0),
        (None, None),
        (0, None),
    ]


@given(st.lists(st.integers(0, 60), min_size=1, max_size=8).map(lambda some: sorted(some)[::-1]))
def test_no_small_count_nor_step_between_two_shown_rows_can_be_read_off(left: list[int]) -> None:
    given_rows = rows(*left)
    found = masked_attrition(given_rows)
    shown = [(at, row.left) for at, row in enumerate(found) if row.left is not None]
    assert not any(is_small(count) for _, count in shown)
    for (_, before), (_, after) in pairwise(shown):
        assert not is_small(before - after)
    for at, row in enumerate(found):
        assert row.lost in (None, given_rows[at].lost)
        if row.lost is not None:
            assert not is_small(row.lost)
            assert row.left is not None
            assert at == 0 or found[at - 1].left is not None
