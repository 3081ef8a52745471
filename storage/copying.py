"""Files copied whole and durably: the catalog while others write to it, and segments."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

from sqlalchemy import Engine

from notekin.durable import sync


def copy_catalog(engine: Engine, to: Path) -> None:
    """Copy a SQLite catalog as one transaction sees it, while others read and write it."""
    to.unlink(missing_ok=True)
    os.close(os.open(to, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    pooled = engine.raw_connection()
    target = sqlite3.connect(to)
    try:
        source = pooled.driver_connection
        assert isinstance(source, sqlite3.Connection)  # noqa: S101 - for the type checker
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")
    finally:
        target.close()
        pooled.close()
    sync(to)


def leave_as_one_file(catalog: Path) -> None:
    """Leave a SQLite catalog that nobody has open durable, and to be read where nothing is written.

    Without WAL, SQLite reads it under its own locks, with no file beside it. The first who opens
    it where it can be written has WAL back.
    """
    connection = sqlite3.connect(catalog)
    try:
        connection.execute("PRAGMA journal_mode=DELETE")
    finally:
        connection.close()
    sync(catalog)


def share_file(source: Path, to: Path) -> None:
    """Give a file that never changes a second name; where that can't be done, copy it."""
    try:
        os.link(source, to)
    except OSError:
        copy_file(source, to)


def copy_file(source: Path, to: Path) -> None:
    """Copy a file, never as a link, readable by its owner alone."""
    descriptor = os.open(to, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with source.open("rb") as read, os.fdopen(descriptor, "wb") as write:
        shutil.copyfileobj(read, write, 1 << 20)
        write.flush()
        os.fsync(write.fileno())
