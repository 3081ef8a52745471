"""An answer as the store keeps it, by reference to notes; and the answer again from that."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from notekin.search.cohort.answer import (
    AttritionRow,
    CohortAnswer,
    CriterionAnswer,
    CriterionEvidence,
    Member,
    Standing,
    Status,
    UsedCut,
)
from notekin.search.cohort.rules import CutKind, Grain
from notekin.search.cohort.screening import ASSERTIONS
from notekin.storage.cohorts import (
    KeptCohort,
    KeptEvidence,
    KeptHead,
    KeptMember,
    KeptStatus,
)
from notekin.storage.records import StoredNote
from notekin.types import Assertion, NoteKey

_COUNTS = ("notes", "notes_without_subject", "notes_without_date", "unknown_examples")


@dataclass(frozen=True, slots=True)
class Recalled:
    """A kept cohort's answer.

    Attributes:
        gone: Members of whom the store holds no note any more; they are left out.
    """

    answer: CohortAnswer
    gone: int


def to_keep(answer: CohortAnswer, definition: Mapping[str, Any], now: datetime) -> KeptCohort:
    """Return an answer as the store keeps it."""
    facts = {
        "attrition": [asdict(row) for row in answer.attrition],
        "cuts": [asdict(cut) | {"kind": cut.kind.value} for cut in answer.cuts],
        **{name: getattr(answer, name) for name in _COUNTS},
    }
    head = KeptHead(
        name=answer.name,
        grain=answer.grain.value,
        definition=json.dumps(definition),
        facts=json.dumps(facts),
        generation=answer.generation,
        encoder=answer.encoder,
        members=len(answer.members),
        kept_at=now,
    )
    return KeptCohort(head, tuple(map(_kept_member, answer.members)))


def recalled(kept: KeptCohort, notes: Mapping[int, StoredNote]) -> Recalled:
    """Return the answer of a kept cohort.

    Args:
        kept: As it was read.
        notes: The facts of the live notes it refers to; of a member whose own note was replaced,
            another of theirs under that note's key.
    """
    head, facts = kept.head, json.loads(kept.head.facts)
    members = tuple(
        _member(member, notes, Grain(head.grain))
        for member in kept.members
        if member.note_key in notes
    )
    answer = CohortAnswer(
        name=head.name,
        grain=Grain(head.grain),
        generation=head.generation,
        encoder=head.encoder,
        members=members,
        attrition=tuple(AttritionRow(**row) for row in facts["attrition"]),
        cuts=tuple(UsedCut(**row | {"kind": CutKind(row["kind"])}) for row in facts["cuts"]),
        **{name: facts[name] for name in _COUNTS},
    )
    return Recalled(answer, head.members - len(members))


def _kept_member(member: Member) -> KeptMember:
    statuses = tuple(
        KeptStatus(
            one.criterion,
            one.status.value,
            one.score,
            one.count,
            tuple(map(_kept_evidence, one.evidence)),
        )
        for one in member.criteria
    )
    return KeptMember(
        member.rank,
        member.note_key,
        member.first_note,
        member.last_note,
        member.score,
        statuses,
    )


def _kept_evidence(one: CriterionEvidence) -> KeptEvidence:
    said = one.assertion
    return KeptEvidence(
        one.note_key,
        one.start,
        one.end,
        one.score,
        None if said is None else assertion_text(said),
        one.standing.value,
    )


def assertion_text(said: Assertion) -> str:
    """Return an assertion in ConText's words, such as ``affirmed patient current``."""
    return f"{said.polarity.value} {said.experiencer.value} {said.temporality.value}"


_BY_TEXT = {assertion_text(one): one for one in ASSERTIONS}


def _member(member: KeptMember, notes: Mapping[int, StoredNote], grain: Grain) -> Member:
    note = notes[member.note_key]
    first = notes.get(member.first_note or -1)
    last = notes.get(member.last_note or -1)
    return Member(
        rank=member.rank,
        patient_id=note.patient_id,
        encounter_id=note.encounter_id if grain is Grain.ENCOUNTER else None,
        score=member.score,
        first=first.recorded_at if first else None,
        last=last.recorded_at if last else None,
        note_key=NoteKey(member.note_key),
        first_note=first.note_key if first else None,
        last_note=last.note_key if last else None,
        criteria=tuple(
            CriterionAnswer(
                one.criterion,
                Status(one.status),
                one.score,
                one.count,
                tuple(_evidence(each, notes) for each in one.evidence if each.note_key in notes),
            )
            for one in member.statuses
        ),
    )


def _evidence(one: KeptEvidence, notes: Mapping[int, StoredNote]) -> CriterionEvidence:
    note = notes[one.note_key]
    return CriterionEvidence(
        note_key=NoteKey(one.note_key),
        source=note.source,
        note_id=note.note_id,
        encounter_id=note.encounter_id,
        recorded_at=note.recorded_at,
        start=one.start,
        end=one.end,
        score=one.score,
        assertion=None if one.assertion is None else _BY_TEXT[one.assertion],
        standing=Standing(one.standing),
    )
