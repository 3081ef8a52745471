"""Which stretches of a note get vectors of their own: whole sentences, up to a size."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Offsets = npt.NDArray[np.int32]
"""int32 of shape (tokens,), in characters of the text."""
Mask = npt.NDArray[np.bool_]

_BREAK = re.compile(
    r"""
    \s*\n\s*                                # a line ends
    | (?<=[.!?;])["')\]]*\s+(?=["'(\[]?[A-Z0-9])   # a sentence ends and another begins
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class TokenRange:
    """Tokens ``first`` up to, not including, ``last`` of a note."""

    first: int
    last: int


def split(text: str, starts: Offsets, size: int) -> list[TokenRange]:
    """Return the passages of a text as token ranges: in order, without gap or overlap.

    Sentences are put together while they fit into ``size`` tokens; one that is longer by
    itself is cut between words into parts of like size. A text without tokens has one
    empty passage.

    Args:
        text: The note.
        starts: Where each of its tokens begins.
        size: Tokens a passage holds at most.
    """
    if not len(starts):
        return [TokenRange(0, 0)]
    words = _word_begins(text, starts)
    sentences = _sentences(text, starts)
    pieces = [piece for sentence in sentences for piece in _cut(sentence, size, words)]
    return list(_pack(pieces, size))


def _sentences(text: str, starts: Offsets) -> list[TokenRange]:
    breaks = [match.end() for match in _BREAK.finditer(text)]
    edges = np.unique(np.searchsorted(starts, [0, *breaks, len(text) + 1]))
    return [TokenRange(int(first), int(last)) for first, last in itertools.pairwise(edges)]


def _cut(sentence: TokenRange, size: int, begins_word: Mask) -> Iterator[TokenRange]:
    """Cut a sentence longer than ``size`` into parts of like size, between words if it can."""
    first, last = sentence.first, sentence.last
    while last - first > size:
        parts = -(-(last - first) // size)
        ideal = first + -(-(last - first) // parts)
        edge = _nearest(begins_word, ideal, first + 1, first + size)
        yield TokenRange(first, edge)
        first = edge
    yield TokenRange(first, last)


def _nearest(begins_word: Mask, ideal: int, lowest: int, highest: int) -> int:
    """Return the place nearest to the ideal where a word begins; the ideal where none does."""
    places = np.flatnonzero(begins_word[lowest : highest + 1]) + lowest
    return int(places[np.abs(places - ideal).argmin()]) if len(places) else ideal


def _word_begins(text: str, starts: Offsets) -> Mask:
    """Return for each token whether white space stands before it."""
    return np.array([start == 0 or text[start - 1].isspace() for start in starts], np.bool_)


def _pack(pieces: Sequence[TokenRange], size: int) -> Iterator[TokenRange]:
    """Join neighbours while they fit."""
    current = pieces[0]
    for piece in pieces[1:]:
        if piece.last - current.first <= size:
            current = TokenRange(current.first, piece.last)
        else:
            yield current
            current = piece
    yield current
