"""How a number of people or notes is shown: as it is, or hidden where it is small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from notekin.search.cohort.answer import AttritionRow
from notekin.search.cohort.masking import FEWEST, MaskedRow, is_small, masked_attrition


@dataclass(frozen=True, slots=True)
class Counts:
    """Shows counts; with ``mask`` those from 1 to 9 are hidden, also as lengths of bars."""

    mask: bool = False

    def text(self, count: int) -> str:
        """Return a count as text."""
        return f"<{FEWEST}" if self._is_hidden(count) else f"{count:,}"

    def length(self, count: int) -> float:
        """Return what a bar is as long as; one length for all hidden counts."""
        return FEWEST / 2 if self._is_hidden(count) else float(count)

    def attrition(self, rows: Sequence[AttritionRow]) -> Sequence[MaskedRow]:
        """Return the rows of an attrition; None for what is hidden."""
        if self.mask:
            return masked_attrition(rows)
        return [MaskedRow(row.step, row.rule, row.left, row.lost) for row in rows]

    def _is_hidden(self, count: int) -> bool:
        return self.mask and is_small(count)
