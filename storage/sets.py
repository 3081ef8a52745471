"""Membership in a set of any size, as one bound value: no statement grows with its ids."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import BigInteger, ColumnElement, DateTime, String, bindparam, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from notekin.storage.predicate import Predicate
from notekin.text import storable


class _Among(Predicate):
    """``column`` is one of the items of a JSON array."""

    name = "among"
    inherit_cache = True


def among(
    column: Any, values: Iterable[str] | Iterable[int] | Iterable[datetime]
) -> ColumnElement[bool]:
    """Return the condition that a column holds one of these values: texts, integers or moments.

    The values travel as one JSON array. Databases bound how many parameters a statement may
    have (32,766 in SQLite); this has one, whatever the number.
    """
    return _Among(column, literal(as_array(values), String))


def among_bound(column: Any, name: str) -> ColumnElement[bool]:
    """Return the condition that a column holds one of some values, which come with the execution.

    Args:
        column: Which.
        name: Of the parameter, which takes the values ``as_array``.
    """
    return _Among(column, bindparam(name, type_=String))


def as_array(values: Iterable[str] | Iterable[int] | Iterable[datetime]) -> str:
    """Return values as the one value that a set of them is bound as."""
    items = values.tolist() if isinstance(values, np.ndarray) else list(values)
    items = [storable(item) if isinstance(item, str) else item for item in items]
    return json.dumps(items, default=_moment)


@compiles(_Among, "sqlite")
def _in_sqlite(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, items = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({items}))"  # noqa: S608 - compiled parts


@compiles(_Among, "postgresql")
def _in_postgresql(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, items = (compiler.process(clause, **options) for clause in element.clauses)
    kind = _kind(element)
    unpacked = f"json_array_elements_text(CAST({items} AS JSON)) AS item(value)"
    return f"{column} IN (SELECT CAST(item.value AS {kind}) FROM {unpacked})"  # noqa: S608


def _kind(element: _Among) -> str:
    column = next(iter(element.clauses))
    if isinstance(column.type, DateTime):
        return "TIMESTAMP"
    is_integer = column.type.python_type is int or isinstance(column.type, BigInteger)
    return "BIGINT" if is_integer else "TEXT"


def _moment(value: datetime) -> str:
    """Return a moment as SQLAlchemy keeps it in SQLite; PostgreSQL reads it, too."""
    return value.isoformat(" ", "microseconds")
