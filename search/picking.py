"""Goes down a ranking until enough rows are full: what a note says, copies, groups."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field

from notekin.search.evidence import Testimony, Witness
from notekin.search.grouping import Grouping, row_of
from notekin.search.ranking import Ranking
from notekin.search.request import Request
from notekin.storage.nearest import Seen
from notekin.storage.records import StoredNote
from notekin.storage.snapshot import Snapshot
from notekin.types import NoteKey

_GROWTH = 4
_CHUNK = 16
"""Notes that are read from the catalog at once, at least, where the first do not suffice."""

Ranked = Callable[[int], Ranking]
"""Gives that many of the best notes; more of them begin with the fewer."""


@dataclass(frozen=True, slots=True)
class Found:
    """A note that may be a row, or be counted in one.

    Attributes:
        ranking: Where it was found.
        at: Its place there.
    """

    note: StoredNote
    said: Testimony
    ranking: Ranking
    at: int


@dataclass(slots=True)
class Row:
    """A row of the answer: its best note, and what else speaks for it.

    Attributes:
        best: The best note.
        notes: How many notes are in the row.
        families: Of their best passages.
        alone: Notes whose best passage has no family.
        copies: In how many other notes the best passage stands, or nearly so.
    """

    best: Found
    notes: int = 0
    families: set[int] = field(default_factory=set)
    alone: int = 0
    copies: int = 0

    def add(self, found: Found) -> None:
        """Count a note."""
        self.notes += 1
        if found.said.family is None:
            self.alone += 1
        else:
            self.families.add(found.said.family)

    @property
    def independent(self) -> int:
        """How many of its notes are no copies of one another, by their best passages."""
        return len(self.families) + self.alone


class Picker:
    """Picks the rows of one answer."""

    def __init__(self, snapshot: Snapshot, witness: Witness, request: Request) -> None:
        self._snapshot = snapshot
        self._witness = witness
        self._request = request
        self._telling = snapshot.telling(witness.wanted)
        self._rows: dict[Hashable, Row] = {}
        self._families: set[int] = set()
        self._known: set[int] = set()
        self._copies: list[Found] = []

    def pick(self, ranked: Ranked) -> tuple[list[Row], Seen]:
        """Return the rows, best first, and how their notes were found.

        There are ``k``, wherever ``k`` notes, patients or encounters meet the request. A note
        whose best passage is a copy of a better note's comes after all others.
        """
        seen = Seen()
        for ranking in _deeper(ranked, self._request.k):
            seen = ranking.seen
            if self._fills(ranking):
                break
        for copy in self._copies[: self._request.k - len(self._rows)]:
            self._rows[copy.note.note_key] = _row(copy)
        rows = list(self._rows.values())
        self._count_copies(rows)
        return rows, seen

    def _fills(self, ranking: Ranking) -> bool:
        """Take the notes that were not seen before; say whether the rows are full with them."""
        fresh = [at for at, key in enumerate(ranking.keys.tolist()) if key not in self._known]
        while fresh:
            count = self._request.k - len(self._rows)
            if self._known:
                count = max(count, _CHUNK)
            for found in self._read(ranking, fresh[:count]):
                self._known.add(found.note.note_key)
                if self._takes(found) and len(self._rows) == self._request.k:
                    return True
            fresh = fresh[count:]
        return False

    def _read(self, ranking: Ranking, places: Sequence[int]) -> Iterator[Found]:
        keys = [NoteKey(int(ranking.keys[at])) for at in places]
        read, told = self._snapshot.read(keys), self._telling.of(keys)
        for at, (note, content), said_where in zip(places, read, told, strict=True):
            vectors = None
            if self._witness.compares:
                vectors = self._snapshot.passage_vectors(note.note_key)
            said = self._witness.hear(content.text, content.passages, vectors, said_where)
            yield Found(note, said, ranking, at)

    def _takes(self, found: Found) -> bool:
        """Count a note in, and say whether it made a row."""
        if not found.said.holds:
            return False
        row = row_of(found.note, self._request.by)
        if row in self._rows:
            self._rows[row].add(found)
            return False
        family = found.said.family
        if self._request.by is Grouping.NOTE and family is not None:
            if family in self._families:
                self._copies.append(found)
                return False
            self._families.add(family)
        self._rows[row] = _row(found)
        return True

    def _count_copies(self, rows: Sequence[Row]) -> None:
        """Fill in where else the best passages stand."""
        families = [one.best.said.family for one in rows if one.best.said.family is not None]
        if not families:
            return
        counts = self._snapshot.notes_in_families(families)
        for row in rows:
            row.copies = counts.get(row.best.said.family or -1, 1) - 1


def _row(found: Found) -> Row:
    row = Row(found)
    row.add(found)
    return row


def _deeper(ranked: Ranked, count: int) -> Iterator[Ranking]:
    """Give the ranking, then more and more of it, down to its end."""
    while True:
        ranking = ranked(count)
        yield ranking
        if len(ranking.keys) < count:
            return
        count *= _GROWTH
