"""Who came and who left between two cohorts, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from notekin.errors import CohortError
from notekin.search.cohort.answer import CohortAnswer, Standing, Status
from notekin.search.cohort.masking import is_small
from notekin.search.cohort.rules import All, Criterion, Not, Rule
from notekin.search.cohort.rules import Any as AnyPart
from notekin.search.cohort.screening import STANDINGS, STATUSES, Screened, Screening

Who = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class Change:
    """One patient or encounter that is in one of the cohorts alone, and why not in the other."""

    patient_id: str | None
    encounter_id: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Two cohorts compared.

    Attributes:
        came: In the second alone; ``why`` says what kept them out of the first.
        left: In the first alone; ``why`` says what keeps them out of the second.
        stayed: How many are in both.
    """

    first: str
    second: str
    came: tuple[Change, ...]
    left: tuple[Change, ...]
    stayed: int

    def to_dict(self, *, mask: bool = False) -> dict[str, Any]:
        """Return what ``--json`` prints; with ``mask`` counts alone, none from 1 to 9."""
        came, left = len(self.came), len(self.left)
        head: dict[str, Any] = {"first": self.first, "second": self.second}
        if not mask:
            return head | {
                "came": [_as_json(one) for one in self.came],
                "left": [_as_json(one) for one in self.left],
                "stayed": self.stayed,
            }
        small = any(map(is_small, (came, left, self.stayed)))
        return head | {
            "came": None if is_small(came) else came,
            "left": None if is_small(left) else left,
            "stayed": None if small else self.stayed,
        }


class Reasons:
    """Says why somebody is not in a cohort, by its rules as they are met now."""

    def __init__(self, screening: Screening | None, remark: str) -> None:
        self._screening = screening
        self._remark = remark
        self._places: dict[Who, int] = {}
        self._criteria: Mapping[str, Screened] = {}
        if screening is not None:
            subjects = screening.subjects
            ids = zip(subjects.patient_ids, subjects.encounter_ids, strict=True)
            self._places = {who: at for at, who in enumerate(ids)}
            self._criteria = {one.criterion: one for one in screening.criteria}

    def why_not(self, who: Who) -> str:
        """Return why somebody is not in the cohort."""
        if self._screening is None:
            return self._remark
        if who not in self._places:
            return "no note in the store any more"
        return self._step(self._places[who]) + self._remark

    def _step(self, at: int) -> str:
        screening = self._screening
        assert screening is not None  # noqa: S101 - as the caller saw
        for step, rule in screening.rules.steps():
            if self._is_met(rule, at) is not (step == "include"):
                return f"{step} {rule.label()}: {self._said(rule, at)}"
        if at not in set(screening.order.tolist()):
            return f"beyond the limit of {screening.rules.limit:,}"
        return "is in it by now"

    def _is_met(self, rule: Rule, at: int) -> bool:
        match rule:
            case Criterion():
                return STATUSES[self._criteria[rule.id].status[at]] is Status.MET
            case Not(part=part):
                return not self._is_met(part, at)
            case All(parts=parts):
                return all(self._is_met(part, at) for part in parts)
            case AnyPart(parts=parts):
                return any(self._is_met(part, at) for part in parts)

    def _said(self, rule: Rule, at: int) -> str:
        """Return how somebody stands to each criterion of a rule."""
        match rule:
            case Criterion():
                return self._of_criterion(rule, at)
            case Not(part=part):
                return self._said(part, at)
            case All(parts=parts) | AnyPart(parts=parts):
                return "; ".join(f"{part.label()} {self._said(part, at)}" for part in parts)

    def _of_criterion(self, criterion: Criterion, at: int) -> str:
        screened, subjects = self._criteria[criterion.id], self._screening
        assert subjects is not None  # noqa: S101 - as the caller saw
        owner = subjects.subjects.subject[np.searchsorted(subjects.subjects.keys, screened.spoke)]
        stood = screened.standing[owner == at]
        counts = [
            f"{number:,} {standing.value}"
            for place, standing in enumerate(STANDINGS)
            if standing is not Standing.COUNTS and (number := int((stood == place).sum()))
        ]
        found = f"{int(screened.count[at]):,} of {criterion.at_least:,} {criterion.unit.value}"
        status: Status = STATUSES[screened.status[at]]
        if status is Status.NO_EVIDENCE:
            return str(status.value)
        return f"{status.value}, " + ", ".join([found, *counts])


def difference(
    first: CohortAnswer, second: CohortAnswer, of_first: Reasons, of_second: Reasons
) -> Difference:
    """Return who is in one of two cohorts alone.

    Args:
        first: The cohort before.
        second: The cohort after.
        of_first: Why somebody is not in the first.
        of_second: Why somebody is not in the second.

    Raises:
        CohortError: One is of patients and the other of encounters.
    """
    if first.grain is not second.grain:
        raise CohortError(
            "One cohort is of patients and the other of encounters: they can't be compared."
        )
    left, right = (
        {(one.patient_id, one.encounter_id): None for one in answer.members}
        for answer in (first, second)
    )
    return Difference(
        first.name,
        second.name,
        tuple(Change(*who, of_first.why_not(who)) for who in right if who not in left),
        tuple(Change(*who, of_second.why_not(who)) for who in left if who not in right),
        sum(who in right for who in left),
    )


def _as_json(change: Change) -> dict[str, Any]:
    return {
        "patient_id": change.patient_id,
        "encounter_id": change.encounter_id,
        "why": change.why,
    }
