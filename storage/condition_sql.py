"""The SQL that a condition means: bound parameters, and no clause that is ever NULL.

Nothing a person writes becomes SQL text, and every clause is true or false of every note,
so that NOT is the complement.
"""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, not_, or_
from sqlalchemy.orm import InstrumentedAttribute

from notekin.storage.conditions import (
    RECORDED_AT,
    TEXT_FIELDS,
    AllOf,
    AnyOf,
    Condition,
    Contains,
    Missing,
    Not,
    OneOf,
    Range,
)
from notekin.storage.days import begins_with_day
from notekin.storage.folding import holds
from notekin.storage.having import has_value
from notekin.storage.records import storable, value_text
from notekin.storage.scalars import Scalar, number_of, spellings
from notekin.storage.schema import AttributeRow, NoteRow
from notekin.storage.sets import among

FIELDS: dict[str, InstrumentedAttribute[str] | InstrumentedAttribute[str | None]] = {
    name: getattr(NoteRow, name) for name in TEXT_FIELDS
}
"""The columns of the named text fields."""


def to_sql(condition: Condition) -> ColumnElement[bool]:
    """Return the WHERE clause over NoteRow that a condition means; it is never NULL."""
    match condition:
        case AllOf(conditions=parts):
            return and_(True, *(to_sql(part) for part in parts))
        case AnyOf(conditions=parts):
            return or_(False, *(to_sql(part) for part in parts))
        case Not(condition=part):
            return not_(to_sql(part))
        case Missing(field=field):
            return not_(_is_present(field))
        case OneOf(field=field, values=values):
            return _is_one_of(field, values)
        case Contains(field=field, text=text):
            return _contains(field, storable(text))
        case Range():
            return _is_within(condition)


def _is_present(field: str) -> ColumnElement[bool]:
    column = _column(field)
    return has_value(storable(field)) if column is None else column.is_not(None)


def _is_one_of(field: str, values: tuple[Scalar | datetime, ...]) -> ColumnElement[bool]:
    moments = [value for value in values if isinstance(value, datetime)]
    scalars = [value for value in values if not isinstance(value, datetime)]
    if field == RECORDED_AT:
        return _known(NoteRow.recorded_at, among(NoteRow.recorded_at, moments))
    texts = {value_text(value) for value in scalars}
    if field in FIELDS:
        return _known(FIELDS[field], among(FIELDS[field], texts))
    return has_value(storable(field), _is_written(texts, scalars))


def _is_written(texts: set[str], values: list[Scalar]) -> ColumnElement[bool]:
    """A number is asked for by every way to write it: exact, and on the index of texts."""
    numbers = [number for value in values if (number := number_of(value)) is not None]
    written = among(AttributeRow.text, texts)
    if not numbers:
        return written
    forms = set[str]().union(*map(spellings, numbers))
    return or_(written, and_(AttributeRow.number.is_not(None), among(AttributeRow.text, forms)))


def _contains(field: str, text: str) -> ColumnElement[bool]:
    if field in FIELDS:
        return _known(FIELDS[field], holds(FIELDS[field], text))
    return has_value(storable(field), holds(AttributeRow.text, text))


def _is_within(asked: Range) -> ColumnElement[bool]:
    if asked.field == RECORDED_AT:
        return _known(NoteRow.recorded_at, *_bounds(NoteRow.recorded_at, asked))
    if isinstance(asked.low, date) or isinstance(asked.high, date):
        day = func.substr(AttributeRow.text, 1, 10)
        is_day = begins_with_day(AttributeRow.text)
        return has_value(storable(asked.field), is_day, *_bounds(day, asked))
    return has_value(storable(asked.field), *_bounds(AttributeRow.number, asked))


def _bounds(column: Any, asked: Range) -> list[ColumnElement[bool]]:
    bounds = []
    if asked.low is not None:
        low, beyond = _bound(asked.low)
        inclusive = asked.low_inclusive if beyond == 0 else beyond > 0
        bounds.append(column >= low if inclusive else column > low)
    if asked.high is not None:
        high, beyond = _bound(asked.high)
        inclusive = asked.high_inclusive if beyond == 0 else beyond < 0
        bounds.append(column <= high if inclusive else column < high)
    return bounds


def _bound(end: float | date) -> tuple[float | datetime | str, int]:
    """Return what an end is compared as, and whether that is above it (1), below it (-1) or it (0).

    Stored numbers are floats; next to a whole number that is none, one of its neighbours is
    compared, and an end that is open there may be closed.
    """
    if isinstance(end, datetime):
        return end, 0
    if isinstance(end, date):
        return end.isoformat(), 0
    nearest = _nearest_float(end)
    return nearest, (nearest > end) - (nearest < end)


def _nearest_float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _column(field: str) -> Any:
    return NoteRow.recorded_at if field == RECORDED_AT else FIELDS.get(field)


def _known(column: Any, *clauses: ColumnElement[bool]) -> ColumnElement[bool]:
    """Keep NULL out: of a missing value the clauses are false, not unknown."""
    return and_(column.is_not(None), *clauses)
