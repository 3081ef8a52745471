"""How a model reads: the sizes of its windows and passages, as measured.

docs/decisions/0003-long-notes.md holds the measurements that these numbers come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from notekin.indexer import windows
from notekin.indexer.longformer.config import LongformerConfig
from notekin.indexer.passages import TokenRange
from notekin.indexer.windows import Window

PASSAGE_TOKENS = 128
WINDOW_OVERLAP = 128


@dataclass(frozen=True, slots=True)
class Reading:
    """How a note becomes windows and passages. Its ``str`` is part of the fingerprint.

    Attributes:
        passages_alone: Each passage is a window of its own; else windows are as long as
            ``window_tokens`` and passages take their tokens from them.
        passage_tokens: Tokens a passage holds at most.
        window_tokens: Tokens a window holds at most, special ones not counted.
        overlap: Tokens that neighbouring windows share.
        query_tokens: A query up to this long is read in one pass.
    """

    passages_alone: bool
    passage_tokens: int
    window_tokens: int
    overlap: int
    query_tokens: int

    def windows(self, tokens: int, ranges: Sequence[TokenRange]) -> list[Window]:
        """Return the windows over a text of so many tokens and these passages."""
        if self.passages_alone:
            return [Window(part.first, part.last, part.first, part.last) for part in ranges]
        return windows.split(tokens, self.window_tokens, self.overlap)

    def __str__(self) -> str:
        if self.passages_alone:
            return f"mean of passages of {self.passage_tokens} tokens read alone"
        return (
            f"mean of windows of {self.window_tokens} tokens overlapping by {self.overlap}, "
            f"passages of {self.passage_tokens} tokens in context"
        )


def reading_for(config: LongformerConfig) -> Reading:
    """Return how this model reads best."""
    return Reading(True, PASSAGE_TOKENS, config.max_tokens - 2, WINDOW_OVERLAP, 254)
