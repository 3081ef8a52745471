"""Whether a note meets a condition, in plain Python: slow, and right at a glance.

The SQL of storage/condition_sql.py must agree with it on every note and every condition.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

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
from notekin.storage.days import DAY
from notekin.storage.records import StoredNote, storable, value_text
from notekin.storage.scalars import Scalar, number_of
from notekin.text import folded
from notekin.types import AttributeValue


def meets(condition: Condition, note: StoredNote) -> bool:
    """Say whether a note meets a condition."""
    match condition:
        case AllOf(conditions=parts):
            return all(meets(part, note) for part in parts)
        case AnyOf(conditions=parts):
            return any(meets(part, note) for part in parts)
        case Not(condition=part):
            return not meets(part, note)
        case Missing(field=field):
            return not _values(note, field)
        case OneOf(field=field, values=asked):
            return any(_equal(value, one) for value in _values(note, field) for one in asked)
        case Contains(field=field, text=text):
            return any(_holds(value, text) for value in _values(note, field))
        case Range(field=field):
            return any(_lies_within(value, condition) for value in _values(note, field))


def _values(note: StoredNote, field: str) -> Sequence[Scalar | datetime]:
    """Return the values of a field: none, one, or the items of a list."""
    if field in TEXT_FIELDS or field == RECORDED_AT:
        value = getattr(note, field)
        return [] if value is None else [value]
    named = [value for name, value in note.attributes.items() if storable(name) == storable(field)]
    return [item for value in named for item in _items(value)]


def _items(value: AttributeValue) -> Sequence[Scalar]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if item is not None]


def _equal(value: Scalar | datetime, asked: Scalar | datetime) -> bool:
    if isinstance(value, datetime) or isinstance(asked, datetime):
        return value == asked
    if value_text(value) == value_text(asked):
        return True
    stored = None if isinstance(value, str) else number_of(value)
    return stored is not None and stored == number_of(asked)


def _holds(value: Scalar | datetime, text: str) -> bool:
    return not isinstance(value, datetime) and folded(storable(text)) in folded(value_text(value))


def _lies_within(value: Scalar | datetime, asked: Range) -> bool:
    bounds = [end for end in (asked.low, asked.high) if end is not None]
    low, high = asked.low, asked.high
    if isinstance(value, datetime):
        return _between(value, asked, low, high)
    if any(isinstance(end, date) for end in bounds):
        day = DAY.match(value) if isinstance(value, str) else None
        first, last = (str(end) if isinstance(end, date) else None for end in (low, high))
        return day is not None and _between(day[0], asked, first, last)
    number = None if isinstance(value, str) else number_of(value)
    return number is not None and _between(float(number), asked, low, high)


def _between(value: object, asked: Range, low: object, high: object) -> bool:
    """Compare values of one kind, as the caller made sure."""
    above = low is None or value > low or (asked.low_inclusive and value == low)  # type: ignore[operator]  # one kind
    below = high is None or value < high or (asked.high_inclusive and value == high)  # type: ignore[operator]  # one kind
    return bool(above and below)
