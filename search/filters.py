"""What a person asks of a note's facts, turned into a condition of typed values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import TypeAlias

from notekin.errors import FilterError
from notekin.storage.conditions import AllOf, Condition, OneOf, Recorded, Scalar

Where: TypeAlias = Mapping[str, Scalar | Sequence[Scalar]]
"""Field to the value it must have, or to several of which it must have one."""
When: TypeAlias = str | date | datetime


def condition_of(
    where: Where | None = None, after: When | None = None, before: When | None = None
) -> Condition | None:
    """Return the condition that all of these together mean; None where nothing is asked.

    Args:
        where: Every field must have its value, or one of its values.
        after: The note was recorded then or later.
        before: The note was recorded earlier than that.

    Raises:
        FilterError: A value is no value, or a date no date.
    """
    parts: list[Condition] = [OneOf(name, _values(value)) for name, value in (where or {}).items()]
    if after is not None or before is not None:
        parts.append(Recorded(_moment(after), _moment(before)))
    return AllOf(tuple(parts)) if parts else None


def parse_where(pairs: Iterable[str]) -> dict[str, list[Scalar]]:
    """Return the fields and values of ``FIELD=VALUE`` texts; a field given twice takes either.

    Raises:
        FilterError: A text has no ``=`` or no field.
    """
    where: dict[str, list[Scalar]] = {}
    for pair in pairs:
        field, equals, value = pair.partition("=")
        if not equals or not field.strip():
            raise FilterError("--where takes FIELD=VALUE, such as --where category='Progress note'")
        where.setdefault(field.strip(), []).append(value)
    return where


def _values(value: Scalar | Sequence[Scalar]) -> tuple[Scalar, ...]:
    values = (value,) if isinstance(value, str | int | float) else tuple(value)
    for one in values:
        if not isinstance(one, str | int | float):
            raise FilterError("A filter takes texts, numbers and truth values, or lists of them.")
    return values


def _moment(value: When | None) -> datetime | None:
    """Return the moment meant; a day means its first instant. A zone's offset is left out."""
    if value is None or isinstance(value, datetime):
        return value and value.replace(tzinfo=None)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    try:
        return datetime.fromisoformat(value).replace(tzinfo=None)
    except ValueError:
        raise FilterError("A date is written as 2024-03-01 or 2024-03-01T14:30.") from None
