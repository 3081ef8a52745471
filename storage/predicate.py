"""Conditions of our own making, written as each database finds them fast."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean
from sqlalchemy.sql.elements import ColumnElement, Grouping
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType


class Predicate(FunctionElement[bool]):
    """A condition that stands by itself.

    SQLAlchemy writes ``= 1`` after a condition where a database has no booleans, and SQLite
    then no longer looks up in an index what the condition is on: it reads every row.
    """

    type = Boolean()
    inherit_cache = True

    def self_group(self, against: OperatorType | None = None) -> ColumnElement[Any]:  # type: ignore[override]  # FunctionElement names the kinds it returns  # noqa: ARG002
        """Return the condition in brackets, whatever stands beside it."""
        return Grouping(self)
