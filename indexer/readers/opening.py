"""One door to every reader: a path or a table in, a source of notes out."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import unquote

from notekin.errors import NoSuchSourceError, ReaderError, UsageError
from notekin.indexer.readers.delimited import DelimitedTable
from notekin.indexer.readers.detect import (
    files_of,
    format_of,
    format_of_folder,
    is_by_line,
    refuse_unknown,
)
from notekin.indexer.readers.fhir import FhirSource
from notekin.indexer.readers.folder import TextSource, files_in
from notekin.indexer.readers.forms import ANY_FORM, FORMS
from notekin.indexer.readers.jsonl import JsonTable, read_json_items, read_json_lines
from notekin.indexer.readers.parts import PartsSource
from notekin.indexer.readers.rows import Table, TableSource
from notekin.indexer.readers.source import NoteSource
from notekin.indexer.readers.tables import ArrowTable, PandasTable, ParquetTable

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    Source: TypeAlias = (
        str | os.PathLike[str] | pd.DataFrame | pa.Table | pa.RecordBatch | pa.RecordBatchReader
    )

_TABLES: Mapping[str, Callable[[Path], Table]] = {
    "csv": DelimitedTable,
    "tsv": lambda path: DelimitedTable(path, "\t"),
    "parquet": ParquetTable,
    "jsonl": lambda path: JsonTable(path, read_json_lines),
    "json": lambda path: JsonTable(path, read_json_items),
}


@dataclass(frozen=True, slots=True)
class _Wish:
    """How a person wants a source to be read."""

    format: str | None
    mapping: Mapping[str, str] | None
    source_name: str | None

    def source(self, table: Table, name: str) -> TableSource:
        form = FORMS.get(self.format or "", ANY_FORM)
        return TableSource(table, self.source_name or name, self.mapping, form)

    @property
    def container(self) -> str | None:
        """The file format; None where the wish names only the columns' form, or nothing."""
        return None if self.format in FORMS else self.format

    def refuse_mapping(self, what: str) -> None:
        if self.mapping:
            raise UsageError(f"{what} has no columns, so there is nothing to map.")


def open_source(
    source: Source,
    *,
    format: str | None = None,  # noqa: A002 - the name of the command's option
    mapping: Mapping[str, str] | None = None,
    source_name: str | None = None,
) -> NoteSource:
    """Return the notes of a file, a folder or a table; read when iterated, not before.

    Args:
        source: A path, a pandas table, or anything that gives an Arrow stream.
        format: One of ``FORMATS``; told from the suffix and the first bytes if not given.
        mapping: Field to column, for columns without a usual name.
        source_name: The notes' source where their rows name none. By default the
            absolute path, or "table".

    Raises:
        NoSuchSourceError: There is nothing at the path.
        ReaderError: It can't be read as a whole, or has no text or no ids.
        UsageError: There is no such format, field or column.
    """
    if format is not None:
        refuse_unknown(format)
    wish = _Wish(format, mapping, source_name)
    if isinstance(source, str | os.PathLike):
        return _open_path(Path(source).expanduser(), wish)
    return _open_table(source, wish)


def _open_table(table: object, wish: _Wish) -> NoteSource:
    if wish.container is not None:
        raise UsageError(f"A table is no {wish.container}. For tables, format is {_listed()}.")
    if any(kind.__module__.startswith("pandas.") for kind in type(table).__mro__):
        import pandas as pd

        if isinstance(table, pd.DataFrame):
            return wish.source(PandasTable(table), "table")
    elif hasattr(table, "__arrow_c_stream__"):
        return wish.source(ArrowTable(table), "table")
    raise UsageError(
        f"Notes can't be read from a {type(table).__name__}. "
        "Give a path, a pandas table or an Arrow table."
    )


def _listed() -> str:
    return ", ".join(FORMS)


def _open_path(path: Path, wish: _Wish) -> NoteSource:
    if not path.exists():
        raise NoSuchSourceError(path)
    if path.is_dir():
        return _open_folder(path, wish)
    if not path.is_file():
        raise ReaderError(f"{path} is neither a file nor a folder.")
    if wish.container == "folder":
        raise UsageError(f"{path} is a file. For a single text, format is text.")
    return _open_file(path, wish)


def _open_file(path: Path, wish: _Wish) -> NoteSource:
    container = wish.container or format_of(path)
    name = wish.source_name or str(path.resolve())
    if container in {"text", "fhir"} and wish.format in FORMS:
        raise UsageError(f"{path} is no table, so it can't be of the form {wish.format}.")
    if container == "text":
        wish.refuse_mapping("A text")
        return TextSource(path.parent, [path], name)
    if container == "fhir":
        wish.refuse_mapping("A FHIR resource")
        return FhirSource(None, [(path, is_by_line(path))], name)
    return wish.source(_TABLES[container](path), name)


def _open_folder(folder: Path, wish: _Wish) -> NoteSource:
    files = files_in(folder)
    name = wish.source_name or str(folder.resolve())
    corpus = _corpus(folder, files)
    if corpus is not None and wish.format in {None, "beir"}:
        return _open_file(corpus, wish)
    container = wish.container or format_of_folder(folder, files)
    if container in {"text", "folder"}:
        wish.refuse_mapping("A folder of texts")
        return TextSource(folder, _some(files_of("text", files), folder, "texts"), name)
    chosen = _some(files_of(container, files), folder, container)
    if container == "fhir":
        wish.refuse_mapping("A FHIR resource")
        return FhirSource(folder, [(file, is_by_line(file)) for file in chosen], name)
    parts = [(file, wish.source(_part(container, file, folder), name)) for file in chosen]
    return PartsSource(folder, parts, name)


def _corpus(folder: Path, files: Sequence[Path]) -> Path | None:
    """Return the corpus of a retrieval task in BEIR's layout, if the folder is one."""
    names = {file.name: file for file in files if file.parent == folder}
    if not {"queries.jsonl", "queries.jsonl.gz"} & names.keys():
        return None
    return names.get("corpus.jsonl") or names.get("corpus.jsonl.gz")


def _some(files: Sequence[Path], folder: Path, what: str) -> list[Path]:
    """Return the files that are not of zero bytes, as a cluster leaves for empty parts."""
    filled = list(files) if what == "texts" else [file for file in files if file.stat().st_size]
    if not filled:
        raise ReaderError(f"The folder {folder} holds no {what} to read.")
    return filled


def _part(container: str, file: Path, folder: Path) -> Table:
    if container != "parquet":
        return _TABLES[container](file)
    return ParquetTable(file, _partition(file.relative_to(folder)))


def _partition(file: Path) -> dict[str, str | None]:
    """Return the cells that the folders' names hold, as in ``category=Nursing/0.parquet``."""
    pairs = [part.split("=", 1) for part in file.parent.parts if "=" in part]
    return {
        name: None if value == "__HIVE_DEFAULT_PARTITION__" else unquote(value)
        for name, value in pairs
    }
