"""What SQL says of one generation: facts, texts and passages of its notes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from sqlalchemy import Connection

from notekin.errors import AmbiguousNoteError, NoSuchNoteError, StaleSnapshotError
from notekin.storage import reading
from notekin.storage.catalog import Catalog
from notekin.storage.contents import Content, contents_of, notes_in_families
from notekin.storage.damage import damaged
from notekin.storage.field_counts import VALUES, FieldCount, field_counts
from notekin.storage.keys import Keys
from notekin.storage.owners import Owners, owners_of
from notekin.storage.passage_places import PassagePlaces, places_of
from notekin.storage.reading import Counts, Upkeep
from notekin.storage.records import StoredNote, StoredPassage
from notekin.types import NoteKey


class Facts:
    """The catalog's half of a snapshot (storage/snapshot.py)."""

    def __init__(self, path: Path, catalog: Catalog, generation: int) -> None:
        self.generation = generation
        self._path = path
        self._catalog = catalog

    def find(self, note_id: str, source: str | None = None) -> StoredNote:
        """Return the facts of the note with this id.

        Raises:
            NoSuchNoteError: No live note has it.
            AmbiguousNoteError: Several sources have one and ``source`` is None.
        """
        with self._reading() as connection:
            found = reading.find_notes(connection, self.generation, note_id, source)
        if not found:
            raise NoSuchNoteError(self._path)
        if len(found) > 1:
            raise AmbiguousNoteError(len(found))
        return found[0]

    def notes(self, keys: Sequence[NoteKey]) -> list[StoredNote]:
        """Return the facts of some notes, in the order of their keys given."""
        with self._reading() as connection:
            return self._notes(connection, keys)

    def read(self, keys: Sequence[NoteKey]) -> list[tuple[StoredNote, Content]]:
        """Return facts, text and passages of some notes, in the order of their keys given."""
        with self._reading() as connection:
            notes = self._notes(connection, keys)
            contents = contents_of(connection, keys)
        return [(note, contents[note.note_key]) for note in notes]

    def text(self, key: NoteKey) -> str:
        """Return a note's text to the letter."""
        with self._reading() as connection:
            return reading.text_of(connection, key)

    def contents(self, keys: Sequence[NoteKey]) -> list[Content]:
        """Return text and passages of some notes, in the order of their keys given."""
        with self._reading() as connection:
            found = contents_of(connection, keys)
        return [found[key] for key in keys]

    def passages(self, key: NoteKey) -> list[StoredPassage]:
        """Return a note's passages in text order."""
        with self._reading() as connection:
            return reading.passages_of(connection, key)

    def passage_places(self, passage_keys: Keys) -> PassagePlaces:
        """Return where some passages stand and which family each is of, in the order given."""
        with self._reading() as connection:
            return places_of(connection, passage_keys)

    def families(self, passage_keys: Keys) -> Keys:
        """Return the family of each passage, in the order given; -1 where it has none.

        Passages of one family are copies of one another, or nearly so, in notes of one patient.
        """
        with self._reading() as connection:
            found = reading.families(connection, passage_keys)
        return np.array([found.get(key, -1) for key in passage_keys.tolist()], np.int64)

    def notes_in_families(self, families: Sequence[int]) -> dict[int, int]:
        """Count the notes that hold a passage of each family, by family."""
        with self._reading() as connection:
            return notes_in_families(connection, self.generation, families)

    def fields(self, values: int = VALUES) -> list[FieldCount]:
        """Return the fields that notes have, with so many of their most common values."""
        with self._reading() as connection:
            return field_counts(connection, self.generation, values)

    def count(self) -> Counts:
        """Count notes, patients, passages and tokens."""
        with self._reading() as connection:
            return reading.count(connection, self.generation)

    def upkeep(self) -> Upkeep:
        """Count generations, segments and the dead notes that are still in the catalog."""
        with self._reading() as connection:
            return reading.upkeep(connection, self.generation)

    def notes_by(self, field: str) -> dict[str | None, int]:
        """Count the notes by the values of a named field, most first."""
        with self._reading() as connection:
            return reading.notes_by(connection, self.generation, field)

    def owners(self) -> Owners:
        """Return whose every live note is, and when it was recorded."""
        with self._reading() as connection:
            return owners_of(connection, self.generation)

    def attribute_names(self) -> list[str]:
        """Return the names of the attributes that notes have, sorted."""
        with self._reading() as connection:
            return reading.attribute_names(connection, self.generation)

    def _notes(self, connection: Connection, keys: Sequence[NoteKey]) -> list[StoredNote]:
        found = reading.notes_of(connection, keys)
        if missing := len(set(keys) - found.keys()):
            raise damaged(
                self._path / "catalog.sqlite", f"has no facts of {missing} notes with vectors"
            )
        return [found[key] for key in keys]

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """Run one transaction, in which every row of this generation is there.

        Raises:
            StaleSnapshotError: A purge has removed some of them.
        """
        with self._catalog.transaction() as connection:
            if reading.purged_at(connection) > self.generation:
                raise StaleSnapshotError(self._path)
            yield connection
