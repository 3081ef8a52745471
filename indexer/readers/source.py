"""What every reader gives: a source of notes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from notekin.types import Note, Reject


class NoteSource(Protocol):
    """Notes, and the rows that are none, in the order in which they lie there.

    Each iteration reads from the beginning, a little at a time: memory does not grow with
    the source.
    """

    @property
    def name(self) -> str:
        """The name under which the notes are kept where their rows name no source."""
        ...

    @property
    def total(self) -> int | None:
        """How many notes and rejects to expect; None where only reading all would tell."""
        ...

    def __iter__(self) -> Iterator[Note | Reject]: ...


class Remembering:
    """A source that remembers which notes it gave.

    Attributes:
        given: The ids of its notes, by the source under which they are kept.
    """

    def __init__(self, source: NoteSource) -> None:
        self._source = source
        self.given: dict[str, set[str]] = {}

    @property
    def name(self) -> str:
        """The name of the source."""
        return self._source.name

    @property
    def total(self) -> int | None:
        """How many notes and rejects the source expects."""
        return self._source.total

    def __iter__(self) -> Iterator[Note | Reject]:
        for row in self._source:
            if isinstance(row, Note):
                self.given.setdefault(row.source, set()).add(row.note_id)
            yield row
