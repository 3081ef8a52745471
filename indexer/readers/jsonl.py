"""JSON Lines files, and JSON files that hold a list, as tables of objects."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from notekin.errors import ReaderError
from notekin.indexer.readers.attributes import flatten
from notekin.indexer.readers.files import (
    BROKEN_FILE,
    MAX_ROW_SIZE,
    NOT_UTF8,
    UNREAD_REST,
    open_text,
    read_lines,
)
from notekin.indexer.readers.json_stream import BrokenJsonError, JsonStream, NotDecodedError
from notekin.indexer.readers.rows import Row, Unread

NO_OBJECT = "it is no JSON object"
_BROKEN_LINE = "it is no JSON"
_BROKEN_HERE = "the JSON is broken here: this item and what follows were not read"
_NO_LINE = f"{NOT_UTF8}, or it is larger than {MAX_ROW_SIZE // 2**20} MiB"
_FIRST_ROWS = 1000


def read_json_lines(path: Path) -> Iterator[Row | Unread]:
    """Yield the object of each line; a line that is none is told of and passed over."""
    number = 0
    try:
        for number, line in read_lines(path):
            if line is None:
                yield Unread(f"line {number}", _NO_LINE)
            elif line.strip():
                yield _parsed(f"line {number}", line)
    except BROKEN_FILE:
        yield Unread(f"line {number + 1}", UNREAD_REST)


def _parsed(place: str, line: str) -> Row | Unread:
    try:
        value = json.loads(line)
    except RecursionError:
        return Unread(place, "it is nested too deeply")
    except ValueError:
        return Unread(place, _BROKEN_LINE)
    return as_row(place, value)


def as_row(place: str, value: object) -> Row | Unread:
    """Return the object as a row, or where it would be one if it were an object."""
    return Row(place, value) if isinstance(value, dict) else Unread(place, NO_OBJECT)


def read_json_items(path: Path) -> Iterator[Row | Unread]:
    """Yield each object of a JSON list, or of several JSON values after one another."""
    number = 0
    try:
        with open_text(path) as text:
            for number, row in enumerate(_items(JsonStream(text)), start=1):
                yield row._replace(place=f"item {number}")
    except (BrokenJsonError, UnicodeDecodeError):
        yield Unread(f"item {number + 1}", _BROKEN_HERE)
    except BROKEN_FILE:
        yield Unread(f"item {number + 1}", UNREAD_REST)


def _items(stream: JsonStream) -> Iterator[Row | Unread]:
    while first := stream.peek():
        if first == "[":
            for item in stream.items():
                yield Unread("", NOT_UTF8) if item is None else as_row("", item)
        else:
            try:
                yield as_row("", stream.value())
            except NotDecodedError:
                yield Unread("", NOT_UTF8)


class JsonTable:
    """The objects of a file, under the keys that its first 1,000 objects have."""

    are_names = False
    cells_are_text = False
    total = None

    def __init__(self, path: Path, read: Callable[[Path], Iterator[Row | Unread]]) -> None:
        self._path = path
        self._read = read
        self.columns: Sequence[str] | None = self._first_keys()

    def __iter__(self) -> Iterator[Row | Unread]:
        """Yield each object, and where there is none though there should be one."""
        return self._read(self._path)

    def _first_keys(self) -> list[str] | None:
        first = list(islice(self._read(self._path), _FIRST_ROWS))
        objects = [row for row in first if isinstance(row, Row)]
        if first and not objects:
            raise ReaderError(
                f"{self._path} holds no JSON object that can be read; at {first[0].place}, "
                f"{_reason(first[0])}. Give one object a line, or one list of objects."
            )
        return list(dict.fromkeys(key for row in objects for key in _keys(row))) or None


def _reason(row: Row | Unread) -> str:
    return row.reason if isinstance(row, Unread) else ""


def _keys(row: Row) -> Sequence[str]:
    try:
        return list(flatten(row.cells))
    except RecursionError:
        return ()
