"""The SQL engine under a catalog: SQLite in WAL mode, with real transactions."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from notekin.storage.folding import SQLITE_FOLD
from notekin.text import folded

BUSY_TIMEOUT_MS = 30_000


def open_sqlite(path: Path, *, create: bool = False) -> Engine:
    """Return an engine on the SQLite file at ``path``.

    Errors of the engine never repeat a statement's values, which hold patients' facts.
    A transaction is on disk when its commit returns (``synchronous=FULL``).

    Args:
        path: The catalog file.
        create: Make the file, readable by its owner only, where there is none.
    """
    if create:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        hide_parameters=True,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: Any) -> None:
    """Leave BEGIN to us: the driver's own would let DDL slip out of the transaction."""
    connection.isolation_level = None
    connection.create_function(SQLITE_FOLD, 1, folded, deterministic=True)
    for pragma in (
        "journal_mode=WAL",
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
