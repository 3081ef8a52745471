"""A store copied whole: to a backup while a writer works, and back from one."""

from __future__ import annotations

import shutil
import sqlite3
import uuid
from pathlib import Path

from notekin.durable import sync
from notekin.errors import DamagedStoreError, StoreError, UsageError
from notekin.storage import reading
from notekin.storage.catalog import FILE_NAME, Catalog
from notekin.storage.copying import copy_catalog, copy_file, leave_as_one_file
from notekin.storage.segments import SEGMENTS, SegmentRecord
from notekin.storage.store import StoreFolder
from notekin.storage.verification import verify

_TRIES = 5


def copy_store(store: StoreFolder, to: Path) -> int:
    """Copy one generation of a store to a new folder, check the copy, return the generation.

    The folder appears whole or not at all. Nothing in it is a link to the store.

    Raises:
        UsageError: There is something at ``to``.
        DamagedStoreError: The store, and so the copy, is not whole.
        StoreError: The disk is full, or the folder can't be written.
    """
    if to.is_symlink() or (to.exists() and (not to.is_dir() or any(to.iterdir()))):
        raise UsageError(f"{to} holds something already. Name a folder that is new or empty.")
    unfinished = to.absolute().with_name(f".{to.name}.writing-{uuid.uuid4().hex}")
    try:
        to.absolute().parent.mkdir(parents=True, exist_ok=True)
        generation = _copy_current(store, unfinished)
        unfinished.rename(to)
        sync(to.absolute().parent)
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise StoreError(f"The store could not be copied to {to}: {reason}.") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return generation


def _copy_current(store: StoreFolder, to: Path) -> int:
    """Copy the newest generation; again, where a compaction took its files away meanwhile."""
    for _ in range(_TRIES - 1):
        try:
            return _copy(store, to)
        except FileNotFoundError:
            shutil.rmtree(to, ignore_errors=True)
    try:
        return _copy(store, to)
    except FileNotFoundError:
        raise StoreError(
            f"A file of the store at {store.path} is missing. See which: notekin verify"
        ) from None


def _copy(store: StoreFolder, to: Path) -> int:
    to.mkdir(mode=0o700)
    (to / SEGMENTS).mkdir(mode=0o700)
    copy_catalog(store.catalog.engine, to / FILE_NAME)
    copied = Catalog.open(to)
    if copied is None:
        raise StoreError(f"The store at {store.path} is not finished.")
    try:
        with copied.transaction() as connection:
            generation = reading.newest(connection)
            records = reading.segments(connection, generation)
        for record in records:
            _copy_segment(store.path / SEGMENTS, to / SEGMENTS, record)
        sync(to / SEGMENTS)
        sync(to)
        _check(StoreFolder(to, copied), store.path)
    finally:
        copied.close()
    leave_as_one_file(to / FILE_NAME)
    sync(to)
    return generation


def _copy_segment(source: Path, to: Path, record: SegmentRecord) -> None:
    folder = to / record.name
    folder.mkdir(mode=0o700)
    for name in record.files:
        copy_file(source / record.name / name, folder / name)
    sync(folder)


def _check(copy: StoreFolder, source: Path) -> None:
    found = verify(copy, deep=True)
    if not found.whole:
        raise DamagedStoreError(
            f"The store at {source} is damaged, and was not copied. "
            f"See where: notekin verify --deep --store {source}"
        )
