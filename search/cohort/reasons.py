"""Why somebody is not in a cohort, as it is met now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Protocol

import numpy as np

from notekin.search.cohort.answer import Standing, Status
from notekin.search.cohort.rules import All, Any, Criterion, Not, Rule
from notekin.search.cohort.screening import STANDINGS, STATUSES, Screened, Screening
from notekin.search.cohort.sets import Operation

Who = tuple[str | None, str | None]
_BY_NOW = "is in it by now"


class Reasons(Protocol):
    """Says who is in a cohort by now, and of others why not."""

    def has(self, who: Who) -> bool:
        """Whether somebody is in it."""
        ...

    def why_not(self, who: Who) -> str:
        """Return why somebody is not in it."""
        ...


class Remarked:
    """The same reasons, each with a remark after it."""

    def __init__(self, reasons: Reasons, remark: str) -> None:
        self._reasons = reasons
        self._remark = remark

    def has(self, who: Who) -> bool:
        """Whether somebody is in the cohort."""
        return self._reasons.has(who)

    def why_not(self, who: Who) -> str:
        """Return why somebody is not in the cohort."""
        return self._reasons.why_not(who) + self._remark


class SetReasons:
    """The reasons of a cohort made of two others, by theirs."""

    def __init__(self, operation: Operation, of: Sequence[tuple[str, Reasons]]) -> None:
        self._operation = operation
        self._of = of

    def has(self, who: Who) -> bool:
        """Whether somebody is in the cohort."""
        return not self._against(who)

    def why_not(self, who: Who) -> str:
        """Return which of the two speak against somebody, and why."""
        return "; ".join(self._against(who)) or _BY_NOW

    def _against(self, who: Who) -> list[str]:
        """Return what keeps somebody out; nothing where they are in it."""
        (_, of_first), (second, of_second) = self._of
        lacking = [
            f"not in {name}: {reasons.why_not(who)}"
            for name, reasons in self._of
            if not reasons.has(who)
        ]
        match self._operation:
            case Operation.UNION:
                return lacking if len(lacking) == len(self._of) else []
            case Operation.INTERSECT:
                return lacking
            case Operation.MINUS if of_first.has(who):
                return [f"in {second}"] if of_second.has(who) else []
            case Operation.MINUS:
                return lacking[:1]


class RuleReasons:
    """The reasons of a cohort by its definition."""

    def __init__(self, screening: Screening) -> None:
        self._screening = screening
        subjects = screening.subjects
        ids = zip(subjects.patient_ids, subjects.encounter_ids, strict=True)
        self._places = {who: at for at, who in enumerate(ids)}
        self._criteria: Mapping[str, Screened] = {one.criterion: one for one in screening.criteria}

    def has(self, who: Who) -> bool:
        """Whether somebody is in the cohort."""
        return self._places.get(who) in self._members

    def why_not(self, who: Who) -> str:
        """Return which step somebody does not pass, and how they stand to it."""
        if who not in self._places:
            return "no note in the store any more"
        at = self._places[who]
        for step, rule in self._screening.rules.steps():
            if self._is_met(rule, at) is not (step == "include"):
                return f"{step} {rule.label()}: {self._said(rule, at)}"
        if at in self._members:
            return _BY_NOW
        return f"beyond the limit of {self._screening.rules.limit:,}"

    @cached_property
    def _members(self) -> set[int | None]:
        return set(self._screening.order.tolist())

    def _is_met(self, rule: Rule, at: int) -> bool:
        match rule:
            case Criterion():
                return STATUSES[self._criteria[rule.id].status[at]] is Status.MET
            case Not(part=part):
                return not self._is_met(part, at)
            case All(parts=parts):
                return all(self._is_met(part, at) for part in parts)
            case Any(parts=parts):
                return any(self._is_met(part, at) for part in parts)

    def _said(self, rule: Rule, at: int) -> str:
        """Return how somebody stands to each criterion of a rule."""
        match rule:
            case Criterion():
                return self._of_criterion(rule, at)
            case Not(part=part):
                return self._said(part, at)
            case All(parts=parts) | Any(parts=parts):
                return "; ".join(f"{part.label()} {self._said(part, at)}" for part in parts)

    def _of_criterion(self, criterion: Criterion, at: int) -> str:
        screened, subjects = self._criteria[criterion.id], self._screening.subjects
        owner = subjects.subject[np.searchsorted(subjects.keys, screened.spoke)]
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
