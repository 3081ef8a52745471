"""The catalog: the SQL side of a store, and its only commit point."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, inspect, select
from sqlalchemy.exc import DatabaseError

from notekin.errors import StoreError, StoreFormatError
from notekin.storage import reading
from notekin.storage.checksums import value_checksum
from notekin.storage.damage import damaged
from notekin.storage.engine import open_sqlite
from notekin.storage.records import Generation, NewNote
from notekin.storage.schema import FORMAT, Base, SettingRow
from notekin.storage.segments import SegmentRecord
from notekin.storage.writing import (
    forget_rejects,
    insert_generation,
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


class Catalog:
    """A store's tables, open. Every method is one transaction."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self.engine = engine
        self._path = path

    @classmethod
    def create(
        cls, folder: Path, fingerprint: Fingerprint, spread: Mapping[str, object] | None = None
    ) -> Catalog:
        """Make the tables and the first settings, all or nothing.

        Args:
            folder: The store's folder; it is there.
            fingerprint: The encoder's.
            spread: The transform that its vectors go through, where there is one.
        """
        path = folder / FILE_NAME
        catalog = cls(open_sqlite(path, create=True), path)
        settings: dict[str, object] = {
            "format": FORMAT,
            "store_id": str(uuid.uuid4()),
            "encoder": dataclasses.asdict(fingerprint),
            "spread": dict(spread) if spread else None,
            "next_note_key": 1,
        }
        sealed = {name: value_checksum(settings[name]) for name in _SEALED}
        settings["checksums"] = sealed
        with catalog.transaction() as connection:
            Base.metadata.create_all(connection)
            connection.execute(
                insert(SettingRow),
                [{"name": name, "value": value} for name, value in settings.items()],
            )
        return catalog

    @classmethod
    def open(cls, folder: Path) -> Catalog | None:
        """Open the catalog in a folder; None where there is none, or one never finished.

        It may be of an older format (storage/upgrade.py).

        Raises:
            StoreFormatError: A newer Notekin wrote it.
            DamagedStoreError: The file is no catalog.
        """
        path = folder / FILE_NAME
        if not path.exists():
            return None
        catalog = cls(open_sqlite(path), path)
        with catalog.transaction() as connection:
            if not inspect(connection).has_table(SettingRow.__tablename__):
                return None
        if (number := catalog.format()) > FORMAT:
            raise StoreFormatError(
                f"The store at {folder} has format {number}; this Notekin reads up to {FORMAT}. "
                "Upgrade with: pip install --upgrade notekin"
            )
        return catalog

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
        self, keys: Sequence[NoteKey], notes: Sequence[NewNote], segment: SegmentRecord
    ) -> Generation:
        """Add a generation: these notes, their segment, and the end of those they replace.

        This is the commit point: either all of it is in the store when this returns, or
        it raises and nothing is.
        """
        with self.transaction() as connection:
            return insert_generation(connection, keys, notes, segment, _now())

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
        try:
            with self.engine.begin() as connection:
                yield connection
        except DatabaseError as error:
            raise self._as_ours(error) from None
        except ValueError:  # its message repeats the value
            raise damaged(self._path, "holds a value that nothing wrote") from None

    def _sealed(self, name: str) -> object:
        """Return a setting, once it is seen to be what was written."""
        value, checksums = self.setting(name), self.setting("checksums")
        if not isinstance(checksums, Mapping) or checksums.get(name) != value_checksum(value):
            raise damaged(self._path, f"does not hold the setting {name} as it was written")
        return value

    def _as_ours(self, error: DatabaseError) -> StoreError:
        said = str(error.orig)
        if any(sign in said for sign in _SIGNS_OF_DAMAGE):
            return damaged(self._path, "is not what was written")
        if "locked" in said:
            return StoreError(f"{self._path} is in use by another program; try again.")
        return StoreError(f"{self._path} could not be read or written: {type(error).__name__}.")


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
