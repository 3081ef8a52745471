"""What a filter may ask of a note's facts, as values; docs/filters.md tells what each means.

::

    Condition
    ├── OneOf       the field has one of these values
    ├── Range       it has a number, a day or a moment between two ends
    ├── Contains    its text holds a text
    ├── Missing     it has no value
    ├── AllOf, AnyOf, Not

A field has no value, one, or, where it is a list, several; a condition on a field holds when
one of its values meets it. So nothing but ``Missing`` holds of a field without value, and
``Not`` is the plain complement: what is not known never counts as a third answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias

from notekin.errors import FilterError
from notekin.storage.scalars import Scalar

TEXT_FIELDS = (
    "note_id",
    "source",
    "patient_id",
    "encounter_id",
    "category",
    "author",
    "title",
)
"""The named text fields; ``recorded_at`` is a moment, any other name is an attribute."""
RECORDED_AT = "recorded_at"
Bound: TypeAlias = float | date | datetime
"""An end of a range: a datetime for ``recorded_at``, a number or a day for an attribute."""

MAX_CONDITIONS = 500
MAX_DEPTH = 50


@dataclass(frozen=True, slots=True)
class OneOf:
    """The field has one of these values; of none, no note passes.

    Texts compare to the letter, numbers as numbers (63 is 63.0, and so is the text "63").
    ``recorded_at`` takes moments.
    """

    field: str
    values: tuple[Scalar | datetime, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """One value of the field lies between both ends; None leaves an end open.

    Numbers are compared to stored numbers, days to stored texts that begin ``YYYY-MM-DD``.

    Raises:
        FilterError: The field is a text, or the ends are none that it can have.
    """

    field: str
    low: Bound | None = None
    high: Bound | None = None
    low_inclusive: bool = True
    high_inclusive: bool = True

    def __post_init__(self) -> None:
        if self.field in TEXT_FIELDS:
            raise FilterError(f"{self.field} is a text; ranges are for numbers and dates.")
        ends = [end for end in (self.low, self.high) if end is not None]
        kinds = {_kind(end) for end in ends}
        if self.field == RECORDED_AT and kinds != {datetime}:
            raise FilterError("A range of recorded_at takes one or two dates.")
        if self.field != RECORDED_AT and kinds not in ({float}, {date}):
            raise FilterError(
                "A range of an attribute takes one or two numbers, or days such as 2024-03-01."
            )


@dataclass(frozen=True, slots=True)
class Contains:
    """One value's text holds this text, whatever the case of either.

    Raises:
        FilterError: The field is ``recorded_at``.
    """

    field: str
    text: str

    def __post_init__(self) -> None:
        if self.field == RECORDED_AT:
            raise FilterError("recorded_at is a date and contains no text; use a range.")


@dataclass(frozen=True, slots=True)
class Missing:
    """The field has no value; an empty list has none, an empty text is one."""

    field: str


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one of these holds; of none, every note passes."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of these holds; of none, no note passes."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold: every live note that does not meet it, and no other."""

    condition: Condition


Condition: TypeAlias = "OneOf | Range | Contains | Missing | AllOf | AnyOf | Not"


def field_names(condition: Condition) -> set[str]:
    """Return every field that a condition asks about."""
    parts = (part for part, _depth in _walk(condition))
    return {part.field for part in parts if not isinstance(part, AllOf | AnyOf | Not)}


def check_size(condition: Condition) -> None:
    """Refuse a condition that databases have no room for.

    Raises:
        FilterError: It has more than 500 parts, or they nest deeper than 50.
    """
    for number, (_part, depth) in enumerate(_walk(condition), start=1):
        if depth > MAX_DEPTH:
            raise FilterError(f"The filter nests deeper than {MAX_DEPTH} levels; flatten it.")
        if number > MAX_CONDITIONS:
            raise FilterError(
                f"The filter has more than {MAX_CONDITIONS} conditions. Name many values of "
                "one field in one list: that is one condition, whatever their number."
            )


def _walk(condition: Condition) -> Iterator[tuple[Condition, int]]:
    """Give every part with its depth; a loop, so that no nesting is too deep for it."""
    waiting = [(condition, 1)]
    while waiting:
        part, depth = waiting.pop()
        yield part, depth
        if isinstance(part, AllOf | AnyOf):
            waiting.extend((inner, depth + 1) for inner in part.conditions)
        elif isinstance(part, Not):
            waiting.append((part.condition, depth + 1))


def _kind(end: object) -> type | None:
    if isinstance(end, datetime):
        return datetime if end.tzinfo is None else None
    if isinstance(end, date):
        return date
    if isinstance(end, bool) or not isinstance(end, int | float):
        return None
    return None if isinstance(end, float) and math.isnan(end) else float
