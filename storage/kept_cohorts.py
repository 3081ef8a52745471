"""The kept cohorts of a store: each method is one transaction.

They are no generation: keeping one changes nothing of what is found. What keeps and what
purges first write the same row, so that no cohort is kept of notes that a purge removes
meanwhile (docs/decisions/0018-cohorts.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from notekin.errors import CohortError, NoSuchCohortError, StaleSnapshotError
from notekin.storage import cohorts, reading
from notekin.storage.catalog import Catalog
from notekin.storage.cohort_notes import live_notes_of
from notekin.storage.cohorts import KeptCohort, KeptHead, KeptJudgement
from notekin.storage.records import StoredNote


@dataclass(frozen=True, slots=True)
class Read:
    """A kept cohort, and the facts of those of its notes that live, by key."""

    cohort: KeptCohort
    notes: dict[int, StoredNote]


class KeptCohorts:
    """Keeps cohorts in the catalog of one store."""

    def __init__(self, path: Path, catalog: Catalog) -> None:
        self._path = path
        self._catalog = catalog

    def heads(self) -> list[KeptHead]:
        """Return what is known of every kept cohort, by name."""
        with self._catalog.transaction() as connection:
            return cohorts.heads(connection)

    def keep(
        self, cohort: KeptCohort, *, replace: bool = False, read_at: int | None = None
    ) -> None:
        """Keep a cohort, whole or not at all.

        Args:
            cohort: With its members.
            replace: Whether one of its name may be written over.
            read_at: The generation at which its notes were seen to live; its own where None.

        Raises:
            CohortError: There is one of this name, and it is not to be replaced.
            StaleSnapshotError: A purge has removed notes since they were seen.
        """
        with self._writing() as connection:
            seen_at = cohort.head.generation if read_at is None else read_at
            if reading.purged_at(connection) > seen_at:
                raise StaleSnapshotError(self._path)
            if not replace and cohort.head.name in cohorts.names(connection):
                raise CohortError(
                    "The store keeps a cohort of this name. Give another with --name, or "
                    "--replace to write over it."
                )
            cohorts.keep(connection, cohort)

    def read(self, name: str) -> Read:
        """Return a kept cohort, with the notes of it that live.

        Raises:
            NoSuchCohortError: There is none of this name.
            DamagedStoreError: It is not what was written.
        """
        with self._catalog.transaction() as connection:
            found = cohorts.read(connection, name)
            if found is None:
                raise NoSuchCohortError(self._path)
            notes = live_notes_of(
                connection,
                reading.newest(connection),
                _notes_named(found),
                [member.note_key for member in found.members],
                found.head.grain,
            )
        return Read(found, notes)

    def delete(self, name: str) -> None:
        """Remove a kept cohort and its judgements.

        Raises:
            NoSuchCohortError: There is none of this name.
        """
        with self._writing() as connection:
            if not cohorts.remove(connection, name):
                raise NoSuchCohortError(self._path)

    def judgements(self, name: str) -> list[KeptJudgement]:
        """Return the verdicts on a cohort's evidence, in the order in which they were given."""
        with self._catalog.transaction() as connection:
            if name not in cohorts.names(connection):
                raise NoSuchCohortError(self._path)
            return cohorts.judgements(connection, name)

    def judge(self, name: str, given: Sequence[KeptJudgement]) -> None:
        """Keep verdicts, each in place of one on the same place.

        Raises:
            NoSuchCohortError: There is no cohort of this name.
        """
        with self._writing() as connection:
            if not cohorts.judge(connection, name, given):
                raise NoSuchCohortError(self._path)

    def take_back(self, name: str, criterion: str, note_key: int) -> None:
        """Forget the verdicts on one note for one criterion."""
        with self._writing() as connection:
            cohorts.unjudge(connection, name, criterion, note_key)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._catalog.transaction() as connection:
            cohorts.hold(connection)
            yield connection


def _notes_named(cohort: KeptCohort) -> Iterator[int]:
    for member in cohort.members:
        yield member.note_key
        yield from (key for key in (member.first_note, member.last_note) if key is not None)
        for status in member.statuses:
            yield from (one.note_key for one in status.evidence)
