"""Whether a catalog's tables are those that a new store has."""

from __future__ import annotations

import sqlite3
from functools import cache
from typing import Any, TypeAlias

from sqlalchemy import Connection, create_engine

from notekin.storage import cohort_schema as cohort_schema  # its tables are part of the schema
from notekin.storage.schema import Base

_Shape: TypeAlias = tuple[list[tuple[Any, ...]], ...]


def misshapen(connection: Connection) -> list[str]:
    """Return what tables have changed; nothing where the catalog is in a server.

    What a table says of itself is text in the file, which no checksum of a row covers.
    """
    if connection.dialect.name != "sqlite":
        return []
    held: Any = connection.connection.driver_connection
    changed = [name for name, shape in _expected().items() if _shape(held, name) != shape]
    return [f"does not describe its table {name} as it was made" for name in changed]


@cache
def _expected() -> dict[str, _Shape]:
    """Return the shape of each table of a new catalog."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        Base.metadata.create_all(connection)
        new: Any = connection.connection.driver_connection
        return {
            name: shape for name in Base.metadata.tables if (shape := _shape(new, name)) is not None
        }


def _shape(connection: sqlite3.Connection, table: str) -> _Shape | None:
    """Return a table's columns, indexes and references; None where SQLite can't tell."""
    try:
        columns = connection.execute(f"PRAGMA table_xinfo({table})").fetchall()
        references = connection.execute(f"PRAGMA foreign_key_list({table})").fetchall()
        indexes = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ?", [table]
        ).fetchall()
    except (sqlite3.Error, UnicodeDecodeError):
        return None
    return tuple(
        sorted((row[skipped:] for row in rows), key=repr)
        for rows, skipped in ((columns, 1), (references, 2), (indexes, 0))
    )
