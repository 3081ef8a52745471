"""A cohort as other programs take it: CSV, Parquet, JSON, OMOP's COHORT, REDCap's import."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from notekin.errors import CohortError
from notekin.search.cohort.answer import CohortAnswer, CriterionEvidence, Member, Status
from notekin.search.cohort.keeping import assertion_text
from notekin.search.cohort.masking import Counts, counts_of
from notekin.search.cohort.rules import Grain

if TYPE_CHECKING:
    import pyarrow as pa

REDCAP_CODES = {Status.MET: "1", Status.NOT_MET: "0", Status.NO_EVIDENCE: ""}
_LARGEST = 2**63


class Format(Enum):
    """What a cohort is written as."""

    CSV = "csv"
    PARQUET = "parquet"
    JSON = "json"
    OMOP = "omop"
    REDCAP = "redcap"


def format_named(name: str) -> Format:
    """Return the format of a name.

    Raises:
        CohortError: There is none.
    """
    try:
        return Format(name.lower())
    except ValueError:
        known = ", ".join(one.value for one in Format)
        raise CohortError(f"A cohort is exported as one of {known}.") from None


def exported(
    answer: CohortAnswer,
    form: Format,
    *,
    mask: bool = False,
    cohort_id: int = 1,
    subjects: Mapping[str, int] | None = None,
) -> bytes:
    """Return a cohort in a format; the same cohort gives the same bytes.

    Args:
        answer: The cohort.
        form: The format.
        mask: Hide counts from 1 to 9; only JSON, and then without the members, whose number
            would tell.
        cohort_id: OMOP's cohort_definition_id.
        subjects: Patient id to OMOP's person_id, where these are not the same.

    Raises:
        CohortError: The format has no room for this cohort, or would show what is masked.
    """
    if mask and form is not Format.JSON:
        raise CohortError(
            "A list of patients shows how many they are. With --mask, --format json gives the "
            "counts alone."
        )
    match form:
        case Format.JSON:
            return (json.dumps(as_json(answer, mask=mask), indent=2) + "\n").encode()
        case Format.CSV:
            return _csv(map(_row, answer.members), _columns(answer))
        case Format.PARQUET:
            return _parquet(answer)
        case Format.OMOP:
            return _omop(answer, cohort_id, subjects)
        case Format.REDCAP:
            return _redcap(answer)


def as_json(answer: CohortAnswer, *, mask: bool = False) -> dict[str, Any]:
    """Return what ``--json`` prints; with ``mask`` no members, and no small counts."""
    head = {
        "name": answer.name,
        "grain": answer.grain.value,
        "generation": answer.generation,
        "encoder": answer.encoder,
    }
    counts = counts_as_json(counts_of(answer, mask=mask))
    if mask:
        return head | counts
    return head | counts | {"patients": [_member_as_json(one) for one in answer.members]}


def counts_as_json(counts: Counts) -> dict[str, Any]:
    """Return counts as JSON; what is hidden is null."""
    return {
        "members": counts.members,
        "attrition": [asdict(row) for row in counts.attrition],
        "cuts": [
            asdict(cut) | {"kind": cut.kind.value, "passed": passed, "scored": scored}
            for cut, passed, scored in counts.cuts
        ],
        "notes": counts.notes,
        "notes_without_subject": counts.notes_without_subject,
        "notes_without_date": counts.notes_without_date,
        "unknown_examples": counts.unknown_examples,
    }


def _member_as_json(member: Member) -> dict[str, Any]:
    return {
        "rank": member.rank,
        "patient_id": member.patient_id,
        "encounter_id": member.encounter_id,
        "score": member.score,
        "first": _iso(member.first),
        "last": _iso(member.last),
        "criteria": [
            {
                "criterion": one.criterion,
                "status": one.status.value,
                "score": one.score,
                "count": one.count,
                "evidence": [_evidence_as_json(each) for each in one.evidence],
            }
            for one in member.criteria
        ],
    }


def _evidence_as_json(one: CriterionEvidence) -> dict[str, Any]:
    return {
        "source": one.source,
        "note_id": one.note_id,
        "encounter_id": one.encounter_id,
        "recorded_at": _iso(one.recorded_at),
        "start": one.start,
        "end": one.end,
        "score": one.score,
        "assertion": None if one.assertion is None else assertion_text(one.assertion),
        "standing": one.standing.value,
    }


def _columns(answer: CohortAnswer) -> list[str]:
    names = [one.criterion for one in answer.members[0].criteria] if answer.members else []
    of_criteria = [f"{name}{end}" for name in names for end in ("", "_score", "_count")]
    return ["rank", "patient_id", "encounter_id", "score", "first", "last", *of_criteria]


def _row(member: Member) -> list[object]:
    row: list[object] = [
        member.rank,
        member.patient_id,
        member.encounter_id,
        member.score,
        _iso(member.first),
        _iso(member.last),
    ]
    for one in member.criteria:
        row += [one.status.value, one.score, one.count]
    return row


def _csv(rows: Iterable[Sequence[object]], columns: Sequence[str]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()


def _parquet(answer: CohortAnswer) -> bytes:
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(as_table(answer), out)
    return out.getvalue()


def as_table(answer: CohortAnswer) -> pa.Table:
    """Return one row a member: the columns of the CSV, moments as such, and the evidence."""
    import pyarrow as pa

    types = [pa.int64(), pa.string(), pa.string(), pa.float64(), pa.string(), pa.string()]
    names = _columns(answer)
    types += [pa.string(), pa.float64(), pa.int64()] * ((len(names) - len(types)) // 3)
    rows = [_row(member) for member in answer.members]
    columns = [pa.array([row[at] for row in rows], kind) for at, kind in enumerate(types)]
    for at, name in ((4, "first"), (5, "last")):
        moments = [getattr(member, name) for member in answer.members]
        columns[at] = pa.array(moments, pa.timestamp("us"))
    evidence = [
        [{"criterion": one.criterion, **_evidence_as_json(each)} for each in one.evidence]
        for member in answer.members
        for one in [*member.criteria]
    ]
    width = len(answer.members[0].criteria) if answer.members else 0
    joined = [
        [each for part in evidence[at * width : (at + 1) * width] for each in part]
        for at in range(len(answer.members))
    ]
    columns.append(pa.array(joined, pa.list_(_evidence_type())))
    return pa.table(columns, names=[*names, "evidence"])


def _evidence_type() -> pa.DataType:
    import pyarrow as pa

    texts = ("criterion", "source", "note_id", "encounter_id", "recorded_at")
    return pa.struct(
        [
            *((name, pa.string()) for name in texts),
            ("start", pa.int64()),
            ("end", pa.int64()),
            ("score", pa.float64()),
            ("assertion", pa.string()),
            ("standing", pa.string()),
        ]
    )


def _omop(answer: CohortAnswer, cohort_id: int, subjects: Mapping[str, int] | None) -> bytes:
    """Return OMOP's COHORT, one row a member, in the order of the ranks."""
    ids = [_subject_id(member, subjects) for member in answer.members]
    strange = sum(one is None for one in ids)
    if strange:
        raise CohortError(
            f"OMOP's subject_id is a whole number, and {strange:,} members have none. Give "
            "--subjects FILE: a CSV with the columns patient_id and subject_id."
        )
    undated = sum(member.first is None for member in answer.members)
    if undated:
        raise CohortError(
            f"OMOP's COHORT needs dates, and no note of {undated:,} members has one. Ask for a "
            "date in the definition, or export as csv."
        )
    columns = ("cohort_definition_id", "subject_id", "cohort_start_date", "cohort_end_date")
    rows = [
        (cohort_id, one, _day(member.first), _day(member.last))
        for one, member in zip(ids, answer.members, strict=True)
    ]
    return _csv(rows, columns)


