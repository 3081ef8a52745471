"""The catalog's tables of kept cohorts: who belonged and why, by reference alone.

No note's text, patient's id or date stands in them, but for the ids that a definition names: a
member is a note of theirs, evidence is a note and offsets. So what a purge removes of a note is
gone from here, too.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from notekin.storage.schema import Base, Key, NoteRow
from notekin.storage.sql_text import SqlText


class CohortRow(Base):
    """One kept cohort: its definition, and what its answer counts.

    ``definition`` and ``facts`` are JSON of ASCII alone; ``seal`` is over them and over the rows
    of its members, statuses and evidence (storage/cohorts.py).
    """

    __tablename__ = "cohorts"
    cohort_key: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(SqlText, unique=True)
    grain: Mapped[str]
    definition: Mapped[str] = mapped_column(Text)
    facts: Mapped[str] = mapped_column(Text)
    generation: Mapped[int] = mapped_column(Key)
    encoder: Mapped[str]
    members: Mapped[int]
    kept_at: Mapped[datetime]
    seal: Mapped[bytes] = mapped_column(LargeBinary)


class CohortMemberRow(Base):
    """One member: a note of the patient or encounter, and the first and last that count."""

    __tablename__ = "cohort_members"
    cohort_key: Mapped[int] = mapped_column(ForeignKey(CohortRow.cohort_key), primary_key=True)
    rank: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    note_key: Mapped[int] = mapped_column(ForeignKey(NoteRow.note_key), index=True)
    first_note: Mapped[int | None] = mapped_column(ForeignKey(NoteRow.note_key), index=True)
    last_note: Mapped[int | None] = mapped_column(ForeignKey(NoteRow.note_key), index=True)
    score: Mapped[float]


class CohortStatusRow(Base):
    """How one member stands to one criterion; ``place`` is the criterion's, in order."""

    __tablename__ = "cohort_statuses"
    cohort_key: Mapped[int] = mapped_column(ForeignKey(CohortRow.cohort_key), primary_key=True)
    rank: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    criterion: Mapped[str]
    status: Mapped[str]
    score: Mapped[float]
    count: Mapped[int]


class CohortEvidenceRow(Base):
    """One piece of evidence of one member for one criterion."""

    __tablename__ = "cohort_evidence"
    cohort_key: Mapped[int] = mapped_column(ForeignKey(CohortRow.cohort_key), primary_key=True)
    rank: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    note_key: Mapped[int] = mapped_column(ForeignKey(NoteRow.note_key), index=True)
    start: Mapped[int]
    end: Mapped[int]
    score: Mapped[float]
    assertion: Mapped[str | None]
    standing: Mapped[str]


class CohortJudgementRow(Base):
    """A person's verdict on one place in one note, for one criterion of a cohort."""

    __tablename__ = "cohort_judgements"
    cohort_key: Mapped[int] = mapped_column(ForeignKey(CohortRow.cohort_key), primary_key=True)
    criterion: Mapped[str] = mapped_column(SqlText, primary_key=True)
    note_key: Mapped[int] = mapped_column(
        ForeignKey(NoteRow.note_key), primary_key=True, index=True
    )
    start: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    end: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    verdict: Mapped[str]
    drawn: Mapped[bool]
    judged_at: Mapped[datetime]


RESULTS = (CohortMemberRow, CohortStatusRow, CohortEvidenceRow)
"""What a run writes anew; judgements outlive it."""
