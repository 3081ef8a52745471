"""How a model reads: the sizes of its windows and passages, and how it pools.

docs/decisions/0003-long-notes.md holds the measurements that the sizes come from.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Self

from notekin.errors import EncoderError
from notekin.indexer.longformer.config import LongformerConfig
from notekin.indexer.pooling import Pooling

SPECIAL_TOKENS = 2
PASSAGE_TOKENS = 32
WINDOW_OVERLAP = 64
CONVERTED_WINDOW_TOKENS = 254
"""How much a model made from a BERT reads at once: it knows no longer texts well."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a text becomes windows and passages; part of the fingerprint.

    Attributes:
        window_tokens: Tokens a window holds at most, special ones not counted. A query
            that fits into one is read in one pass, special tokens counted in.
        overlap: Tokens that neighbouring windows share at least.
        passage_tokens: Tokens a passage holds at most. It takes them from the windows, so
            each is read in its context.
        pooling: How token vectors become one.
        global_first: Whether the first special token sees its whole window.
    """

    window_tokens: int
    overlap: int = WINDOW_OVERLAP
    passage_tokens: int = PASSAGE_TOKENS
    pooling: Pooling = Pooling.MEAN
    global_first: bool = False

    def to_json(self) -> str:
        """Return the text that stands in a fingerprint."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the reading that ``to_json`` was asked of."""
        stated = json.loads(text)
        return cls(**{**stated, "pooling": Pooling(stated["pooling"])})

    def __str__(self) -> str:
        """Say it to a person."""
        first = ", first token global" if self.global_first else ""
        return (
            f"{self.pooling.value} of passages of {self.passage_tokens} tokens in windows of "
            f"{self.window_tokens} overlapping by {self.overlap}{first}"
        )


def reading_in(fingerprint: str) -> Reading:
    """Return the reading that stands in a fingerprint, before any transform of its vectors.

    Raises:
        EncoderError: This Notekin does not know the reading.
    """
    try:
        return Reading.from_json(fingerprint.partition("}")[0] + "}")
    except (ValueError, TypeError, KeyError):
        raise EncoderError(
            "The store was made by an encoder of another kind, or by another version of Notekin. "
            "Open it with that encoder, or index the notes into a new store."
        ) from None


def describe(fingerprint: str) -> str:
    """Say to a person what stands in a fingerprint; another encoder's words stay as they are."""
    try:
        return f"{reading_in(fingerprint)}{fingerprint.partition('}')[2]}"
    except EncoderError:
        return fingerprint


def reading_for(
    config: LongformerConfig, pooling: Pooling = Pooling.MEAN, *, global_first: bool = False
) -> Reading:
    """Return how this model reads best.

    A Longformer by training reads windows as long as it takes; one made from a model of
    shorter texts takes as much and knows only shorter ones.
    """
    longest = config.max_tokens - SPECIAL_TOKENS
    converted = config.trained_tokens is not None and config.trained_tokens < config.max_tokens
    window_tokens = min(CONVERTED_WINDOW_TOKENS, longest) if converted else longest
    overlap = min(WINDOW_OVERLAP, window_tokens // 2)
    return Reading(window_tokens, overlap, pooling=pooling, global_first=global_first)
