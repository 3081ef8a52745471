"""What a cohort answers: subjects, ranked, with the evidence for each and how many were left.

No note's text is in it: evidence names a note and offsets, and the store holds the text.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from notekin.search.cohort.rules import CutKind, Grain
from notekin.types import Assertion, NoteKey


class Status(Enum):
    """Whether a subject meets a criterion.

    NOT_MET: notes speak of it, and not as asked: denied, too few, out of the time.
    NO_EVIDENCE: no note speaks of it.
    """

    MET = "met"
    NOT_MET = "not met"
    NO_EVIDENCE = "no evidence"


class Standing(Enum):
    """Whether a piece of evidence counts towards its criterion, and if not, why."""

    COUNTS = "counts"
    ASSERTED_OTHERWISE = "asserted otherwise"
    OUT_OF_TIME = "out of time"
    COPY = "copy"


@dataclass(frozen=True, slots=True)
class CriterionEvidence:
    """The place in one note that speaks of one criterion.

    Attributes:
        start: Offsets of the passage or phrase in the note's text; both 0 for facts alone.
        score: A meaning's, from 0 to 1; 1 for a phrase and for facts.
        assertion: What is said of it there; None where the criterion asks for none.
        standing: Whether it counts.
    """

    note_key: NoteKey
    source: str
    note_id: str
    encounter_id: str | None
    recorded_at: datetime | None
    start: int
    end: int
    score: float
    assertion: Assertion | None
    standing: Standing


@dataclass(frozen=True, slots=True)
class CriterionAnswer:
    """How one subject stands to one criterion.

    Attributes:
        score: The best score of what counts; where nothing does, 0.
        count: How many notes or encounters count, copies once.
        evidence: At most ``EVIDENCE_SHOWN``: what counts first, then by score.
    """

    criterion: str
    status: Status
    score: float
    count: int
    evidence: tuple[CriterionEvidence, ...]


EVIDENCE_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Member:
    """One subject of the cohort.

    Attributes:
        patient_id: None only for an encounter whose notes name no patient.
        encounter_id: None where the cohort is of patients.
        score: From 0 to 1; docs/cohorts.md says of what it is made.
        first: When the first note was recorded that counts for a criterion of the inclusion;
            of all the subject's notes where none does. None where no such note has a date.
        last: The last one.
        note_key: The first note of the subject, by key: what a kept cohort knows them by.
        first_note: The note that ``first`` is of; None where that is None.
        last_note: The note that ``last`` is of.
    """

    rank: int
    patient_id: str | None
    encounter_id: str | None
    score: float
    first: datetime | None
    last: datetime | None
    note_key: NoteKey
    first_note: NoteKey | None
    last_note: NoteKey | None
    criteria: tuple[CriterionAnswer, ...]


@dataclass(frozen=True, slots=True)
class AttritionRow:
    """How many subjects are left after a step.

    Attributes:
        step: ``all``, ``include``, ``exclude`` or ``limit``.
        rule: The id of the criterion or group, or what it asks; empty for all and limit.
    """

    step: str
    rule: str
    left: int
    lost: int


@dataclass(frozen=True, slots=True)
class UsedCut:
    """Where the scores of one meaning were cut.

    Attributes:
        score: The lowest score that passed: a probability where calibrated is True.
        passed: Notes at or above it.
        scored: Notes that had a score at all.
        calibrated: Whether judgements decided; False for a calibrated cut without any yet.
    """

    criterion: str
    kind: CutKind
    score: float
    passed: int
    scored: int
    calibrated: bool


@dataclass(frozen=True, slots=True)
class CohortAnswer:
    """The subjects that meet a definition at one generation of a store.

    Attributes:
        encoder: The weights' hash of the encoder's fingerprint.
        members: Best first; equal scores by patient id, then encounter id.
        notes: Live notes of the store.
        notes_without_subject: Of these, the ones that name no patient (or no encounter) and
            can't take part.
        notes_without_date: Of those that take part; they can't be within a time of anything.
        unknown_examples: Ids of examples that no live note bears.
    """

    name: str
    grain: Grain
    generation: int
    encoder: str
    members: tuple[Member, ...]
    attrition: tuple[AttritionRow, ...]
    cuts: tuple[UsedCut, ...]
    notes: int
    notes_without_subject: int
    notes_without_date: int
    unknown_examples: int
