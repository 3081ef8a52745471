"""The database rewritten, so that what was removed from it leaves no byte behind."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from notekin.durable import sync
from notekin.errors import PurgeUnfinishedError, StoreError
from notekin.storage.engine import BUSY_TIMEOUT_MS
from notekin.storage.schema import Base


def vacuum(engine: Engine, path: Path, readers_wait_s: float) -> None:
    """Rewrite every page of a catalog, and empty the log of its changes.

    It can be repeated at any time and does again what a killed run left.

    Args:
        engine: The catalog's.
        path: The catalog file, for messages; the room beside it is used meanwhile.
        readers_wait_s: How long to wait for readers that hold the log.

    Raises:
        PurgeUnfinishedError: A reader held it longer.
        StoreError: There is no room for the rewritten catalog.
    """
    if engine.dialect.name == "sqlite":
        _vacuum_sqlite(engine, path, readers_wait_s)
    else:
        _vacuum_server(engine)


def _vacuum_sqlite(engine: Engine, path: Path, readers_wait_s: float) -> None:
    with _bare(engine) as connection:
        try:
            connection.execute(f"PRAGMA busy_timeout={int(readers_wait_s * 1000)}")
            _rewrite(connection, path.parent)
            held = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            sync(path.with_name(f"{path.name}-wal"))  # SQLite leaves that to the next commit
        except (OSError, sqlite3.Error) as error:
            raise StoreError(
                f"{path} could not be rewritten ({error}). The rows are removed, but it may "
                "still hold bytes of them. See to it and run the same purge again."
            ) from None
        finally:
            connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    if held:
        raise PurgeUnfinishedError(path, readers_wait_s)


def _rewrite(connection: sqlite3.Connection, folder: Path) -> None:
    """VACUUM by way of an unnamed file in the store's folder: in memory it may not fit."""
    quoted = str(folder.resolve()).replace("'", "''")
    connection.execute("PRAGMA temp_store=FILE")
    connection.execute(f"PRAGMA temp_store_directory='{quoted}'")
    try:
        connection.execute("VACUUM")
    finally:
        connection.execute("PRAGMA temp_store_directory=''")
        connection.execute("PRAGMA temp_store=MEMORY")


def _vacuum_server(engine: Engine) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in Base.metadata.sorted_tables:
            connection.exec_driver_sql(f"VACUUM (FULL) {table.name}")


@contextmanager
def _bare(engine: Engine) -> Iterator[Any]:
    """Lend the driver's own connection, on which no transaction is open."""
    lent = engine.raw_connection()
    try:
        yield lent.driver_connection
    finally:
        lent.close()
