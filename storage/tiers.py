"""Which segments to merge, and when: many small ones, few large ones, little written twice.

A segment's level is the power of ``FAN_IN`` below its live rows. As soon as a level holds
``FAN_IN`` segments, they become one of a higher level. So there are never more than
``FAN_IN - 1`` a level, which is O(log n) in all, and a row that is added is rewritten at
most once a level (O'Neil et al., "The log-structured merge-tree", 1996).

A segment of at least half the largest size is left alone, so that no merge needs more
memory than a few of the largest, until a third of it is dead.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

FAN_IN = 8
DEAD_SHARE = 1 / 3
DEAD_ROWS = 1_024
"""Fewer dead rows than this are no reason to rewrite a segment."""


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows of a segment can be found, and how many are dead weight."""

    live: int
    dead: int = 0

    @property
    def level(self) -> int:
        """The power of ``FAN_IN`` below the live rows; an empty segment is of level 0."""
        level, rows = 0, self.live
        while rows >= FAN_IN:
            level, rows = level + 1, rows // FAN_IN
        return level


def choose(sizes: Sequence[Size], largest: int) -> list[int]:
    """Return which segments to make into one now; none where all is well.

    Writers repeat this until it returns nothing. It comes to an end: each merge leaves
    fewer segments, or less dead weight.

    Args:
        sizes: One a segment.
        largest: The rows of the largest segment that is ever written; more are split.

    Returns:
        Places in ``sizes``, ascending: a whole level, or one segment to be rid of its dead.
    """
    levels: dict[int, list[int]] = defaultdict(list)
    for place, size in enumerate(sizes):
        if size.live * 2 < largest:
            levels[size.level].append(place)
    crowded = [level for level, places in levels.items() if len(places) >= FAN_IN]
    if crowded:
        return levels[min(crowded)]
    return [place for place, size in enumerate(sizes) if _is_mostly_waste(size)][:1]


def _is_mostly_waste(size: Size) -> bool:
    return size.dead >= DEAD_ROWS and size.dead >= DEAD_SHARE * (size.live + size.dead)
