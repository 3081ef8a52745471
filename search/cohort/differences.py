"""Who came and who left between two cohorts, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from notekin.errors import CohortError
from notekin.search.cohort.answer import CohortAnswer
from notekin.search.cohort.masking import is_small
from notekin.search.cohort.reasons import Reasons


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