def _subject_id(member: Member, subjects: Mapping[str, int] | None) -> int | None:
    name = member.patient_id or ""
    if subjects is not None:
        return subjects.get(name)
    number = int(name) if re.fullmatch(r"-?[0-9]{1,19}", name) else None
    return number if number is not None and abs(number) < _LARGEST else None


def _redcap(answer: CohortAnswer) -> bytes:
    """Return REDCap's import: record_id first, names as REDCap takes them, statuses coded."""
    names = [one.criterion for one in answer.members[0].criteria] if answer.members else []
    fields = _field_names(names)
    of_encounters = answer.grain is Grain.ENCOUNTER
    repeat = ["redcap_repeat_instrument", "redcap_repeat_instance"] if of_encounters else []
    columns = ["record_id", *repeat, *(["encounter_id"] if of_encounters else [])]
    columns += ["cohort_score", "first_date", "last_date", *fields]
    rows, seen = [], dict[str, int]()
    nameless = sum(not member.patient_id for member in answer.members)
    if nameless:
        raise CohortError(
            f"REDCap's record_id is the patient's, and {nameless:,} members have none. "
            "Export as csv."
        )
    for member in answer.members:
        record = member.patient_id or ""
        seen[record] = seen.get(record, 0) + 1
        row: list[object] = [record]
        if of_encounters:
            row += ["encounter", seen[record], member.encounter_id]
        row += [member.score, _day(member.first), _day(member.last)]
        rows.append([*row, *(REDCAP_CODES[one.status] for one in member.criteria)])
    return _csv(rows, columns)


def _field_names(criteria: Sequence[str]) -> list[str]:
    """Return a variable a criterion, as REDCap names them: 26 signs, a-z, 0-9 and _ alone."""
    taken = {"record_id", "encounter_id", "cohort_score", "first_date", "last_date"}
    found = []
    for criterion in criteria:
        name = re.sub(r"[^a-z0-9_]", "_", criterion.lower())[:26]
        number = 2
        while name in taken:
            end = f"_{number}"
            name = re.sub(r"[^a-z0-9_]", "_", criterion.lower())[: 26 - len(end)] + end
            number += 1
        taken.add(name)
        found.append(name)
    return found


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _day(moment: datetime | None) -> str:
    return moment.date().isoformat() if moment else ""
