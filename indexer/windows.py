"""How a long text is read: in overlapping windows, each token counted in one of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """One pass of the model over tokens ``first`` up to ``last``.

    Only the tokens from ``count_first`` up to ``count_last`` count here; those of the
    overlap that lie nearer to another window's middle count there.
    """

    first: int
    last: int
    count_first: int
    count_last: int


def split(tokens: int, size: int, overlap: int) -> list[Window]:
    """Return the windows over a text of so many tokens: every token counts exactly once.

    The windows are as equal as can be, so the last one is no remnant that lacks context.
    A text without tokens has one empty window.

    Args:
        tokens: Tokens of the text, special ones not counted.
        size: Tokens a window holds at most, special ones not counted.
        overlap: Tokens that neighbouring windows share at least; less than ``size``.
    """
    if tokens <= size:
        return [Window(0, tokens, 0, tokens)]
    number = -(-(tokens - overlap) // (size - overlap))
    firsts = [(tokens - size) * place // (number - 1) for place in range(number)]
    lasts = [first + size for first in firsts]
    middles = [(first + last) // 2 for first, last in zip(firsts[1:], lasts[:-1], strict=True)]
    edges = [0, *middles, tokens]
    return [Window(*bounds) for bounds in zip(firsts, lasts, edges[:-1], edges[1:], strict=True)]
