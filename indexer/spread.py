"""Vectors spread out: the part that all notes share taken off, before lengths become 1.

A model trained only to fill in masked words gives vectors that nearly all point the same
way. What they share says nothing about a note. Centring takes off their mean; whitening
also scales the directions in which they vary to the same spread (Su et al. 2021,
"Whitening Sentence Representations for Better Semantics and Faster Retrieval").
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

import numpy as np
import numpy.typing as npt

from notekin.errors import UsageError
from notekin.indexer.pooling import unit
from notekin.types import EncodedNote, Encoder, Fingerprint, Vectors

SAMPLE_NOTES = 1_000
_KEPT_VARIANCE = 1e-6
"""Directions with less than this share of the greatest variance are noise and stay unscaled."""

SPREAD = " then "
"""What stands in a fingerprint between the reading and the transform."""

Floats = npt.NDArray[np.float64]


class Spreading(StrEnum):
    """What is done to every vector of a store."""

    CENTRE = "centre"
    WHITEN = "whiten"


@dataclass(frozen=True, slots=True)
class Spread:
    """A fitted transform: ``unit((vector - mean) @ matrix)``.

    Attributes:
        mean: float64 of shape (dim,).
        matrix: float64 of shape (dim, dim); the identity for centring.
    """

    kind: Spreading
    mean: Floats
    matrix: Floats

    @classmethod
    def fit(cls, kind: Spreading, vectors: Vectors) -> Self:
        """Fit the transform to a sample of vectors, float32 of shape (n, dim).

        Raises:
            UsageError: The sample holds fewer than two vectors.
        """
        if len(vectors) < 2:
            raise UsageError(f"To {kind} vectors takes notes to fit it on; there are too few.")
        rows = vectors.astype(np.float64)
        mean = rows.mean(axis=0)
        if kind is Spreading.CENTRE:
            return cls(kind, mean, np.eye(rows.shape[1]))
        variances, directions = np.linalg.eigh(np.cov(rows - mean, rowvar=False))
        floor = _KEPT_VARIANCE * variances.max()
        scales = 1 / np.sqrt(np.maximum(variances, floor))
        return cls(kind, mean, directions * scales)

    def apply(self, vectors: Vectors) -> Vectors:
        """Return the vectors spread out, each of length 1; shape as given."""
        return unit((vectors.astype(np.float64) - self.mean) @ self.matrix)

    def to_settings(self) -> dict[str, object]:
        """Return what a store keeps: float64 numbers in base 64."""
        return {"kind": self.kind.value, "mean": _pack(self.mean), "matrix": _pack(self.matrix)}

    @classmethod
    def from_settings(cls, kept: Mapping[str, object]) -> Self:
        """Return the transform that ``to_settings`` was asked of."""
        mean = _unpack(kept["mean"])
        matrix = _unpack(kept["matrix"]).reshape(len(mean), len(mean))
        return cls(Spreading(str(kept["kind"])), mean, matrix)

    def digest(self) -> str:
        """Return a hash of the transform, for the fingerprint."""
        kept = json.dumps(self.to_settings(), sort_keys=True)
        return hashlib.sha256(kept.encode()).hexdigest()


def spreading_named(name: str) -> Spreading:
    """Return the kind of this name.

    Raises:
        UsageError: There is none.
    """
    if name not in list(Spreading):
        raise UsageError(f"Vectors can't be spread by {name}: say {', '.join(Spreading)}.")
    return Spreading(name)


class SpreadEncoder:
    """An encoder whose vectors are spread out by a fitted transform."""

    def __init__(self, encoder: Encoder, spread: Spread) -> None:
        self._encoder = encoder
        self._spread = spread
        stated = encoder.fingerprint
        reading = f"{stated.reading}{SPREAD}{spread.kind.value} {spread.digest()[:16]}"
        self._fingerprint = replace(stated, reading=reading)

    @property
    def fingerprint(self) -> Fingerprint:
        """The encoder's own, with the transform's hash."""
        return self._fingerprint

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector per text, in the order given: shape (len(texts), dim)."""
        return self._spread.apply(self._encoder.encode(texts))

    def encode_notes(self, texts: Sequence[str]) -> list[EncodedNote]:
        """Return the note vector and the passages of each text, in the order given."""
        return [
            replace(
                note,
                vector=self._spread.apply(note.vector),
                passage_vectors=self._spread.apply(note.passage_vectors),
            )
            for note in self._encoder.encode_notes(texts)
        ]


def _pack(numbers: Floats) -> str:
    return base64.b64encode(np.ascontiguousarray(numbers, "<f8").tobytes()).decode("ascii")


def _unpack(text: object) -> Floats:
    return np.frombuffer(base64.b64decode(str(text)), "<f8").astype(np.float64)
