"""Tables of kept cohorts.

The tables are described here as they were: a later change of the schema changes nothing here.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from notekin.storage.sql_text import SqlText

revision = "4"
down_revision = "3"

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables, empty."""
    op.create_table(
        "cohorts",
        sa.Column("cohort_key", _KEY, nullable=False, autoincrement=False),
        sa.Column("name", SqlText, nullable=False),
        sa.Column("grain", SqlText, nullable=False),
        sa.Column("definition", sa.Text, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("generation", _KEY, nullable=False),
        sa.Column("encoder", SqlText, nullable=False),
        sa.Column("members", sa.Integer, nullable=False),
        sa.Column("kept_at", sa.DateTime, nullable=False),
        sa.Column("seal", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("cohort_key", name="pk_cohorts"),
        sa.UniqueConstraint("name", name="uq_cohorts_name"),
    )
    op.create_table(
        "cohort_members",
        _cohort(),
        sa.Column("rank", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("note_key", _KEY, nullable=False),
        sa.Column("first_note", _KEY),
        sa.Column("last_note", _KEY),
        sa.Column("score", sa.Double, nullable=False),
        *(_of_notes("cohort_members", name) for name in ("note_key", "first_note", "last_note")),
        _of_cohort("cohort_members"),
        sa.PrimaryKeyConstraint("cohort_key", "rank", name="pk_cohort_members"),
    )
    op.create_table(
        "cohort_statuses",
        _cohort(),
        *(_number(name) for name in ("rank", "place")),
        sa.Column("criterion", SqlText, nullable=False),
        sa.Column("status", SqlText, nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        _of_cohort("cohort_statuses"),
        sa.PrimaryKeyConstraint("cohort_key", "rank", "place", name="pk_cohort_statuses"),
    )
    op.create_table(
        "cohort_evidence",
        _cohort(),
        *(_number(name) for name in ("rank", "place", "number")),
        sa.Column("note_key", _KEY, nullable=False),
        sa.Column("start", sa.Integer, nullable=False),
        sa.Column("end", sa.Integer, nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("assertion", SqlText),
        sa.Column("standing", SqlText, nullable=False),
        _of_notes("cohort_evidence", "note_key"),
        _of_cohort("cohort_evidence"),
        sa.PrimaryKeyConstraint("cohort_key", "rank", "place", "number", name="pk_cohort_evidence"),
    )
    op.create_table(
        "cohort_judgements",
        _cohort(),
        sa.Column("criterion", SqlText, nullable=False),
        sa.Column("note_key", _KEY, nullable=False),
        *(_number(name) for name in ("start", "end")),
        sa.Column("verdict", SqlText, nullable=False),
        sa.Column("drawn", sa.Boolean, nullable=False),
        sa.Column("judged_at", sa.DateTime, nullable=False),
        _of_notes("cohort_judgements", "note_key"),
        _of_cohort("cohort_judgements"),
        sa.PrimaryKeyConstraint(
            "cohort_key", "criterion", "note_key", "start", "end", name="pk_cohort_judgements"
        ),
    )
    for table, column in (
        ("cohort_members", "note_key"),
        ("cohort_members", "first_note"),
        ("cohort_members", "last_note"),
        ("cohort_evidence", "note_key"),
        ("cohort_judgements", "note_key"),
    ):
        op.create_index(f"ix_{table}_{column}", table, [column])


def _cohort() -> sa.Column[int]:
    return sa.Column("cohort_key", _KEY, nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, autoincrement=False)


def _of_cohort(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["cohort_key"], ["cohorts.cohort_key"], name=f"fk_{table}_cohort_key_cohorts"
    )


def _of_notes(table: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ["notes.note_key"], name=f"fk_{table}_{column}_notes")
