"""Where a store's catalog is: in its folder, or in a schema of a PostgreSQL database.

::

    STORE/catalog.json    {"catalog": "postgresql+psycopg://user@host/db?schema=ward7",
                           "store_id": "0f3c…"}

The file never holds a password, and names the store that the database must hold.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from notekin.durable import sync
from notekin.errors import DamagedStoreError, UsageError

FILE_NAME = "catalog.json"
USUAL_SCHEMA = "notekin"
_DRIVER = "postgresql+psycopg"
_SECRETS = {"password", "sslpassword"}


@dataclass(frozen=True, slots=True)
class ServerUrl:
    """A schema of a PostgreSQL database. Its texts never show the password."""

    url: URL
    schema: str

    @classmethod
    def parse(cls, text: str) -> ServerUrl:
        """Read ``postgresql+psycopg://USER@HOST/DATABASE?schema=NAME``.

        Raises:
            UsageError: It is no such thing. The message does not repeat it.
        """
        try:
            url = make_url(text)
        except (ArgumentError, ValueError):
            raise _unreadable() from None
        schema = url.query.get("schema", USUAL_SCHEMA)
        if url.drivername not in ("postgresql", _DRIVER) or not url.database:
            raise _unreadable()
        if not isinstance(schema, str) or not re.fullmatch("[a-z_][a-z0-9_]{0,62}", schema):
            raise UsageError("schema= takes one name of small letters, digits and _.")
        if _SECRETS & url.query.keys():
            raise UsageError("A catalog's password stands before the @, or in PGPASSWORD.")
        return cls(url.set(drivername=_DRIVER).difference_update_query(["schema"]), schema)

    @property
    def place(self) -> str:
        """Say where it is, for messages: no user, no password."""
        port = f":{self.url.port}" if self.url.port else ""
        host = f"{self.url.host or 'the local server'}{port}"
        return f"{host}, database {self.url.database}, schema {self.schema}"

    def __str__(self) -> str:
        """Return the URL without its password; ``parse`` reads it."""
        url = URL.create(
            _DRIVER,
            username=self.url.username,
            host=self.url.host,
            port=self.url.port,
            database=self.url.database,
            query={**self.url.query, "schema": self.schema},
        )
        return url.render_as_string(hide_password=False)


@dataclass(frozen=True, slots=True)
class Location:
    """What ``catalog.json`` says: the database, and which store it must hold there."""

    server: ServerUrl
    store_id: str


def read_location(folder: Path) -> Location | None:
    """Return where a store's catalog is; None where it is in the folder or there is no store.

    Raises:
        DamagedStoreError: The file is not what was written.
    """
    path = folder / FILE_NAME
    try:
        said = json.loads(path.read_text())
        return Location(ServerUrl.parse(said["catalog"]), str(said["store_id"]))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError, UsageError, OSError):
        raise DamagedStoreError(
            f"{path} does not say where the store's catalog is. Restore it from a backup."
        ) from None


def write_location(folder: Path, location: Location) -> None:
    """Write ``catalog.json`` durably, all or nothing, readable by its owner only."""
    unfinished = folder / f"{FILE_NAME}.writing"
    unfinished.unlink(missing_ok=True)
    said = {"catalog": str(location.server), "store_id": location.store_id}
    with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
        file.write(json.dumps(said, indent=2) + "\n")
    sync(unfinished)
    unfinished.rename(folder / FILE_NAME)
    sync(folder)


def _unreadable() -> UsageError:
    return UsageError(
        "--catalog takes postgresql+psycopg://USER@HOST/DATABASE, with ?schema=NAME for one of "
        "several stores."
    )
