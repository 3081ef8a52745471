"""The store: a folder that holds a catalog and segments, read by snapshot, written by one.

::

    STORE/catalog.sqlite    the catalog, and the commit point; in its place catalog.json,
                            where it is in PostgreSQL (storage/location.py)
    STORE/segments/         one folder a segment
    STORE/writer.lock       held by the process that writes
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from notekin.errors import (
    DamagedStoreError,
    EncoderMismatchError,
    NoSuchStoreError,
    StoreError,
    StoreLockedError,
    UsageError,
)
from notekin.storage import location, reading
from notekin.storage.catalog import FILE_NAME, Catalog
from notekin.storage.compaction import CompactReport
from notekin.storage.deaths import Deaths
from notekin.storage.deleting import Condemned, DeleteReport
from notekin.storage.housekeeping import READERS_WAIT_S, Housekeeping, folder_bytes
from notekin.storage.index_choice import IndexChoice
from notekin.storage.kept_cohorts import KeptCohorts
from notekin.storage.location import ServerUrl
from notekin.storage.marks import marks_of
from notekin.storage.orphans import drop_unless_named, sweep, writing_segments
from notekin.storage.purging import PurgeReport
from notekin.storage.records import Generation, NewNote
from notekin.storage.schema import FORMAT
from notekin.storage.segments import SEGMENTS, Segment, SegmentRecord, write_segment
from notekin.storage.snapshot import Snapshot
from notekin.storage.upgrade import KEPT_BESIDE, upgrade
from notekin.types import Fingerprint, NoteKey, Reject

LOCK = "writer.lock"


class StoreFolder:
    """A store on disk, open for reading and, through ``write``, for writing."""

    def __init__(self, path: Path, catalog: Catalog) -> None:
        self.path = path
        self.catalog = catalog
        self._open_segments: dict[str, Segment] = {}
        self._deaths = Deaths()

    @classmethod
    def open(cls, path: Path, server: ServerUrl | None = None) -> StoreFolder:
        """Open the store at ``path``.

        Args:
            path: The store's folder.
            server: How to reach its catalog in PostgreSQL, where not as the folder says.

        Raises:
            NoSuchStoreError: There is none.
            StoreFormatError: A newer Notekin wrote it.
            DamagedStoreError: The catalog is not what was written.
        """
        catalog = Catalog.open(path, server)
        if catalog is None:
            raise NoSuchStoreError(path)
        if catalog.format() < FORMAT:
            with _lock(path):
                upgrade(catalog, path)
        return cls(path, catalog)

    @classmethod
    def open_or_create(
        cls,
        path: Path,
        fingerprint: Fingerprint,
        spread: Mapping[str, object] | None = None,
        server: ServerUrl | None = None,
        wait_s: float = 0.0,
        index: IndexChoice | None = None,
    ) -> StoreFolder:
        """Open the store at ``path``, or make an empty one for this encoder's vectors.

        Args:
            path: The store's folder.
            fingerprint: The encoder's.
            spread: For a new store, the transform that its vectors go through.
            server: For a new store, the PostgreSQL schema of its catalog; None for a file.
            wait_s: How long to wait for another process that is making or writing it.
            index: How its vectors are to be searched; None for the store's own choice, or,
                in a new one, by their number.

        Raises:
            EncoderMismatchError: The store there was made by another encoder.
            StoreLockedError: Another process is making a store there.
            UsageError: The folder holds something else, or a store of another index.
        """
        _make_folder(path)
        with _lock(path, wait_s):
            catalog = Catalog.open(path, server) or Catalog.create(
                path, fingerprint, spread, server, index or IndexChoice.AUTO
            )
            if catalog.format() < FORMAT:
                upgrade(catalog, path)
        store = cls(path, catalog)
        store.check_encoder(fingerprint)
        store.check_index(index)
        return store

    @property
    def cohorts(self) -> KeptCohorts:
        """The cohorts that the store keeps."""
        return KeptCohorts(self.path, self.catalog)

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
        return folder_bytes(self.path)

    def segments_bytes(self) -> int:
        """Return how much of it the vectors take."""
        return folder_bytes(self.path / SEGMENTS)

    def snapshot(self) -> Snapshot:
        """Return a view of the newest generation; what is known already is not read again.

        A merge may remove a segment's files between the moment that the catalog names it
        and the moment that it is opened. Then there is a newer generation, and that is
        taken.

        Raises:
            DamagedStoreError: A file of the newest generation is not what was written.
        """
        while True:
            with self.catalog.transaction() as connection:
                generation = reading.newest(connection)
                reading.check_newest(connection, generation)
                live = reading.live_notes(connection, generation)
                records = reading.segments(connection, generation)
                dead = self._deaths.up_to(connection, generation)
            try:
                segments = self._opened(records)
            except DamagedStoreError:
                if self.generation() == generation:
                    raise
                continue
            return Snapshot(self.path, self.catalog, generation, segments, dead, live)

    @contextmanager
    def write(self, wait_s: float = 0.0) -> Iterator[Writer]:
        """Hold the store's write lock and give a writer.

        Args:
            wait_s: How long to wait for another writer to finish; ``math.inf`` for as long
                as it takes.

        Raises:
            StoreLockedError: Another process holds it, still.
        """
        with _lock(self.path, wait_s), self.catalog.exclusive(self.path, wait_s):
            folder = self.path / SEGMENTS
            folder.mkdir(mode=0o700, exist_ok=True)
            (self.path / KEPT_BESIDE).unlink(missing_ok=True)
            yield Writer(folder, self.catalog, self._deaths)

    def _opened(self, records: Sequence[SegmentRecord]) -> list[Segment]:
        self._open_segments = {
            record.name: self._open_segments.get(record.name)
            or Segment(self.path / SEGMENTS, record)
            for record in records
        }
        return list(self._open_segments.values())


class Writer:
    """The one process that may change a store; made by ``StoreFolder.write``."""

    def __init__(self, segments: Path, catalog: Catalog, deaths: Deaths) -> None:
        self._segments = segments
        self._catalog = catalog
        self._housekeeping = Housekeeping(segments, catalog, deaths)
        sweep(catalog, segments)
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
        encoded = [new.encoded for new in notes]
        marks = marks_of(
            [new.note.text for new in notes],
            [[(part.start, part.end) for part in one.passages] for one in encoded],
        )
        words = [mark.words(new.note.title) for mark, new in zip(marks, notes, strict=True)]
        with writing_segments(self._segments):
            segment = write_segment(self._segments, keys, encoded, words, self._index_choice)
        try:
            generation = self._catalog.commit(keys, notes, marks, segment)
        except BaseException:
            drop_unless_named(self._catalog, self._segments, [segment.name])
            raise
        self._housekeeping.merge_tiers()
        return generation

    def delete(self, condemned: Condemned) -> DeleteReport:
        """Delete notes, as one generation. They are found no more; bytes stay until ``purge``.

        Raises:
            AmbiguousNoteError: A note id stands in several sources, and none was named.
        """
        report = self._catalog.delete(condemned)
        if report.deleted:
            self._housekeeping.merge_tiers()
        return report

    def compact(self) -> CompactReport:
        """Rewrite what is live into as few segments as there can be, as one generation."""
        return self._housekeeping.compact()

    def purge(self, readers_wait_s: float = READERS_WAIT_S) -> PurgeReport:
        """Remove every byte of what was deleted or replaced; older snapshots end with it.

        Raises:
            PurgeUnfinishedError: A reader held the catalog's log for longer.
        """
        return self._housekeeping.purge(readers_wait_s)

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
    others = {entry.name for entry in path.iterdir()} - {LOCK}
    if others and not others & {FILE_NAME, location.FILE_NAME}:
        raise UsageError(
            f"The folder {path} holds other files and no store. Name an empty one with --store."
        )


@contextmanager
def _lock(path: Path, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the store's write lock; the system gives it back when the process dies."""
    timeout_s = -1 if math.isinf(wait_s) else wait_s
    lock = FileLock(path / LOCK, timeout=timeout_s, mode=0o600)
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
