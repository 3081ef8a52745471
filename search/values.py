"""What a person writes as a value or a date, turned into what conditions take."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import TypeAlias

import numpy as np

from notekin.errors import FilterError
from notekin.storage.conditions import RECORDED_AT, AnyOf, Condition, OneOf, Range
from notekin.storage.days import DAY
from notekin.storage.scalars import Scalar, number_of

When: TypeAlias = str | date | datetime
Value: TypeAlias = Scalar | date
End: TypeAlias = float | When

_LARGEST_BITS = 1023
_DATE_FORM = "A date is written as 2024-03-01 or 2024-03-01T14:30."


def equal_to(field: str, values: Iterable[Value]) -> Condition:
    """Return the condition that a field has one of these values; a day is met all day long."""
    checked = [_checked(value) for value in values]
    if field == RECORDED_AT:
        checked = [_when(value) for value in checked]
    elif any(isinstance(value, datetime) for value in checked):
        raise FilterError("Only recorded_at has times of day; ask others for a day.")
    days = [lying(field, value, value) for value in checked if _is_day(value)]
    others = OneOf(field, tuple(_known(value) for value in checked if not _is_day(value)))
    if not days:
        return others
    return AnyOf((*days, others)) if others.values else AnyOf(tuple(days))


def lying(
    field: str,
    low: End | None = None,
    high: End | None = None,
    *,
    low_inclusive: bool = True,
    high_inclusive: bool = True,
) -> Range:
    """Return the range between two ends as a person means it.

    A day as an end of ``recorded_at`` is the whole day: up to a day goes to its last instant.
    """
    if field != RECORDED_AT:
        return Range(field, _end(low), _end(high), low_inclusive, high_inclusive)
    first = None if low is None else _when(low)
    last = None if high is None else _when(high)
    if first is not None and _is_day(first):
        first, low_inclusive = _midnight(first, 0 if low_inclusive else 1), True
    if last is not None and _is_day(last):
        last, high_inclusive = _midnight(last, 1 if high_inclusive else 0), False
    return Range(field, first, last, low_inclusive, high_inclusive)


def _checked(value: object) -> Value:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, int) and value.bit_length() > _LARGEST_BITS:
        raise FilterError("A number of a filter is too large.")
    if isinstance(value, str | int | float | date):
        return value
    raise FilterError("A filter takes texts, numbers, truth values and dates, or lists of them.")


def _when(value: object) -> date | datetime:
    """Return the day or the moment meant; a zone's offset is left out."""
    if value != value:  # pandas' NaT, which is a datetime and none
        raise FilterError(_DATE_FORM)
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, date):
        return value
    try:
        text = str(value)
        if DAY.fullmatch(text):
            return date.fromisoformat(text)
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise FilterError(_DATE_FORM) from None


def _end(value: End | None) -> float | date | None:
    """Return an end of an attribute's range: a number or a day.

    A whole number that no float is stays what it is: storage/condition_sql.py compares it exactly.
    """
    if isinstance(value, str) and DAY.fullmatch(value):
        return _when(value)
    if isinstance(value, str):
        value = number_of(value)
        if value is None:
            raise FilterError("A range takes numbers such as 65, or days such as 2024-03-01.")
    if value is None or isinstance(value, date):
        return value
    number = _checked(value)
    if isinstance(number, bool) or not isinstance(number, int | float):
        return value
    nearest = float(number)
    return nearest if nearest == number else number


def _known(value: Value) -> Scalar | datetime:
    """Narrow the type: what is no day is a moment or no date at all."""
    assert not isinstance(value, date) or isinstance(value, datetime)  # noqa: S101 - no day
    return value


def _is_day(value: object) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _midnight(day: date, later: int) -> datetime:
    try:
        return datetime(day.year, day.month, day.day) + timedelta(days=later)
    except OverflowError:
        return datetime.max
