"""The words of a segment's notes on disk, looked up without being read in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from notekin.storage.array_file import Numbers, read_array_file, write_array_file
from notekin.storage.damage import damaged
from notekin.storage.postings import Postings
from notekin.words import RULES

_ARRAYS = (
    "posting_ends",
    "occurrence_ends",
    "rows",
    "counts",
    "places",
    "lengths",
    "passage_places",
    "passage_sections",
)
_NAMES = ("vocabulary", "sections")


@dataclass(frozen=True, slots=True)
class Posted:
    """One term in one file.

    Attributes:
        rows: The notes that hold it, by row, ascending.
        counts: How often each does.
        places: Where: first those in the first note, and so on.
    """

    rows: Numbers
    counts: Numbers
    places: Numbers


class NameList(Sequence[bytes]):
    """Names as UTF-8, ascending, in two arrays."""

    def __init__(self, text: Numbers, ends: Numbers) -> None:
        self._text = np.ascontiguousarray(text, np.uint8)
        self._ends = ends

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, number: int) -> bytes:  # type: ignore[override]  # no slices
        start = int(self._ends[number - 1]) if number else 0
        return self._text[start : int(self._ends[number])].tobytes()

    def find(self, name: str) -> int | None:
        """Return a name's number; None where it is not among them."""
        wanted = name.encode("utf-8", "surrogatepass")
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self[middle] < wanted:
                low = middle + 1
            else:
                high = middle
        return low if low < len(self) and self[low] == wanted else None


def write_words(path: Path, postings: Postings) -> None:
    """Write postings as one file (storage/array_file.py)."""
    arrays = {name: getattr(postings, name) for name in _ARRAYS}
    for name in _NAMES:
        names: Sequence[bytes] = getattr(postings, name)
        arrays[f"{name}_text"] = np.frombuffer(b"".join(names), np.uint8)
        arrays[f"{name}_ends"] = np.cumsum([len(one) for one in names], dtype=np.int64)
    write_array_file(path, arrays, {"rules": RULES})


class WordsFile:
    """The postings of a segment, mapped from their file.

    Attributes:
        postings: As they were written.
        terms: Their vocabulary.
        sections: The titles of sections that passages stand in.
    """

    def __init__(self, path: Path, notes: int, passages: int) -> None:
        """Open a file that is to hold the words of so many notes and passages.

        Raises:
            DamagedStoreError: It is not what was written, or of other notes.
        """
        self._path = path
        arrays, facts = read_array_file(path)
        try:
            self.terms, self.sections = (
                NameList(arrays[f"{name}_text"], arrays[f"{name}_ends"]) for name in _NAMES
            )
            self.postings = Postings(
                **{name: arrays[name] for name in _ARRAYS},
                vocabulary=self.terms,
                sections=self.sections,
            )
        except KeyError:
            raise damaged(path, "is not what was written") from None
        if facts.get("rules") != RULES or not self._fits(notes, passages):
            raise damaged(path, "holds other words than the catalog says")

    def find(self, term: str) -> Posted | None:
        """Return the postings of a term; None where no note holds it."""
        number = self.terms.find(term)
        if number is None:
            return None
        posted = _between(self.postings.posting_ends, number)
        occurring = _between(self.postings.occurrence_ends, number)
        return Posted(
            self.postings.rows[posted],
            self.postings.counts[posted],
            self.postings.places[occurring],
        )

    def check(self) -> None:
        """See that every number is one that can be.

        Raises:
            DamagedStoreError: One is not.
        """
        held = self.postings
        ordered = all(
            np.all(np.diff(ends.astype(np.int64), prepend=0) > 0)
            for ends in (held.posting_ends, held.occurrence_ends)
        )
        if not (
            ordered
            and np.all(held.rows < len(held.lengths))
            and np.all(held.passage_sections <= len(self.sections))
            and held.counts.sum(dtype=np.int64) == len(held.places)
            and all(one < other for one, other in pairwise(self.terms))
        ):
            raise damaged(self._path, "is not what was written")

    def _fits(self, notes: int, passages: int) -> bool:
        held = self.postings
        return (
            len(held.lengths) == notes
            and len(held.passage_places) == len(held.passage_sections) == passages
            and len(held.posting_ends) == len(held.occurrence_ends) == len(self.terms)
            and len(held.rows) == len(held.counts) == _last(held.posting_ends)
            and len(held.places) == _last(held.occurrence_ends)
        )


def _between(ends: Numbers, number: int) -> slice:
    return slice(int(ends[number - 1]) if number else 0, int(ends[number]))


def _last(ends: Numbers) -> int:
    return int(ends[-1]) if len(ends) else 0
