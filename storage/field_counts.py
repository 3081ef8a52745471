"""The fields of a store's notes: their types, how many notes have them, their usual values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import Connection, Select, case, distinct, func, select

from notekin.storage.condition_sql import FIELDS
from notekin.storage.reading import seen_by
from notekin.storage.schema import AttributeRow, NoteRow

VALUES = 5
"""How many of a field's most common values are named."""


class FieldType(Enum):
    """What a field's values are."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    TRUTH = "true or false"
    LIST = "list"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True)
class FieldCount:
    """A field that notes have.

    Attributes:
        name: As filters take it.
        type: What its values are; ``MIXED`` for numbers here and texts there.
        notes: How many live notes have a value.
        distinct: How many values there are.
        values: The most common ones, as text, each with its number of notes; most first.
        low: The lowest number or first date; None for other types.
        high: The highest or last.
    """

    name: str
    type: FieldType
    notes: int
    distinct: int
    values: tuple[tuple[str, int], ...]
    low: str | None = None
    high: str | None = None


def field_counts(connection: Connection, generation: int, values: int) -> list[FieldCount]:
    """Return the named fields, then the attributes by name; those that no note has are left out.

    Args:
        connection: To the catalog.
        generation: Whose live notes are counted.
        values: How many of each field's values to name.
    """
    found = [*_named(connection, generation, values), *_attributes(connection, generation, values)]
    return [field for field in found if field.notes]


def _named(connection: Connection, generation: int, values: int) -> Iterator[FieldCount]:
    for name, column in FIELDS.items():
        counted = select(func.count(column), func.count(distinct(column))).where(
            seen_by(generation)
        )
        notes, different = connection.execute(counted).one()
        common = select(column, func.count()).where(seen_by(generation), column.is_not(None))
        usual = _usual(connection, common, column, values)
        yield FieldCount(name, FieldType.TEXT, notes, different, usual)
    yield _dates(connection, generation)


def _dates(connection: Connection, generation: int) -> FieldCount:
    column = NoteRow.recorded_at
    notes, different, first, last = connection.execute(
        select(
            func.count(column), func.count(distinct(column)), func.min(column), func.max(column)
        ).where(seen_by(generation))
    ).one()
    low, high = (end.isoformat() if end else None for end in (first, last))
    return FieldCount("recorded_at", FieldType.DATE, notes, different, (), low, high)


def _attributes(connection: Connection, generation: int, values: int) -> Iterator[FieldCount]:
    live = (
        select(AttributeRow)
        .join(NoteRow, NoteRow.note_key == AttributeRow.note_key)
        .where(seen_by(generation))
        .subquery()
    )
    rows = connection.execute(
        select(
            live.c.name,
            func.count(distinct(live.c.note_key)),
            func.count(distinct(live.c.text)),
            func.count(),
            func.count(live.c.number),
            func.max(live.c.position),
            func.count(case((live.c.text.in_(["true", "false"]), 1))),
            func.min(live.c.number),
            func.max(live.c.number),
        )
        .group_by(live.c.name)
        .order_by(live.c.name)
    ).all()
    for name, notes, different, all_values, numbers, last, truths, low, high in rows:
        kind = _type(all_values, numbers, last, truths)
        common = select(live.c.text, func.count(distinct(live.c.note_key))).where(
            live.c.name == name
        )
        usual = _usual(connection, common, live.c.text, values)
        ends = (_number(low), _number(high)) if kind is FieldType.NUMBER else (None, None)
        yield FieldCount(name, kind, notes, different, usual, *ends)


def _type(values: int, numbers: int, last_position: int, truths: int) -> FieldType:
    if last_position:
        return FieldType.LIST
    if numbers == values:
        return FieldType.NUMBER
    if truths == values:
        return FieldType.TRUTH
    return FieldType.MIXED if numbers else FieldType.TEXT


def _usual(
    connection: Connection, common: Select[*tuple[Any, ...]], column: Any, values: int
) -> tuple[tuple[str, int], ...]:
    query = common.group_by(column).order_by(func.count().desc(), column).limit(values)
    return tuple((str(value), count) for value, count in connection.execute(query))


def _number(value: float | None) -> str | None:
    return None if value is None else repr(float(value)).removesuffix(".0")
