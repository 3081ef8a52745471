"""How a model reads: the sizes of its windows and passages, and how it pools.

docs/decisions/0003-long-notes.md holds the measurements that the sizes come from.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Self

from notekin.indexer import windows
from notekin.indexer.longformer.config import LongformerConfig
from notekin.indexer.passages import TokenRange
from notekin.indexer.pooling import Pooling
from notekin.indexer.windows import Window

SPECIAL_TOKENS = 2
PASSAGE_TOKENS = 32
WINDOW_OVERLAP = 128
QUERY_TOKENS = 254


@dataclass(frozen=True, slots=True)
class Reading:
    """How a text becomes windows and passages; part of the fingerprint.

    Attributes:
        passages_alone: Each passage is a window of its own; else windows are as long as
            ``window_tokens`` and passages take their tokens from them.
        passage_tokens: Tokens a passage holds at most.
        window_tokens: Tokens a window holds at most, special ones not counted.
        overlap: Tokens that neighbouring windows share at least.
        query_tokens: A query up to this long is read in one pass, special tokens counted in.
        pooling: How token vectors become one.
        global_first: Whether the first special token sees its whole window.
    """

    passages_alone: bool
    passage_tokens: int = PASSAGE_TOKENS
    window_tokens: int = 4094
    overlap: int = WINDOW_OVERLAP
    query_tokens: int = QUERY_TOKENS
    pooling: Pooling = Pooling.MEAN
    global_first: bool = False

    def windows(self, tokens: int, ranges: Sequence[TokenRange]) -> list[Window]:
        """Return the windows over a text of so many tokens and these passages."""
        if self.passages_alone:
            return [Window(part.first, part.last, part.first, part.last) for part in ranges]
        return windows.split(tokens, self.window_tokens, self.overlap)

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
        read = (
            "read alone"
            if self.passages_alone
            else f"in windows of {self.window_tokens} tokens overlapping by {self.overlap}"
        )
        first = ", first token global" if self.global_first else ""
        return f"{self.pooling.value} of passages of {self.passage_tokens} tokens {read}{first}"


def describe(fingerprint: str) -> str:
    """Say to a person what stands in a fingerprint; another encoder's words stay as they are."""
    try:
        return str(Reading.from_json(fingerprint))
    except (ValueError, TypeError, KeyError):
        return fingerprint


def reading_for(
    config: LongformerConfig, pooling: Pooling = Pooling.MEAN, *, global_first: bool = False
) -> Reading:
    """Return how this model reads best.

    One that was trained on shorter texts than it takes, as a converted BERT is, reads each
    passage alone; a Longformer by training reads windows as long as it takes.
    """
    return Reading(
        passages_alone=(config.trained_tokens or config.max_tokens) < config.max_tokens,
        window_tokens=config.max_tokens - SPECIAL_TOKENS,
        query_tokens=min(QUERY_TOKENS, config.max_tokens - SPECIAL_TOKENS),
        pooling=pooling,
        global_first=global_first,
    )
