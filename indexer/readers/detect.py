"""What a path holds: told by its suffix and its first bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

from notekin.errors import ReaderError, UsageError
from notekin.indexer.readers.files import BROKEN_FILE, read_head
from notekin.indexer.readers.folder import PACKED, suffix_of
from notekin.indexer.readers.forms import FORMS

SUFFIXES: Mapping[str, str] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".txt": "text",
}
"""What a file of this suffix holds."""

FORMATS = ("csv", "tsv", "parquet", "jsonl", "json", "text", "folder", "fhir", *FORMS)
"""The names that ``format`` takes; the last are tables of any kind under known column names."""


def refuse_unknown(name: str) -> None:
    """Raise UsageError if there is no format of this name."""
    if name not in FORMATS:
        raise UsageError(f"There is no format {name!r}. Notekin reads {', '.join(FORMATS)}.")


def format_of(path: Path) -> str:
    """Return the format of a file.

    Raises:
        ReaderError: Neither the suffix nor the first bytes tell.
    """
    if _starts_with(path, b"PAR1"):
        return "parquet"
    found = SUFFIXES.get(suffix_of(path))
    head = _head(path) if found in {None, "jsonl", "json"} else ""
    if found is None and not head.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        raise ReaderError(
            f"What {path} holds can't be told from its name. Known are "
            f"{', '.join(SUFFIXES)}, also packed as {', '.join(sorted(PACKED))}. "
            f"Say what it is with --format: {', '.join(FORMATS)}"
        )
    if _is_fhir(head):
        return "fhir"
    if found is None or found == "json":
        return "jsonl" if is_by_line(path) else "json"
    return found


def is_by_line(path: Path) -> bool:
    """Whether a JSON file holds one object a line, by its suffix or its first line."""
    return SUFFIXES.get(suffix_of(path)) == "jsonl" or _first_object(_head(path)) is not None


def _starts_with(path: Path, mark: bytes) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(mark)) == mark
    except OSError:
        reason = f"{path} can't be opened: may you read it?"
    raise ReaderError(reason)


def _head(path: Path) -> str:
    try:
        return read_head(path)
    except BROKEN_FILE:
        return ""


def _is_fhir(head: str) -> bool:
    first = _first_object(head)
    if first is not None:
        return isinstance(first.get("resourceType"), str)
    return re.search(r'"resourceType"\s*:\s*"[A-Z]', head) is not None


def _first_object(head: str) -> Mapping[str, object] | None:
    """Return the object on the first line that is not blank, if it is whole."""
    first = head.lstrip("\ufeff \t\r\n").partition("\n")[0]
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def format_of_folder(folder: Path, files: Sequence[Path]) -> str:
    """Return the one format of a folder's files.

    Texts may have other files beside them, of suffixes that Notekin does not read.

    Raises:
        ReaderError: There is nothing to read, or two formats.
    """
    found = sorted({SUFFIXES[suffix_of(file)] for file in files if _is_known(file)})
    if len(found) == 1 and found[0] in {"jsonl", "json"}:
        found = sorted({format_of(file) for file in files if _is_known(file)})
        found = ["json"] if found == ["json", "jsonl"] else found
    if not found:
        raise ReaderError(
            f"The folder {folder} holds no file that can be read: {', '.join(SUFFIXES)}"
        )
    if len(found) > 1:
        raise ReaderError(
            f"The folder {folder} holds files of several formats ({', '.join(found)}). "
            "Give one file, or say which with --format."
        )
    return found[0]


def files_of(name: str, files: Sequence[Path]) -> list[Path]:
    """Return the files whose suffix may hold this format."""
    kinds = {"fhir": {"jsonl", "json"}, "json": {"json", "jsonl"}}.get(name, {name})
    return [file for file in files if SUFFIXES.get(suffix_of(file)) in kinds]


def _is_known(file: PurePath) -> bool:
    return suffix_of(file) in SUFFIXES
