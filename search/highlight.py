"""What of a passage is shown: the sentence that matched best, and more of the text around it."""

from __future__ import annotations

from notekin.search.sentences import WIDEST, sentences_of
from notekin.types import Span


def widened(text: str, start: int, end: int, sentences: int) -> Span:
    """Return a stretch with so many sentences more to either side.

    A sentence that the stretch cuts is taken in whole first; with 0 the stretch stays as it is.
    """
    if not sentences:
        return start, end
    reach = WIDEST * (1 + sentences)
    spans = sentences_of(text, max(0, start - reach), min(len(text), end + reach))
    inside = [at for at, (begins, ends) in enumerate(spans) if begins < end and ends > start]
    if not inside:
        return start, end
    first = spans[max(0, inside[0] - sentences)]
    last = spans[min(len(spans) - 1, inside[-1] + sentences)]
    return min(start, first[0]), max(end, last[1])
