"""One run of a cohort's rules over one snapshot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from notekin.search.cohort.answer import CohortAnswer
from notekin.search.cohort.answering import answer_of
from notekin.search.cohort.hearing import Hearing, Scorer
from notekin.search.cohort.judgements import Calibration
from notekin.search.cohort.likeness import Whole, likeness
from notekin.search.cohort.rules import Rules
from notekin.search.cohort.screen import screen
from notekin.search.cohort.screening import Scores, Screening, Subjects
from notekin.search.cohort.speaking import Speaking
from notekin.search.cohort.subjects import subjects_of
from notekin.search.retrieval import Searcher
from notekin.storage.owners import Owners
from notekin.storage.snapshot import Snapshot
from notekin.types import Encoder


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What a run found: the answer, and all subjects against all criteria."""

    answer: CohortAnswer
    screening: Screening


def run(
    rules: Rules,
    snapshot: Snapshot,
    encoder: Callable[[], Encoder],
    weights: str,
    calibration: Calibration | None = None,
) -> Run:
    """Return who belongs to a cohort at one generation; the same again is the same to the bit.

    Args:
        rules: What is asked.
        snapshot: Of whom.
        encoder: Gives the store's encoder; asked only where a meaning is.
        weights: The hash of its weights.
        calibration: What judgements taught of the criteria's scores.

    Raises:
        FilterError: A criterion asks for a field that no note has.
        CohortError: None of the examples is in the store.
    """
    owners = snapshot.owners()
    subjects = subjects_of(owners, rules.grain)
    hearing = Hearing(
        snapshot,
        lambda: _scorer(snapshot, encoder()),
        Speaking(snapshot, lambda texts: encoder().encode(texts)),
        subjects,
        calibration,
    )
    alike, unknown = _likeness(rules, snapshot, owners, subjects)
    screening = screen(rules, subjects, hearing.hear, alike)
    return Run(answer_of(screening, snapshot, weights, unknown), screening)


def _scorer(snapshot: Snapshot, encoder: Encoder) -> Scorer:
    return Searcher(snapshot, encoder)


def _likeness(
    rules: Rules, snapshot: Snapshot, owners: Owners, subjects: Subjects
) -> tuple[Scores | None, int]:
    """Return how like the examples each subject is, and how many of these are unknown."""
    if not rules.like and not rules.unlike:
        return None, 0
    whole = Whole(snapshot, owners)
    like = whole.find(rules.like) if rules.like else None
    unlike = whole.find(rules.unlike) if rules.unlike else None
    directions = whole.directions(subjects.subject, len(subjects))
    unknown = sum(one.unknown for one in (like, unlike) if one is not None)
    return likeness(like, unlike, directions), unknown
