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

from notekin.errors import DamagedStoreError, StoreError, StoreFormatError
from notekin.storage import reading
from notekin.storage.engine import open_sqlite
from notekin.storage.index_choice import IndexChoice
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


class Catalog:
    """A store's tables, open. Every method is one transaction."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self.engine = engine
        self._path = path

    @classmethod
    def create(
        cls,
        folder: Path,
        fingerprint: Fingerprint,
        spread: Mapping[str, object] | None = None,
        index: IndexChoice = IndexChoice.AUTO,
    ) -> Catalog:
        """Make the tables and the first settings, all or nothing.

        Args:
            folder: The store's folder; it is there.
            fingerprint: The encoder's.
            spread: The transform that its vectors go through, where there is one.
            index: How its vectors are to be searched.
        """
        path = folder / FILE_NAME
        catalog = cls(open_sqlite(path, create=True), path)
        settings: dict[str, object] = {
            "format": FORMAT,
            "store_id": str(uuid.uuid4()),
            "encoder": dataclasses.asdict(fingerprint),
            "spread": dict(spread) if spread else None,
            "index": index.value,
            "next_note_key": 1,
        }
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
        number = catalog.setting("format")
        if not isinstance(number, int) or number > FORMAT:
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

    def fingerprint(self) -> Fingerprint:
        """Return the fingerprint of the encoder whose vectors the store holds."""
        value = self.setting("encoder")
        if not isinstance(value, Mapping):
            raise DamagedStoreError(f"{self._path} does not say which encoder made the store.")
        return Fingerprint(**value)

    def spread(self) -> Mapping[str, object] | None:
        """Return the transform that the store's vectors go through; None where there is none."""
        value = self.setting("spread")
        return value if isinstance(value, Mapping) else None

    def index_choice(self) -> IndexChoice:
        """Return how the store's vectors are to be searched."""
        value = self.setting("index")
        return IndexChoice.AUTO if value is None else IndexChoice(value)

    def next_note_key(self) -> NoteKey:
        """Return the first key that no note of this store has ever had."""
        value = self.setting("next_note_key")
        if not isinstance(value, int):
            raise DamagedStoreError(f"{self._path} does not say which note key comes next.")
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

    def _as_ours(self, error: DatabaseError) -> StoreError:
        said = str(error.orig)
        if "not a database" in said or "malformed" in said:
            return DamagedStoreError(
                f"{self._path} is not what was written ({said}). Restore it from a backup."
            )
        if "locked" in said:
            return StoreError(f"{self._path} is in use by another program; try again.")
        return StoreError(f"{self._path} could not be read or written: {type(error).__name__}.")


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
