"""Sections, families and likeness of passages.

The tables are described here as they were: a later change of the schema changes nothing here.
The words of notes come into the segments beforehand (storage/old_segments.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op

from notekin.storage.checksums import Seal
from notekin.storage.families import POOL, Held, Newcomer, families_among
from notekin.storage.marks import Marks, marks_of
from notekin.storage.old_segments import readable_text
from notekin.storage.sets import among
from notekin.storage.sql_text import SqlText

revision = "3"
down_revision = "2"

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_NOTES = sa.table(
    "notes",
    sa.column("note_key"),
    sa.column("patient_id", SqlText),
    sa.column("died"),
    sa.column("checksum", sa.LargeBinary),
)
_TEXTS = sa.table("note_texts", sa.column("note_key"), sa.column("text", sa.LargeBinary))
_PASSAGES = sa.table(
    "passages",
    *(sa.column(name) for name in ("passage_key", "note_key", "start", "end", "tokens")),
    *(sa.column(name) for name in ("section", "family")),
    sa.column("likeness", sa.LargeBinary),
)
_SPANS = ("passage_key", "note_key", "start", "end", "tokens")
_SETTINGS = sa.table("settings", sa.column("name"), sa.column("value", sa.JSON))
_NOTES_A_PAGE = 500
_NEVER = 2**62


def upgrade() -> None:
    """Add the columns, then fill them in, note by note in the order in which they came."""
    op.add_column("passages", sa.Column("section", SqlText))
    op.add_column("passages", sa.Column("family", _KEY))
    op.add_column("passages", sa.Column("likeness", sa.LargeBinary))
    connection = op.get_bind()
    store_id = connection.scalar(sa.select(_SETTINGS.c.value).where(_SETTINGS.c.name == "store_id"))
    seal, last = Seal(str(store_id)), -1
    while notes := _page(connection, last):
        _fill(connection, seal, notes, _passages_of(connection, last, notes[-1].note_key))
        last = notes[-1].note_key


def _page(connection: sa.Connection, last: int) -> Sequence[Any]:
    query = (
        sa.select(_NOTES, _TEXTS.c.text)
        .join_from(_NOTES, _TEXTS, _TEXTS.c.note_key == _NOTES.c.note_key, isouter=True)
        .where(_NOTES.c.note_key > last)
    )
    return connection.execute(query.order_by(_NOTES.c.note_key).limit(_NOTES_A_PAGE)).all()


def _passages_of(connection: sa.Connection, after: int, until: int) -> dict[int, list[Any]]:
    rows = connection.execute(
        sa.select(*(_PASSAGES.c[name] for name in _SPANS))
        .where(_PASSAGES.c.note_key > after, _PASSAGES.c.note_key <= until)
        .order_by(_PASSAGES.c.note_key, _PASSAGES.c.passage_key)
    )
    return {key: list(some) for key, some in groupby(rows, key=lambda row: row.note_key)}


def _fill(
    connection: sa.Connection, seal: Seal, notes: Sequence[Any], passages: dict[int, list[Any]]
) -> None:
    """Write the new columns of a page of notes' passages, and the checksums with them.

    A checksum that did not hold is left as it is, and goes on to say so.
    """
    spans = [[(row.start, row.end) for row in passages.get(note.note_key, [])] for note in notes]
    marks = marks_of([readable_text(note.text or b"") for note in notes], spans)
    families = families_among(
        partial(_held, connection),
        [
            Newcomer(note.note_key, note.patient_id, mark.likeness)
            for note, mark in zip(notes, marks, strict=True)
            if note.died is None
        ],
    )
    filled, sealed = [], []
    for note, mark in zip(notes, marks, strict=True):
        key, rows = note.note_key, passages.get(note.note_key, [])
        old = [(row.start, row.end, row.tokens) for row in rows]
        new = _values(old, mark, families.get(key))
        for row, values in zip(rows, new, strict=True):
            section, family, likeness = values[3:]
            filled.append(
                {"at": row.passage_key, "s": section, "f": family, "l": likeness},
            )
        if seal.holds_passages(note.checksum, key, old):
            sealed.append({"at": key, "c": seal.with_passages(note.checksum, key, new)})
    _update(connection, _PASSAGES, {"section": "s", "family": "f", "likeness": "l"}, filled)
    _update(connection, _NOTES, {"checksum": "c"}, sealed)


def _held(connection: sa.Connection, patients: Sequence[str]) -> dict[str, list[Held]]:
    """Return the family and the likeness of each patient's newest passages, oldest first."""
    newest = (_NOTES.c.note_key.desc(), _PASSAGES.c.passage_key.desc())
    place = sa.func.row_number().over(partition_by=_NOTES.c.patient_id, order_by=newest)
    columns = (_NOTES.c.patient_id, _PASSAGES.c.family, _PASSAGES.c.likeness)
    every = (
        sa.select(*columns, place.label("place"))
        .join_from(_NOTES, _PASSAGES, _PASSAGES.c.note_key == _NOTES.c.note_key)
        .where(
            among(_NOTES.c.patient_id, patients),
            sa.func.coalesce(_NOTES.c.died, _NEVER) == _NEVER,
            _PASSAGES.c.likeness.is_not(None),
        )
        .subquery()
    )
    rows = connection.execute(
        sa.select(every.c.patient_id, every.c.family, every.c.likeness)
        .where(every.c.place <= POOL)
        .order_by(every.c.place.desc())
    )
    held: dict[str, list[Held]] = {}
    for patient_id, family, likeness in rows:
        held.setdefault(patient_id, []).append((family, likeness))
    return held


def _values(
    spans: Sequence[tuple[int, int, int]], mark: Marks, families: Sequence[int] | None
) -> list[tuple[Any, ...]]:
    """Return start, end, tokens, section, family and likeness of a note's passages."""
    likeness = [None if families is None else some.tobytes() for some in mark.likeness]
    of = [None] * len(spans) if families is None else families
    parts = zip(spans, mark.sections, of, likeness, strict=True)
    return [(*span, section, family, some) for span, section, family, some in parts]


def _update(
    connection: sa.Connection,
    table: sa.TableClause,
    columns: dict[str, str],
    rows: list[dict[str, Any]],
) -> None:
    key = table.c.passage_key if table is _PASSAGES else table.c.note_key
    values: dict[str, Any] = {column: sa.bindparam(name) for column, name in columns.items()}
    if rows:
        connection.execute(sa.update(table).where(key == sa.bindparam("at")).values(values), rows)
