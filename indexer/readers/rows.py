"""Rows to notes: one row of any table becomes one note or one reject."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from notekin.indexer.readers.attributes import flatten, read_attribute, read_cell_text
from notekin.indexer.readers.cells import (
    CellError,
    clean,
    is_missing,
    read_id,
    read_name,
    read_text,
)
from notekin.indexer.readers.dates import read_date
from notekin.indexer.readers.forms import ANY_FORM, Form
from notekin.indexer.readers.mapping import Columns, bind_columns, short_name
from notekin.types import AttributeValue, Note, NoteId, PatientId, Reject

RAW_DATE = "recorded_at_raw"
"""The attribute that keeps a date as written where it could not be read."""

_YES = frozenset({"1", "1.0", "t", "true", "y", "yes"})


class Row(NamedTuple):
    """One row: where it is, and its cells by column."""

    place: str
    cells: Mapping[str, object]


class Unread(NamedTuple):
    """A row that is there but could not be taken apart."""

    place: str
    reason: str


class Table(Protocol):
    """Rows under named columns, read as often as asked for."""

    @property
    def columns(self) -> Sequence[str] | None:
        """The column names; None where the table is empty and has none."""
        ...

    @property
    def are_names(self) -> bool:
        """Whether the names are surely names, and not the cells of a missing header."""
        ...

    @property
    def total(self) -> int | None:
        """How many rows there are, where that is known without reading them."""
        ...

    @property
    def cells_are_text(self) -> bool:
        """Whether every cell is text, so that numbers must be told from it."""
        ...

    def __iter__(self) -> Iterator[Row | Unread]: ...


class TableSource:
    """The notes of one table."""

    def __init__(
        self,
        table: Table,
        name: str,
        mapping: Mapping[str, str] | None = None,
        form: Form = ANY_FORM,
    ) -> None:
        self.name = name
        self.total = table.total
        self._table = table
        self.columns = (
            None
            if table.columns is None
            else bind_columns(table.columns, mapping, form, are_names=table.are_names)
        )

    def __iter__(self) -> Iterator[Note | Reject]:
        """Yield a note or a reject for each row, in the table's order."""
        columns = self.columns
        attribute = _text_attribute if self._table.cells_are_text else read_attribute
        for row in self._table:
            if isinstance(row, Unread) or columns is None:
                yield Reject(self.name, row.place, _reason(row))
                continue
            try:
                cells = flatten(row.cells)
                columns = columns.seeing(cells.keys())
                yield _note(cells, columns, self.name, attribute)
            except CellError as error:
                yield Reject(self.name, row.place, str(error))
            except RecursionError:
                yield Reject(self.name, row.place, "it is nested too deeply")


def _reason(row: Row | Unread) -> str:
    return row.reason if isinstance(row, Unread) else "the file had no rows when it was opened"


def _text_attribute(value: object) -> AttributeValue:
    return read_cell_text(value) if isinstance(value, str) else read_attribute(value)


def _note(
    cells: Mapping[str, object],
    columns: Columns,
    name: str,
    attribute: Callable[[object], AttributeValue],
) -> Note:
    def cell(field: str) -> object:
        column = columns.of_field.get(field)
        return None if column is None else cells.get(column)

    _refuse_error(cells, columns)
    note_id = read_id(cell("note_id"), "note_id")
    if note_id is None:
        raise CellError("it has no note_id")
    patient_id = read_id(cell("patient_id"), "patient_id")
    recorded_at, raw_date = _recorded_at(cells, columns)
    return Note(
        note_id=NoteId(note_id),
        text=read_text(cell("text")),
        source=read_id(cell("source"), "source") or name,
        patient_id=None if patient_id is None else PatientId(patient_id),
        encounter_id=read_id(cell("encounter_id"), "encounter_id"),
        category=read_name(cell("category")),
        recorded_at=recorded_at,
        author=read_name(cell("author")),
        title=read_name(cell("title")),
        attributes=raw_date | _attributes(cells, columns, attribute),
    )


def _refuse_error(cells: Mapping[str, object], columns: Columns) -> None:
    if columns.error_flag is None:
        return
    flag = read_name(cells.get(columns.error_flag))
    if flag is not None and flag.casefold() in _YES:
        raise CellError("it is marked as an error in the source")


def _recorded_at(
    cells: Mapping[str, object], columns: Columns
) -> tuple[datetime | None, dict[str, AttributeValue]]:
    column = columns.of_field.get("recorded_at")
    if column is None:
        return None, {}
    found, raw = dated(cells.get(column))
    if found is None and columns.day is not None:
        found, raw_day = dated(cells.get(columns.day))
        raw = raw or raw_day
    return found, raw


def dated(value: object) -> tuple[datetime | None, dict[str, AttributeValue]]:
    """Return the date, or none and the attribute that keeps what stands in its place."""
    try:
        return read_date(value), {}
    except CellError:
        raw = read_attribute(value)
    return None, {} if raw is None else {RAW_DATE: raw}


def _attributes(
    cells: Mapping[str, object],
    columns: Columns,
    attribute: Callable[[object], AttributeValue],
) -> dict[str, AttributeValue]:
    fields = set(columns.of_field.values())
    if columns.error_flag is not None:
        fields.add(columns.error_flag)
    found: dict[str, AttributeValue] = {}
    for column, cell in cells.items():
        if column in fields or is_missing(cell):
            continue
        value = attribute(cell)
        if value is not None:
            found[_attribute_name(column, cells)] = value
    return found


def _attribute_name(column: str, cells: Mapping[str, object]) -> str:
    short = short_name(column)
    return clean(column if short in cells else short)
