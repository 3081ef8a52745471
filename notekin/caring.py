"""What keeps a store in order: delete, compact, purge, verify, repair, backup; each a command."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from notekin.errors import DamagedStoreError, NoneFoundError, UsageError
from notekin.storage.deleting import Condemned, DeleteReport
from notekin.storage.store import StoreFolder

if TYPE_CHECKING:
    from notekin.storage.compaction import CompactReport
    from notekin.storage.purging import PurgeReport
    from notekin.storage.repairing import RepairReport
    from notekin.storage.verification import Verification
    from notekin.types import Encoder


class Caring(ABC):
    """The care that a store takes."""

    path: Path

    def delete(
        self,
        notes: Iterable[str] = (),
        patients: Iterable[str] = (),
        source: str | None = None,
        wait_s: float = 0.0,
    ) -> DeleteReport:
        """Delete the notes of these ids, and all notes of these patients, at once.

        They are found no more. Their bytes stay on disk until ``purge``.

        Args:
            notes: Note ids; one that several sources hold is refused unless one is named.
            patients: Patient ids; their notes of every source, unless one is named.
            source: Only notes of this source.
            wait_s: As in ``index``.

        Raises:
            NoneFoundError: The store holds nothing of any of these ids.
            AmbiguousNoteError: Several sources hold a note of one of these ids.
            StoreLockedError: Another process is writing.
        """
        condemned = Condemned.of(notes, patients, source)
        if not len(condemned):
            raise UsageError("Nothing to delete: give note ids or patient ids.")
        with self._open().write(wait_s) as writer:
            report = writer.delete(condemned)
        if not report.deleted:
            raise NoneFoundError(self.path, len(condemned))
        return report

    def compact(self, wait_s: float = 0.0) -> CompactReport:
        """Rewrite the vectors of live notes into as few segments as there can be.

        Searching goes on meanwhile, and nothing that is found changes.

        Raises:
            StoreLockedError: Another process is writing.
        """
        with self._open().write(wait_s) as writer:
            return writer.compact()

    def purge(self, wait_s: float = 0.0) -> PurgeReport:
        """Remove every byte of what was deleted or replaced: texts, facts, vectors.

        Rejects stay. Killed on the way, the same again does the rest.

        Raises:
            PurgeUnfinishedError: A reader held the catalog's log; the rest is still to do.
            StoreLockedError: Another process is writing.
        """
        with self._open().write(wait_s) as writer:
            return writer.purge()

    def verify(self, *, deep: bool = False) -> Verification:
        """Check that the store is whole; others may read and write it meanwhile.

        Args:
            deep: Look at every row, every vector and every byte, too.

        Raises:
            NoSuchStoreError: There is no store at this path.
        """
        from notekin.storage import verification

        try:
            return verification.verify(self._open(), deep)
        except DamagedStoreError as error:
            problem = verification.as_problem(self.path / "catalog.sqlite", error)
            return verification.Verification(str(self.path), deep, None, 0, (problem,))

    def repair(self) -> RepairReport:
        """Make the vectors of damaged or missing segments again from the notes' text.

        Killed at any instant, the store is as before or as after.

        Raises:
            StoreLockedError: Another process is writing.
            DamagedStoreError: The text itself is damaged; nothing is guessed or changed.
        """
        from notekin.storage.repairing import repair

        now = datetime.now(UTC).replace(tzinfo=None)
        return repair(self._open(), self._encoder_of_store().encode_notes, now)

    def backup(self, to: str | Path) -> int:
        """Copy the newest generation to a new folder, check it there, and return its number.

        A writer may go on meanwhile. The folder appears whole or not at all.

        Raises:
            UsageError: There is something at ``to``.
            DamagedStoreError: The store is not whole, and is not copied.
        """
        from notekin.storage.backup import copy_store

        return copy_store(self._open(), Path(to))

    @abstractmethod
    def _open(self) -> StoreFolder:
        """Return the store's folder, opened once."""

    @abstractmethod
    def _encoder_of_store(self) -> Encoder:
        """Return the encoder that made the store."""
