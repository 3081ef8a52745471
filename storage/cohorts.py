"""Kept cohorts: written and read in one transaction each, by reference to notes.

A cohort's seal is a checksum over all its rows but the judgements: what a byte that changed on
disk can't get past. It is made anew where a purge takes rows away.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import xxhash
from sqlalchemy import Connection, delete, func, insert, select, update

from notekin.storage.cohort_schema import (
    RESULTS,
    CohortEvidenceRow,
    CohortJudgementRow,
    CohortMemberRow,
    CohortRow,
    CohortStatusRow,
)
from notekin.storage.damage import damaged_catalog
from notekin.storage.schema import Base, SettingRow

_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class KeptEvidence:
    """One piece of evidence: a place in a note, and how it counts."""

    note_key: int
    start: int
    end: int
    score: float
    assertion: str | None
    standing: str


@dataclass(frozen=True, slots=True)
class KeptStatus:
    """How a member stands to one criterion."""

    criterion: str
    status: str
    score: float
    count: int
    evidence: tuple[KeptEvidence, ...]


@dataclass(frozen=True, slots=True)
class KeptMember:
    """A patient or encounter, by one of their notes."""

    rank: int
    note_key: int
    first_note: int | None
    last_note: int | None
    score: float
    statuses: tuple[KeptStatus, ...]


@dataclass(frozen=True, slots=True)
class KeptHead:
    """What is known of a kept cohort without its members.

    Attributes:
        grain: ``patient`` or ``encounter``.
        definition: JSON of ASCII alone.
        facts: The same; what its answer counted.
        members: How many it had when it was made.
    """

    name: str
    grain: str
    definition: str
    facts: str
    generation: int
    encoder: str
    members: int
    kept_at: datetime


@dataclass(frozen=True, slots=True)
class KeptJudgement:
    """A person's verdict on one place in one note."""

    criterion: str
    note_key: int
    start: int
    end: int
    verdict: str
    drawn: bool
    judged_at: datetime


@dataclass(frozen=True, slots=True)
class KeptCohort:
    """A kept cohort with its members, best first."""

    head: KeptHead
    members: tuple[KeptMember, ...] = field(default=())


def names(connection: Connection) -> list[str]:
    """Return the names of the kept cohorts, sorted."""
    return list(connection.scalars(select(CohortRow.name).order_by(CohortRow.name)))


def heads(connection: Connection) -> list[KeptHead]:
    """Return what is known of every kept cohort, by name."""
    rows = connection.execute(select(*_HEAD).order_by(CohortRow.name))
    return [KeptHead(*row) for row in rows]


def keep(connection: Connection, cohort: KeptCohort) -> None:
    """Write a cohort, in place of the one of its name; that one's judgements stay."""
    head = cohort.head
    key = _key(connection, head.name)
    if key is None:
        key = (connection.scalar(select(func.max(CohortRow.cohort_key))) or 0) + 1
        connection.execute(insert(CohortRow), [_head_row(key, head)])
    else:
        for table in RESULTS:
            connection.execute(delete(table).where(table.cohort_key == key))
        values = _head_row(key, head)
        connection.execute(update(CohortRow).where(CohortRow.cohort_key == key).values(**values))
    rows = _rows(key, cohort.members)
    for table in RESULTS:
        _insert(connection, table, rows[table])
    seal(connection, key)


def read(connection: Connection, name: str) -> KeptCohort | None:
    """Return a kept cohort, once it is seen to be what was written; None where there is none."""
    head = connection.execute(
        select(CohortRow.cohort_key, CohortRow.seal, *_HEAD).where(CohortRow.name == name)
    ).one_or_none()
    if head is None:
        return None
    key, kept_seal, *facts = head
    tables = _tables(connection, key)
    if bytes(kept_seal) != _seal_of(facts, tables):
        raise damaged_catalog(connection, "does not hold a kept cohort as it was written")
    return KeptCohort(KeptHead(*facts), _members(tables))


def remove(connection: Connection, name: str) -> bool:
    """Remove a kept cohort and its judgements; say whether there was one."""
    key = _key(connection, name)
    if key is None:
        return False
    for table in (*RESULTS, CohortJudgementRow, CohortRow):
        connection.execute(delete(table).where(table.cohort_key == key))
    return True


def judgements(connection: Connection, name: str) -> list[KeptJudgement]:
    """Return the verdicts on a cohort, in the order in which they were given."""
    columns = [getattr(CohortJudgementRow, name) for name in KeptJudgement.__slots__]
    rows = connection.execute(
        select(*columns)
        .join(CohortRow, CohortRow.cohort_key == CohortJudgementRow.cohort_key)
        .where(CohortRow.name == name)
        .order_by(
            CohortJudgementRow.judged_at,
            CohortJudgementRow.criterion,
            CohortJudgementRow.note_key,
            CohortJudgementRow.start,
            CohortJudgementRow.end,
        )
    )
    return [KeptJudgement(*row) for row in rows]


def judge(connection: Connection, name: str, given: Sequence[KeptJudgement]) -> bool:
    """Write verdicts, each in place of one on the same place; say whether there is the cohort."""
    key = _key(connection, name)
    if key is None:
        return False
    for one in given:
        place = {part: getattr(one, part) for part in ("criterion", "note_key", "start", "end")}
        same = [getattr(CohortJudgementRow, part) == value for part, value in place.items()]
        connection.execute(
            delete(CohortJudgementRow).where(CohortJudgementRow.cohort_key == key, *same)
        )
    fields = KeptJudgement.__slots__
    rows = [{"cohort_key": key, **{part: getattr(one, part) for part in fields}} for one in given]
    _insert(connection, CohortJudgementRow, rows)
    return True


