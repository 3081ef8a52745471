"""The store: a folder that holds a catalog and segments, read by snapshot, written by one.

::

    STORE/catalog.sqlite    the catalog, and the commit point
    STORE/segments/         one folder a segment
    STORE/writer.lock       held by the process that writes
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from notekin.errors import (
    EncoderMismatchError,
    NoSuchStoreError,
    StoreError,
    StoreLockedError,
    UsageError,
)
from notekin.storage import reading
from notekin.storage.catalog import FILE_NAME, Catalog
from notekin.storage.index_choice import IndexChoice
from notekin.storage.records import Generation, NewNote
from notekin.storage.segments import Segment, remove_segment, sweep, write_segment
from notekin.storage.snapshot import Snapshot
from notekin.types import Fingerprint, NoteKey, Reject

_SEGMENTS = "segments"
_LOCK = "writer.lock"


class StoreFolder:
    """A store on disk, open for reading and, through ``write``, for writing."""

    def __init__(self, path: Path, catalog: Catalog) -> None:
        self.path = path
        self.catalog = catalog
        self._open_segments: dict[str, Segment] = {}

    @classmethod
    def open(cls, path: Path) -> StoreFolder:
        """Open the store at ``path``.

        Raises:
            NoSuchStoreError: There is none.
            StoreFormatError: A newer Notekin wrote it.
            DamagedStoreError: The catalog is not what was written.
        """
        catalog = Catalog.open(path)
        if catalog is None:
            raise NoSuchStoreError(path)
        return cls(path, catalog)

    @classmethod
    def open_or_create(
        cls,
        path: Path,
        fingerprint: Fingerprint,
        spread: Mapping[str, object] | None = None,
        index: IndexChoice | None = None,
    ) -> StoreFolder:
        """Open the store at ``path``, or make an empty one for this encoder's vectors.

        Args:
            path: The store's folder.
            fingerprint: The encoder's.
            spread: For a new store, the transform that its vectors go through.
            index: How its vectors are to be searched; None for the store's own choice, or,
                in a new one, by their number.

        Raises:
            EncoderMismatchError: The store there was made by another encoder.
            StoreLockedError: Another process is making a store there.
            UsageError: The folder holds something else, or a store of another index.
        """
        _make_folder(path)
        with _lock(path):
            catalog = Catalog.open(path) or Catalog.create(
                path, fingerprint, spread, index or IndexChoice.AUTO
            )
        store = cls(path, catalog)
        store.check_encoder(fingerprint)
        store.check_index(index)
        return store

    def check_encoder(self, fingerprint: Fingerprint) -> None:
        """Refuse an encoder whose vectors can't be compared with the store's."""
        mine = self.catalog.fingerprint()
        if not mine.matches(fingerprint):
            raise EncoderMismatchError(
                f"The store at {self.path} was made with the model {mine.model}; "
                f"{fingerprint.model}, as it is here, gives other vectors. "
                f"Use --model {mine.model}, or index into a new store."
            )

    def check_index(self, asked: IndexChoice | None) -> None:
        """Refuse an index other than the one that the store was made for."""
        mine = self.catalog.index_choice()
        if asked is not None and asked is not mine:
            raise UsageError(
                f"The store at {self.path} was made with --index {mine.value}. "
                "Leave --index out, or index into a new store."
            )

    def close(self) -> None:
        """Give the files back. Snapshots taken before can't be used after."""
        self._open_segments.clear()
        self.catalog.close()

    def generation(self) -> int:
        """Return the newest generation's number; 0 before the first commit."""
        with self.catalog.transaction() as connection:
            return reading.newest(connection)

    def size_bytes(self) -> int:
        """Return how much room the store takes on disk."""
        return sum(path.stat().st_size for path in self.path.rglob("*") if path.is_file())

    def snapshot(self) -> Snapshot:
        """Return a view of the newest generation; a segment already open is not opened again."""
        with self.catalog.transaction() as connection:
            generation = reading.newest(connection)
            records = reading.segments(connection, generation)
            dead = reading.dead_keys(connection, generation)
        self._open_segments = {
            record.name: self._open_segments.get(record.name)
            or Segment(self.path / _SEGMENTS, record)
            for record in records
        }
        return Snapshot(
            self.path, self.catalog, generation, list(self._open_segments.values()), dead
        )

    @contextmanager
    def write(self) -> Iterator[Writer]:
        """Hold the store's write lock and give a writer.

        Raises:
            StoreLockedError: Another process holds it.
        """
        with _lock(self.path):
            folder = self.path / _SEGMENTS
            folder.mkdir(mode=0o700, exist_ok=True)
            with self.catalog.transaction() as connection:
                sweep(folder, reading.segment_names(connection))
            yield Writer(folder, self.catalog)


class Writer:
    """The one process that may change a store; made by ``StoreFolder.write``."""

    def __init__(self, segments: Path, catalog: Catalog) -> None:
        self._segments = segments
        self._catalog = catalog
        self._index_choice = catalog.index_choice()

    def commit(self, notes: Sequence[NewNote]) -> Generation:
        """Add these notes, each in place of the live one of its (source, note_id).

        Vectors are durable before SQL names them, and the SQL transaction is the only
        commit point: killed at any instant, the store is as before or as after.

        Args:
            notes: At least one; no two of the same (source, note_id).
        """
        first = self._catalog.next_note_key()
        keys = [NoteKey(first + place) for place in range(len(notes))]
        try:
            segment = write_segment(
                self._segments, keys, [new.encoded for new in notes], self._index_choice
            )
        except (OSError, RuntimeError) as error:  # faiss knows no narrower one
            reason = getattr(error, "strerror", None) or "the disk may be full"
            raise StoreError(
                f"A segment could not be written to {self._segments}: {reason}. What was "
                "committed before is kept; see to it and run the same command again."
            ) from error
        try:
            return self._catalog.commit(keys, notes, segment)
        except BaseException:
            remove_segment(self._segments, segment.name)
            raise

    def live_digests(self, source: str, note_ids: Sequence[str]) -> dict[str, bytes]:
        """Return the digest of each of a source's notes that the store holds, by note id."""
        return self._catalog.live_digests(source, note_ids)

    def record_rejects(self, rejects: Sequence[Reject], run: str) -> None:
        """Keep the rows that could not be read, at once."""
        self._catalog.record_rejects(rejects, run)

    def forget_rejects(self, sources: Sequence[str], run: str) -> None:
        """Drop the rejects of these sources that the run, now finished, did not meet again."""
        self._catalog.forget_rejects(sources, run)

    def ids_elsewhere(self, since: int) -> int:
        """Count the live notes born in ``since`` or later whose id another source has."""
        return self._catalog.ids_elsewhere(since)


def _make_folder(path: Path) -> None:
    """Make the store's folder, or see that what is there is a store or empty."""
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path} is a file; a store is a folder. Name another with --store.")
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreError(
            f"The folder {path} can't be made: {error.strerror}. Name another with --store."
        ) from None
    others = {entry.name for entry in path.iterdir()} - {_LOCK}
    if others and FILE_NAME not in others:
        raise UsageError(
            f"The folder {path} holds other files and no store. Name an empty one with --store."
        )


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold the store's write lock; the system gives it back when the process dies."""
    lock = FileLock(path / _LOCK, timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise StoreLockedError(path) from None
    except OSError as error:
        raise StoreError(f"The store at {path} can't be written: {error.strerror}.") from None
    try:
        yield
    finally:
        lock.release()
