"""Which rows of a vector file a search may return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from notekin.storage.keys import Keys

Bits: TypeAlias = npt.NDArray[np.uint8]
"""One bit a row, the lowest first: what a FAISS bitmap selector takes."""

Mask: TypeAlias = npt.NDArray[np.bool_]
"""Whether, for each row."""


_MOST_SPARSE = 8
"""Notes between a file's first and last for each row, up to which a table of them pays."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one file.

    Attributes:
        count: How many.
        chosen: The rows, ascending, where a filter chose them; None where it is all that live.
        bits: A bit for each row of the file; None where all are set, or not yet asked for.
    """

    count: int
    chosen: Keys | None = None
    bits: Bits | None = None

    def selector_bits(self, size: int) -> Bits | None:
        """Return a bit for each of the file's ``size`` rows; None where all are set."""
        return self.bits if self.chosen is None else _bits_of(size, self.chosen)

    def mask(self, size: int) -> Mask:
        """Return for each of the file's ``size`` rows whether it is among these."""
        if self.chosen is not None:
            return _mask_of(size, self.chosen)
        if self.bits is None:
            return np.ones(size, np.bool_)
        return np.unpackbits(self.bits, count=size, bitorder="little").view(np.bool_)


def rows_of(ids: Keys, note_keys: Keys, place_bits: int) -> Keys:
    """Return the rows, ascending, whose ids belong to some notes.

    The cost follows the notes asked for, not the rows there are.

    Args:
        ids: The file's, ascending.
        note_keys: Ascending.
        place_bits: How many of an id's low bits number what belongs to one note.
    """
    if not len(ids):
        return np.empty(0, np.int64)
    bounds = np.searchsorted(note_keys, [ids[0] >> place_bits, (ids[-1] >> place_bits) + 1])
    inside = note_keys[bounds[0] : bounds[1]]
    starts = np.searchsorted(ids, inside << place_bits)
    lengths = np.searchsorted(ids, (inside + 1) << place_bits) - starts
    before = np.cumsum(lengths) - lengths
    rows: Keys = np.repeat(starts - before, lengths) + np.arange(lengths.sum())
    return rows


class NoteRows:
    """Where each note's rows begin in a file: looked up, where ``rows_of`` searches.

    It takes 4 bytes for each note between the file's first and last. Where a file has few of
    those, it searches, too.
    """

    def __init__(self, ids: Keys, place_bits: int) -> None:
        self._ids = ids
        self._place_bits = place_bits
        self._first = int(ids[0] >> place_bits) if len(ids) else 0
        last = int(ids[-1] >> place_bits) if len(ids) else -1
        self._starts: npt.NDArray[np.uint32] | None = None
        if last - self._first < _MOST_SPARSE * len(ids) < 2**32:
            bounds = np.arange(self._first, last + 2, dtype=np.int64) << place_bits
            self._starts = np.searchsorted(ids, bounds).astype(np.uint32)

    def of(self, note_keys: Keys) -> Keys:
        """Return the rows of some notes, ascending; ``note_keys`` are."""
        if self._starts is None:
            return rows_of(self._ids, note_keys, self._place_bits)
        notes = len(self._starts) - 1
        begin, end = np.searchsorted(note_keys, [self._first, self._first + notes])
        inside = note_keys[begin:end] - self._first
        starts = self._starts[inside].astype(np.int64)
        lengths = self._starts[inside + 1] - starts
        if np.all(lengths == 1):
            return starts
        before = np.cumsum(lengths) - lengths
        rows: Keys = np.repeat(starts - before, lengths) + np.arange(lengths.sum())
        return rows


def all_but(size: int, dead: Keys) -> Rows:
    """Return all of ``size`` rows but the dead ones."""
    if not len(dead):
        return Rows(size)
    return Rows(size - len(dead), bits=~_bits_of(size, dead))


def _bits_of(size: int, rows: Keys) -> Bits:
    return np.packbits(_mask_of(size, rows), bitorder="little")


def _mask_of(size: int, rows: Keys) -> Mask:
    mask = np.zeros(size, np.bool_)
    mask[rows] = True
    return mask
