"""What a query wants said in a note, in terms: words, and what else would say the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Phrase: TypeAlias = tuple[tuple[str, int], ...]
"""Terms, each with its distance in words from the first; stop words are gaps."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Words of a query that mean one thing together, and phrases that mean it, too.

    Attributes:
        words: Each word by its terms: one, or several where it is spelled in several ways.
        others: Other ways to say all of the words.
    """

    words: tuple[tuple[str, ...], ...]
    others: tuple[Phrase, ...] = ()
