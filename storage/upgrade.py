"""An older store, brought to this format: under the writer's lock, all or nothing.

SQLite's tables change inside a transaction, as its rows do: killed at any statement, the
catalog opens as it was or as it is to be. A copy of the old one stands beside it until the
new one is on disk, for the case that the migration itself is wrong.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from notekin.durable import sync
from notekin.errors import StoreError
from notekin.storage.catalog import FILE_NAME, Catalog
from notekin.storage.copying import copy_catalog
from notekin.storage.old_segments import name_written, write_with_words
from notekin.storage.orphans import drop_unless_named
from notekin.storage.segments import SEGMENTS, SegmentRecord, remove_segment

WORDS_SINCE = 3
"""The first format whose segments hold words."""
KEPT_BESIDE = "catalog.sqlite.before-upgrade"


def upgrade(catalog: Catalog, folder: Path) -> None:
    """Bring a catalog to the newest format; who calls this holds the writer's lock.

    Raises:
        StoreError: The folder can't be written, or the disk is full; nothing is changed.
    """
    since = catalog.format()
    kept = folder / KEPT_BESIDE
    try:
        if (folder / FILE_NAME).exists():
            copy_catalog(catalog.engine, kept)
            sync(folder)
        with catalog.exclusive(folder):
            _migrate(catalog, folder / SEGMENTS, since)
        kept.unlink(missing_ok=True)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"The store at {folder} has format {since}, which is brought up to date when it is "
            f"opened, and that failed: {type(error).__name__}. Nothing was changed. Its folder "
            "must be writable, with room for a second catalog."
        ) from None


def _migrate(catalog: Catalog, segments: Path, since: int) -> None:
    """Write what segments lack, then change the tables and name those segments at once."""
    from notekin.storage.migrations import migrate  # Alembic, which few openings need

    written: dict[str, SegmentRecord] = {}
    try:
        if since < WORDS_SINCE and segments.exists():
            with catalog.transaction() as connection:
                written.update(write_with_words(connection, segments))
        with catalog.transaction() as connection:
            migrate(connection, since)
            name_written(connection, written)
    except BaseException:
        drop_unless_named(catalog, segments, [record.name for record in written.values()])
        raise
    for old in written:
        remove_segment(segments, old)
