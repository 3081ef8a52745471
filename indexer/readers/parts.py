"""Several files of one form, as a cluster writes them, read as one source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from notekin.errors import ReaderError
from notekin.indexer.readers.folder import place_of
from notekin.indexer.readers.rows import TableSource
from notekin.types import Note, Reject

_IDS = ("note_id", "patient_id", "encounter_id")


class PartsSource:
    """The notes of a folder's files, one file after the other."""

    def __init__(self, folder: Path, parts: Sequence[tuple[Path, TableSource]], name: str) -> None:
        self.name = name
        self._folder = folder
        self._parts = parts
        self._refuse_mixed_ids()
        totals = [part.total for _, part in parts if part.total is not None]
        self.total: int | None = sum(totals) if len(totals) == len(parts) else None

    def __iter__(self) -> Iterator[Note | Reject]:
        """Yield a note or a reject for each row of each file."""
        for file, part in self._parts:
            where = place_of(file, self._folder)
            for read in part:
                if isinstance(read, Reject):
                    yield replace(read, place=f"{where}, {read.place}")
                else:
                    yield read

    def _refuse_mixed_ids(self) -> None:
        """Raise ReaderError where two files name a patient by different columns.

        A 17 among medical record numbers and a 17 among row numbers are two people.
        """
        for field in _IDS:
            columns = {
                part.columns.of_field[field]: file
                for file, part in self._parts
                if part.columns is not None and field in part.columns.of_field
            }
            if len(columns) > 1:
                files = " and ".join(file.name for file in list(columns.values())[:2])
                raise ReaderError(
                    f"{files} in {self._folder} hold {field} in columns of different names. "
                    "Index them one by one, or name the column with --map."
                )
