"""CSV and TSV files as tables of text."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from notekin.errors import ReaderError
from notekin.indexer.readers.files import (
    BROKEN_FILE,
    NOT_UTF8,
    UNREAD_REST,
    is_decoded,
    open_text,
)
from notekin.indexer.readers.rows import Row, Unread

if TYPE_CHECKING:
    from _csv import Reader

_KEPT = "\ud800"
"""Stands for a \\r inside a cell while the row is taken apart; no decoded text holds it."""

MAX_CELL_SIZE = 50_000_000
"""Characters in one cell; beyond that, a quote was never closed."""

_NOT_CLOSED = (
    "a quote in this row is not closed, or not doubled inside its cell. Nothing from this "
    "line on was read: where the next row begins can't be known"
)
_TOO_LONG = (
    f"a cell has more than {MAX_CELL_SIZE:,} characters, so a quote is probably not closed. "
    "Nothing from this line on was read"
)
_NOT_UTF16 = "the text is not what its byte order mark says; nothing from this line on was read"


class DelimitedTable:
    """The rows of a CSV or TSV file; each cell is text, exactly as written.

    A quote that is never closed would join the text of one patient's note to the next
    one's, so the first broken quote ends the reading.
    """

    are_names = False
    cells_are_text = True
    total = None

    def __init__(self, path: Path, delimiter: str = ",") -> None:
        self._path = path
        header = _read_header(path, delimiter)
        self._layout = header.layout
        self.columns: Sequence[str] = _named(header.cells)

    def __iter__(self) -> Iterator[Row | Unread]:
        """Yield each row that has a cell for each column, and where the others are."""
        line = 0
        try:
            with open_text(self._path, self._layout.split_at) as stream:
                reader = _reader(self._layout.kept(stream), self._layout.delimiter)
                next(reader)
                line = reader.line_num
                for cells in reader:
                    place, line = f"line {line + 1}", reader.line_num
                    if cells:
                        yield self._row(place, cells)
        except csv.Error as error:
            reason = _TOO_LONG if "field larger" in str(error) else _NOT_CLOSED
            yield Unread(f"line {line + 1}", reason)
        except UnicodeDecodeError:
            yield Unread(f"line {line + 1}", _NOT_UTF16)
        except BROKEN_FILE:
            yield Unread(f"line {line + 1}", UNREAD_REST)

    def _row(self, place: str, cells: list[str]) -> Row | Unread:
        if len(cells) != len(self.columns):
            counts = f"{len(cells)} where the header has {len(self.columns)}"
            return Unread(place, f"its number of cells is {counts}")
        if not all(map(is_decoded, cells)):
            return Unread(place, NOT_UTF8)
        return Row(place, dict(zip(self.columns, map(_restored, cells), strict=True)))


class _Layout(NamedTuple):
    r"""What parts cells and rows.

    The header's line end is the file's: where it is \n or \r\n, a \r elsewhere belongs to
    its cell, though pandas for one does not quote it. The csv module would end the row
    there and cut the note short; so the \r is kept out of its sight.
    """

    delimiter: str
    line_end: str

    @property
    def split_at(self) -> str:
        return "\n" if self.line_end.endswith("\n") else ""

    def kept(self, lines: Iterable[str]) -> Iterator[str]:
        if not self.split_at:
            yield from lines
            return
        for line in lines:
            if "\r" not in line:
                yield line
            elif line.endswith(self.line_end):
                yield line.removesuffix(self.line_end).replace("\r", _KEPT) + self.line_end
            else:
                yield line.replace("\r", _KEPT)


class _Header(NamedTuple):
    cells: list[str]
    layout: _Layout


def _restored(cell: str) -> str:
    return cell.replace(_KEPT, "\r")


def _reader(lines: Iterable[str], delimiter: str) -> Reader:
    if csv.field_size_limit() < MAX_CELL_SIZE:
        csv.field_size_limit(MAX_CELL_SIZE)
    return csv.reader(lines, delimiter=delimiter, strict=True)


def _read_header(path: Path, delimiter: str) -> _Header:
    """Return the first row; its cells are parted by the delimiter asked for, or ; tab |."""
    header = _first_row(path, delimiter)
    for candidate in (delimiter, ";", "\t", "|"):
        found = header if candidate == delimiter else _first_row(path, candidate)
        if found is not None and len(found.cells) > 1:
            return found
    if header is None:
        raise ReaderError(
            f"The header line of {path} can't be read. Save the file as CSV in UTF-8, "
            "quotes inside a cell doubled."
        )
    if not header.cells:
        raise ReaderError(f"{path} is empty: it has no header line.")
    return header


def _first_row(path: Path, delimiter: str) -> _Header | None:
    last: deque[str] = deque(maxlen=1)
    try:
        with open_text(path) as stream:
            cells = next(_reader(_noted(stream, last), delimiter), [])
    except (csv.Error, UnicodeDecodeError, *BROKEN_FILE):
        return None
    if not all(map(is_decoded, cells)):
        return None
    line = "".join(last)
    return _Header(cells, _Layout(delimiter, line[len(line.rstrip("\r\n")) :]))


def _noted(lines: Iterable[str], last: deque[str]) -> Iterator[str]:
    for line in lines:
        last.append(line)
        yield line


def _named(header: list[str]) -> list[str]:
    """Return the column names; a column without one is named by its place."""
    return [name.strip() or f"column_{place}" for place, name in enumerate(header, start=1)]
