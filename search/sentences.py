"""Where the sentences of a clinical text begin and end: abbreviations, wrapped lines, lists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache

from notekin.types import Span

WIDEST = 1500
"""How far a sentence is looked for to either side; a longer one is cut there."""

_NEVER_LAST = re.compile(r"dr|mr|mrs|ms|prof|vs|e\.g|i\.e|approx|fig|p\.r\.n|st|e")
"""Abbreviations after which the sentence goes on, whatever follows."""
_SELDOM_LAST = re.compile(
    r"pts?|dept|no|inc|m[gl]|kg|hrs?|min|[wh]t|temp|resp|abd|ext|neuro|[hdtrsf]x|[jqs]r?|p\.o|b\.i\.d|"
    r"[tq]\.i\.d|q\.[dh]|i\.[vm]|[ap]\.m|etc|al|esp|incl|neg|pos|s\.p|h\.o|c\.o|u\.s|[md]\.[do]|d\.c|"
    r"n\.p\.o|b\.p|[a-z]"
)
"""Abbreviations after which the sentence ends only where a capital follows."""
_ANSWER = re.compile(
    r"\s*(?:yes|no|none|denies|denied|neg(?:ative)?|pos(?:itive)?)\b", re.IGNORECASE
)
_OPEN_END = re.compile(
    r"(?:,|/|-|(?<![:?-] )\b(?:and|or|nor|of|the|a|an|no|with|without|to|in|for|on|at|by|"
    r"from|his|her|is|was|has|had|denies|any|not|that|which|who))$",
    re.IGNORECASE,
)
_BULLET = re.compile(r"[ \t]*(?:[-*•·o]|\d{1,2}[.)]|[a-z][.)])[ \t]+", re.IGNORECASE)
_WRAPPED = 55
"""A line of this many characters may have been wrapped: what follows can go on with it."""


@cache
def _end() -> re.Pattern[str]:
    return re.compile(r"""[.!?]+["')\]]*(?=\s|$)|[ \t]*\n\s*""")


def sentence_around(text: str, start: int, end: int) -> Span:
    """Return the sentence that holds ``text[start:end]``, or those that do together.

    Items of a list belong to the line that introduces them with a colon, so that ``Denies:``
    holds for each of them.
    """
    base = max(0, start - WIDEST) // WIDEST * WIDEST
    last = min(len(text), -(-(end + WIDEST) // WIDEST) * WIDEST)
    first, until = base, last
    for begins, ends in _stretch(text, base, last):
        if begins <= start:
            first = begins
        if ends >= end:
            until = ends
            break
    return first, until


def sentences_of(text: str, start: int = 0, end: int | None = None) -> list[Span]:
    """Return the sentences of ``text[start:end]`` in order, without the space around them."""
    return list(_sentences(text, start, len(text) if end is None else end))


@lru_cache(maxsize=64)
def _stretch(text: str, start: int, end: int) -> tuple[Span, ...]:
    """Return the sentences of a stretch; asked for once for each word found in it."""
    return tuple(_sentences(text, start, end))


def _sentences(text: str, start: int, end: int) -> Iterator[Span]:
    begins = start
    for match in _end().finditer(text, start, end):
        if match.start() < begins:
            continue
        if _ends(text, begins, match):
            yield from _stripped(text, begins, match.end())
            begins = match.end()
    yield from _stripped(text, begins, end)


def _stripped(text: str, start: int, end: int) -> Iterator[Span]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if end > start:
        yield start, end


def _ends(text: str, begins: int, match: re.Match[str]) -> bool:
    """Say whether a sentence that began at ``begins`` ends at this mark or line break."""
    if "\n" in match[0]:
        return _line_ends(text, begins, match)
    if match[0].startswith("?"):
        return _ANSWER.match(text, match.end()) is None
    if not match[0].startswith("."):
        return True
    return _stop_ends(text, begins, match)


def _stop_ends(text: str, begins: int, match: re.Match[str]) -> bool:
    """Say whether a full stop ends the sentence, and not an abbreviation or a list's number."""
    word_at = begins
    for space in " \n([":
        word_at = max(word_at, 1 + text.rfind(space, word_at, match.start()))
    word = text[word_at : match.start()].lower()
    following = text[match.end() : match.end() + 3].lstrip()[:1]
    if _NEVER_LAST.fullmatch(word):
        return False
    if word.isdigit() and len(word) < 3:
        return not _numbers_an_item(text, begins, word_at)
    return following.isupper() or not _SELDOM_LAST.fullmatch(word)


def _numbers_an_item(text: str, begins: int, word_at: int) -> bool:
    before = text[begins:word_at].rstrip(" \t")
    return not before or before.endswith((":", "\n", ".", ";"))


def _line_ends(text: str, begins: int, match: re.Match[str]) -> bool:
    """Say whether a sentence ends with its line: not where the line was wrapped or opens a list."""
    line = text[max(begins, text.rfind("\n", begins, match.start()) + 1) : match.start()]
    if match[0].count("\n") > 1 and not line.endswith(":"):
        return True
    bulleted = _BULLET.match(text, match.end()) is not None
    if line.endswith(":"):
        return not bulleted
    if bulleted:
        return not _is_in_list(text, begins)
    following = text[match.end() : match.end() + 1]
    if following.islower() or _OPEN_END.search(line):
        return False
    return len(line) < _WRAPPED or line[-1:] in ".:;?!"


def _is_in_list(text: str, begins: int) -> bool:
    """Say whether the sentence so far is a line that ends in a colon, and items under it."""
    opening = text.find("\n", begins)
    return opening > begins and text[begins:opening].rstrip().endswith(":")
