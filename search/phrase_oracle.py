"""The plain way to find phrases: each is tried in each place; ``phrases.py`` agrees with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from notekin.search.phrase_notation import Pattern
from notekin.search.phrases import Entry, Match, Meaning


def find_plainly(entries: Sequence[Entry[Meaning]], words: Sequence[str]) -> list[Match[Meaning]]:
    """Return the phrases in order, without overlap; in each place the longest that fits."""
    found, at = list[Match[Meaning]](), 0
    while at < len(words):
        match = _longest(entries, words, at)
        if match is not None:
            found.append(match)
        at = at + 1 if match is None else max(match.end, at + 1)
    return found


def _longest(
    entries: Sequence[Entry[Meaning]], words: Sequence[str], at: int
) -> Match[Meaning] | None:
    best, end, meanings = at, at, list[Meaning]()
    for entry in entries:
        for stop in sorted(set(_ends(entry.phrase, words, at)) - {at}):
            for until in _ends(entry.context, words, stop):
                if until > best:
                    best, end, meanings = until, stop, []
                if until == best and stop == end and entry.meaning not in meanings:
                    meanings.append(entry.meaning)
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