def unjudge(connection: Connection, name: str, criterion: str, note_key: int) -> None:
    """Take back the verdicts on one note for one criterion."""
    key = _key(connection, name)
    connection.execute(
        delete(CohortJudgementRow).where(
            CohortJudgementRow.cohort_key == key,
            CohortJudgementRow.criterion == criterion,
            CohortJudgementRow.note_key == note_key,
        )
    )


def hold(connection: Connection) -> None:
    """Make whoever keeps, judges or purges wait for, or fail on, another that does.

    A write that changes nothing: SQLite then has one writer from here on, PostgreSQL lets the
    second of two transactions fail that write the same row.
    """
    row = SettingRow.name == "format"
    connection.execute(update(SettingRow).where(row).values(value=SettingRow.value))


def seal(connection: Connection, key: int) -> None:
    """Make a cohort's checksum anew, of the rows that are there."""
    facts = connection.execute(select(*_HEAD).where(CohortRow.cohort_key == key)).one()
    made = _seal_of(list(facts), _tables(connection, key))
    connection.execute(update(CohortRow).where(CohortRow.cohort_key == key).values(seal=made))


def unsound(connection: Connection) -> int:
    """Count the cohorts whose rows are not what was written."""
    found = 0
    for key, kept_seal, *facts in connection.execute(
        select(CohortRow.cohort_key, CohortRow.seal, *_HEAD)
    ).all():
        found += bytes(kept_seal) != _seal_of(facts, _tables(connection, key))
    return found


NOTES = (
    CohortMemberRow.note_key,
    CohortMemberRow.first_note,
    CohortMemberRow.last_note,
    CohortEvidenceRow.note_key,
    CohortJudgementRow.note_key,
)
"""The columns that refer to notes."""
_HEAD = tuple(getattr(CohortRow, name) for name in KeptHead.__slots__)
Tables = dict[type[Base], list[dict[str, Any]]]


def _key(connection: Connection, name: str) -> int | None:
    return connection.scalar(select(CohortRow.cohort_key).where(CohortRow.name == name))


def _head_row(key: int, head: KeptHead) -> dict[str, Any]:
    return {
        "cohort_key": key,
        "seal": b"",
        **{name: getattr(head, name) for name in KeptHead.__slots__},
    }


def _insert(connection: Connection, table: type[Base], rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        connection.execute(insert(table), rows[start : start + _ROWS_AT_ONCE])


def _rows(key: int, members: Sequence[KeptMember]) -> Tables:
    rows: Tables = {table: [] for table in RESULTS}
    for member in members:
        at = {"cohort_key": key, "rank": member.rank}
        rows[CohortMemberRow].append(
            at
            | {name: getattr(member, name) for name in ("note_key", "first_note", "last_note")}
            | {"score": member.score}
        )
        for place, status in enumerate(member.statuses):
            rows[CohortStatusRow].append(
                at
                | {"place": place, "criterion": status.criterion, "status": status.status}
                | {"score": status.score, "count": status.count}
            )
            rows[CohortEvidenceRow] += [
                at
                | {"place": place, "number": number}
                | {name: getattr(one, name) for name in KeptEvidence.__slots__}
                for number, one in enumerate(status.evidence)
            ]
    return rows


def _tables(connection: Connection, key: int) -> Tables:
    """Return all rows of a cohort's result, in order."""
    found: Tables = {}
    for table in RESULTS:
        order = list(table.__table__.primary_key)
        rows = connection.execute(
            select(table.__table__).where(table.cohort_key == key).order_by(*order)
        )
        found[table] = [dict(row) for row in rows.mappings()]
    return found


def _seal_of(facts: Sequence[object], tables: Tables) -> bytes:
    digest = xxhash.xxh3_128(json.dumps(list(map(_plain, facts))).encode())
    for rows in tables.values():
        for row in rows:
            del_key = {name: value for name, value in row.items() if name != "cohort_key"}
            digest.update(json.dumps(del_key, sort_keys=True).encode())
    return digest.digest()


def _plain(value: object) -> object:
    return value.replace(tzinfo=None).isoformat() if isinstance(value, datetime) else value


def _members(tables: Tables) -> tuple[KeptMember, ...]:
    evidence: dict[tuple[int, int], list[KeptEvidence]] = {}
    for row in tables[CohortEvidenceRow]:
        one = KeptEvidence(**{name: row[name] for name in KeptEvidence.__slots__})
        evidence.setdefault((row["rank"], row["place"]), []).append(one)
    statuses: dict[int, list[KeptStatus]] = {}
    for row in tables[CohortStatusRow]:
        shown = tuple(evidence.get((row["rank"], row["place"]), ()))
        status = KeptStatus(row["criterion"], row["status"], row["score"], row["count"], shown)
        statuses.setdefault(row["rank"], []).append(status)
    return tuple(
        KeptMember(
            row["rank"],
            row["note_key"],
            row["first_note"],
            row["last_note"],
            row["score"],
            tuple(statuses.get(row["rank"], ())),
        )
        for row in tables[CohortMemberRow]
    )
