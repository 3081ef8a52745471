"""All subjects against all rules: who is taken, how well, and how many each step leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from notekin.search.cohort.answer import AttritionRow
from notekin.search.cohort.mentions import Heard
from notekin.search.cohort.rules import All, Any, Criterion, Not, Rule, Rules
from notekin.search.cohort.screening import MET, Flags, Scores, Screened, Screening, Subjects
from notekin.search.cohort.standing import stand


def screen(
    rules: Rules,
    subjects: Subjects,
    hear: Callable[[Criterion], Heard],
    likeness: Scores | None = None,
) -> Screening:
    """Return every subject held against every criterion, and who is taken.

    Args:
        rules: What is asked.
        subjects: Whose the notes are.
        hear: Gives what the notes say of a criterion.
        likeness: For each subject from 0 to 1, where the rules name examples.
    """
    criteria = _screened(rules, subjects, hear)
    flags = {name: one.status == MET for name, one in criteria.items()}
    attrition, taken = _attrition(rules, flags, len(subjects))
    score = _total(rules, criteria, likeness, len(subjects))
    order = np.flatnonzero(taken)
    order = order[np.argsort(-score[order], kind="stable")]
    if rules.limit is not None:
        kept = order[: rules.limit]
        attrition.append(AttritionRow("limit", "", len(kept), len(order) - len(kept)))
        order = kept
    return Screening(rules, subjects, list(criteria.values()), taken, score, order, attrition)


def _screened(
    rules: Rules, subjects: Subjects, hear: Callable[[Criterion], Heard]
) -> dict[str, Screened]:
    """Return how all stand to each criterion; one that others hang on is worked out first."""
    criteria = {one.id: one for one in rules.criteria()}
    found: dict[str, Screened] = {}

    def of(criterion: Criterion) -> Screened:
        if criterion.id not in found:
            other = of(criteria[criterion.within.of]) if criterion.within else None
            found[criterion.id] = stand(criterion, hear(criterion), subjects, other)
        return found[criterion.id]

    return {name: of(one) for name, one in criteria.items()}


def _attrition(
    rules: Rules, flags: Mapping[str, Flags], subjects: int
) -> tuple[list[AttritionRow], Flags]:
    taken = np.ones(subjects, np.bool_)
    rows = [AttritionRow("all", "", subjects, 0)]
    for step, rule in rules.steps():
        met = _met(rule, flags)
        kept = taken & (met if step == "include" else ~met)
        rows.append(AttritionRow(step, rule.label(), int(kept.sum()), int((taken & ~kept).sum())))
        taken = kept
    return rows, taken


def _met(rule: Rule, flags: Mapping[str, Flags]) -> Flags:
    """Return for each subject whether it meets a rule."""
    match rule:
        case Criterion():
            return flags[rule.id]
        case Not(part=part):
            return ~_met(part, flags)
        case All(parts=parts):
            every: Flags = np.logical_and.reduce([_met(part, flags) for part in parts])
            return every
        case Any(parts=parts):
            some: Flags = np.logical_or.reduce([_met(part, flags) for part in parts])
            return some


def _total(
    rules: Rules, criteria: Mapping[str, Screened], likeness: Scores | None, subjects: int
) -> Scores:
    """Return what each subject is ranked by; with both, the mean of rules and likeness."""
    score = None if rules.include is None else _score(rules.include, criteria)
    if likeness is None:
        return np.ones(subjects) if score is None else score
    return likeness if score is None else (score + likeness) / 2


def _score(rule: Rule, criteria: Mapping[str, Screened]) -> Scores | None:
    """Return how well each subject meets a rule: of all the mean, of any the best."""
    match rule:
        case Criterion():
            one = criteria[rule.id]
            return np.where(one.status == MET, one.score, 0).astype(np.float64)
        case Not():
            return None
        case All(parts=parts) | Any(parts=parts):
            scores = [score for part in parts if (score := _score(part, criteria)) is not None]
            return _joined(isinstance(rule, All), scores)


def _joined(is_all: bool, scores: Sequence[Scores]) -> Scores | None:
    if not scores:
        return None
    joined: Scores = sum(scores) / len(scores) if is_all else np.maximum.reduce(scores)  # type: ignore[assignment]  # an array, of one or more
    return joined
