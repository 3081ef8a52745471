"""Segments that no generation names: left by a writer that failed or was killed, and removed.

A segment may go only once it is certain that no generation names it. After a COMMIT that
failed, SQL says that it was not done; but its rows may stand in SQLite's log, and whoever
opens the store after a crash would find them there. So the log moves on first.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from notekin.errors import StoreError
from notekin.storage import reading
from notekin.storage.catalog import Catalog
from notekin.storage.segments import UNFINISHED, remove_segment


@contextmanager
def writing_segments(folder: Path) -> Iterator[None]:
    """Turn what goes wrong while segments are written into one line; leave none half written."""
    try:
        yield
    except (OSError, RuntimeError) as error:  # faiss knows no narrower one
        _remove_unfinished(folder)
        reason = getattr(error, "strerror", None) or "the disk may be full"
        raise StoreError(
            f"A segment could not be written to {folder}: {reason}. What was committed before "
            "is kept; see to it and run the same command again."
        ) from error


def sweep(catalog: Catalog, folder: Path) -> None:
    """Remove what no generation names.

    Where a segment that one does name is missing, something else is wrong: nothing is
    removed. Only the writer that holds the lock may call this.
    """
    _remove_unfinished(folder)
    names = _named(catalog)
    if any(not (folder / name).exists() for name in names):
        return
    if orphans := {entry.name for entry in folder.iterdir()} - names:
        drop_unless_named(catalog, folder, orphans)


def drop_unless_named(catalog: Catalog, folder: Path, names: Collection[str]) -> None:
    """Remove those of some segments that no generation names; where that can't be known, none."""
    with suppress(StoreError):
        catalog.settle()
        for name in set(names) - _named(catalog):
            remove_segment(folder, name)


def _named(catalog: Catalog) -> set[str]:
    with catalog.transaction() as connection:
        records = reading.segments(connection, reading.newest(connection))
    return {record.name for record in records}


def _remove_unfinished(folder: Path) -> None:
    for path in folder.glob(f"{UNFINISHED}*"):
        shutil.rmtree(path, ignore_errors=True)
