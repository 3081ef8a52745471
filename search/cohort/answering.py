"""The answer of a screening: its members, each with the evidence, read from the store by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np

from notekin.search.cohort.answer import (
    EVIDENCE_SHOWN,
    CohortAnswer,
    CriterionAnswer,
    CriterionEvidence,
    Member,
)
from notekin.search.cohort.rules import All, Any, Criterion, Rule
from notekin.search.cohort.screening import (
    ASSERTIONS,
    COUNTS,
    MET,
    NO_MOMENT,
    STANDINGS,
    STATUSES,
    Codes,
    Flags,
    Screened,
    Screening,
)
from notekin.storage.keys import Keys
from notekin.storage.records import StoredNote
from notekin.types import NoteKey

_NOTES_A_PAGE = 2_000


class Notes(Protocol):
    """Where notes' facts are looked up; a snapshot is one."""

    @property
    def generation(self) -> int:
        """The generation that is read."""
        ...

    def notes(self, keys: Sequence[NoteKey]) -> list[StoredNote]:
        """Return the facts of some notes, in the order of their keys given."""
        ...


def answer_of(
    screening: Screening, notes: Notes, encoder: str, unknown_examples: int = 0
) -> CohortAnswer:
    """Return the members of a screening, best first, with their evidence.

    Args:
        screening: Who was taken.
        notes: Where the facts of the evidence are.
        encoder: The weights' hash of the store's encoder.
        unknown_examples: How many ids of its examples no live note bears.
    """
    subjects = screening.subjects
    shown = [_shown(screening, one) for one in screening.criteria]
    pairs = list(zip(screening.criteria, shown, strict=True))
    named = [one.spoke[some.rows] for one, some in pairs]
    facts = _facts(notes, np.unique(np.concatenate([np.empty(0, np.int64), *named])))
    columns = [_Column(one, some, facts) for one, some in pairs]
    spans = _Spans(screening)
    members = tuple(
        Member(
            rank=rank,
            patient_id=subjects.patient_ids[at],
            encounter_id=subjects.encounter_ids[at],
            score=round(float(screening.score[at]), 6),
            first=spans.moment(int(spans.first[at])),
            last=spans.moment(int(spans.last[at])),
            note_key=NoteKey(int(subjects.keys[spans.any_note[at]])),
            first_note=spans.key(int(spans.first[at])),
            last_note=spans.key(int(spans.last[at])),
            criteria=tuple(column.of(at) for column in columns),
        )
        for rank, at in enumerate(screening.order.tolist(), start=1)
    )
    taking_part = subjects.subject >= 0
    return CohortAnswer(
        name=screening.rules.name,
        grain=screening.rules.grain,
        generation=notes.generation,
        encoder=encoder,
        members=members,
        attrition=tuple(screening.attrition),
        cuts=tuple(one.cut for one in screening.criteria if one.cut is not None),
        notes=len(subjects.keys),
        notes_without_subject=int((~taking_part).sum()),
        notes_without_date=int((taking_part & (subjects.moment == NO_MOMENT)).sum()),
        unknown_examples=unknown_examples,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """Which evidence of one criterion the members show: rows of its ``spoke``, by subject."""

    rows: Codes
    begins: Mapping[int, tuple[int, int]]


def _shown(screening: Screening, criterion: Screened) -> _Shown:
    """Return the rows of the evidence of each member: what counts first, then by score."""
    subjects = screening.subjects
    subject = subjects.subject[np.searchsorted(subjects.keys, criterion.spoke)]
    (rows,) = np.nonzero(np.isin(subject, screening.order))
    order = np.lexsort((-criterion.spoke_scores[rows], criterion.standing[rows], subject[rows]))
    rows = rows[order]
    owners, first, count = np.unique(subject[rows], return_index=True, return_counts=True)
    place = np.arange(len(rows)) - np.repeat(first, count)
    kept = place < EVIDENCE_SHOWN
    shown = np.minimum(count, EVIDENCE_SHOWN)
    ends = np.cumsum(shown)
    begins = zip(owners.tolist(), (ends - shown).tolist(), ends.tolist(), strict=True)
    return _Shown(rows[kept], {owner: (begin, end) for owner, begin, end in begins})


def _facts(notes: Notes, keys: Keys) -> dict[int, StoredNote]:
    """Return the facts of some notes, read page by page."""
    found: dict[int, StoredNote] = {}
    for start in range(0, len(keys), _NOTES_A_PAGE):
        page = [NoteKey(key) for key in keys[start : start + _NOTES_A_PAGE].tolist()]
        found.update(zip(page, notes.notes(page), strict=True))
    return found


class _Column:
    """One criterion, ready to say how a member stands to it."""

    def __init__(self, screened: Screened, shown: _Shown, facts: Mapping[int, StoredNote]) -> None:
        self._screened = screened
        self._shown = shown
        self._facts = facts

    def of(self, subject: int) -> CriterionAnswer:
        """Return how a subject stands to the criterion."""
        one = self._screened
        begin, end = self._shown.begins.get(subject, (0, 0))
        return CriterionAnswer(
            criterion=one.criterion,
            status=STATUSES[one.status[subject]],
            score=round(float(one.score[subject]), 6),
            count=int(one.count[subject]),
            evidence=tuple(self._evidence(row) for row in self._shown.rows[begin:end].tolist()),
        )

    def _evidence(self, row: int) -> CriterionEvidence:
        one = self._screened
        note = self._facts[int(one.spoke[row])]
        said = int(one.assertion[row])
        return CriterionEvidence(
            note_key=note.note_key,
            source=note.source,
            note_id=note.note_id,
            encounter_id=note.encounter_id,
            recorded_at=note.recorded_at,
            start=int(one.start[row]),
            end=int(one.end[row]),
            score=round(float(one.spoke_scores[row]), 6),
            assertion=None if said < 0 else ASSERTIONS[said],
            standing=STANDINGS[one.standing[row]],
        )


class _Spans:
    """The notes of each subject that were recorded first and last, as places in the store's.

    Of those that count for a criterion of the inclusion that is met; of all its notes where
    none does. -1 where none of these has a date.
    """

    def __init__(self, screening: Screening) -> None:
        self._subjects = screening.subjects
        subjects = self._subjects
        counting = _counting(screening)
        has_evidence = np.zeros(len(subjects), np.bool_)
        has_evidence[subjects.subject[counting]] = True
        theirs = subjects.subject >= 0
        told = counting | (theirs & ~has_evidence[subjects.subject])
        told &= subjects.moment != NO_MOMENT
        order = np.lexsort((subjects.keys, subjects.moment, subjects.subject))
        order = order[told[order]]
        owner = subjects.subject[order]
        self.first = np.full(len(subjects), -1)
        self.last = np.full(len(subjects), -1)
        self.first[owner[::-1]] = order[::-1]
        self.last[owner] = order
        self.any_note = np.full(len(subjects), -1)
        (own,) = np.nonzero(theirs)
        self.any_note[subjects.subject[own][::-1]] = own[::-1]

    def key(self, at: int) -> NoteKey | None:
        """Return the key of the note at a place."""
        return None if at < 0 else NoteKey(int(self._subjects.keys[at]))

    def moment(self, at: int) -> datetime | None:
        """Return when the note at a place was recorded."""
        if at < 0:
            return None
        microseconds = int(self._subjects.moment[at])
        moment: datetime = np.datetime64(microseconds, "us").astype(datetime)
        return moment


def _counting(screening: Screening) -> Flags:
    """Return which notes count for a criterion of the inclusion that their subject meets."""
    subjects = screening.subjects
    telling = set() if screening.rules.include is None else _telling(screening.rules.include)
    counting = np.zeros(len(subjects.keys), np.bool_)
    for one in screening.criteria:
        if one.criterion in telling:
            at = np.searchsorted(subjects.keys, one.spoke[one.standing == COUNTS])
            counting[at[one.status[subjects.subject[at]] == MET]] = True
    return counting


def _telling(rule: Rule) -> set[str]:
    """Return the criteria of an inclusion whose evidence speaks for it: none beneath a not."""
    match rule:
        case Criterion():
            return {rule.id}
        case All(parts=parts) | Any(parts=parts):
            return set().union(*map(_telling, parts))
        case _:
            return set()
