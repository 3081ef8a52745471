"""How alike are two passages? MinHash over their runs of three words, one byte a hash.

Two passages agree in about as many of the ``HASHES`` bytes as they share of their runs
(Broder, "On the resemblance and containment of documents", 1997; one byte a hash: Li and
König, "b-Bit Minwise Hashing", 2010). Case, punctuation and white space don't count.
A passage of fewer than ``FEWEST`` words is one run, and is like none but its equals.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xxhash

from notekin.text import folded

HASHES = 64
ALIKE = 48
"""Bytes that agree in copies: a passage of 32 words with one changed shares .82 of its runs."""
RUN = 3
FEWEST = 6

Likeness = npt.NDArray[np.uint8]
"""uint8 of shape (n, HASHES)."""
_Hashes = npt.NDArray[np.uint64]

_WORD = re.compile(r"[^\W_]+")
_MIX = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


def likeness_of(texts: Sequence[str]) -> Likeness:
    """Return the bytes of some passages; equal words give equal bytes."""
    found = np.empty((len(texts), HASHES), np.uint8)
    if not len(texts):
        return found
    runs = [_runs(text) for text in texts]
    every = np.concatenate(runs)
    starts = np.cumsum([0, *(len(run) for run in runs[:-1])])
    for place in range(HASHES):
        factor, term = np.uint64(_hash(f"factor {place}") | 1), np.uint64(_hash(f"term {place}"))
        found[:, place] = np.minimum.reduceat((every * factor + term) >> _HALF, starts)
    return found


def agreement(one: Likeness, others: Likeness) -> npt.NDArray[np.int64]:
    """Return in how many bytes a passage, of shape (HASHES,), agrees with each of others."""
    same: npt.NDArray[np.int64] = (others == one).sum(axis=1)
    return same


def _runs(text: str) -> _Hashes:
    """Return a hash of each run of words of a passage; one at least."""
    words = _WORD.findall(folded(text))
    if len(words) < FEWEST:
        return np.asarray([_hash(" ".join(words))], np.uint64)
    hashes = np.asarray([_hash(word) for word in words], np.uint64)
    runs = hashes[: len(hashes) - RUN + 1].copy()
    for place in range(1, RUN):
        runs = (runs ^ (runs >> _HALF)) * _MIX + hashes[place : len(hashes) - RUN + 1 + place]
    return (runs ^ (runs >> _HALF)) * _MIX


def _hash(text: str) -> int:
    return xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))
