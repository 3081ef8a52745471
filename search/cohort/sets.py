"""Two kept cohorts as one: who is in either, in both, or in the first alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from enum import Enum

from notekin.errors import CohortError
from notekin.search.cohort.answer import AttritionRow, CohortAnswer, CriterionAnswer, Member, Status


class Operation(Enum):
    """How two cohorts are put together."""

    UNION = "union"
    INTERSECT = "intersect"
    MINUS = "minus"


Who = tuple[str | None, str | None]


def combined(
    operation: Operation, first: CohortAnswer, second: CohortAnswer, name: str, generation: int
) -> CohortAnswer:
    """Return the cohort that two make, each member with the evidence of both.

    The score is the better of a union, the worse of an intersection, the first's of a
    difference; criteria are named after their cohort.

    Raises:
        CohortError: One is of patients and the other of encounters.
    """
    if first.grain is not second.grain:
        raise CohortError(
            "One cohort is of patients and the other of encounters: they have no members in common."
        )
    left, right = _by_who(first), _by_who(second)
    match operation:
        case Operation.UNION:
            who, pick = [*left, *(one for one in right if one not in left)], max
        case Operation.INTERSECT:
            who, pick = [one for one in left if one in right], min
        case Operation.MINUS:
            who, pick = [one for one in left if one not in right], min
    missing = (_missing(first), _missing(second) if operation is not Operation.MINUS else ())
    members = [
        _member(left.get(one), right.get(one), missing, (first.name, second.name), pick)
        for one in who
    ]
    members.sort(key=lambda one: (-one.score, _in_order(one)))
    ranked = tuple(replace(one, rank=rank) for rank, one in enumerate(members, start=1))
    everybody = len(left.keys() | right.keys())
    rows = (
        AttritionRow("all", "", everybody, 0),
        AttritionRow(
            operation.value, f"{first.name}, {second.name}", len(ranked), everybody - len(ranked)
        ),
    )
    return replace(
        first,
        name=name,
        generation=generation,
        members=ranked,
        attrition=rows,
        cuts=(),
        unknown_examples=0,
    )


def _by_who(answer: CohortAnswer) -> dict[Who, Member]:
    return {(one.patient_id, one.encounter_id): one for one in answer.members}


def _missing(answer: CohortAnswer) -> Sequence[CriterionAnswer]:
    """Return what a member of the other cohort alone has of this one's criteria: nothing known."""
    names = [one.criterion for one in answer.members[0].criteria] if answer.members else []
    return [CriterionAnswer(name, Status.NO_EVIDENCE, 0.0, 0, ()) for name in names]


def _member(
    left: Member | None,
    right: Member | None,
    missing: tuple[Sequence[CriterionAnswer], Sequence[CriterionAnswer]],
    names: tuple[str, str],
    pick: Callable[..., float],
) -> Member:
    both = [one for one in (left, right) if one is not None]
    criteria: list[CriterionAnswer] = []
    for side, none, name in zip((left, right), missing, names, strict=True):
        answers = none if side is None else side.criteria
        if none or side is left:
            criteria += [replace(one, criterion=f"{name}.{one.criterion}") for one in answers]
    first = min((one for one in both if one.first), key=_first, default=None)
    last = max((one for one in both if one.last), key=_last, default=None)
    return replace(
        both[0],
        score=pick(one.score for one in both),
        first=first.first if first else None,
        first_note=first.first_note if first else None,
        last=last.last if last else None,
        last_note=last.last_note if last else None,
        criteria=tuple(criteria),
    )


def _in_order(member: Member) -> tuple[tuple[bool, str], ...]:
    ids = (member.patient_id, member.encounter_id)
    return tuple((part is not None, part or "") for part in ids)


def _first(member: Member) -> datetime:
    return member.first or datetime.max


def _last(member: Member) -> datetime:
    return member.last or datetime.min
