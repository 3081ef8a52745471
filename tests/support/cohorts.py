"""An invented cohort, screened and answered, to draw and to review."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from notekin.report.page import Reported
from notekin.search.cohort.accuracy import Accuracy, Estimate
from notekin.search.cohort.answer import (
    AttritionRow,
    CohortAnswer,
    CriterionAnswer,
    CriterionEvidence,
    Member,
    UsedCut,
)
from notekin.search.cohort.rules import All, Any, Criterion, Cut, CutKind, Grain, Rules
from notekin.search.cohort.screening import (
    ASSERTIONS,
    NO_MOMENT,
    STANDINGS,
    STATUSES,
    Screened,
    Screening,
    Subjects,
)
from notekin.types import Assertion, Experiencer, NoteKey, Polarity, Temporality

SENTENCE = "Seen with <b>dyspnoea</b> & orthopnoea; ejection fraction 25%, sacubitril begun. "
RULES = Rules(
    "hfref-arni",
    Grain.PATIENT,
    All(
        (
            Criterion(
                "hfref",
                "heart failure with reduced ejection fraction",
                cut=Cut(CutKind.CALIBRATED, 0.0),
            ),
            Criterion("arni", phrases=("sacubitril", "entresto")),
            Criterion("c1", "shortness of breath on exertion", cut=Cut(CutKind.SCORE, 0.62)),
        )
    ),
    Any((Criterion("transplant", "heart transplant", cut=Cut(CutKind.TOP, 60)),)),
    limit=25,
)


def invented(people: int = 300, seed: int = 5) -> Reported:
    """Return what a report is made of: so many patients, four criteria, some in the cohort."""
    random = np.random.default_rng(seed)
    owner = np.sort(random.integers(0, people, people * 6))
    keys = np.arange(1, len(owner) + 1, dtype=np.int64)
    subjects = _subjects(random, owner, keys, people)
    met = random.random((people, 4)) < np.array([0.35, 0.3, 0.5, 0.08])
    met[:, 1] |= met[:, 0] & (random.random(people) < 0.4)
    criteria = [
        _screened(random, one, subjects, met[:, place])
        for place, one in enumerate(RULES.criteria())
    ]
    taken = met[:, :3].all(axis=1) & ~met[:, 3]
    score = np.where(taken, random.random(people), 0.0)
    order = np.argsort(-score, kind="stable")[: min(25, int(taken.sum()))]
    screening = Screening(RULES, subjects, criteria, taken, score, order, _attrition(met))
    estimate = Estimate(0.84, 0.66, 0.93)
    return Reported(
        answer=_answer(screening),
        screening=screening,
        definition="name: hfref-arni\ninclude:\n  all:\n    - id: hfref\n      meaning: heart <3\n",
        description="Heart failure with reduced ejection fraction, newly on an ARNI.",
        accuracy={"hfref": Accuracy(estimate, estimate, estimate, estimate, 40)},
        text=lambda key: SENTENCE * (3 + key % 5),
        written_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        kept_generation=6,
    )


def _subjects(
    random: np.random.Generator, owner: np.ndarray, keys: np.ndarray, people: int
) -> Subjects:
    days = (2600 * random.beta(4, 2, len(owner))).astype(np.int64)
    moments = (16000 + days) * 86_400_000_000
    moments[random.random(len(owner)) < 0.03] = NO_MOMENT
    ids = [f"P{number:05d}" for number in range(people)]
    return Subjects(keys, owner, owner, moments, ids, [None] * people)


def _screened(
    random: np.random.Generator, criterion: Criterion, subjects: Subjects, met: np.ndarray
) -> Screened:
    of = met[subjects.subject]
    is_meaning = criterion.meaning is not None
    scores = np.where(of, random.beta(6, 2, len(of)), random.beta(2, 7, len(of)))
    speaks = of & (scores >= 0.5) if is_meaning else of & (random.random(len(of)) < 0.5)
    _, first = np.unique(subjects.subject, return_index=True)
    speaks[first] |= met[subjects.subject[first]]
    spoke = subjects.keys[speaks]
    cut = UsedCut(
        criterion.id, criterion.cut.kind, 0.5, len(spoke), len(of), criterion.cut.is_calibrated
    )
    count = np.bincount(subjects.subject[speaks], minlength=len(met))
    return Screened(
        criterion=criterion.id,
        scored=subjects.keys if is_meaning else spoke,
        scores=(scores if is_meaning else np.ones(len(spoke))).astype(np.float32),
        spoke=spoke,
        spoke_scores=np.full(len(spoke), 0.8, np.float32),
        standing=np.zeros(len(spoke), np.int8),
        start=np.full(len(spoke), 10, np.int64),
        end=np.full(len(spoke), 60, np.int64),
        assertion=np.zeros(len(spoke), np.int8),
        status=np.where(met, 2, random.integers(0, 2, len(met))).astype(np.int8),
        score=np.where(met, 0.9, 0.0).astype(np.float32),
        count=count,
        cut=cut if is_meaning else None,
    )


def _attrition(met: np.ndarray) -> list[AttritionRow]:
    left = np.ones(len(met), np.bool_)
    rows = [AttritionRow("all", "", len(met), 0)]
    steps = [
        ("include", "hfref"),
        ("include", "arni"),
        ("include", "c1"),
        ("exclude", "transplant"),
    ]
    for place, (step, rule) in enumerate(steps):
        kept = left & (met[:, place] == (step == "include"))
        rows.append(AttritionRow(step, rule, int(kept.sum()), int((left & ~kept).sum())))
        left = kept
    last = min(25, int(left.sum()))
    return [*rows, AttritionRow("limit", "", last, int(left.sum()) - last)]


def _answer(screening: Screening) -> CohortAnswer:
    members = tuple(
        _member(screening, rank, int(at)) for rank, at in enumerate(screening.order, start=1)
    )
    return CohortAnswer(
        name=screening.rules.name,
        grain=Grain.PATIENT,
        generation=7,
        encoder="3f9a0c17d2",
        members=members,
        attrition=tuple(screening.attrition),
        cuts=tuple(one.cut for one in screening.criteria if one.cut is not None),
        notes=len(screening.subjects.keys),
        notes_without_subject=3,
        notes_without_date=12,
        unknown_examples=0,
    )


def _member(screening: Screening, rank: int, at: int) -> Member:
    return Member(
        rank=rank,
        patient_id=screening.subjects.patient_ids[at],
        encounter_id=None,
        score=float(screening.score[at]),
        first=datetime(2015, 3, 2),
        last=datetime(2019, 8, 1),
        criteria=tuple(_criterion(screening, one, at) for one in screening.criteria),
        note_key=NoteKey(1),
        first_note=None,
        last_note=None,
    )


def _criterion(screening: Screening, one: Screened, at: int) -> CriterionAnswer:
    own = np.flatnonzero(
        screening.subjects.subject[np.searchsorted(screening.subjects.keys, one.spoke)] == at
    )[:5]
    denied = Assertion(Polarity.NEGATED, Experiencer.PATIENT, Temporality.CURRENT)
    evidence = tuple(
        CriterionEvidence(
            note_key=NoteKey(int(one.spoke[place])),
            source="invented",
            note_id=f"note-{one.spoke[place]}",
            encounter_id=None,
            recorded_at=datetime(2018, 5, 1),
            start=90,
            end=138,
            score=0.81,
            assertion=denied if number == 1 else ASSERTIONS[0],
            standing=STANDINGS[3 if number == 1 else 0],
        )
        for number, place in enumerate(own)
    )
    return CriterionAnswer(
        one.criterion, STATUSES[one.status[at]], float(one.score[at]), int(one.count[at]), evidence
    )
