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
    itself is cut into equal parts. A text without tokens has one empty passage.

    Args:
        text: The note.
        starts: Where each of its tokens begins.
        size: Tokens a passage holds at most.
    """
    if not len(starts):
        return [TokenRange(0, 0)]
    pieces = [piece for sentence in _sentences(text, starts) for piece in _cut(sentence, size)]
    return list(_pack(pieces, size))


def _sentences(text: str, starts: Offsets) -> list[TokenRange]:
    breaks = [match.end() for match in _BREAK.finditer(text)]
    edges = np.unique(np.searchsorted(starts, [0, *breaks, len(text) + 1]))
    return [TokenRange(int(first), int(last)) for first, last in itertools.pairwise(edges)]


def _cut(sentence: TokenRange, size: int) -> Iterator[TokenRange]:
    """Cut a sentence longer than ``size`` into parts as equal as can be."""
    length = sentence.last - sentence.first
    parts = -(-length // size)
    edges = [sentence.first + length * part // parts for part in range(parts + 1)]
    for first, last in itertools.pairwise(edges):
        yield TokenRange(first, last)


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
