"""Everything that Notekin raises on purpose.

::

    NotekinError                    any of the below
    ├── UsageError                  what was asked for makes no sense as asked
    │   ├── FilterError             a filter names no field, or a value that is none
    │   ├── CohortError             a cohort's definition is none, or asks what can't be
    │   └── AmbiguousNoteError      two sources hold a note of this id
    ├── NotFoundError               what was asked for is not there
    │   ├── NoSuchStoreError        there is no store at this path
    │   ├── NoSuchNoteError         the store holds no such note
    │   ├── NoSuchCohortError       the store keeps no cohort of this name
    │   ├── NoneFoundError          the store holds nothing of any of these ids
    │   └── NoSuchSourceError       there is nothing to read at this path
    ├── ReaderError                 a source as a whole can't be read (one row goes to the rejects)
    ├── EncoderError                the model can't be loaded or run
    │   ├── ModelUnavailableError   the model is not here and can't be fetched
    │   └── EncoderMismatchError    the store was made by another encoder
    └── StoreError                  the store can't do what was asked
        ├── StoreLockedError        another process is writing
        ├── StaleSnapshotError      a purge removed what this snapshot shows
        ├── PurgeUnfinishedError    a reader kept the last step of a purge from being done
        ├── StoreFormatError        a newer Notekin wrote this store
        └── DamagedStoreError       a file is missing or is not what was written

A message says what happened, where, and what to do next. It holds no note text, no
query and no patient id: messages end up in logs.
"""

from __future__ import annotations

from pathlib import Path


class NotekinError(Exception):
    """Any error that Notekin raises on purpose; its text is fit to be shown and logged."""

    exit_code = 1
    http_status = 500


class UsageError(NotekinError):
    """What was asked for makes no sense as asked."""

    exit_code, http_status = 2, 400


class FilterError(UsageError):
    """A filter names no field, or gives a value that the field can't have."""


class CohortError(UsageError):
    """A cohort's definition is none, or asks for what can't be."""


class AmbiguousNoteError(UsageError):
    """Two sources hold a note of this id."""

    def __init__(self, sources: int) -> None:
        super().__init__(
            f"{sources} sources hold a note with this id. Say which one with --source NAME "
            "(notekin stats lists the sources)."
        )


class NotFoundError(NotekinError):
    """What was asked for is not there."""

    exit_code, http_status = 3, 404


class NoSuchStoreError(NotFoundError):
    """There is no store at this path."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"No store at {path}. Make one with: notekin index NOTES --store {path}")


class NoSuchNoteError(NotFoundError):
    """The store holds no note of this id."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"The store at {path} holds no note with this id. "
            "Ids are those of the data it was made from: see them with notekin search --json."
        )


class NoSuchCohortError(NotFoundError):
    """The store keeps no cohort of this name."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"The store at {path} keeps no cohort of this name. See them with: "
            f"notekin cohort list --store {path}"
        )


class NoneFoundError(NotFoundError):
    """The store holds nothing of any of the ids given."""

    def __init__(self, path: Path, asked: int) -> None:
        super().__init__(
            f"The store at {path} holds none of the {asked:,} ids given; nothing was changed. "
            "Ids are those of the data it was made from: see them with notekin search --json."
        )


class NoSuchSourceError(NotFoundError):
    """There is nothing to read at this path."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"Nothing to read at {path}. Give a file or a folder that exists.")


class ReaderError(NotekinError):
    """A source as a whole can't be read; a single bad row goes to the rejects instead."""

    exit_code, http_status = 4, 422


class EncoderError(NotekinError):
    """The model can't be loaded or run."""

    exit_code, http_status = 5, 500


class ModelUnavailableError(EncoderError):
    """The model is not on this machine and can't be fetched."""


class EncoderMismatchError(EncoderError):
    """The store was made by another encoder, so the vectors can't be compared."""

    http_status = 409


class StoreError(NotekinError):
    """The store can't do what was asked."""

    exit_code, http_status = 6, 500


class StoreLockedError(StoreError):
    """Another process is writing to this store."""

    http_status = 409

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"Another process is writing to the store at {path}. "
            "Try again when it has finished, or wait for it with --wait; "
            "searching works meanwhile."
        )


class StaleSnapshotError(StoreError):
    """A purge has removed what this snapshot shows."""

    http_status = 409

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"A purge of the store at {path} has removed what this snapshot shows. "
            "Take a new snapshot and ask again."
        )


class PurgeUnfinishedError(StoreError):
    """A reader kept the last step of a purge from being done."""

    http_status = 409

    def __init__(self, path: Path, waited_s: float) -> None:
        super().__init__(
            f"The rows and vectors are removed, but {path} may still hold bytes of them: a "
            f"reader held it for more than {waited_s:g} s. End that process and run the same "
            "purge again; it does what is left."
        )


class StoreFormatError(StoreError):
    """A newer Notekin wrote this store."""


class DamagedStoreError(StoreError):
    """A file of the store is missing or is not what was written.

    Attributes:
        file: Which one.
        state: What is wrong with it, to be read after its name.
    """

    file = ""
    state = ""
