"""Many queries: from a file in JSON Lines, CSV or plain lines, or from Python."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from notekin.errors import NoSuchSourceError, ReaderError, UsageError

Queries: TypeAlias = "str | Path | Mapping[str, str] | Iterable[str]"
"""A file's path; texts by their ids; or texts, which are numbered from 1."""

_IDS = ("_id", "id", "query_id", "qid")
_TEXTS = ("text", "query", "question")
_JSON = {".jsonl", ".ndjson", ".json"}
_TABLE = {".csv": ",", ".tsv": "\t"}


def queries_of(queries: Queries) -> dict[str, str]:
    """Return the texts by their ids, in the order given.

    Raises:
        NoSuchSourceError: There is no such file.
        ReaderError: The file holds something else than queries; the message says in which line.
        UsageError: There is no query, or one is empty.
    """
    if isinstance(queries, str | Path):
        return read_queries(Path(queries))
    if isinstance(queries, Mapping):
        return _checked(queries.items(), "The mapping")
    return _checked(((str(at), text) for at, text in enumerate(queries, start=1)), "The list")


def read_queries(path: Path) -> dict[str, str]:
    """Return the queries of a file by their ids.

    ``.jsonl`` has an object a line with ``_id`` and ``text``; ``.csv`` and ``.tsv`` have these
    columns; any other file has a query a line, whose id is the line's number. ``id`` and
    ``query`` do as names, too, and without ids the line's number is taken. Each may end in
    ``.gz``.

    Raises:
        NoSuchSourceError: There is no such file.
        ReaderError: A line is no query; the message says which, never what it says.
        UsageError: There is no query.
    """
    if not path.is_file():
        raise NoSuchSourceError(path)
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    text = _text(path)
    if suffix.lower() in _JSON:
        return _checked(_from_json(path, text), str(path))
    if suffix.lower() in _TABLE:
        return _checked(_from_table(path, text, _TABLE[suffix.lower()]), str(path))
    lines = enumerate(_lines(text), start=1)
    return _checked(((str(at), line.strip()) for at, line in lines if line.strip()), str(path))


def _lines(text: str) -> list[str]:
    """Return a file's lines; what else Unicode calls a line's end may stand in a query."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        plain = gzip.decompress(data) if path.suffix == ".gz" else data
        return plain.decode("utf-8-sig")
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError):
        raise ReaderError(f"{path} is not UTF-8 text. Save it as UTF-8.") from None
    except OSError as error:
        raise ReaderError(f"{path} can't be read: {error.strerror}.") from None


def _from_json(path: Path, text: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(_lines(text), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            raise ReaderError(f"{path} line {number} is no JSON object with _id and text.")
        yield _of_row(path, number, row)


def _from_table(path: Path, text: str, delimiter: str) -> Iterator[tuple[str, str]]:
    csv.field_size_limit(2**31 - 1)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    for row in rows:
        named = {(name or "").strip().lower(): cell for name, cell in row.items()}
        yield _of_row(path, rows.line_num, named)


def _of_row(path: Path, number: int, row: Mapping[str, object]) -> tuple[str, str]:
    text = next((row[name] for name in _TEXTS if row.get(name) not in (None, "")), None)
    name = next((row[name] for name in _IDS if row.get(name) not in (None, "")), number)
    if not isinstance(text, str):
        raise ReaderError(f"{path} line {number} has no text. Name its column text or query.")
    return str(name), text


def _checked(queries: Iterable[tuple[str, object]], where: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, text in queries:
        if not isinstance(text, str):
            raise UsageError(f"{where} holds a query that is no text.")
        if name in found:
            raise UsageError(f"{where} holds two queries of one id. Give each its own.")
        if not text.strip():
            raise UsageError(f"{where} holds an empty query. Leave it out.")
        found[name] = text
    if not found:
        raise UsageError(f"{where} holds no query.")
    return found
