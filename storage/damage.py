"""What is said when something on disk is not what was written: which file, and what to do."""

from __future__ import annotations

from sqlalchemy import Connection

from notekin.errors import DamagedStoreError

VERIFY = (
    "See what else is with: notekin verify --deep; then run notekin repair, or restore a backup"
)


def damaged(file: object, state: str) -> DamagedStoreError:
    """Return the error that names a damaged file and says what to do; it repeats no value."""
    error = DamagedStoreError(f"{file} {state}. {VERIFY}.")
    error.file, error.state = str(file), state
    return error


def catalog_name(connection: Connection) -> str:
    """Return what to call the catalog behind a connection: its file, or its database."""
    return str(connection.engine.url.database)


def damaged_catalog(connection: Connection, state: str) -> DamagedStoreError:
    """Return the error that names the catalog behind a connection."""
    return damaged(catalog_name(connection), state)
