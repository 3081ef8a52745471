"""Notes with what they say of each criterion, for both evaluators of cohorts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np

from notekin.search.cohort.cutting import cut
from notekin.search.cohort.mentions import Heard, Mentions
from notekin.search.cohort.reference import (
    PlainAnswer,
    PlainNote,
    SubjectId,
    in_order,
    is_known,
    subject_of,
)
from notekin.search.cohort.rules import Criterion, Grain
from notekin.search.cohort.screening import (
    ASSERTIONS,
    NO_MOMENT,
    STANDINGS,
    STATUSES,
    Screening,
    Subjects,
)
from notekin.storage.condition_oracle import meets
from notekin.storage.records import StoredNote
from notekin.types import NoteKey

EPOCH = datetime(1970, 1, 1)


def facts(key: int, patient: str | None, **given: object) -> StoredNote:
    """Return a note's facts; what is not given it has not."""
    named: dict[str, object] = {
        "source": "s",
        "note_id": f"n{key}",
        "encounter_id": None,
        "category": None,
        "recorded_at": None,
        "author": None,
        "title": None,
        "tokens_seen": 0,
        "tokens_total": 0,
        "attributes": {},
    }
    return StoredNote(note_key=NoteKey(key), patient_id=patient, **(named | given))  # type: ignore[arg-type]  # by name


def subjects_of(notes: Sequence[PlainNote], grain: Grain) -> Subjects:
    """Return whose the notes are, as arrays."""
    notes = sorted(notes, key=lambda note: note.facts.note_key)
    owners = [subject_of(note.facts, grain) for note in notes]
    ids = sorted({one for one in owners if one is not None}, key=in_order)
    encounters = [note.facts.encounter_id for note in notes]
    named = sorted({one for one in encounters if one is not None})
    return Subjects(
        keys=np.array([note.facts.note_key for note in notes], np.int64),
        subject=np.array([-1 if one is None else ids.index(one) for one in owners], np.int64),
        encounter=np.array([-1 if one is None else named.index(one) for one in encounters], int),
        moment=np.array([_moment(note.facts.recorded_at) for note in notes], np.int64),
        patient_ids=[patient for patient, _ in ids],
        encounter_ids=[encounter for _, encounter in ids],
    )


def hearing(notes: Sequence[PlainNote], grain: Grain) -> Callable[[Criterion], Heard]:
    """Return what gives the notes' words on a criterion to the evaluator of arrays."""
    notes = sorted(notes, key=lambda note: note.facts.note_key)

    def hear(criterion: Criterion) -> Heard:
        taking_part = [note for note in notes if subject_of(note.facts, grain) is not None]
        condition = criterion.condition
        allowed = [one for one in taking_part if condition is None or meets(condition, one.facts)]
        if criterion.is_about_facts:
            assert condition is not None
            known = [one for one in taking_part if is_known(condition, one.facts)]
            keys, ones = _keys(allowed), np.ones(len(allowed), np.float32)
            whole = Mentions.of_whole_notes(keys)
            return Heard(keys, ones, keys, ones, whole, _keys(known), None)
        speaking = [note for note in allowed if criterion.id in note.says]
        is_phrase = criterion.meaning is None
        scores = [1.0 if is_phrase else note.says[criterion.id].score for note in speaking]
        keys, scored = _keys(speaking), np.array(scores, np.float32)
        spoke, spoke_scores, used = keys, scored, None
        if criterion.meaning is not None:
            passed = cut(criterion, keys, scored, None)
            spoke, spoke_scores, used = passed.keys, passed.scores, passed.cut
        chosen = [note for note in speaking if note.facts.note_key in set(spoke.tolist())]
        empty = np.empty(0, np.int64)
        mentions = _mentions(chosen, criterion)
        return Heard(keys, scored, spoke, spoke_scores, mentions, empty, used)

    return hear


def as_plain(screening: Screening) -> dict[SubjectId, dict[str, tuple[object, ...]]]:
    """Return how every subject stands to every criterion, in the words of the reference."""
    subjects = screening.subjects
    found: dict[SubjectId, dict[str, tuple[object, ...]]] = {}
    for at, subject in enumerate(zip(subjects.patient_ids, subjects.encounter_ids, strict=True)):
        found[subject] = {}
        for one in screening.criteria:
            rows = np.flatnonzero(subjects.subject[np.searchsorted(subjects.keys, one.spoke)] == at)
            stood = {
                (
                    int(one.spoke[row]),
                    STANDINGS[one.standing[row]],
                    int(one.start[row]),
                    None if one.assertion[row] < 0 else ASSERTIONS[one.assertion[row]],
                )
                for row in rows
            }
            found[subject][one.criterion] = (
                STATUSES[one.status[at]],
                int(one.count[at]),
                float(one.score[at]),
                stood,
            )
    return found


def of_reference(answer: PlainAnswer) -> dict[SubjectId, dict[str, tuple[object, ...]]]:
    """Return the reference's findings in the form of ``as_plain``."""
    return {
        subject: {
            name: (
                one.status,
                one.count,
                one.score,
                {
                    (
                        int(each.note.facts.note_key),
                        each.standing,
                        each.mention.start,
                        each.mention.assertion,
                    )
                    for each in one.stood
                },
            )
            for name, one in found.items()
        }
        for subject, found in answer.found.items()
    }


def members_of(screening: Screening) -> list[tuple[SubjectId, float]]:
    """Return who is in the cohort, with the score, best first."""
    subjects = screening.subjects
    return [
        ((subjects.patient_ids[at], subjects.encounter_ids[at]), float(screening.score[at]))
        for at in screening.order.tolist()
    ]


def _keys(notes: Sequence[PlainNote]) -> np.ndarray:
    return np.array([note.facts.note_key for note in notes], np.int64)


def _mentions(notes: Sequence[PlainNote], criterion: Criterion) -> Mentions:
    rows = [
        (
            note.facts.note_key,
            one.start,
            one.end,
            -1 if one.assertion is None else ASSERTIONS.index(one.assertion),
            -1 if one.family is None else one.family,
        )
        for note in notes
        for one in note.says[criterion.id].mentions
    ]
    columns = np.array(rows, np.int64).reshape(-1, 5).T
    return Mentions(columns[0], columns[1], columns[2], columns[3].astype(np.int8), columns[4])


def _moment(recorded: datetime | None) -> int:
    if recorded is None:
        return NO_MOMENT
    since = recorded - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
