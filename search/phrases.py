"""Finds phrases with alternatives in a sequence of words: the longest that fits in each place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

Meaning = TypeVar("Meaning")

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W\d_]+)?|\n|[^\w\s]|_")
_SIGN = re.compile(r"\{\w+\}|<\w+>|[^\W_]+(?:'[^\W\d_]+)?|\||[^\w\s]")
_YEAR = re.compile(r"(?:19|20)\d\d")
_NUMBER = re.compile(
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty"
)


def words_in(text: str) -> list[tuple[str, int, int]]:
    """Return the words and signs of a text in lower case, each with its place in the text."""
    return [(plain(match[0]), match.start(), match.end()) for match in _WORD.finditer(text)]


def plain(word: str) -> str:
    """Return a word as phrases know it: ``<n>`` for a number but 0, ``<year>`` for a year.

    A nought is a word of its own: ``pain: 0`` denies what ``pain: 7`` affirms.
    """
    lower = word.lower().replace("\u2019", "'")
    if lower == "0":
        return lower
    if lower.isdigit():
        return "<year>" if _YEAR.fullmatch(lower) else "<n>"
    return "<n>" if _NUMBER.fullmatch(lower) else lower


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several sequences, by their first words; or none of them."""

    options: Mapping[str, Sequence[Pattern]]
    optional: bool


Pattern: TypeAlias = "tuple[str | Choice, ...]"


@dataclass(frozen=True, slots=True)
class Match(Generic[Meaning]):
    """A phrase found: words ``start`` up to, not including, ``end``; and what it means."""

    start: int
    end: int
    meanings: tuple[Meaning, ...]


class Phrases(Generic[Meaning]):
    """A table of phrases, ready to be looked for.

    The notation is that of search/assertion_rules.txt.
    """

    def __init__(self, table: Iterable[tuple[str, Meaning]], lists: Mapping[str, str]) -> None:
        self._reader = _Reader(lists)
        self._by_first: dict[str, list[tuple[Pattern, Pattern, Meaning]]] = {}
        for written, meaning in table:
            phrase, _, context = written.partition(" > ")
            entry = (self._reader.read(phrase), self._reader.read(context), meaning)
            for first in _firsts(entry[0]):
                self._by_first.setdefault(first, []).append(entry)

    def find(self, words: Sequence[str]) -> list[Match[Meaning]]:
        """Return the phrases in order, without overlap; in each place the longest that fits."""
        found, at = [], 0
        while at < len(words):
            match = self._longest(words, at)
            if match is not None:
                found.append(match)
            at = at + 1 if match is None else max(match.end, at + 1)
        return found

    def _longest(self, words: Sequence[str], at: int) -> Match[Meaning] | None:
        best, end, meanings = 0, at, list[Meaning]()
        for phrase, context, meaning in self._by_first.get(words[at], ()):
            for stop in _ends(phrase, words, at):
                for until in _ends(context, words, stop):
                    if until > best:
                        best, end, meanings = until, stop, []
                    if until == best and stop == end and meaning not in meanings:
                        meanings.append(meaning)
        return Match(at, end, tuple(meanings)) if meanings else None


def _ends(pattern: Pattern, words: Sequence[str], at: int) -> Iterator[int]:
    """Give each place where the pattern can end that begins at ``at``."""
    if not pattern:
        yield at
        return
    head, rest = pattern[0], pattern[1:]
    if isinstance(head, str):
        if at < len(words) and words[at] == head:
            yield from _ends(rest, words, at + 1)
        return
    if head.optional:
        yield from _ends(rest, words, at)
    if at < len(words):
        for option in head.options.get(words[at], ()):
            for middle in _ends(option, words, at):
                yield from _ends(rest, words, middle)


def _firsts(pattern: Pattern) -> set[str]:
    """Return the words that the pattern can begin with."""
    found: set[str] = set()
    for part in pattern:
        if isinstance(part, str):
            return found | {part}
        found |= part.options.keys()
        if not part.optional:
            return found
    return found


class _Reader:
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
                for first in _firsts(pattern):
                    options.setdefault(first, []).append(pattern)
            self._read[written] = Choice(options, optional=() in patterns)
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
