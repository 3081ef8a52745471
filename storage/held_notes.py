"""Which notes each segment holds: what merging goes by, read once for a writer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from notekin.storage.keys import Keys, contains
from notekin.storage.segments import Segment, SegmentRecord
from notekin.storage.tiers import Size


class HeldNotes:
    """The keys of the notes of segments; a file is read when its checksum is seen to hold.

    Segments never change, so that each is read once, and only where something is dead at all.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._keys: dict[str, Keys] = {}

    def sizes(self, records: Sequence[SegmentRecord], dead: Keys) -> list[Size]:
        """Return the live and dead passages of each segment, taken in proportion to its notes.

        Raises:
            DamagedStoreError: A segment's file is not what was written.
        """
        names = {record.name for record in records}
        self._keys = {name: keys for name, keys in self._keys.items() if name in names}
        return [self._size(record, dead) for record in records]

    def with_dead(self, records: Sequence[SegmentRecord], dead: Keys) -> list[SegmentRecord]:
        """Return the segments that hold the vector of at least one dead note.

        Raises:
            DamagedStoreError: A segment's file is not what was written.
        """
        return [record for record in records if self._dead(record, dead)]

    def _size(self, record: SegmentRecord, dead: Keys) -> Size:
        dead_rows = record.passages * self._dead(record, dead) // max(1, record.notes)
        return Size(record.passages - dead_rows, dead_rows)

    def _dead(self, record: SegmentRecord, dead: Keys) -> int:
        if not len(dead):
            return 0
        if record.name not in self._keys:
            self._keys[record.name] = Segment(self._folder, record).notes.ids.copy()
        return int(contains(self._keys[record.name], dead).sum())
