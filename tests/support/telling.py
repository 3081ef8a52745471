"""Which passages of a text say what is wanted, by a plain reading."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence

from notekin.storage.records import StoredPassage
from notekin.storage.telling import Word
from notekin.storage.wanted import Wanted
from notekin.words import words_of


def told_plainly(
    text: str, passages: Sequence[StoredPassage], wanted: Sequence[Wanted]
) -> dict[int, frozenset[Word]]:
    """Return what each passage says, read word by word."""
    starts = [one.start for one in passages]
    held = {(word.term, word.place) for word in words_of(text)}
    told: dict[int, set[Word]] = defaultdict(set)
    for word in words_of(text):
        passage = max(bisect_right(starts, word.start) - 1, 0)
        for number, one in enumerate(wanted):
            for at, terms in enumerate(one.words):
                if word.term in terms:
                    told[passage].add((number, at))
            for phrase in one.others:
                begins = phrase[0][0] == word.term
                if begins and all((term, word.place + far) in held for term, far in phrase):
                    told[passage] |= {(number, at) for at in range(len(one.words))}
    return {at: frozenset(said) for at, said in told.items()}
