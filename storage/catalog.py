"""The catalog: the SQL side of a store, and its only commit point."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, inspect, select
from sqlalchemy.exc import DBAPIError

from notekin.errors import StoreError, StoreFormatError, StoreLockedError
from notekin.storage import reading
from notekin.storage.checksums import value_checksum
from notekin.storage.damage import damaged
from notekin.storage.deleting import Condemned, DeleteReport, delete_notes
from notekin.storage.engine import open_sqlite
from notekin.storage.frozen import FrozenFile
from notekin.storage.index_choice import IndexChoice
from notekin.storage.location import FILE_NAME as LOCATION_FILE
from notekin.storage.location import Location, ServerUrl, read_location, write_location
from notekin.storage.marks import Marks
from notekin.storage.postgres import Server
from notekin.storage.purging import remove_dead
from notekin.storage.records import Generation, NewNote
from notekin.storage.schema import FORMAT, Base, SettingRow
from notekin.storage.segments import SegmentRecord
from notekin.storage.vacuum import vacuum
from notekin.storage.writing import (
    forget_rejects,
    insert_generation,
    insert_merge,
    live_digests,
    replace_rejects,
)
from notekin.types import Fingerprint, NoteKey, Reject

FILE_NAME = "catalog.sqlite"
_SEALED = ("encoder", "spread")
"""The settings that never change and that answers depend on."""
_SIGNS_OF_DAMAGE = (
    "not a database",
    "malformed",
    "no such table",
    "no such column",
    "Could not decode",
    "unsupported file format",
)
_REASONS = {
    "locked": "is in use by another program; try again",
    "readonly": "can't be written. Make its folder writable",
    "unable to open": (
        "can't be opened where its folder can't be written: SQLite keeps a file beside it even to "
        "read. Make the folder writable, or read a copy that notekin backup made: that needs none"
    ),
    "is full": "has no room left on its disk. What was committed before is kept: make room",
    "disk I/O error": "could not be read or written: the disk failed. See to it",
}
"""By what SQLite says; its texts hold no values."""


class Catalog:
    """A store's tables, open. Every method is one transaction."""

    def __init__(
        self,
        engine: Engine,
        path: Path,
        server: Server | None = None,
        frozen: FrozenFile | None = None,
    ) -> None:
        self.engine = engine
        self._frozen = frozen
        self._path = path
        self._server = server

    @classmethod
    def create(
        cls,
        folder: Path,
        fingerprint: Fingerprint,
        spread: Mapping[str, object] | None = None,
        server: ServerUrl | None = None,
        index: IndexChoice = IndexChoice.AUTO,
    ) -> Catalog:
        """Make the tables and the first settings, all or nothing.

        Args:
            folder: The store's folder; it is there.
            fingerprint: The encoder's.
            spread: The transform that its vectors go through, where there is one.
            server: The PostgreSQL schema that is to hold them; None for a file in the folder.
            index: How its vectors are to be searched.

        Raises:
            StoreError: The schema holds another store.
            StoreLockedError: Another process is making a store there.
        """
        location = _locate(folder, server)
        settings: dict[str, object] = {
            "format": FORMAT,
            "store_id": location.store_id if location else str(uuid.uuid4()),
            "encoder": dataclasses.asdict(fingerprint),
            "spread": dict(spread) if spread else None,
            "index": index.value,
            "next_note_key": 1,
        }
        catalog = cls._at(folder, location, create=True)
        settings["checksums"] = {name: value_checksum(settings[name]) for name in _SEALED}
        with catalog.exclusive(folder):
            if location is not None:
                catalog._claim(folder, location)
            catalog._make(settings)
        return catalog

    @classmethod
    def open(cls, folder: Path, server: ServerUrl | None = None) -> Catalog | None:
        """Open the catalog of a folder; None where there is none, or one never finished.

        Args:
            folder: The store's folder.
            server: For a store whose catalog is in PostgreSQL, how to reach it from here.

        It may be of an older format (storage/upgrade.py).

        Raises:
            StoreFormatError: A newer Notekin wrote it.
            DamagedStoreError: The file is no catalog.
            StoreError: The database can't be reached, or holds another store.
        """
        location = _locate(folder, server) if read_location(folder) else None
        if location is None and not (folder / FILE_NAME).exists():
            return None
        catalog = cls._at(folder, location)
        if not catalog._is_made():
            _check_empty(folder, location)
            return None
        if location is not None:
            catalog._check_id(folder, location)
        if (number := catalog.format()) > FORMAT:
            raise StoreFormatError(
                f"The store at {folder} has format {number}; this Notekin reads up to {FORMAT}. "
                "Upgrade with: pip install --upgrade notekin"
            )
        return catalog

    @classmethod
    def _at(cls, folder: Path, location: Location | None, *, create: bool = False) -> Catalog:
        if location is None:
            path = folder / FILE_NAME
            frozen = FrozenFile.of(path)
            engine = open_sqlite(path, create=create, frozen=frozen is not None)
            return cls(engine, path, frozen=frozen)
        server = Server(location.server)
        return cls(server.engine, folder / LOCATION_FILE, server)

    def _is_made(self) -> bool:
        with self.transaction() as connection:
            return inspect(connection).has_table(SettingRow.__tablename__)

    def _claim(self, folder: Path, location: Location) -> None:
        """See that the schema is free, and only then name it in the folder."""
        if self._is_made():
            self._check_id(folder, location)
            raise StoreLockedError(folder)
        write_location(folder, location)

    def _make(self, settings: Mapping[str, object]) -> None:
        with self.transaction() as connection:
            if self._server is not None:
                self._server.make_schema(connection)
            Base.metadata.create_all(connection)
            connection.execute(
                insert(SettingRow),
                [{"name": name, "value": value} for name, value in settings.items()],
            )

    def _check_id(self, folder: Path, location: Location) -> None:
        if self.setting("store_id") != location.store_id:
            raise StoreError(
                f"The catalog at {location.server.place} holds another store than the one at "
                f"{folder}. Name the store's own, or for a new store another with ?schema=NAME."
            )

    @contextmanager
    def exclusive(self, folder: Path, wait_s: float = 0.0) -> Iterator[None]:
        """Hold the database's own write lock, where it has one: a file's is the folder's.

        Raises:
            StoreLockedError: Another process, on whatever machine, is writing.
        """
        if self._server is None:
            yield
            return
        with self._server.exclusive(folder, wait_s):
            yield

    def close(self) -> None:
        """Give the file back; open readers elsewhere are not touched."""
        self.engine.dispose()

    def setting(self, name: str) -> object:
        """Return one of the store's settings; None where it is not set."""
        with self.transaction() as connection:
            return connection.scalar(select(SettingRow.value).where(SettingRow.name == name))

    def format(self) -> int:
        """Return the number of the format that the catalog has."""
        number = self.setting("format")
        if not isinstance(number, int):
            raise damaged(self._path, "does not say which format it has")
        return number

    def fingerprint(self) -> Fingerprint:
        """Return the fingerprint of the encoder whose vectors the store holds."""
        value = self._sealed("encoder")
        if not isinstance(value, Mapping):
            raise damaged(self._path, "does not say which encoder made the store")
        return Fingerprint(**value)

    def spread(self) -> Mapping[str, object] | None:
        """Return the transform that the store's vectors go through; None where there is none."""
        value = self._sealed("spread")
        return value if isinstance(value, Mapping) else None

    def index_choice(self) -> IndexChoice:
        """Return how the store's vectors are to be searched."""
        value = self.setting("index")
        return IndexChoice.AUTO if value is None else IndexChoice(value)

    def next_note_key(self) -> NoteKey:
        """Return the first key that no note of this store has ever had."""
        value = self.setting("next_note_key")
        if not isinstance(value, int):
            raise damaged(self._path, "does not say which note key comes next")
        return NoteKey(value)

    def live_digests(self, source: str, note_ids: Sequence[str]) -> dict[str, bytes]:
        """Return the digest of each of these notes that the store holds, by note id."""
        with self.transaction() as connection:
            return live_digests(connection, source, note_ids)

    def commit(
        self,
        keys: Sequence[NoteKey],
        notes: Sequence[NewNote],
        marks: Sequence[Marks],
        segment: SegmentRecord,
    ) -> Generation:
        """Add a generation: these notes, their segment, and the end of those they replace.

        This is the commit point: either all of it is in the store when this returns, or
        it raises and nothing is.
        """
        with self.transaction() as connection:
            return insert_generation(connection, keys, notes, marks, segment, _now())

    def delete(self, condemned: Condemned) -> DeleteReport:
        """Add a generation in which these notes are no more; none where none is found.

        Raises:
            AmbiguousNoteError: A note id stands in several sources, and none was named.
        """
        with self.transaction() as connection:
            return delete_notes(connection, condemned, _now())

    def commit_merge(self, old: Collection[str], merged: Sequence[SegmentRecord]) -> Generation:
        """Add a generation that reads the merged segments in place of the old ones."""
        with self.transaction() as connection:
            return insert_merge(connection, old, merged, _now())

    def settle(self) -> None:
        """Write something, so that no earlier transaction can come back after a crash.

        One whose COMMIT failed may stand whole in SQLite's log until it is written over. A
        server's transaction that failed is gone.
        """
        if self._server is None:
            with self.transaction() as connection:
                number = connection.exec_driver_sql("PRAGMA user_version").scalar() or 0
                connection.exec_driver_sql(f"PRAGMA user_version={(number + 1) % 2**31}")

    def remove_dead(self) -> int:
        """Remove what only older generations show; return how many versions of notes it was."""
        with self.transaction() as connection:
            return remove_dead(connection)

    def vacuum(self, readers_wait_s: float) -> None:
        """Rewrite the catalog so that no byte is left of what was removed.

        Raises:
            PurgeUnfinishedError: A reader held its log for longer than that.
        """
        vacuum(self.engine, self._path, readers_wait_s)

    def record_rejects(self, rejects: Sequence[Reject], run: str) -> None:
        """Keep the rows that could not be read; a place read again keeps its newest reason."""
        with self.transaction() as connection:
            replace_rejects(connection, rejects, run)

    def forget_rejects(self, sources: Sequence[str], run: str) -> None:
        """Drop the rejects of these sources that the run, now finished, did not meet again."""
        with self.transaction() as connection:
            forget_rejects(connection, sources, run)

    def ids_elsewhere(self, since: int) -> int:
        """Count the live notes of generations from ``since`` whose id another source has, too."""
        with self.transaction() as connection:
            return reading.ids_elsewhere(connection, since)

    def rejects(self) -> list[Reject]:
        """Return the rows that could not be read, by source and place."""
        with self.transaction() as connection:
            return reading.rejects(connection)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Run one transaction; the database's own errors become ours, without their values."""
        begin = self._server.transaction if self._server else self.engine.begin
        try:
            with begin() as connection:
                yield connection
            if self._frozen is not None:
                self._frozen.check()
        except DBAPIError as error:
            raise self._as_ours(error) from None
        except ValueError:  # its message repeats the value
            raise damaged(self._path, "holds a value that nothing wrote") from None

    def _sealed(self, name: str) -> object:
        """Return a setting, once it is seen to be what was written."""
        value, checksums = self.setting(name), self.setting("checksums")
        if not isinstance(checksums, Mapping) or checksums.get(name) != value_checksum(value):
            raise damaged(self._path, f"does not hold the setting {name} as it was written")
        return value

    def _as_ours(self, error: DBAPIError) -> StoreError:
        if self._server is not None:
            return self._server.explain(error)
        said = str(error.orig)
        if any(sign in said for sign in _SIGNS_OF_DAMAGE):
            return damaged(self._path, "is not what was written")
        for words, reason in _REASONS.items():
            if words in said:
                return StoreError(f"{self._path} {reason}.")
        return StoreError(f"{self._path} could not be read or written: {type(error).__name__}.")


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _locate(folder: Path, server: ServerUrl | None) -> Location | None:
    """Return where the catalog is or is to be, reached as asked; None for the folder's file."""
    kept = read_location(folder)
    if kept is not None:
        return Location(server or kept.server, kept.store_id)
    return Location(server, str(uuid.uuid4())) if server else None


def _check_empty(folder: Path, location: Location | None) -> None:
    """Refuse to take a store whose database was named wrongly, or is gone, for a new one."""
    segments = folder / "segments"
    if location is not None and segments.exists() and any(segments.iterdir()):
        raise StoreError(
            f"The catalog at {location.server.place} is empty, and the store at {folder} is not. "
            "Name the store's own with NOTEKIN_CATALOG, or restore the database from a backup."
        )
