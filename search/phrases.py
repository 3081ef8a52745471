"""Finds phrases with alternatives in a sequence of words: the longest that fits in each place.

All phrases of a table are followed at once, word by word. Where some words have led is a state;
it is worked out when words first lead there, and kept, so that a word costs one look-up. There
are as many states as the table's phrases have beginnings in common, whatever the texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from notekin.search.phrase_notation import Pattern, Reader, firsts_of, may_be_missing

Meaning = TypeVar("Meaning")


@dataclass(frozen=True, slots=True)
class Match(Generic[Meaning]):
    """A phrase found: words ``start`` up to, not including, ``end``; and what it means."""

    start: int
    end: int
    meanings: tuple[Meaning, ...]


@dataclass(frozen=True, slots=True)
class Entry(Generic[Meaning]):
    """A line of a table: a phrase, what must follow it, and what it means."""

    phrase: Pattern
    context: Pattern
    meaning: Meaning


class _Thread(NamedTuple):
    """A way to have read some words: what is still to come of one phrase of the table.

    Attributes:
        entry: The phrase's number.
        rest: What is to come of it, or of what must follow it.
        beyond: How many words were read since its end; -1 before its end.
    """

    entry: int
    rest: Pattern
    beyond: int


class _Fit(NamedTuple, Generic[Meaning]):
    """That a phrase has been read: how many words ago it ended, and what it means."""

    beyond: int
    meanings: tuple[Meaning, ...]


@dataclass(slots=True, eq=False)
class _State(Generic[Meaning]):
    """All ways to have read some words, and where each next word leads."""

    threads: tuple[_Thread, ...]
    fit: _Fit[Meaning] | None
    expected: frozenset[str]
    leads: dict[str, _State[Meaning]] = field(default_factory=dict)


class Phrases(Generic[Meaning]):
    """A table of phrases, ready to be looked for.

    The notation is that of search/assertion_rules.txt.
    """

    def __init__(self, table: Iterable[tuple[str, Meaning]], lists: Mapping[str, str]) -> None:
        self.entries = list(_entries(table, lists))
        self._by_first: dict[str, list[_Thread]] = {}
        for number, entry in enumerate(self.entries):
            for first in firsts_of(entry.phrase):
                self._by_first.setdefault(first, []).append(_Thread(number, entry.phrase, -1))
        self._starts: dict[str, _State[Meaning]] = {}
        self._states: dict[tuple[_Thread, ...], _State[Meaning]] = {}

    def find(self, words: Sequence[str]) -> list[Match[Meaning]]:
        """Return the phrases in order, without overlap; in each place the longest that fits.

        Of several that are equally long, with what must follow them, the first of the table
        says where the phrase ends; all that end there say what it means.
        """
        found: list[Match[Meaning]] = []
        until = 0
        for at in [at for at, word in enumerate(words) if word in self._by_first]:
            if at < until:
                continue
            state = self._starts.get(words[at]) or self._start(words[at])
            following = words[at + 1] if at + 1 < len(words) else None
            if state.fit is None and following not in state.expected:
                continue
            match = self._longest(state, words, at)
            if match is not None:
                found.append(match)
                until = match.end
        return found

    def _longest(
        self, state: _State[Meaning], words: Sequence[str], at: int
    ) -> Match[Meaning] | None:
        """Return the longest phrase that begins at ``at``, whose word leads to this state."""
        best, until = state.fit, at + 1
        for place in range(until, len(words)):
            word = words[place]
            if word not in state.expected:
                break
            following = state.leads.get(word)
            if following is None:
                following = state.leads[word] = self._after(state.threads, word)
            state = following
            if state.fit is not None:
                best, until = state.fit, place + 1
        return Match(at, until - best.beyond, best.meanings) if best else None

    def _start(self, word: str) -> _State[Meaning]:
        """Return the state to which a phrase's first word leads."""
        state = self._starts[word] = self._after(self._by_first[word], word)
        return state

    def _after(self, threads: Iterable[_Thread], word: str) -> _State[Meaning]:
        """Return the state to which a word leads."""
        read = dict.fromkeys(
            _Thread(one.entry, rest, one.beyond + (one.beyond >= 0))
            for one in threads
            for rest in _read(one.rest, word)
        )
        every = tuple(dict.fromkeys(self._with_contexts(read)))
        if every not in self._states:
            waiting = tuple(one for one in every if one.rest)
            expected = frozenset(word for one in waiting for word in firsts_of(one.rest))
            self._states[every] = _State(waiting, self._fit(every), expected)
        return self._states[every]

    def _with_contexts(self, threads: Iterable[_Thread]) -> Iterator[_Thread]:
        """Give the ways to read on, those into what must follow a phrase among them."""
        for one in threads:
            yield one
            if one.beyond < 0 and may_be_missing(one.rest):
                yield _Thread(one.entry, self.entries[one.entry].context, 0)

    def _fit(self, threads: Iterable[_Thread]) -> _Fit[Meaning] | None:
        """Return what has been read to its end, and to the end of what must follow it."""
        done = [one for one in threads if one.beyond >= 0 and may_be_missing(one.rest)]
        if not done:
            return None
        done.sort(key=lambda one: (one.entry, -one.beyond))
        beyond = done[0].beyond
        ended = (self.entries[one.entry].meaning for one in done if one.beyond == beyond)
        return _Fit(beyond, tuple(dict.fromkeys(ended)))


def _entries(
    table: Iterable[tuple[str, Meaning]], lists: Mapping[str, str]
) -> Iterator[Entry[Meaning]]:
    reader = Reader(lists)
    for written, meaning in table:
        phrase, _, context = written.partition(" > ")
        yield Entry(reader.read(phrase), reader.read(context), meaning)


def _read(pattern: Pattern, word: str) -> Iterator[Pattern]:
    """Give what is to come of a pattern after a word, for each way to read it."""
    if not pattern:
        return
    head, rest = pattern[0], pattern[1:]
    if isinstance(head, str):
        if head == word:
            yield rest
        return
    if head.optional:
        yield from _read(rest, word)
    for option in head.options.get(word, ()):
        yield from _read((*option, *rest), word)
