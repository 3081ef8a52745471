"""What a query wants, word by word: spelled in any way, or said in other words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from notekin.search.spelling import american, spellings
from notekin.search.thesaurus import Thesaurus, built_in
from notekin.storage.wanted import Phrase, Wanted
from notekin.words import words_of

_SAID_OF_ALL = "patient"
"""A term that is true of every note; it counts where a query holds nothing else."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A word of a query.

    Attributes:
        terms: Of its spellings, its own first.
        plain: Its term in American spelling.
        joined: The term that it makes with the words joined to it by hyphens or slashes.
        parts: How many words that takes, itself among them.
    """

    terms: tuple[str, ...]
    plain: str
    joined: str | None
    parts: int


def wanted_of(text: str) -> list[Wanted]:
    """Return what a query asks for, each word once, in the order of the text.

    Words that the thesaurus knows together are wanted together. A query without a word that
    is compared, such as one of stop words alone, wants nothing.
    """
    wanted: list[Wanted] = []
    taken: set[tuple[str, ...]] = set()
    for group in _groups(_asked(text), built_in()):
        words = tuple(word for word in dict.fromkeys(group.words) if word not in taken)
        taken.update(words)
        if words:
            wanted.append(Wanted(words, group.others))
    return [one for one in wanted if one.words[0][0] != _SAID_OF_ALL] or wanted


def _groups(asked: Sequence[_Asked], thesaurus: Thesaurus) -> Iterator[Wanted]:
    """Give the words in groups that mean one thing: the longest that is known, else each alone."""
    at = 0
    while at < len(asked):
        count, others = _longest(asked[at : at + thesaurus.longest], thesaurus)
        first = asked[at]
        if first.joined and first.parts >= count:
            known = others if first.parts == count else ()
            count, others = first.parts, (*known, ((first.joined, 0),))
        yield Wanted(tuple(one.terms for one in asked[at : at + count]), others)
        at += count


def _longest(asked: Sequence[_Asked], thesaurus: Thesaurus) -> tuple[int, tuple[Phrase, ...]]:
    """Return how many of the first words are known together, and what says the same."""
    for count in range(len(asked), 0, -1):
        if others := thesaurus.find(tuple(one.plain for one in asked[:count])):
            return count, others
    return 1, ()


def _asked(text: str) -> list[_Asked]:
    words = words_of(text)
    joined = {word.place: word for before, word in pairwise(words) if word.place == before.place}
    alone = [word for word in words if word is not joined.get(word.place)]
    asked = []
    for word in alone:
        together = joined.get(word.place)
        parts = sum(word.start <= one.start < together.end for one in alone) if together else 1
        written = text[word.start : word.end].lower()
        asked.append(
            _Asked(
                terms=tuple(
                    dict.fromkeys(_term(one, written, word.term) for one in spellings(written))
                ),
                plain=_term(american(written), written, word.term),
                joined=together.term if together else None,
                parts=parts,
            )
        )
    return asked


def _term(spelled: str, written: str, term: str) -> str:
    """Return what a spelling of a written word is compared by, given the word's own term."""
    words = [] if spelled == written else words_of(spelled)
    return words[0].term if words else term
