"""Texts that begin with a day, ``YYYY-MM-DD``: how dates among the attributes are written."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from notekin.storage.predicate import Predicate

DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


class _BeginsWithDay(Predicate):
    """A text begins with four, two and two digits, and hyphens between them."""

    name = "begins_with_day"
    inherit_cache = True


def begins_with_day(column: Any) -> ColumnElement[bool]:
    """Return the condition that a column's text begins like a day.

    Two such beginnings are in order of time when they are in order of their letters, in any
    collation.
    """
    return _BeginsWithDay(column)


@compiles(_BeginsWithDay, "sqlite")
def _in_sqlite(element: _BeginsWithDay, compiler: SQLCompiler, **options: Any) -> str:
    column = compiler.process(next(iter(element.clauses)), **options)
    digit = "[0-9]"
    return f"{column} GLOB '{digit * 4}-{digit * 2}-{digit * 2}*'"


@compiles(_BeginsWithDay, "postgresql")
def _in_postgresql(element: _BeginsWithDay, compiler: SQLCompiler, **options: Any) -> str:
    column = compiler.process(next(iter(element.clauses)), **options)
    return f"{column} ~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}'"
