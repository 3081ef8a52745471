"""What a filter may ask of a note's facts, as values, and the SQL that answers it.

A condition is built from typed values and becomes bound parameters: nothing a person
writes ever becomes SQL text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from notekin.errors import FilterError
from notekin.storage.schema import AttributeRow, NoteRow

Scalar: TypeAlias = str | int | float | bool

FIELDS: dict[str, InstrumentedAttribute[str] | InstrumentedAttribute[str | None]] = {
    "note_id": NoteRow.note_id,
    "source": NoteRow.source,
    "patient_id": NoteRow.patient_id,
    "encounter_id": NoteRow.encounter_id,
    "category": NoteRow.category,
    "author": NoteRow.author,
    "title": NoteRow.title,
}
"""The named text fields; ``recorded_at`` is asked by range, any other name is an attribute."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """The field has one of these values; of a list, at least one item has."""

    field: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """The note was recorded at or after ``after`` and before ``before``; None leaves an end open.

    A note without a date is not found by any range.
    """

    after: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one of these holds; of none, every note passes."""

    conditions: tuple[Condition, ...]


Condition: TypeAlias = "OneOf | Recorded | AllOf"


def field_names(condition: Condition) -> set[str]:
    """Return every field that a condition asks about."""
    match condition:
        case OneOf(field=name):
            return {name}
        case Recorded():
            return {"recorded_at"}
        case AllOf(conditions=parts):
            return set().union(*(field_names(part) for part in parts))


def to_sql(condition: Condition) -> ColumnElement[bool]:
    """Return the WHERE clause over NoteRow that a condition means."""
    match condition:
        case OneOf(field=name, values=values) if name in FIELDS:
            return FIELDS[name].in_([_as_text(value) for value in values])
        case OneOf(field="recorded_at", values=values):
            return or_(*(NoteRow.recorded_at == _as_time(value) for value in values))
        case OneOf(field=name, values=values):
            return _attribute_is(name, values)
        case Recorded(after=after, before=before):
            return _recorded_between(after, before)
        case AllOf(conditions=parts):
            return and_(True, *(to_sql(part) for part in parts))


def _recorded_between(after: datetime | None, before: datetime | None) -> ColumnElement[bool]:
    bounds: list[ColumnElement[bool]] = [NoteRow.recorded_at.is_not(None)]
    if after is not None:
        bounds.append(NoteRow.recorded_at >= after)
    if before is not None:
        bounds.append(NoteRow.recorded_at < before)
    return and_(*bounds)


def _attribute_is(name: str, values: tuple[Scalar, ...]) -> ColumnElement[bool]:
    return exists(
        select(AttributeRow.note_key).where(
            AttributeRow.note_key == NoteRow.note_key,
            AttributeRow.name == name,
            or_(*(_value_is(value) for value in values)),
        )
    )


def _value_is(value: Scalar) -> ColumnElement[bool]:
    """A number is compared as one; a text that reads as a number is, too: 63 finds 63.0."""
    as_text = AttributeRow.text == _as_text(value)
    number = _as_number(value)
    return as_text if number is None else or_(as_text, AttributeRow.number == number)


def _as_text(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _as_number(value: Scalar) -> float | None:
    """Return the number that a value is; 007 is a code, not a number."""
    if isinstance(value, bool) or re.match("0[0-9]", str(value)):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _as_time(value: Scalar) -> datetime:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        raise FilterError(
            "recorded_at takes a date such as 2024-03-01 or 2024-03-01T14:30."
        ) from None
