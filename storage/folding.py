"""Texts without their case: the same in Python, in SQLite and in PostgreSQL, in any locale."""

from __future__ import annotations

import functools
import sys
from typing import Any

from sqlalchemy import ColumnElement, String, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from notekin.storage.predicate import Predicate
from notekin.text import folded

SQLITE_FOLD = "notekin_fold"
"""The function that storage/engine.py gives every SQLite connection."""


class _Holds(Predicate):
    """A text column holds a text, whatever the case of either."""

    name = "holds"
    inherit_cache = True


def holds(column: Any, text: str) -> ColumnElement[bool]:
    """Return the condition that a column holds a text; ``%`` and ``_`` stand for themselves."""
    return _Holds(column, *(literal(value, String) for value in (folded(text), *_alphabets())))


@compiles(_Holds, "sqlite")
def _in_sqlite(element: _Holds, compiler: SQLCompiler, **options: Any) -> str:
    column, text, *_ = element.clauses
    searched, wanted = (compiler.process(clause, **options) for clause in (column, text))
    return f"instr({SQLITE_FOLD}({searched}), {wanted}) > 0"


@compiles(_Holds, "postgresql")
def _in_postgresql(element: _Holds, compiler: SQLCompiler, **options: Any) -> str:
    """``lower`` follows the database's locale beyond ASCII; ``translate`` follows ours."""
    column, wanted, upper, lower = (
        compiler.process(clause, **options) for clause in element.clauses
    )
    return (
        f"strpos(CASE WHEN octet_length({column}) = char_length({column}) "
        f'THEN lower({column} COLLATE "C") '
        f"ELSE translate({column}, {upper}, {lower}) END, {wanted}) > 0"
    )


@functools.cache
def _alphabets() -> tuple[str, str]:
    """Return the letters that ``folded`` changes, and what it makes of each."""
    letters = (chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000)
    upper = "".join(letter for letter in letters if folded(letter) != letter)
    return upper, folded(upper)
