"""Small counts hidden: 1 to 9, and what would give them away by a difference between rows.

A count is hidden as None. docs/cohorts.md says what this does not defend against.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from notekin.search.cohort.answer import AttritionRow, CohortAnswer, UsedCut

FEWEST = 10


@dataclass(frozen=True, slots=True)
class MaskedRow:
    """A row of the attrition; None for what is hidden."""

    step: str
    rule: str
    left: int | None
    lost: int | None


@dataclass(frozen=True, slots=True)
class Counts:
    """What an answer counts, with or without small counts; None for what is hidden."""

    members: int | None
    attrition: tuple[MaskedRow, ...]
    cuts: tuple[tuple[UsedCut, int | None, int | None], ...]
    notes: int | None
    notes_without_subject: int | None
    notes_without_date: int | None
    unknown_examples: int | None


def is_small(count: int) -> bool:
    """Whether a count is to be hidden."""
    return 0 < count < FEWEST


def masked(count: int) -> int | None:
    """Return a count, or None where it is small."""
    return None if is_small(count) else count


def counts_of(answer: CohortAnswer, *, mask: bool) -> Counts:
    """Return what an answer counts; ``mask`` hides what is small."""
    if not mask:
        return Counts(
            len(answer.members),
            tuple(MaskedRow(one.step, one.rule, one.left, one.lost) for one in answer.attrition),
            tuple((cut, cut.passed, cut.scored) for cut in answer.cuts),
            answer.notes,
            answer.notes_without_subject,
            answer.notes_without_date,
            answer.unknown_examples,
        )
    rows = masked_attrition(answer.attrition)
    members = masked(len(answer.members))
    return Counts(
        None if rows and rows[-1].left is None else members,
        rows,
        tuple((cut, *_masked_pair(cut.passed, cut.scored)) for cut in answer.cuts),
        masked(answer.notes),
        masked(answer.notes_without_subject),
        masked(answer.notes_without_date),
        masked(answer.unknown_examples),
    )


def masked_attrition(rows: Sequence[AttritionRow]) -> tuple[MaskedRow, ...]:
    """Return the rows with what is small hidden, and what a difference would give away.

    How many are left is shown only where it is not small and differs from the last one shown
    by nothing or by ten or more; how many were lost, where both counts beside it are shown.
    """
    found: list[MaskedRow] = []
    shown: int | None = None
    is_known = False
    for row in rows:
        small = is_small(row.left) or (shown is not None and is_small(shown - row.left))
        lost = row.lost if is_known and not small and not is_small(row.lost) else None
        if not found:
            lost = 0 if not small else None
        found.append(MaskedRow(row.step, row.rule, None if small else row.left, lost))
        is_known = not small
        shown = shown if small else row.left
    return tuple(found)


def masked_parts(whole: int, part: int) -> tuple[int | None, int | None]:
    """Return a part and the rest of a whole that is known: both, or neither where one is small."""
    if is_small(part) or is_small(whole - part):
        return None, None
    return part, whole - part


def _masked_pair(passed: int, scored: int) -> tuple[int | None, int | None]:
    if is_small(passed) or is_small(scored) or is_small(scored - passed):
        return None, masked(scored)
    return passed, scored


def shown(count: int | None) -> str:
    """Return a count as people read it."""
    return "hidden" if count is None else f"{count:,}"
