"""How phrases with alternatives are written, and what is read of them.

The notation is that of search/assertion_rules.txt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from notekin.types import Span

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W\d_]+)?|\n|[^\w\s]|_")
_SIGN = re.compile(r"\{\w+\}|<\w+>|[^\W_]+(?:'[^\W\d_]+)?|\||[^\w\s]")
_YEAR = re.compile(r"(?:19|20)\d\d")
_NUMBER = re.compile(
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty"
)
_CONTRACTED = re.compile(
    "aint|arent|cant|couldnt|didnt|doesnt|dont|hadnt|hasnt|havent|isnt|wasnt|werent|wouldnt"
)
"""Words that are written without their apostrophe, too."""
_CACHED_WORDS = 1 << 16


def words_in(text: str) -> list[str]:
    """Return the words and signs of a text, as phrases know them."""
    return [plain(word) for word in _WORD.findall(text)]


def places_in(text: str) -> list[Span]:
    """Return where each of ``words_in`` stands in the text."""
    return [match.span() for match in _WORD.finditer(text)]


@lru_cache(_CACHED_WORDS)
def plain(word: str) -> str:
    """Return a word as phrases know it: ``<n>`` for a number but 0, ``<year>`` for a year.

    A nought is a word of its own: ``pain: 0`` denies what ``pain: 7`` affirms.
    """
    lower = word.lower().replace("\u2019", "'")
    if lower == "0":
        return lower
    if lower.isdigit():
        return "<year>" if _YEAR.fullmatch(lower) else "<n>"
    if _CONTRACTED.fullmatch(lower):
        return f"{lower[:-1]}'t"
    return "<n>" if _NUMBER.fullmatch(lower) else lower


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One of several sequences, by their first words; or none of them."""

    options: Mapping[str, Sequence[Pattern]]
    optional: bool


Pattern: TypeAlias = "tuple[str | Choice, ...]"


def firsts_of(pattern: Pattern) -> set[str]:
    """Return the words that the pattern can begin with."""
    found: set[str] = set()
    for part in pattern:
        if isinstance(part, str):
            return found | {part}
        found |= part.options.keys()
        if not part.optional:
            return found
    return found


def may_be_missing(pattern: Pattern) -> bool:
    """Say whether no word at all fits the pattern."""
    return all(isinstance(part, Choice) and part.optional for part in pattern)


class Reader:
    """Reads written phrases; a list or group that was read before is not read again."""

    def __init__(self, lists: Mapping[str, str]) -> None:
        self._lists = lists
        self._read: dict[str, Choice] = {}

    def read(self, written: str) -> Pattern:
        """Return the pattern of a phrase."""
        parts: list[str | Choice] = []
        at = 0
        while at < len(written):
            if written[at] == "(" and written[at + 1 : at + 2].strip():
                end = _closing(written, at)
                parts.append(self._group(written[at + 1 : end]))
                at = end + 1
                continue
            match = _SIGN.match(written, at)
            if match is None:
                at += 1
                continue
            parts.append(self._word(match[0]))
            at = match.end()
        return tuple(parts)

    def _word(self, sign: str) -> str | Choice:
        if sign.startswith("{"):
            return self._group(self._lists[sign[1:-1]])
        return sign if sign.startswith("<") else plain(sign)

    def _group(self, written: str) -> Choice:
        if written not in self._read:
            options: dict[str, list[Pattern]] = {}
            patterns = [self.read(part) for part in _alternatives(written)]
            for pattern in patterns:
                for first in firsts_of(pattern):
                    options.setdefault(first, []).append(pattern)
            self._read[written] = Choice(options, optional=any(map(may_be_missing, patterns)))
        return self._read[written]


def _closing(written: str, opening: int) -> int:
    """Return where the group that opens here closes; a bracket that is a sign has spaces in it."""
    depth = 0
    for at in range(opening, len(written)):
        if written[at] == "(" and written[at + 1 : at + 2].strip():
            depth += 1
        elif written[at] == ")" and written[at - 1] != " ":
            depth -= 1
            if depth == 0:
                return at
    raise ValueError(f"A bracket is not closed in the phrase {written!r}.")


def _alternatives(written: str) -> Iterator[str]:
    """Give the parts of a group, at the bars that are not within a group in it."""
    depth, begins = 0, 0
    for at, sign in enumerate(written):
        depth += (sign == "(" and written[at + 1 : at + 2].strip() != "") - (
            sign == ")" and written[at - 1] != " "
        )
        if sign == "|" and depth == 0:
            yield written[begins:at]
            begins = at + 1
    yield written[begins:]
