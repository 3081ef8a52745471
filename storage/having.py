"""That a note has an attribute's value which meets something, as each database finds it fast."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from notekin.storage.predicate import Predicate
from notekin.storage.schema import AttributeRow, NoteRow


class _HasValue(Predicate):
    """One condition in two forms: first as membership, then as existence."""

    name = "has_value"
    inherit_cache = True


def has_value(name: str, *clauses: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that a note has a value of this attribute that meets all clauses."""
    rows = select(AttributeRow.note_key).where(AttributeRow.name == name, *clauses)
    of_note = rows.where(AttributeRow.note_key == NoteRow.note_key).correlate(NoteRow)
    return _HasValue(NoteRow.note_key.in_(rows.correlate(None)), exists(of_note))


@compiles(_HasValue, "sqlite")
def _in_sqlite(element: _HasValue, compiler: SQLCompiler, **options: Any) -> str:
    """SQLite reads the matching values by their index once; EXISTS asks note by note."""
    member, _existing = element.clauses
    return f"({compiler.process(member, **options)})"


@compiles(_HasValue, "postgresql")
def _in_postgresql(element: _HasValue, compiler: SQLCompiler, **options: Any) -> str:
    """PostgreSQL makes joins of EXISTS; NOT IN of a large set it reads through note by note."""
    _member, existing = element.clauses
    return f"({compiler.process(existing, **options)})"
