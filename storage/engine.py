"""The SQL engine under a catalog: SQLite in WAL mode, with real transactions."""

from __future__ import annotations

import os
import sqlite3
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event

from notekin.storage.folding import SQLITE_FOLD
from notekin.text import folded

BUSY_TIMEOUT_MS = 30_000


def open_sqlite(path: Path, *, create: bool = False, frozen: bool = False) -> Engine:
    """Return an engine on the SQLite file at ``path``.

    Where nothing can be written, nothing is: a catalog that a backup left is read under SQLite's
    locks, and one in WAL mode where nobody can write (storage/frozen.py) without.

    Errors of the engine never repeat a statement's values, which hold patients' facts.
    A transaction is on disk when its commit returns (``synchronous=FULL``).

    Args:
        path: The catalog file.
        create: Make the file, readable by its owner only, where there is none.
        frozen: It is on a file system that is read-only as a whole, and has no log.
    """
    if create:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    flags = "mode=ro&immutable=1" if frozen else "mode=rwc"
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        hide_parameters=True,
        creator=lambda: sqlite3.connect(
            f"file:{quote(os.fsencode(path.absolute()))}?{flags}",
            uri=True,
            timeout=BUSY_TIMEOUT_MS / 1000,
            check_same_thread=False,
        ),
    )
    event.listen(engine, "connect", partial(_prepare, _is_writable(path)))
    event.listen(engine, "begin", _begin)
    return engine


def _is_writable(path: Path) -> bool:
    return os.access(path.parent, os.W_OK) and os.access(path, os.W_OK)


def _prepare(writable: bool, connection: Any, _record: Any) -> None:
    """Leave BEGIN to us: the driver's own would let DDL slip out of the transaction."""
    connection.isolation_level = None
    connection.create_function(SQLITE_FOLD, 1, folded, deterministic=True)
    if writable:
        connection.execute("PRAGMA journal_mode=WAL")
    for pragma in (
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN")


def sqlite_faults(connection: Connection) -> list[str]:
    """Return what SQLite itself finds wrong in its file; nothing where it is another database.

    What SQLite says may repeat values, so that it is counted and not shown.
    """
    if connection.dialect.name != "sqlite":
        return []
    said = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    lost = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    found = [] if said == ["ok"] else [f"fails {len(said)} of SQLite's own checks"]
    return [*found, f"holds {len(lost)} rows of notes that are not there"] if lost else found
