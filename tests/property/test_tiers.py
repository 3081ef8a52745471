"""The merge policy keeps segments few and rewrites little, whatever is added and deleted."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from notekin.storage.tiers import DEAD_ROWS, DEAD_SHARE, FAN_IN, Size, choose

LARGEST = 50_000
SIZES = st.lists(st.integers(1, 3_000), min_size=1, max_size=150)


@dataclass
class Plain:
    """Segments as sizes, merged as a writer merges them."""

    largest: int = LARGEST
    sizes: list[Size] = field(default_factory=list)
    added: int = 0
    deleted: int = 0
    rewritten: int = 0

    def add(self, rows: int) -> None:
        self.added += rows
        self.sizes.append(Size(rows))
        self.settle()

    def delete(self, place: int, rows: int) -> None:
        size = self.sizes[place % len(self.sizes)] if self.sizes else Size(0)
        rows = min(rows, size.live)
        if rows:
            self.deleted += rows
            self.sizes[self.sizes.index(size)] = Size(size.live - rows, size.dead + rows)
            self.settle()

    def settle(self) -> None:
        for _ in range(10_000):
            chosen = choose(self.sizes, self.largest)
            if not chosen:
                return
            self._merge(chosen)
        raise AssertionError("the policy never comes to rest")

    def _merge(self, chosen: list[int]) -> None:
        live = sum(self.sizes[place].live for place in chosen)
        self.rewritten += live
        self.sizes = [size for place, size in enumerate(self.sizes) if place not in chosen]
        parts = math.ceil(live / self.largest)
        self.sizes += [Size(live * (at + 1) // parts - live * at // parts) for at in range(parts)]


def levels(rows: int) -> int:
    return Size(rows).level + 1


@given(SIZES)
def test_segments_stay_few(rows: list[int]) -> None:
    plain = Plain()
    for one in rows:
        plain.add(one)
        assert sum(size.live for size in plain.sizes) == plain.added
        small = [size.level for size in plain.sizes if size.live * 2 < plain.largest]
        assert max(map(small.count, small), default=0) < FAN_IN
        full = 2 * plain.added // plain.largest
        assert len(plain.sizes) <= (FAN_IN - 1) * levels(plain.added) + full


@given(SIZES)
def test_a_row_is_rewritten_at_most_once_a_level(rows: list[int]) -> None:
    plain = Plain()
    for one in rows:
        plain.add(one)
    assert plain.rewritten <= plain.added * (levels(plain.added) - 1)


@given(
    st.lists(
        st.tuples(st.integers(0, 3_000), st.integers(0, 200), st.integers(0, 3_000)), max_size=150
    )
)
def test_dead_weight_is_bounded_and_paid_for_by_what_died(
    steps: list[tuple[int, int, int]],
) -> None:
    plain = Plain()
    for rows, place, dying in steps:
        if rows:
            plain.add(rows)
        plain.delete(place, dying)
        for size in plain.sizes:
            assert size.dead < max(DEAD_ROWS, DEAD_SHARE * (size.live + size.dead))
    share = (1 - DEAD_SHARE) / DEAD_SHARE
    climbing = FAN_IN * plain.added * levels(plain.added)
    assert plain.rewritten <= climbing + share * plain.deleted


def test_one_note_at_a_time_for_a_long_time_is_few_segments_and_little_work() -> None:
    plain = Plain(largest=10**9)
    for _ in range(20_000):
        plain.add(1)
    assert len(plain.sizes) <= (FAN_IN - 1) * 5
    assert plain.rewritten <= 20_000 * 4


def test_a_full_segment_is_left_alone_until_a_third_is_dead() -> None:
    full = [Size(LARGEST)] * 20
    assert choose(full, LARGEST) == []
    assert choose([*full, Size(2 * LARGEST // 3, LARGEST // 3 + 1)], LARGEST) == [20]


def test_a_few_dead_rows_are_no_reason_to_write() -> None:
    assert choose([Size(0, DEAD_ROWS - 1)], LARGEST) == []
    assert choose([Size(0, DEAD_ROWS)], LARGEST) == [0]
