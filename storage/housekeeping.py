"""What the writer does beside adding notes: merge, compact, purge. Readers go on meanwhile."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from notekin.durable import sync
from notekin.errors import StoreError
from notekin.storage import reading
from notekin.storage.catalog import Catalog
from notekin.storage.compaction import (
    CompactReport,
    largest_rows,
    merge,
    size_bytes,
)
from notekin.storage.deaths import Deaths
from notekin.storage.held_notes import HeldNotes
from notekin.storage.keys import Keys
from notekin.storage.orphans import drop_unless_named, writing_segments
from notekin.storage.purging import PurgeReport
from notekin.storage.segments import SegmentRecord, remove_segment
from notekin.storage.tiers import choose

READERS_WAIT_S = 30.0

_log = logging.getLogger(__name__)


class Housekeeping:
    """Keeps a store's segments few and, when asked, rid of the dead; the lock is held."""

    def __init__(self, segments: Path, catalog: Catalog, deaths: Deaths) -> None:
        self._segments = segments
        self._catalog = catalog
        self._deaths = deaths
        self._held = HeldNotes(segments)
        self._largest = largest_rows(catalog.fingerprint().dim)

    def merge_tiers(self) -> None:
        """Merge segments until the policy is content (storage/tiers.py).

        The store is whole without it, so that an error doesn't fail the commit that it
        follows: it is logged, and the next commit tries again.
        """
        try:
            while chosen := self._choose():
                self._replace(*chosen)
        except StoreError as error:
            _log.warning("Segments could not be merged: %s", error)

    def compact(self) -> CompactReport:
        """Rewrite what is live into as few segments as there can be, as one generation."""
        _, before, dead = self._newest()
        sized = zip(before, self._held.sizes(before, dead), strict=True)
        loose = [one for one, size in sized if size.dead or size.live * 2 < self._largest]
        if len(loose) > 1 or self._held.with_dead(loose, dead):
            self._replace(loose, dead)
        generation, after, _ = self._newest()
        return CompactReport(
            generation, len(before), len(after), size_bytes(before), size_bytes(after)
        )

    def purge(self, readers_wait_s: float = READERS_WAIT_S) -> PurgeReport:
        """Remove every byte of what is dead: vectors, then rows, then what rows left behind.

        Killed on the way, the same again does the rest.

        Raises:
            PurgeUnfinishedError: A reader held the catalog's log for longer.
            StoreError: The disk failed, or did not let go of a file; it says what is left.
        """
        bytes_before = self._size_bytes()
        _, records, dead = self._newest()
        stale = self._held.with_dead(records, dead)
        if stale:
            self._replace(stale, dead)
        self._see_removed()
        removed = self._catalog.remove_dead()
        self._catalog.vacuum(readers_wait_s)
        generation = self._newest()[0]
        return PurgeReport(generation, removed, len(stale), bytes_before, self._size_bytes())

    def _see_removed(self) -> None:
        """See that no segment is left that no generation names, and that none comes back.

        Raises:
            StoreError: One is, or the disk failed.
        """
        named = {record.name for record in self._newest()[1]}
        reason: str | None = "it could not be removed"
        try:
            sync(self._segments)
            if {entry.name for entry in self._segments.iterdir()} <= named:
                return
        except OSError as error:
            reason = error.strerror
        raise StoreError(
            f"{self._segments} may still hold vectors of what is to be purged: {reason}. "
            "See to it and run the same purge again; it does what is left."
        )

    def _choose(self) -> tuple[list[SegmentRecord], Keys] | None:
        _, records, dead = self._newest()
        chosen = choose(self._held.sizes(records, dead), self._largest)
        return ([records[place] for place in chosen], dead) if chosen else None

    def _replace(self, old: Sequence[SegmentRecord], dead: Keys) -> None:
        """Put what is live of some segments in their place, as one generation."""
        with writing_segments(self._segments):
            merged = merge(self._segments, old, dead, self._catalog.index_choice())
        try:
            self._catalog.commit_merge([record.name for record in old], merged)
        except BaseException:
            names = [record.name for record in merged]
            drop_unless_named(self._catalog, self._segments, names)
            raise
        for record in old:
            remove_segment(self._segments, record.name)

    def _newest(self) -> tuple[int, list[SegmentRecord], Keys]:
        with self._catalog.transaction() as connection:
            generation = reading.newest(connection)
            records = reading.segments(connection, generation)
            return generation, records, self._deaths.up_to(connection, generation)

    def _size_bytes(self) -> int:
        return folder_bytes(self._segments.parent)


def folder_bytes(folder: Path) -> int:
    """Return how much room the files under a folder take; what vanishes meanwhile takes none."""
    total = 0
    for parent, _, names in os.walk(folder):  # unlike rglob, it bears a folder that vanishes
        for name in names:
            with suppress(FileNotFoundError):
                total += (Path(parent) / name).stat().st_size
    return total
