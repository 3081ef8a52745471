"""Which notes of a batch need the model: not those met before, nor those in the store."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from notekin.storage.records import digest_of
from notekin.storage.store import Writer
from notekin.text import storable
from notekin.types import Fingerprint, Note, Reject

MAX_ID_BYTES = 1_000
"""Of note_id, patient_id, encounter_id and category: PostgreSQL indexes 2,704 bytes a row."""


@dataclass(frozen=True, slots=True)
class Sifted:
    """A batch, sorted by what has to be done.

    Attributes:
        changed: Notes to encode, each with its digest.
        unchanged: How many the store, or this run, has already.
        rejects: Rows that stay out, with the reason.
    """

    changed: list[tuple[Note, bytes]]
    unchanged: int
    rejects: list[Reject]


class Sieve:
    """Sorts the batches of one run; remembers 16 bytes of each note that the run has met."""

    def __init__(self, writer: Writer, fingerprint: Fingerprint) -> None:
        self._writer = writer
        self._fingerprint = fingerprint
        self._met: dict[bytes, bytes] = {}
        self._rows = 0

    def sift(self, batch: Sequence[Note | Reject]) -> Sifted:
        """Return what has to be done with each row of a batch.

        A note that stands twice in one run with the same text and facts is one note. With
        others nobody can say which is meant: the first is kept, the second is rejected.
        """
        rejects: list[Reject] = []
        first: list[tuple[Note, bytes]] = []
        notes = 0
        for row in batch:
            self._rows += 1
            if isinstance(row, Reject):
                rejects.append(row)
                continue
            if (long := _too_long(row)) is not None:
                rejects.append(_is_too_long(row, self._rows, long))
                continue
            notes += 1
            digest = digest_of(row, self._fingerprint)
            met = self._met.get(_mark(row))
            if met is None:
                self._met[_mark(row)] = digest[:8]
                first.append((row, digest))
            elif met != digest[:8]:
                rejects.append(_stands_twice(row, self._rows))
                notes -= 1
        changed = self._not_stored(first)
        return Sifted(changed, notes - len(changed), rejects)

    def _not_stored(self, notes: Sequence[tuple[Note, bytes]]) -> list[tuple[Note, bytes]]:
        """Return the notes that the store doesn't hold just as they are."""
        known: dict[tuple[str, str], bytes] = {}
        for source in {note.source for note, _ in notes}:
            ids = [note.note_id for note, _ in notes if note.source == source]
            stored = self._writer.live_digests(source, ids)
            known |= {(source, note_id): digest for note_id, digest in stored.items()}
        return [
            (note, digest)
            for note, digest in notes
            if known.get((note.source, storable(note.note_id))) != digest
        ]


def _mark(note: Note) -> bytes:
    """Return 8 bytes that stand for (source, note_id); two notes share them once in 2**64."""
    identity = storable(f"{len(note.source)}:{note.source}{note.note_id}")
    return hashlib.blake2b(identity.encode(), digest_size=8).digest()


def _too_long(note: Note) -> str | None:
    """Return the field that no catalog could index, if there is one."""
    for name in ("note_id", "patient_id", "encounter_id", "category"):
        if len(storable(getattr(note, name) or "").encode()) > MAX_ID_BYTES:
            return name
    return None


def _is_too_long(note: Note, row: int, field: str) -> Reject:
    return Reject(
        note.source,
        f"row {row} of the run",
        f"its {field} is longer than {MAX_ID_BYTES:,} bytes; map another column to {field}",
    )


def _stands_twice(note: Note, row: int) -> Reject:
    return Reject(
        note.source,
        f"row {row} of the run",
        "its note_id stands earlier in this source, with other text or facts; "
        "the first was kept. If the two come from different systems, index them with "
        "different --source names",
    )
