"""The words of a text, as lexical search compares them: folded, stemmed, stop words left out.

A note and a query go through the same rules (docs/decisions/0010-lexical-index.md):

- Case and accents are folded: ``Ménière's`` is ``menier``.
- Letters and digits stay together (``hba1c``, ``t2dm``, ``b12``); a number and the unit written
  to it are two words (``40mg``: ``40``, ``mg``), ``2.5`` and ``1,000`` are one.
- ``'s`` goes, other apostrophes close up: ``Crohn's`` is ``crohn``, ``don't`` is ``dont``.
- Parts joined by hyphens or slashes are words of their own, and, where there is a letter in
  them, one word together, too: ``x-ray`` is ``x``, ``ray`` and ``xray``; ``s/p`` is also ``sp``.
- Words of English letters are stemmed (Snowball). ``no``, ``not``, ``without``, ``on`` and
  ``off`` are words; so are single letters, which tell hepatitis A from B.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from operator import itemgetter

import Stemmer

RULES = 1
"""The number of these rules; words kept on disk under another number are made anew."""
LONGEST = 64
"""Letters of a term; what follows in a longer word is not compared."""

STOP_WORDS = frozenset(
    [
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "been",
        "but",
        "by",
        "for",
        "from",
        "had",
        "has",
        "have",
        "he",
        "her",
        "his",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "of",
        "or",
        "she",
        "such",
        "than",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "to",
        "was",
        "were",
        "which",
        "who",
        "will",
        "with",
    ]
)
_UNITS = "mg|mcg|ug|kg|ml|dl|cm|mm|mmhg|meq|mmol|iu|units?|hours?|hrs?|mins?|yo|yrs?|years?"
_ALONE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Letters of scripts that put no space between words: each is a word of its own."""
_LONGEST_SLASHED = 6
_MOST_PARTS = 3
_JOINTS = {"-": "-", "\u2010": "-", "/": "/"}
_CACHED_STEMS = 1 << 18


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a text that is compared.

    Attributes:
        term: What it is compared by.
        start: Where it stands: ``text[start:end]``.
        place: Its ordinal among all words of the text, stop words too; of joined parts, the
            first one's.
    """

    term: str
    start: int
    end: int
    place: int


@dataclass(frozen=True, slots=True)
class Words:
    """All words of a text, as parallel lists.

    Attributes:
        starts: Where each word of the text starts, by place; stop words too.
        ends: Where each of them ends.
        terms: What is compared, by place; a joined word after its first part.
        firsts: Each term's place.
        lasts: The same, but of a joined word the last part's place.
        length: How many words are compared; joined ones, whose parts count, are left out.
    """

    starts: list[int]
    ends: list[int]
    terms: list[str]
    firsts: list[int]
    lasts: list[int]
    length: int


def words_of(text: str) -> list[Word]:
    """Return the words of a text that are compared, by place; a joined one after its first part."""
    words = read_words(text)
    return [
        Word(term, words.starts[first], words.ends[last], first)
        for term, first, last in zip(words.terms, words.firsts, words.lasts, strict=True)
    ]


def read_words(text: str) -> Words:
    """Return all words of a text; nearly 1,000,000 a second."""
    plain, origin = _folded(text)
    pattern = _ASCII if plain.isascii() else _ANY
    spans = [match.span() for match in pattern.finditer(plain)]
    terms = [_term(plain[start:end]) for start, end in spans]
    found = [(term, place, place) for place, term in enumerate(terms) if term]
    if together := list(_joined(plain, spans)):
        found = sorted([*found, *together], key=itemgetter(1))
    words = Words(
        starts=[start for start, _ in spans],
        ends=[end for _, end in spans],
        terms=[term for term, _, _ in found],
        firsts=[first for _, first, _ in found],
        lasts=[last for _, _, last in found],
        length=len(found) - len(together),
    )
    return words if origin is None else _moved(words, origin)


def phrase_readings(text: str) -> list[list[tuple[str, int]]]:
    """Return the ways to read a phrase: terms, each with its distance from the first.

    Stop words are gaps. There are two ways where the phrase holds a joined word: by its parts,
    and as the one word that others write. A phrase of stop words alone has no reading.
    """
    words = read_words(text)
    single: dict[int, str] = {}
    joined: dict[int, tuple[str, int]] = {}
    for term, first, last in zip(words.terms, words.firsts, words.lasts, strict=True):
        if first == last:
            single[first] = term
        else:
            joined[first] = (term, last)
    readings = [list(single.items())]
    if joined:
        readings.append(_as_written_together(single, joined, len(words.starts)))
    return [
        [(term, place - reading[0][0]) for place, term in reading]
        for reading in readings
        if reading
    ]


def _as_written_together(
    single: dict[int, str], joined: dict[int, tuple[str, int]], count: int
) -> list[tuple[int, str]]:
    """Return (place, term) of a phrase whose joined words take one place each."""
    reading: list[tuple[int, str]] = []
    place = taken = 0
    while place < count:
        term, last = joined.get(place, (single.get(place), place))
        if term:
            reading.append((place - taken, term))
        taken += last - place
        place = last + 1
    return reading


def _joined(plain: str, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[str, int, int]]:
    """Give (term, first place, last place) of each chain of parts that is a word together."""
    for first, last, joint in _chains(plain, spans):
        parts = [plain[start:end] for start, end in spans[first : last + 1]]
        together = "".join(parts)
        short = len(parts) <= _MOST_PARTS and len(together) <= LONGEST
        if joint == "/":
            short = short and len(together) <= _LONGEST_SLASHED
        if short and not together.isdigit() and (term := _term(together)):
            yield term, first, last


def _chains(plain: str, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, str]]:
    """Give (first place, last place, joint) of words with one and the same joint between them."""
    if not any(joint in plain for joint in _JOINTS):
        return
    first, joint = 0, ""
    for place, ((_, end), (start, _)) in enumerate(pairwise(spans)):
        next_joint = _JOINTS.get(plain[end], "") if start == end + 1 else ""
        if next_joint == joint:
            continue
        if joint:
            yield first, place, joint
        first, joint = place, next_joint
    if joint:
        yield first, len(spans) - 1, joint


@lru_cache(_CACHED_STEMS)
def _term(word: str) -> str:
    """Return what a folded word is compared by; nothing for a stop word."""
    word = word[: 2 * LONGEST].replace("\u2019", "'")
    word = word.removesuffix("'s").replace("'", "").replace(",", "")[:LONGEST]
    if word in STOP_WORDS:
        return ""
    return _stem(word) if word.isascii() and word.isalpha() else word


class _Stemmers(threading.local):
    """One stemmer a thread: they must not be shared."""

    def __init__(self) -> None:
        self.english = Stemmer.Stemmer("english", 0)


_STEMMERS = _Stemmers()


def _stem(word: str) -> str:
    stem: str = _STEMMERS.english.stemWord(word)
    return stem


def _folded(text: str) -> tuple[str, list[int] | None]:
    """Return the text without case and accents, and where each of its letters stood.

    The places are None where none has moved; else there is one more, for the text's end.
    """
    if text.isascii():
        return text.lower(), None
    letters = [_fold(letter) for letter in text]
    plain = "".join(letters)
    if all(len(letter) == 1 for letter in letters):
        return plain, None
    origin = [place for place, letter in enumerate(letters) for _ in letter]
    return plain, [*origin, len(text)]


@lru_cache(1 << 16)
def _fold(letter: str) -> str:
    """Return what one letter becomes; an accent that stands alone becomes nothing."""
    plain = unicodedata.normalize("NFKD", letter.lower())
    plain = "".join(part for part in plain if not unicodedata.combining(part))
    return plain.lower().replace("\u03bc", "u")


def _moved(words: Words, origin: Sequence[int]) -> Words:
    """Return words with the offsets that they have in the text as it was."""
    return replace(
        words,
        starts=[origin[start] for start in words.starts],
        ends=[max(origin[end], origin[end - 1] + 1) for end in words.ends],
    )


def _pattern(letter: str, digit: str) -> re.Pattern[str]:
    """Return what finds words; possessive throughout, so that no text makes it slow."""
    number = f"(?:{digit}{{1,3}}+(?:,{digit}{{3}})++(?!{digit})|{digit}++)(?:\\.{digit}++)*+"
    return re.compile(
        f"[{_ALONE}]"
        f"|{number}(?=(?:{_UNITS})(?!{letter}))"
        f"|{number}(?!{letter})"
        f"|{letter}++(?:['\u2019]{letter}++)*+"
    )


_ASCII = _pattern("[a-z0-9]", "[0-9]")
_ANY = _pattern(f"[^\\W_{_ALONE}]", "\\d")
