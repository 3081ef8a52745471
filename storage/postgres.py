"""A PostgreSQL database under a catalog: its connections, its write lock, its errors.

The writer's transactions run in the session that holds the lock. Whoever loses the
connection loses lock and transaction together, so that a writer that was cut off can't
commit beside the next one (docs/decisions/0007-postgresql.md).
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateSchema

from notekin.errors import DamagedStoreError, StoreError, StoreLockedError
from notekin.storage.location import ServerUrl
from notekin.text import storable

CONNECT_TIMEOUT_S = 10
SETTLE_S = 30.0
_POLL_S = 0.05
_SESSION = {
    "timezone": "UTC",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
"""Of every session; the server frees the lock of a machine that vanished in about a minute."""

_REASONS = {
    "28": "refuses the user or the password. Give them in PGPASSWORD, ~/.pgpass or NOTEKIN_CATALOG",
    "3D000": "has no such database. Make it with: createdb",
    "3F000": "has no such schema",
    "42501": "does not let this user do that. Ask its owner for the right to",
    "53100": "has no room left on its disk. What was committed before is kept",
    "53300": "has too many connections open. Try again",
    "25006": "takes no writes: it is a read-only copy. Name the primary server",
    "54000": "can't index an id, a category or a source's name this long: they end at 2,600 bytes",
    "40": "had another change at the same time. Try again",
}
"""By the beginning of SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""


class Server:
    """One schema of a PostgreSQL database, open."""

    def __init__(self, url: ServerUrl) -> None:
        self._url = url
        self._writing = threading.local()
        self.engine = _open_engine(url)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Run one transaction on one snapshot; the thread that writes runs it under its lock."""
        session: Connection | None = getattr(self._writing, "session", None)
        if session is None:
            with self.engine.begin() as connection:
                yield connection
            return
        if session.invalidated:
            raise self._lost()
        with session.begin():
            yield session
            number = session.scalar(text("SELECT txid_current_if_assigned()"))
            self._commit(session, number)

    @contextmanager
    def exclusive(self, path: Path, wait_s: float = 0.0) -> Iterator[None]:
        """Hold the write lock in a session of its own; the server frees it when we die.

        Args:
            path: The store's folder, for the message.
            wait_s: How long to wait for another writer.

        Raises:
            StoreLockedError: Another process, here or elsewhere, is writing.
        """
        session = self._session()
        with session:
            if not self._lock(session, time.monotonic() + wait_s):
                raise StoreLockedError(path)
            self._writing.session = session
            try:
                yield
            finally:
                del self._writing.session

    def make_schema(self, connection: Connection) -> None:
        """Make the schema where there is none; only its owner may use it."""
        known = text("SELECT 1 FROM pg_namespace WHERE nspname = :name")
        if connection.scalar(known, {"name": self._url.schema}) is None:
            connection.execute(CreateSchema(self._url.schema))

    def explain(self, error: DBAPIError) -> StoreError:
        """Return the error as ours: what happened, what to do; no value, user or password."""
        if error.connection_invalidated:
            return self._lost()
        state = _sqlstate(error)
        if state.startswith("XX"):
            return DamagedStoreError(
                f"The catalog at {self._url.place} is damaged. Restore it from a backup."
            )
        for beginning, reason in _REASONS.items():
            if state.startswith(beginning):
                return StoreError(f"The catalog at {self._url.place} {reason}.")
        if not state:
            return StoreError(
                f"No PostgreSQL server answers for the catalog at {self._url.place}. "
                "See that it runs and can be reached from here."
            )
        return StoreError(
            f"The catalog at {self._url.place} could not be read or written: "
            f"{type(error).__name__}, SQLSTATE {state}."
        )

    def _session(self) -> Connection:
        """Return a connection that no one else gets, and that ends when it is closed."""
        try:
            session = self.engine.connect()
        except DBAPIError as error:
            raise self.explain(error) from None
        session.detach()
        return session

    def _lock(self, session: Connection, deadline: float) -> bool:
        asked = select(func.pg_try_advisory_lock(_lock_number(self._url.schema)))
        while True:
            try:
                locked = bool(session.scalar(asked))
                session.rollback()
            except DBAPIError as error:
                raise self.explain(error) from None
            if locked or time.monotonic() >= deadline:
                return locked
            time.sleep(_POLL_S)

    def _commit(self, session: Connection, number: int | None) -> None:
        """Commit the session's transaction; where the answer is lost, find out what it was."""
        try:
            session.commit()
        except DBAPIError as error:
            if not error.connection_invalidated or not self._has_committed(number):
                raise

    def _has_committed(self, number: int | None) -> bool:
        """Find out what became of a transaction whose connection broke while it committed.

        Raises:
            StoreError: The server can't be asked, or still does not know.
        """
        if number is None:
            return True
        deadline = time.monotonic() + SETTLE_S
        while time.monotonic() < deadline:
            status = self._status(number)
            if status in ("committed", "aborted"):
                return status == "committed"
            time.sleep(_POLL_S)
        raise StoreError(
            f"The connection to the catalog at {self._url.place} was lost in a commit, and the "
            "server does not say whether it is done. It is either there in full or not at all: "
            "run the same command again."
        )

    def _status(self, number: int) -> str | None:
        try:
            with self.engine.connect() as connection:
                asked = text("SELECT txid_status(:number)")
                status: str | None = connection.scalar(asked, {"number": number})
                return status
        except DBAPIError:
            return None

    def _lost(self) -> StoreError:
        return StoreError(
            f"The connection to the catalog at {self._url.place} was lost. What was committed "
            "before is kept: run the same command again."
        )


def _open_engine(server: ServerUrl) -> Engine:
    if find_spec("psycopg") is None:
        raise StoreError(
            "A catalog in PostgreSQL needs a driver. Install it with: "
            "pip install 'notekin[postgres]'"
        )
    given = server.url.query.get("options", "")
    session = _SESSION | {"search_path": server.schema}
    options = " ".join([str(given), *(f"-c{name}={value}" for name, value in session.items())])
    engine = create_engine(
        server.url.difference_update_query(["options"]),
        hide_parameters=True,
        isolation_level="REPEATABLE READ",
        pool_pre_ping=True,
        connect_args={"connect_timeout": CONNECT_TIMEOUT_S, "options": options.strip()},
    )
    event.listen(engine, "connect", _take_any_text)
    return engine


def _take_any_text(connection: Any, _record: Any) -> None:
    """Let no parameter fail for NUL or a lone surrogate, whatever column it is compared with."""
    from psycopg.types.string import StrDumperUnknown

    class StorableDumper(StrDumperUnknown):
        def dump(self, obj: str) -> Any:
            return super().dump(storable(obj))

    connection.adapters.register_dumper(str, StorableDumper)


def _lock_number(schema: str) -> int:
    """Return the advisory lock of a schema's store; such locks count within one database."""
    digest = hashlib.sha256(f"notekin writer {schema}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _sqlstate(error: DBAPIError) -> str:
    """Return the error's SQLSTATE; a refused connection has none, and is told by what it says."""
    if state := getattr(error.orig, "sqlstate", None):
        return str(state)
    said = str(error.orig)
    if "authentication failed" in said or "no password supplied" in said or "role" in said:
        return "28000"
    return "3D000" if "database" in said and "does not exist" in said else ""
