"""Text files, one note each: the path is the note's id."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePath

from notekin.errors import ReaderError
from notekin.indexer.readers.cells import CellError, refuse_control
from notekin.indexer.readers.files import BROKEN_FILE, NOT_UTF8, decode_text, open_bytes
from notekin.types import Note, NoteId, Reject

PACKED = frozenset({".gz", ".bz2", ".xz", ".zst"})
"""The suffixes that say how a file is packed."""


def suffix_of(path: PurePath) -> str:
    """Return the suffix in lower case, the one before a packed file's own."""
    return PurePath(path.stem).suffix.lower() if _is_packed(path) else path.suffix.lower()


def _is_packed(path: PurePath) -> bool:
    return path.suffix.lower() in PACKED


def _without_suffix(path: PurePath) -> PurePath:
    return (path.with_suffix("") if _is_packed(path) else path).with_suffix("")


def files_in(folder: Path) -> list[Path]:
    """Return the files in a folder and the folders below it, in the order of their names.

    Files and folders that begin with a dot or an underscore are left out: other programs
    keep their own there.

    Raises:
        ReaderError: A folder can't be listed.
    """
    found: list[Path] = []
    for at, folders, files in os.walk(folder, onerror=_refuse_folder):
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        found += [Path(at, name) for name in files if not name.startswith((".", "_"))]
    return sorted(found)


def _refuse_folder(error: OSError) -> None:
    raise ReaderError(f"The folder {error.filename} can't be listed: may you read it?")


def place_of(file: Path, folder: Path) -> str:
    """Return how a reject names a file: its path in the folder."""
    path = os.fsencode(file.relative_to(folder).as_posix())
    return f"file {path.decode(errors='backslashreplace')}"


class TextSource:
    """The notes of text files; a note's id is its path in the folder, without the suffix."""

    def __init__(self, folder: Path, files: list[Path], name: str) -> None:
        self.name = name
        self.total: int | None = len(files)
        self._folder = folder
        self._files = files

    def __iter__(self) -> Iterator[Note | Reject]:
        """Yield a note or a reject for each file, in the order of their names."""
        ids = Counter(self._id_of(file) for file in self._files)
        for file in self._files:
            note_id = self._id_of(file)
            try:
                if ids[note_id] > 1:
                    raise CellError("another file has the same path without its suffix")
                refuse_control(note_id, "path")
                yield Note(NoteId(note_id), _read(file), self.name)
            except CellError as error:
                yield Reject(self.name, place_of(file, self._folder), str(error))

    def _id_of(self, file: Path) -> str:
        return _without_suffix(file.relative_to(self._folder)).as_posix().strip()


def _read(file: Path) -> str:
    try:
        with open_bytes(file) as stream:
            text = decode_text(stream.read())
    except BROKEN_FILE:
        reason = "the file can't be opened, ends too early or is damaged"
    else:
        if text is not None:
            return text
        reason = NOT_UTF8
    raise CellError(reason)
