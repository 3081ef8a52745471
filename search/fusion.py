"""What two channels say of a note, as one score from 0 to 1 (docs/decisions/0017-fusion.md)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from notekin.types import Vectors

_EVEN_WORDS = 5
"""Words of a query for which both channels weigh the same."""
_GROWTH = 0.3
_LEAST, _MOST = 0.5, 1.5


@dataclass(frozen=True, slots=True)
class Fusion:
    """The weighted mean of a note's relevance and its cosine; a cosine below 0 counts as 0.

    Both have a scale of their own from 0 to 1 that is the same for every query and note, so
    the mean is, too: it doesn't hang on filters, on k, or on which notes were looked at.

    Attributes:
        dense_weight: Of the cosine; the relevance weighs 1.
    """

    dense_weight: float

    @classmethod
    def for_words(cls, count: int) -> Self:
        """Return the fusion for a query that asks for so many words.

        One or two words name what they mean; what a longer text means is more than its words.
        """
        weight = 1 + _GROWTH * math.log(max(count, 1) / _EVEN_WORDS)
        return cls(min(max(weight, _LEAST), _MOST))

    def fuse(self, relevance: Vectors, cosine: Vectors | float) -> Vectors:
        """Return the score of each note, float32 of the relevance's shape; higher is nearer.

        It grows with either, so bounds of the two give a bound of it.
        """
        dense = self.dense_weight * np.maximum(cosine, 0.0)
        fused: Vectors = ((relevance + dense) / (1 + self.dense_weight)).astype(np.float32)
        return fused
